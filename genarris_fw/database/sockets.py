"""Where the embedded database's Unix socket may lie: in a folder of ours that nobody else can enter."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genarris_fw.errors import DatabaseError

NAME = "mongod.sock"
PATH_BYTES = 107  # what the system's address of a socket holds


def accepts(path: Path) -> bool:
    """Return whether something listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def is_ours_or_gone(folder: Path) -> bool:
    """Return whether a socket's folder is one that nobody else can enter, or is not there."""
    try:
        about = folder.lstat()
    except OSError:
        return True
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) == 0o700


def usable(path: Path) -> bool:
    """Return whether a socket can be made at `path`, in a folder of ours that nobody else can enter."""
    if len(os.fsencode(path)) > PATH_BYTES or not _can_be_a_host(str(path)):
        return False
    with suppress(OSError):
        path.parent.mkdir(mode=0o700)
    if not path.parent.is_dir() or not is_ours_or_gone(path.parent):
        return False
    trial = path.with_name("trial")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        try:
            trial.unlink(missing_ok=True)
            attempt.bind(str(trial))
            trial.unlink()
        except OSError:
            return False
    return True


def _can_be_a_host(name: str) -> bool:
    """Return whether MongoDB takes the name for that of a member of a set, and of one alone."""
    return name.isprintable() and not set(name) & set(",:[]")


def reached_by_any_uri(path: Path) -> bool:
    """Tell whether a driver that looks for the set finds its member at `path`: it seeks that in lower case."""
    return str(path) == str(path).lower()


def elsewhere(home: Path) -> Path:
    """Return where the socket of a database is whose own folder does not serve: always the same for one folder.

    Parameters
    ----------
    home : Path
        The ``genarris_db``.

    Returns
    -------
    Path
        ``genarris_fw_USER/HASH/mongod.sock`` among the temporary files; USER is the number of the user, HASH that of
        the folder, and nobody else can enter either (mode 0700).

    Raises
    ------
    DatabaseError
        When there is no place for it.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(home))).hexdigest()[:16]
    for base in _bases():
        with suppress(OSError):
            base.mkdir(mode=0o700)
        path = base / digest / NAME
        if is_ours_or_gone(base) and base.is_dir() and usable(path):
            return path
    return new_folder() / NAME


def is_ours_alone(path: Path) -> bool:
    """Tell whether nobody else can put another socket at `path`, as far as its folders are there."""
    return is_ours_or_gone(path.parent) and (
        path.parent.parent.name != _base_name() or is_ours_or_gone(path.parents[1])
    )


def lasts(path: Path, home: Path) -> bool:
    """Tell whether a socket outside of a ``genarris_db``, where an older version put it, can stay there."""
    outside = not path.is_relative_to(home) and path.parent.parent.name != _base_name()
    return outside and usable(path)


def _base_name() -> str:
    return f"genarris_fw_{os.geteuid()}"


def _bases() -> Iterator[Path]:
    """Yield where a user's sockets may lie: first where nothing is removed when somebody logs out, or a job ends."""
    name = _base_name()
    yield from (Path(place) / name for place in ("/tmp", "/var/tmp"))
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / name
    yield Path(tempfile.gettempdir()) / name


def remove(path: Path, home: Path) -> None:
    """Remove the socket of a server that has ended, and its folder where that is not in the ``genarris_db`` itself."""
    path.unlink(missing_ok=True)
    if not path.is_relative_to(home):
        with suppress(OSError):
            path.parent.rmdir()


def new_folder() -> Path:
    """Make a folder of mode 0700, among the temporary files, in which a socket can be made."""
    places = dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))
    for place in places:
        try:
            folder = Path(tempfile.mkdtemp(prefix="genarris_fw_", dir=place))  # mode 0700
        except OSError:
            continue
        if usable(folder / NAME):
            return folder
        folder.rmdir()
    raise DatabaseError(
        f"no place for the database's socket in {', '.join(places)} (at most {PATH_BYTES} bytes): "
        "set TMPDIR to a short folder on a local disk"
    )


def connections_of_ours(path: Path) -> int:
    """Return how many connections to the socket at `path` this process has open (Linux).

    psutil names the sockets that listen, not what a connection leads to.
    """
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        descriptor = int(entry.name)
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as connection:
                count += connection.family == socket.AF_UNIX and connection.getpeername() == str(path)
    return count
