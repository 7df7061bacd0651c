"""``genarris-fw report``: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.cli.interrupting import when_interrupted
from genarris_fw.cli.overwriting import force_option
from genarris_fw.names import made_safe
from genarris_fw.showing import printable


@click.command(name="report", epilog=example("report urea --output my_report.html"))
@run_argument
@click.option(
    "--pool",
    default=None,
    shell_complete=pool_names,
    help="Whose structures are shown (default: those that the last step made).",
)
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path),
    default=None,
    help="The HTML file (default: RUN_report.html); its pictures go into a folder beside it.",
)
@force_option
@json_option
@database_options
def command(
    run: str | None, pool: str | None, target: Path | None, force: bool, as_json: bool, folder: Path, uri: str | None
) -> None:
    """Write one HTML file about RUN: landscape, funnel, lowest structures, experiment, costs, failures, provenance."""
    from genarris_fw.views.report.write import refuse_taken, write_report
    from genarris_fw.views.waiting import waiting
    from genarris_fw.views.wording import counted

    with open_run(run, folder, uri, read_only=True) as (opened, name, _):
        html = target or Path(f"{made_safe(name, 'run')}_report.html")
        opened.catalogue.runs.get(name)
        refuse_taken(html, force)
        with when_interrupted(more="--force"), waiting("reading the run") as told:
            written = write_report(opened.catalogue, name, html, pool, force, told)
    if as_json:
        about = {
            "run": name,
            "pool": written.pool,
            "html": str(written.html),
            "folder": str(written.folder),
            "pictures": [str(path) for path in written.pictures],
            "left_out": written.left_out,
        }
        print_json(about)
    else:
        pictures = counted(len(written.pictures), "picture")
        click.echo(printable(f"report of run '{name}': {written.html}, {pictures} in {written.folder}"))
