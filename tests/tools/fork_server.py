"""A process that has imported our commands and ``rlaunch`` once, and forks for every start of one.

It is started by `forked`, with one socket as its standard input. In the fork everything that an execution would give
is given: the session, the folder, the environment, the three streams, ``sys.argv``, ``sys.path`` and the signals'
handlers; no other file is open. What the interpreter and its libraries read only when they start is that of the
server, so `forked` starts a program truly where that matters. There is one thread, and no connection, when it forks.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from genarris_fw.declaring.door import ENGINES, FORMATS, OPTIONS, forget

PROGRAMS = ("genarris-fw", "rlaunch")
# Imported by commands only when they are called.
PRELOADED = (
    "genarris_fw.options",
    "genarris_fw.farm.carry_out",
    "genarris_fw.procedures.kit.base",
    "genarris_fw.generation",
    "matscipy.neighbours",
    "multiprocessing.synchronize",
    "psutil",
    "pymongo",
    "spglib",
)
# What ours register there is imported too: every command that reads a ui.conf does.
DOORS = (OPTIONS, ENGINES, FORMATS)
LARGEST_REQUEST = 128 * 1024
FILES = 4  # the three streams, and where the server writes the process' number and status


def serve(requests: socket.socket) -> dict[str, Any]:
    """Fork for every request; return in the fork, with what it is to be. The server itself ends with its client."""
    ours: dict[int, int] = {}  # process -> where its status is written
    died, told = os.pipe2(os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted test run ends its processes itself
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([requests, died], [], [])
        if died in ready:
            with suppress(BlockingIOError):
                os.read(died, 4096)
            _reap(ours)
        if requests not in ready:
            continue
        message, files, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, FILES)
        if not message:
            sys.exit()
        assert len(list(Path("/proc/self/task").iterdir())) == 1, "only a process of one thread may fork"
        if pid := os.fork():
            os.write(files[-1], f"{pid}\n".encode())
            for file in files[:-1]:
                os.close(file)
            ours[pid] = files[-1]
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for stream, file in enumerate(files[:3]):
            os.dup2(file, stream)
        requests.detach()
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        return dict(json.loads(message))


def _reap(ours: dict[int, int]) -> None:
    for pid in list(ours):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            file = ours.pop(pid)
            with suppress(BrokenPipeError):  # nobody waits for it
                os.write(file, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(file)


def become(request: dict[str, Any], path: list[str]) -> None:
    """Make this fork what an execution of the program would be."""
    if request["new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["words"]
    sys.path[:] = [str(Path(sys.argv[0]).parent), *python_path(), *path]
    forget()  # other packages may lie on this path


def python_path() -> list[str]:
    """Return the folders that the environment's PYTHONPATH adds."""
    return [str(Path(folder).absolute()) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]


def be(program: Callable[[], Any]) -> None:
    """Run a program, and end as an interpreter ends, but for taking apart what the server has imported.

    That frees every object of every module, and so copies all memory that is shared with the server: 0.1 s a fork.
    """
    try:
        code = program()
    except SystemExit as end:
        code = end.code
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # what is said of a pipe that nobody reads is the interpreter's to say
    os._exit((code or 0) & 0xFF)


def main() -> None:
    """Import, serve, and in a fork be the program."""
    requests = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    path = [folder for folder in sys.path[1:] if folder not in python_path()]
    mains = {name: next(iter(entry_points(group="console_scripts", name=name))).load() for name in PROGRAMS}
    from genarris_fw.cli.main import COMMANDS

    for module in (*PRELOADED, *(f"genarris_fw.cli.{name}" for name, _ in COMMANDS.values())):
        importlib.import_module(module)
    for door in DOORS:
        for point in entry_points(group=door.group):
            if point.value.startswith("genarris_fw."):
                point.load()
    gc.collect()
    gc.freeze()
    request = serve(requests)
    become(request, path)
    be(mains[Path(sys.argv[0]).name])


if __name__ == "__main__":
    main()
