"""``genarris-fw import``: a folder of structure files, or one file, as a pool of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names, run_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import all_runs, database_options, opening, the_run
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.names import checked_name, checked_pool, made_safe
from genarris_fw.showing import printable
from genarris_fw.threads import import_numpy_on_one_thread

if TYPE_CHECKING:
    from genarris_fw.catalogue import Catalogue
    from genarris_fw.pools.reading import PoolRead

# Notes on a terminal; in --json there are all.
SHOWN_NOTES = 20


@click.command(
    name="import", epilog=example("import crystals/ --run measured", "import more.cif --run measured --pool more")
)
@click.argument("source", metavar="FOLDER_OR_FILE", type=click.Path(path_type=Path))
@click.option(
    "--run",
    default=None,
    shell_complete=run_names,
    help="The run to put them in, made when it is not there (default: the only run; one of the folder's name).",
)
@click.option(
    "--pool",
    default=None,
    shell_complete=pool_names,
    help="The pool to put them in (default: the name of the folder or file).",
)
@click.option(
    "--disorder",
    type=click.Choice(["refuse", "major"]),
    default="refuse",
    show_default=True,
    help="Of disordered crystals: leave them out, or take the largest part.",
)
@json_option
@database_options
def command(
    source: Path, run: str | None, pool: str | None, disorder: str, as_json: bool, folder: Path, uri: str | None
) -> None:
    """Read structures, from a folder or a file, into a pool; ids are kept, again changes nothing.

    Every format is read: json, geometry.in, geometry.out, extxyz, cif, res, pdb, mol, ... What cannot be used
    (disorder, atoms that overlap, hydrogens without coordinates, molecules that are not the run's) is left out and
    named with the reason, and the rest is read.
    """
    import_numpy_on_one_thread()
    from genarris_fw.crystal.reading import Reading
    from genarris_fw.pools.importing import import_documents
    from genarris_fw.pools.reading import read_pool
    from genarris_fw.views.waiting import waiting
    from genarris_fw.views.wording import counted

    if run is not None:
        checked_name(run, "a run")
    named = source.absolute().name if source.is_dir() else source.absolute().stem
    name = made_safe(named, "imported") if pool is None else checked_pool(pool)
    choices = Reading(disorder="major" if disorder == "major" else "refuse")
    with waiting() as told:
        found = read_pool(source, choices, told=told)  # first: what cannot be read shall leave no database behind
    with opening(folder, uri) as opened:
        run = run or _only_or_new(opened, folder)
        with waiting("importing") as told:
            _leave_out_others(opened.catalogue, run, found, source)
            new = import_documents(opened.catalogue, run, name, found.documents, source, told)
    number = len(found.documents)
    if as_json:
        left_out = [{"file": one.file, "reason": one.reason} for one in found.left_out]
        answer = {"run": run, "pool": name, "structures": number, "new": new}
        print_json(answer | {"read": number, "left_out": left_out, "notes": found.notes})
        return
    for left in found.left_out:
        click.echo(printable(f"left out: {left.file}: {left.reason}"), err=True)
    for line in found.notes[:SHOWN_NOTES]:
        click.echo(printable(f"note: {line}"), err=True)
    if len(found.notes) > SHOWN_NOTES:
        click.echo(f"note: and {len(found.notes) - SHOWN_NOTES} more notes; --json prints all", err=True)
    where = printable(str(source))
    without = f", {len(found.left_out)} left out" if found.left_out else ""
    click.echo(f"pool '{name}' of run '{run}' holds {counted(number, 'structure')} of {where} ({new} new{without})")


def _only_or_new(opened: Opened, folder: Path) -> str:
    """Return the only run of a database; where there is none, a name for a new one."""
    return the_run(opened, None) if all_runs(opened) else made_safe(folder.absolute().name, "imported")


def _leave_out_others(catalogue: Catalogue, run: str, found: PoolRead, source: Path) -> None:
    """Leave out what is not made of the run's molecule, if it has one; an InputError where nothing is left."""
    from genarris_fw.pools.importing import other_molecules
    from genarris_fw.pools.reading import LeftOut

    others = other_molecules(catalogue.runs.find(run), found.documents)
    found.left_out += [LeftOut(found.files[name], f"{name}: {reason}") for name, reason in others.items()]
    found.documents = [document for document in found.documents if document["struct_id"] not in others]
    if not found.documents:
        raise InputError(f"{source}: nothing can be used: {found.left_out[-1].reason}")
