"""``genarris-fw archive``: a run as an RO-Crate."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.cli.interrupting import BEGINS_AGAIN, when_interrupted
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.names import made_safe
from genarris_fw.showing import printable


@click.command(name="archive", epilog=example("archive urea --to urea.crate.zip --license CC-BY-4.0"))
@run_argument
@click.option(
    "--to", "target", type=click.Path(path_type=Path), default=None, help="The zip file (default: RUN.crate.zip)."
)
@click.option(
    "--pool",
    "pools",
    multiple=True,
    shell_complete=pool_names,
    help="Only the structures of this pool; may be given again (default: all pools).",
)
@click.option("--author", default="", help="Whose it is (default: your user name).")
@click.option(
    "--license", "licence", default="", help="SPDX identifier or address of a licence (default: none stated)."
)
@force_option
@json_option
@database_options
def command(
    run: str | None,
    target: Path | None,
    pools: tuple[str, ...],
    author: str,
    licence: str,
    force: bool,
    as_json: bool,
    folder: Path,
    uri: str | None,
) -> None:
    """Write RUN as an archive for others, an RO-Crate: input, structures, properties and provenance."""
    from genarris_fw.views.archive.write import write_archive
    from genarris_fw.views.waiting import waiting
    from genarris_fw.views.wording import counted

    with open_run(run, folder, uri, read_only=True) as (opened, name, _):
        place = target or Path(f"{made_safe(name, 'run')}.crate.zip")
        refuse_there([place], force, "--to")
        with when_interrupted(BEGINS_AGAIN), waiting() as told:
            number = write_archive(opened.catalogue, name, place, pools, author, licence, opened.uri, told)
    if as_json:
        print_json({"run": name, "archive": str(place), "files": number})
    else:
        click.echo(printable(f"archive of run '{name}': {counted(number, 'file')} in {place}"))
