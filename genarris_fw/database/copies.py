"""Folders that were copied or moved: whose the database in them is, and where the runs in it are now.

A server's record names the ``genarris_db`` in which it was started. In a folder that was copied or moved that is
another one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from genarris_fw.database import disk
from genarris_fw.database.in_job import allocation
from genarris_fw.encodings import decoded
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.files import read_ordinary

FOLDER = "genarris_db"
LARGEST_CONF = 2**24  # bytes of a ui.conf
_GLANCE_SECONDS = 0.3


def same_folder(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Tell whether two names are the same folder, by whatever links."""
    try:
        return Path(one) == Path(other) or Path(one).samefile(other)
    except OSError:
        return False


def folder_now(record: Mapping[str, Any], folder: Path) -> str | None:
    """Return where a run is whose document lies in a database of `folder`'s own: there, once its ui.conf is.

    Parameters
    ----------
    record : mapping
        The run's document, or its ``folder``, ``text`` and ``options.path``.
    folder : Path
        The folder that holds the database.
    """
    there: str | None = record.get("folder")
    path = record.get("options", {}).get("path")
    if not there or not path or same_folder(there, folder):
        return there
    here = folder / Path(path).name
    try:
        # As options are read, whatever the encoding; a run of an earlier version may have kept other ends of lines.
        text = decoded(read_ordinary(here, LARGEST_CONF)).text
        moved = text == "\n".join(str(record.get("text")).replace("\r\n", "\n").split("\r"))
    except InputError:
        moved = False
    return str(folder) if moved else there


def foreign(home: Path, record: dict[str, Any]) -> Path | None:
    """Return the ``genarris_db`` that a server's record in `home` is of, None where that is `home` itself.

    Parameters
    ----------
    home : Path
        Where the record was found.
    record : dict
        ``home``, or only ``socket`` where an older version wrote it.
    """
    named = record.get("home")
    if named is None:
        beside_socket = Path(record.get("socket", "")).parent.parent
        named = str(beside_socket) if beside_socket.name == FOLDER else str(home)
    return None if same_folder(named, home) else Path(named)


def refuse_running_original(home: Path, record: dict[str, Any]) -> None:
    """Refuse to start a server on files that were copied from under one that still runs.

    Parameters
    ----------
    home : Path
        The ``genarris_db`` whose server is to be started.
    record : dict
        What its ``server.json`` says: of a server that ran when it was copied, its ``pid``.

    Raises
    ------
    DatabaseError
        Naming both folders.
    """
    original = foreign(home, record)
    if original and record.get("pid") and _runs(original):
        raise DatabaseError(_is_copy(home, original, "its database"))


def refuse_users_elsewhere(home: Path, record: dict[str, Any]) -> None:
    """Refuse a database that others use from the folder of which this one is a copy, or where it was before.

    Parameters
    ----------
    home, record
        As for `refuse_running_original`.

    Raises
    ------
    DatabaseError
        Naming both folders.
    """
    lent = allocation.read(home)
    if lent and lent.home and (other := foreign(home, {"home": lent.home})) and allocation.find(home):
        raise DatabaseError(_is_copy(home, other, str(lent)))
    before = foreign(home, record)
    if before and _has_users(home):  # its server may have ended at once
        raise DatabaseError(
            f"{home.parent}: was moved from {before.parent} while other commands use its database: "
            "stop them, or wait for their end, and give the same command again"
        )


def _is_copy(home: Path, other: Path, what: str) -> str:
    return (
        f"{home.parent}: a copy of {other.parent}, made while {what} was running, which it still is: go on there, "
        "or stop it there, remove this copy, and copy the folder again"
    )


def _has_users(home: Path) -> bool:
    """Tell whether a command uses the database, and does not only glance at its lock."""
    lock = home / "users.lock"
    if disk.is_locked(lock, shared=True):
        time.sleep(_GLANCE_SECONDS)
    return disk.is_locked(lock, shared=True)


def _runs(home: Path) -> bool:
    """Tell whether the database of another folder runs; one that we may not look into does not concern us."""
    with suppress(OSError):
        return disk.is_locked(home / "alive.lock") or allocation.find(home) is not None
    return False
