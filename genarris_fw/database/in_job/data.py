"""The files of a job's database: in the run's folder, or on the node's own disk with backups in the run's folder.

A folder's database has one newest home. It is ``genarris_db/data``, or, while there is the file
``genarris_db/in_backups``, the newest archive in ``genarris_db/backups``: then the last server worked on a disk of
its node, which nobody else sees. Whoever starts a server next, in a job or not, restores that archive first.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genarris_fw.database import mongod, sockets
from genarris_fw.database.launchpads import socket_uri
from genarris_fw.database.set_of_one import make_primary
from genarris_fw.errors import DatabaseError, InputError

BACKUPS, MARK = "backups", "in_backups"
KEPT = 2
START_SECONDS, STOP_SECONDS, KILL_SECONDS = 300.0, 60.0, 10.0


def lies_in_backups(home: Path) -> bool:
    """Return whether the newest state of the folder's database is an archive."""
    return (home / MARK).exists()


def backups(home: Path) -> list[Path]:
    """Return the archives, newest first; their numbers order them, whatever the clocks of the nodes say."""
    found = [path for path in (home / BACKUPS).glob("*.tar.gz") if re.fullmatch(r"\d{6,}\.tar\.gz", path.name)]
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(path.name.partition(".")[0])


def add_backup(home: Path, uri: str, scratch: Path) -> Path:
    """Write the next archive and remove all but the last two.

    Parameters
    ----------
    home : Path
        The folder's ``genarris_db``.
    uri : str
        The database.
    scratch : Path
        Where the uncompressed documents may lie meanwhile.

    Raises
    ------
    DatabaseError, InputError
        As :func:`genarris_fw.database.backup.backup`.
    """
    from genarris_fw.database.backup import backup

    (home / BACKUPS).mkdir(mode=0o700, exist_ok=True)
    there = backups(home)
    file = home / BACKUPS / f"{_number(there[0]) + 1 if there else 1:06d}.tar.gz"
    backup(uri, file, scratch)
    for old in backups(home)[KEPT:]:
        old.unlink(missing_ok=True)
    return file


def restore_newest(home: Path, uri: str) -> tuple[Path | None, list[str]]:
    """Fill an empty database from the newest archive that is whole.

    Returns
    -------
    tuple of (Path or None, list of str)
        The archive, None when there is none at all; and a remark for each damaged one that was left out.

    Raises
    ------
    DatabaseError
        When there are archives and none is whole.
    """
    from genarris_fw.database.restore import restore

    remarks = []
    for file in backups(home):
        try:
            restore(uri, file, force=True)
        except InputError as error:
            remarks.append(f"{error}: left out")
            continue
        return file, remarks
    if remarks:
        raise DatabaseError(f"{home / BACKUPS}: no backup is whole ({remarks[0]}): restore one by hand")
    return None, remarks


def move_into_backups(home: Path, cache_gb: float) -> None:
    """Make the newest archive the newest home of the database, for a server that shall work elsewhere."""
    if lies_in_backups(home):
        return
    data = home / "data"
    if data.is_dir() and any(data.iterdir()):
        with private_server(data, home, cache_gb) as uri:
            add_backup(home, uri, home)
    (home / MARK).touch(mode=0o600)


def bring_home(home: Path, cache_gb: float) -> list[str]:
    """Make ``genarris_db/data`` the newest home of the database again; return remarks. Nothing to do is no error.

    A kill in the middle costs nothing: the mark goes last, and the next one begins again.
    """
    if not lies_in_backups(home):
        return []
    data = home / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    with private_server(data, home, cache_gb) as uri:
        _, remarks = restore_newest(home, uri)
    (home / MARK).unlink()
    return remarks


def tidy(home: Path) -> None:
    """Remove what killed backups and restores left half done."""
    for path in (home / BACKUPS).glob(".*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def private_server(data: Path, home: Path, cache_gb: float) -> Iterator[str]:
    """Have a server on `data` that only this process can reach: no password, a socket in a folder of mode 0700.

    Parameters
    ----------
    data : Path
        MongoDB's files.
    home : Path
        Where its log is written.
    cache_gb : float
        Memory for its cache.

    Yields
    ------
    str
        The URI.
    """
    place = sockets.new_folder()
    path = place / sockets.NAME
    log, console = home / "mongod.log", home / "mongod.out"
    since = log.stat().st_size if log.exists() else 0
    command = mongod.command_line(mongod.find_mongod(), [path], data, log, cache_gb)
    process = mongod.spawn(command, console, dies_with_starter=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not sockets.accepts(path):
            if process.poll() is not None or time.monotonic() > deadline:
                words = mongod.last_words(log, console, since)
                raise DatabaseError(f"{log}: the database did not start; it says: {words}: see that file")
            time.sleep(0.05)
        uri = socket_uri(path)
        make_primary(uri, str(path), deadline - time.monotonic())
        yield uri
    finally:
        mongod.end(process, STOP_SECONDS, KILL_SECONDS)
        with suppress(OSError):
            shutil.rmtree(place)
