"""``genarris-fw export``: a pool of the catalogue as files."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import format_names, pool_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.cli.interrupting import when_interrupted
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.declaring.door import EXPORTS, FORMATS
from genarris_fw.names import folder_of
from genarris_fw.showing import printable


@click.command(name="export", epilog=example("export urea --pool minima --format cif,csv --to files"))
@run_argument
@click.option(
    "--pool", default=None, shell_complete=pool_names, help="Which pool (default: the one that the last step made)."
)
@click.option(
    "--format",
    "formats",
    default="json",
    show_default=True,
    shell_complete=format_names,
    help=f"Comma-separated: {', '.join([*FORMATS.names(), *EXPORTS.names()])}.",
)
@click.option(
    "--to", "target", type=click.Path(path_type=Path), default=None, help="The folder (default: exported/POOL)."
)
@force_option
@json_option
@database_options
def command(
    run: str | None,
    pool: str | None,
    formats: str,
    target: Path | None,
    force: bool,
    as_json: bool,
    folder: Path,
    uri: str | None,
) -> None:
    """Write the structures of a pool of RUN, with their properties, into a folder."""
    from genarris_fw.pools.exporting import export_pool, last_pool
    from genarris_fw.views.waiting import waiting
    from genarris_fw.views.wording import counted

    names = [name.strip() for name in formats.split(",") if name.strip()]
    with open_run(run, folder, uri) as (opened, name, _):
        chosen = pool or last_pool(opened.catalogue, name)
        place = target or Path(folder_of(chosen, "exported", "--to"))

        def allowed(files: list[Path]) -> None:
            refuse_there(files, force, "--to")

        with when_interrupted(more="--force"), waiting() as told:
            written = export_pool(opened.catalogue, name, chosen, place, names, allowed, told)
    if as_json:
        print_json({"run": name, "pool": chosen, "folder": str(place), "files": [str(path) for path in written]})
    else:
        click.echo(printable(f"pool '{chosen}' of run '{name}': {counted(len(written), 'file')} in {place}"))
