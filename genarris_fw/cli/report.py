"""``genarris-fw report``: a run as one HTML file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.names import made_safe
from genarris_fw.showing import printable


@click.command(name="report")
@click.argument("run", required=False)
@click.option("--pool", default=None, help="Whose structures are shown (default: those that the last step made).")
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path),
    default=None,
    help="The HTML file (default: RUN_report.html); its pictures go into a folder beside it.",
)
@click.option("--force", is_flag=True, help="Replace a report that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@database_options
def command(
    run: str | None, pool: str | None, target: Path | None, force: bool, as_json: bool, folder: Path, uri: str | None
) -> None:
    """Write one HTML file about RUN: landscape, funnel, lowest structures, experiment, costs, failures, provenance."""
    from genarris_fw.views.report.write import refuse_taken, write_report
    from genarris_fw.views.wording import counted

    with open_existing(folder, uri, read_only=True) as opened:
        name = run or _only(opened)
        html = target or Path(f"{made_safe(name, 'run')}_report.html")
        opened.catalogue.runs.get(name)
        refuse_taken(html, force)
        written = write_report(opened.catalogue, name, html, pool, force)
    if as_json:
        about = {
            "run": name,
            "pool": written.pool,
            "html": str(written.html),
            "folder": str(written.folder),
            "pictures": [str(path) for path in written.pictures],
            "left_out": written.left_out,
        }
        click.echo(json.dumps(about, indent=2))
    else:
        pictures = counted(len(written.pictures), "picture")
        click.echo(printable(f"report of run '{name}': {written.html}, {pictures} in {written.folder}"))


def _only(opened: Opened) -> str:
    """Return the run that is meant where none was named.

    Raises
    ------
    InputError
        Where there is not one.
    """
    names = opened.catalogue.runs.names()
    if len(names) != 1:
        raise InputError(f"which run? the database has {', '.join(names[:10]) or 'none'}: name one")
    return names[0]
