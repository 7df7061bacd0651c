"""Databases for commands that only look or remove: one that is there, none is made for them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from pymongo.errors import PyMongoError

from genarris_fw.database.copies import folder_now
from genarris_fw.database.find import Database, find_server
from genarris_fw.database.server import FOLDER
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import Opened, open_database


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
    with open_database(folder, uri, read_only=read_only) as opened:
        if not read_only:
            settle_all(opened)
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
    if database.server is None or database.server.exists():
        return
    refuse_no_folder(folder)
    below = sorted({str(home.parent) for depth in ("*", "*/*") for home in folder.glob(f"{depth}/{FOLDER}")})
    todo = "go to the run's folder, or name one with --dir or --uri"
    if below:
        todo = f"name the run's folder: {' or '.join(f'--dir {shlex.quote(place)}' for place in below[:3])}"
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
