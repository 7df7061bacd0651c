"""Databases for commands that only look or remove: one that is there, none is made for them; and the run they mean."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from pymongo.errors import PyMongoError

from genarris_fw.cli.completing import run_names
from genarris_fw.database.copies import folder_now
from genarris_fw.database.find import Database, find_server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.views.finding import all_runs, databases_below, the_run, whereabouts
from genarris_fw.views.waiting import waiting

__all__ = [
    "all_runs",
    "database_options",
    "databases_below",
    "open_existing",
    "open_run",
    "opening",
    "refuse_absent",
    "refuse_no_folder",
    "run_argument",
    "settle_all",
    "the_run",
    "whereabouts",
]

run_argument = click.argument("run", required=False, shell_complete=run_names)


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--dir`` and ``--uri``, passed as ``folder`` and ``uri``."""
    for option in (
        click.option("--uri", default=None, help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, --dir."),
        click.option(
            "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="The run's folder (default: here)."
        ),
    ):
        command = option(command)
    return command


# ---- the run that is meant


@contextmanager
def open_run(
    run: str | None, folder: Path, uri: str | None, read_only: bool = False
) -> Iterator[tuple[Opened, str, Path]]:
    """Open the database of a run, and tell which run is meant.

    Parameters
    ----------
    run : str, optional
        What the user gave: the name of a run, the path of its folder, or nothing where there is one run.
    folder, uri, read_only
        As of `open_existing`.

    Yields
    ------
    Opened, str, Path
        The database, the run's name, and the folder whose database it is.

    Raises
    ------
    DatabaseError
        As `open_existing`.
    InputError
        Where there is no such run, or none was named and there are several.
    """
    place, name = whereabouts(run, folder, uri)
    with open_existing(place, uri, read_only) as opened:
        yield opened, the_run(opened, name), place


# ---- its database


@contextmanager
def open_existing(folder: Path, uri: str | None, read_only: bool = False) -> Iterator[Opened]:
    """Open the database that the user named, or the folder's own, which must be there.

    Parameters
    ----------
    folder : Path
        The run's folder.
    uri : str, optional
        What the user gave.
    read_only : bool, optional
        As in `genarris_fw.farm.opening.open_database`: for commands that only look.

    Raises
    ------
    DatabaseError
        When there is none, or it cannot be reached.
    """
    refuse_absent(find_server(folder, uri), folder)
    with opening(folder, uri, read_only=read_only) as opened:
        if not read_only:
            settle_all(opened)
        yield opened


@contextmanager
def opening(folder: Path, uri: str | None, hint: str = "", read_only: bool = False) -> Iterator[Opened]:
    """Open a database as `genarris_fw.farm.opening.open_database` does, and show that it is waited for."""
    with ExitStack() as stack:
        with waiting("waiting for the database"):
            opened = stack.enter_context(open_database(folder, uri, hint, read_only))
        yield opened


def settle_all(opened: Opened) -> None:
    """Bring the runs of a folder's own database there, if it was moved or copied; who may not, looks only."""
    if opened.own_folder is None:
        return
    for record in opened.catalogue.runs.listed():
        if folder_now(record, opened.own_folder) == record.get("folder"):
            continue
        from genarris_fw.farm.moving import settle  # half a second's imports
        from genarris_fw.options import load

        with suppress(InputError, PyMongoError):
            configuration = load(opened.own_folder / Path(record["options"]["path"]).name)
            if moved := settle(opened.launchpad, configuration, own=True):
                click.echo(f"note: {moved}", err=True)


def refuse_absent(database: Database, folder: Path) -> None:
    """Refuse a folder whose embedded database was never started, naming those that lie below it.

    Raises
    ------
    DatabaseError
        When there is none.
    """
    if database.exists():
        return
    refuse_no_folder(folder)
    todo = "go to the run's folder, or name one with --dir or --uri"
    if below := databases_below(folder):
        todo = f"name the run's folder: {' or '.join(f'--dir {shlex.quote(str(place))}' for place in below[:3])}"
    raise DatabaseError(f"{folder.absolute()}: no database here; {todo}")


def refuse_no_folder(folder: Path) -> None:
    """Refuse a folder that is not there.

    Raises
    ------
    InputError
        Saying so.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder.absolute()}: no such folder: it was removed or moved, or never there; go to the run's folder, "
            "or name one with --dir or --uri"
        )
