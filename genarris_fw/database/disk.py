"""What the file system under a database folder can do: its type, its free space, its locks."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genarris_fw.errors import DatabaseError

MINIMUM_FREE_BYTES = 200 * 1024**2
NETWORK_FILE_SYSTEMS = (
    "nfs",
    "lustre",
    "gpfs",
    "beegfs",
    "cifs",
    "smb",
    "ceph",
    "afs",
    "pvfs",
    "panfs",
    "9p",
)
NO_SPACE = ("No space left", "OutOfDiskSpace", "out of disk space")  # as the system and MongoDB put it
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


def file_system(path: Path) -> str:
    """Return the type of the file system that holds `path`, as the system names it.

    Parameters
    ----------
    path : Path
        A file or folder; its nearest existing parent counts where it does not exist yet.

    Returns
    -------
    str
        For example ``ext4``, ``nfs4`` or ``lustre``; empty where the system does not tell.
    """
    import psutil  # only here: few commands start a database

    try:
        mounts = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        return ""
    here = path.resolve()
    best, found = -1, ""
    for mount in mounts:
        if here.is_relative_to(mount.mountpoint) and len(mount.mountpoint) >= best:
            best, found = len(mount.mountpoint), mount.fstype  # of two mounts on one point the later one is seen
    return found


def network_remark(path: Path) -> str | None:
    """Return a warning when `path` lies on a network file system, where a database is slow or unsafe."""
    kind = file_system(path)
    if not kind.startswith(NETWORK_FILE_SYSTEMS):
        return None
    return (
        f"{path}: the database lies on a network file system ({kind}), which is slow and unsafe for it: "
        "give a local folder with --data"
    )


def size(folder: Path) -> int:
    """Return the bytes that the files under `folder` take, some of which may vanish meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.lstat().st_blocks * 512
    return total


def check_free_space(folder: Path, minimum: int = MINIMUM_FREE_BYTES) -> None:
    """Raise DatabaseError when fewer than `minimum` bytes are free for the database in `folder`."""
    free = shutil.disk_usage(folder).free
    if free < minimum:
        raise DatabaseError(
            f"{folder}: its disk is full: only {free / 1024**2:.0f} MB are free, a database needs "
            f"{minimum / 1024**2:.0f} MB: make room, or put it elsewhere with `genarris-fw db start --data FOLDER`"
        )


def refuse_full(folder: Path, words: str = "", minimum: int = MINIMUM_FREE_BYTES) -> None:
    """Say that the disk is full where that is why the database in `folder` has ended.

    Parameters
    ----------
    folder : Path
        The folder of MongoDB's files.
    words : str, optional
        What the server said last; on a full disk it may have had no room for that.
    minimum : int, optional
        With fewer free bytes it cannot work.

    Raises
    ------
    DatabaseError
        When the disk is full, or was.
    """
    free = shutil.disk_usage(folder).free
    if free < minimum or any(sign in words for sign in NO_SPACE):
        raise DatabaseError(
            f"{folder}: the database has ended because its disk is full ({free / 1024**2:.0f} MB are free now): "
            "make room there and run the same command again; nothing acknowledged is lost"
        )


def lock(descriptor: int, operation: int, path: Path) -> bool:
    """Take an advisory lock; return False when another process holds it and `operation` does not wait.

    Parameters
    ----------
    descriptor : int
        An open file.
    operation : int
        As for :func:`fcntl.flock`.
    path : Path
        The file's name, for the error.

    Raises
    ------
    DatabaseError
        When the file system has no locks (Lustre without the mount option ``flock``).
    """
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise DatabaseError(
                f"{path}: its file system has no locks ({error.strerror}): give a local folder with --data"
            ) from error
        raise
    return True


def lock_soon(descriptor: int, path: Path, seconds: float = 0.1) -> bool:
    """Take the exclusive lock, or return False when it is not free within `seconds` (a glance is shorter)."""
    deadline = time.monotonic() + seconds
    while not lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def open_lock_file(path: Path) -> int:
    """Open (and create, mode 0600) a lock file; the descriptor is not inherited by other programs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path`, waiting for it."""
    descriptor = open_lock_file(path)
    try:
        lock(descriptor, fcntl.LOCK_EX, path)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path, shared: bool = False) -> bool:
    """Return whether somebody holds an exclusive lock on `path`; with `shared`, any lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not lock(descriptor, (fcntl.LOCK_EX if shared else fcntl.LOCK_SH) | fcntl.LOCK_NB, path)
    finally:
        os.close(descriptor)
