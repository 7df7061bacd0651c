"""``genarris-fw import``: a folder of structure files as a pool of the catalogue."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options
from genarris_fw.farm.opening import open_database
from genarris_fw.names import checked_name, checked_pool, made_safe
from genarris_fw.showing import printable


@click.command(name="import")
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--run", required=True, help="The run to put them in; it is made when it is not there.")
@click.option("--pool", default=None, help="The pool to put them in (default: the folder's name).")
@click.option("--json", "as_json", is_flag=True, help="Print what was read as JSON.")
@database_options
def command(source: Path, run: str, pool: str | None, as_json: bool, folder: Path, uri: str | None) -> None:
    """Read the structures in FOLDER (json, geometry.in, cif) into a pool; ids are kept, again changes nothing."""
    from genarris_fw.crystal import read_folder
    from genarris_fw.pools.importing import import_structures
    from genarris_fw.views.wording import counted

    checked_name(run, "a run")
    name = made_safe(source.absolute().name, "imported") if pool is None else checked_pool(pool)
    structures = read_folder(source)  # first: a folder that cannot be read shall leave no database behind
    number = len(structures)
    with open_database(folder, uri) as opened:
        new = import_structures(opened.catalogue, run, name, structures, source)
    if as_json:
        click.echo(json.dumps({"run": run, "pool": name, "structures": number, "new": new}))
    else:
        where = printable(str(source))
        click.echo(f"pool '{name}' of run '{run}' holds {counted(number, 'structure')} of {where} ({new} new)")
