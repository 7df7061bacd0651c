"""``genarris-fw export``: a pool of the catalogue as files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.declaring.door import EXPORTS, FORMATS
from genarris_fw.names import folder_of
from genarris_fw.showing import printable


@click.command(name="export")
@click.argument("run")
@click.option("--pool", default=None, help="Which pool (default: the one that the last step made).")
@click.option(
    "--format",
    "formats",
    default="json",
    show_default=True,
    help=f"Comma-separated: {', '.join([*FORMATS.names(), *EXPORTS.names()])}.",
)
@click.option(
    "--to", "target", type=click.Path(path_type=Path), default=None, help="The folder (default: exported/POOL)."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@database_options
def command(
    run: str, pool: str | None, formats: str, target: Path | None, as_json: bool, folder: Path, uri: str | None
) -> None:
    """Write the structures of a pool of RUN, with their properties, into a folder."""
    from genarris_fw.pools.exporting import export_pool, last_pool
    from genarris_fw.views.wording import counted

    names = [name.strip() for name in formats.split(",") if name.strip()]
    with open_existing(folder, uri) as opened:
        chosen = pool or last_pool(opened.catalogue, run)
        place = target or Path(folder_of(chosen, "exported", "--to"))
        written = export_pool(opened.catalogue, run, chosen, place, names)
    if as_json:
        about = {"run": run, "pool": chosen, "folder": str(place), "files": [str(path) for path in written]}
        click.echo(json.dumps(about, indent=2))
    else:
        click.echo(printable(f"pool '{chosen}' of run '{run}': {counted(len(written), 'file')} in {place}"))
