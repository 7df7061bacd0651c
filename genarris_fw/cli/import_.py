"""``genarris-fw import``: a folder of structure files, or one file, as a pool of the catalogue."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names, run_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import all_runs, database_options, opening, the_run
from genarris_fw.database.find import find_server
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.names import checked_name, checked_pool, made_safe
from genarris_fw.showing import printable
from genarris_fw.threads import import_numpy_on_one_thread

if TYPE_CHECKING:
    from genarris_fw.crystal.reading import Reading
    from genarris_fw.pools.importing import Import
    from genarris_fw.pools.reading import FileRead, LeftOut
    from genarris_fw.pools.sources import Source

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

    Every format is read: json, geometry.in, geometry.out, extxyz, cif, res, pdb, mol, databases of ASE, PyXtal and
    HTOCSP (.db), pools of Genarris 2 and 3, ... What cannot be used (disorder, atoms that overlap, hydrogens without
    coordinates, molecules that are not the run's, another crystal of the same id) is left out and named with the
    reason, and the rest is read. Of an import that was interrupted only the rest is read.
    """
    import_numpy_on_one_thread()
    from genarris_fw.crystal.reading import Reading
    from genarris_fw.pools.sources import Source

    if run is not None:
        checked_name(run, "a run")
    whole = Source(source)
    name = made_safe(_pool_name(source), "imported") if pool is None else checked_pool(pool)
    choices = Reading(disorder="major" if disorder == "major" else "refuse")
    done = _import(whole, choices, run, name, folder, uri)
    if as_json:
        left_out = [{"file": one.file, "reason": one.reason} for one in done.left_out]
        answer = {"run": done.run, "pool": name, "structures": done.structures, "new": done.new, "read": done.read}
        print_json(answer | {"already": done.already, "left_out": left_out, "notes": list(done.notes)})
        return
    _tell(done, source)


def _pool_name(source: Path) -> str:
    """Name a pool after its folder or file; where that is Genarris 3's structures.json, after the task it lies in."""
    path = source.absolute()
    if path.is_dir():
        return path.name
    return path.parent.name if path.name == "structures.json" else path.stem


def _import(whole: Source, choices: Reading, run: str | None, pool: str, folder: Path, uri: str | None) -> Import:
    """Read a source and put it into a pool, some files at a time; no database is made where nothing can be used."""
    from genarris_fw.pools.importing import Import, in_batches
    from genarris_fw.pools.reading import reader
    from genarris_fw.views.waiting import waiting

    into: Import | None = None
    unusable: list[FileRead] = []
    with ExitStack() as stack:
        read = stack.enter_context(reader(whole, choices))  # first its processes, then whatever starts threads

        def opened() -> Import:
            database = stack.enter_context(opening(folder, uri))
            made = Import(database.catalogue, run or _only_or_new(database, folder), pool, whole.path)
            stack.callback(made.close)
            return made

        if find_server(folder, uri).exists():
            into = opened()
        told = stack.enter_context(waiting())
        wanted = (part for part in whole.parts(told) if into is None or not into.is_there(part))
        for batch in in_batches(read(wanted)):
            if into is None and not any(part.documents for part in batch):
                unusable += batch
                continue
            into = into or opened()
            into.add([*unusable, *batch])
            unusable = []
        left_out = [one for part in unusable for one in part.left_out] if into is None else into.left_out
        if into is None or not into.structures:
            raise InputError(_nothing(whole.path, left_out))
        return into


def _nothing(source: Path, left_out: list[LeftOut]) -> str:
    first = left_out[0]
    more = f"; {len(left_out) - 1} more likewise" if len(left_out) > 1 else ""
    within = "" if first.file == str(source) else f"{source}: nothing can be used: "
    return f"{within}{first.file}: {first.reason}{more}"


def _tell(done: Import, source: Path) -> None:
    from genarris_fw.views.wording import counted

    for left in done.left_out:
        click.echo(printable(f"left out: {left.file}: {left.reason}"), err=True)
    notes = list(done.notes)
    for line in notes[:SHOWN_NOTES]:
        click.echo(printable(f"note: {line}"), err=True)
    if len(notes) > SHOWN_NOTES:
        click.echo(f"note: and {len(notes) - SHOWN_NOTES} more notes; --json prints all", err=True)
    about = [f"{done.new} new"]
    about += [f"{done.already} were there"] if done.already else []
    about += [f"{len(done.left_out)} left out"] if done.left_out else []
    number = counted(done.structures, "structure")
    where = printable(str(source))
    click.echo(f"pool '{done.pool}' of run '{done.run}' holds {number} of {where} ({', '.join(about)})")


def _only_or_new(opened: Opened, folder: Path) -> str:
    """Return the only run of a database; where there is none, a name for a new one."""
    return the_run(opened, None) if all_runs(opened) else made_safe(folder.absolute().name, "imported")
