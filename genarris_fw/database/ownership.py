"""Whose a database's folder and its processes are: what others own, or can write into, is not used.

Who can write into a ``genarris_db`` can put a socket, a lock or a link of their own there, and the database tells what
is executed. So the folder must be ours and closed to others' writing, and on the way to it nobody else may put another
folder in its place. A process is signalled only when it is ours and holds the lock of the database open: a number in a
file may be that of another process by now.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genarris_fw.errors import DatabaseError

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT = 0


def refuse_foreign(home: Path) -> None:
    """Refuse a ``genarris_db`` that is not ours alone; one that is not there yet is nobody's.

    Parameters
    ----------
    home : Path
        The folder, or a link to it.

    Raises
    ------
    DatabaseError
        When it, a link to it, or something in it belongs to somebody else, or others can write there.
    """
    if not os.path.lexists(home):
        return
    try:
        closed = _refuse_foreign_place(home)
        for entry in home.iterdir() if home.is_dir() else ():
            with suppress(FileNotFoundError):  # a file that was written anew meanwhile
                if entry.is_symlink():
                    _refuse_foreign_place(entry)
                else:
                    _refuse_owner(entry, entry.lstat())
                    if not closed:
                        _refuse_writers(entry, entry.lstat())
    except OSError as error:
        raise DatabaseError(
            f"{error.filename or home}: cannot be looked at ({error.strerror}): mend or remove it"
        ) from error


def _refuse_foreign_place(place: Path) -> bool:
    """Refuse a place that is not ours or can be exchanged by others; return whether others can enter it at all."""
    end = Path(os.path.realpath(place))
    for step in _steps(place):
        about = step.lstat()
        if stat.S_ISLNK(about.st_mode):
            _refuse_strange_link(step, about)
        elif step != end:
            _refuse_exchange(step, about)
    try:
        about = place.stat()
    except FileNotFoundError:  # a link to nothing
        return True
    _refuse_owner(end, about)
    _refuse_writers(end, about)
    return not about.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _steps(path: Path) -> Iterator[Path]:
    """Yield every folder and link over which the system reaches a path, the last one included."""
    here, left, links = Path("/"), list(path.absolute().parts[1:]), 0
    while left:
        name = left.pop(0)
        here = here.parent if name == os.pardir else here / name
        if not os.path.lexists(here):
            return
        yield here
        if here.is_symlink() and (links := links + 1) <= 40:  # as many as the system follows
            target = here.readlink()
            here = Path("/") if target.is_absolute() else here.parent
            left[:0] = [part for part in target.parts if part != "/"]


def _refuse_strange_link(link: Path, about: os.stat_result) -> None:
    """Refuse a link that neither we nor root nor the owner of its folder made: the kernel's rule in /tmp."""
    if about.st_uid not in (os.geteuid(), _ROOT, link.parent.stat().st_uid):
        raise DatabaseError(
            f"{link}: this link belongs to {user(about.st_uid)}, not to {user(os.geteuid())}, so it is not followed: "
            "remove it, and put the database elsewhere with `genarris-fw db start --data FOLDER`"
        )


def _refuse_exchange(folder: Path, about: os.stat_result) -> None:
    """Refuse a folder in which everybody may move what lies there away; a group's folder is its members' business."""
    if about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX:
        raise DatabaseError(
            f"{folder}: anybody can put another database there (mode {stat.S_IMODE(about.st_mode):04o}), so none in "
            f"it is used: chmod o-w {shlex.quote(str(folder))} (or +t, as /tmp), or use another folder"
        )


def _refuse_owner(path: Path, about: os.stat_result) -> None:
    if about.st_uid != os.geteuid():
        me = user(os.geteuid())
        raise DatabaseError(
            f"{path}: belongs to {user(about.st_uid)}, not to {me}, so this database is not used: work as "
            f"{user(about.st_uid)}, or make it yours (chown -R {me} {shlex.quote(str(path))}), or use another folder"
        )


def _refuse_writers(path: Path, about: os.stat_result) -> None:
    if about.st_mode & _OTHERS_WRITE:
        raise DatabaseError(
            f"{path}: others can write there (mode {stat.S_IMODE(about.st_mode):04o}), so this database is not used: "
            f"chmod go-w {shlex.quote(str(path))}, or use another folder"
        )


def user(uid: int) -> str:
    """Return a user's name, the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def servers(lock: os.stat_result) -> list[int]:
    """Return our processes that serve a database (``--dbpath``) and hold this lock file open.

    Parameters
    ----------
    lock : os.stat_result
        The lock file, by what it is and not by its name: its folder may have been moved or removed.
    """
    import psutil  # only here and below: few commands need it

    return [
        process.pid
        for process in psutil.process_iter(["uids", "cmdline"])
        if process.info["uids"] is not None
        and process.info["uids"].effective == os.geteuid()
        and "--dbpath" in (process.info["cmdline"] or ())
        and _holds(process.pid, lock)
    ]


def is_our_module(pid: int, module: str) -> bool:
    """Tell whether a process is ours and is ``python -m module``."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.uids().effective == os.geteuid() and module in process.cmdline()
    except psutil.Error:
        return False


def _holds(pid: int, file: os.stat_result) -> bool:
    """Tell whether a process has a file open (Linux); psutil knows names alone, which a moved folder changes."""
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(entry.stat(), file):
                    return True
    return False
