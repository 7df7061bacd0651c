"""The janitor of an embedded server: a small process beside it that ends it when nobody uses it any more.

``python -m genarris_fw.database.janitor HOME SECONDS`` sleeps in the kernel until the last command has given up its
lock on ``users.lock``, be it by SIGKILL. A command that ends in order stops the server itself, and then the janitor
goes, too. A server that shall stay (``genarris-fw db start``) has none after a moment. One janitor is enough: a second
one, hired by a command that leaves a server to others, goes at once, unless the first was killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

# A command that follows at once on one that was killed finds the server running. Connections of others, which hold no
# lock of ours, are counted so often.
LINGER_SECONDS = 2.0
# A janitor whose server has ended is gone by then.
_FORMER_SECONDS = 5.0
# Connections that end are given so long, and those that its own look at the server needs.
_PARTING_SECONDS = 0.5


def hire(home: Path) -> None:
    """Start the janitor of the server in a ``genarris_db``, whose ``alive.lock`` the caller holds for it."""
    subprocess.Popen(
        [sys.executable, "-m", "genarris_fw.database.janitor", str(home), str(LINGER_SECONDS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # out of reach of Ctrl-C
        cwd="/",
    )


def main() -> None:
    """Wait until nobody uses the server, then end it; go when it has gone."""
    home, linger = Path(sys.argv[1]), float(sys.argv[2])
    try:
        users, alive = (os.open(home / name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("users.lock", "alive.lock"))
    except OSError:
        return  # the folder is gone, and the server with it
    if not _is_the_only_one(home):
        return
    busy = threading.Lock()
    threading.Thread(target=_go_with_the_server, args=(alive, busy), daemon=True).start()
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(linger)
        with busy:
            if _is_over(home, users, alive):
                return


def _is_the_only_one(home: Path) -> bool:
    """Take the janitors' lock for as long as this process lives; the one of a former server gives it up as it ends."""
    try:
        descriptor = os.open(home / "janitor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return False
    deadline = time.monotonic() + _FORMER_SECONDS
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def _go_with_the_server(alive: int, busy: threading.Lock) -> None:
    fcntl.flock(alive, fcntl.LOCK_SH)
    fcntl.flock(alive, fcntl.LOCK_UN)  # whoever starts a new server waits for it
    with busy:  # its end is being written down
        os._exit(0)


def _is_over(home: Path, users: int, alive: int) -> bool:
    """End the server if nobody uses it; tell whether there is nothing left to do."""
    from genarris_fw.database.ownership import servers
    from genarris_fw.database.server import Server
    from genarris_fw.errors import DatabaseError

    with suppress(DatabaseError, OSError):
        if os.path.samestat((home / "alive.lock").stat(), os.fstat(alive)):
            return Server(home.parent).end_unused(users, _PARTING_SECONDS)
    # The folder was moved or removed: whoever uses it there holds the same lock.
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    for pid in servers(os.fstat(alive)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    fcntl.flock(users, fcntl.LOCK_UN)
    return False  # it goes with the server


if __name__ == "__main__":
    main()
