"""A crew: the ranks of one replica under MPI. Its leader launches rockets, the others join in the leader's calls.

The sub-communicators of a launch do not talk to each other after the split, so a dead one leaves the others alone.
Nothing here imports MPI before `world` is called: a plain launch needs none.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.errors import EngineError, GenarrisError, InputError, Interrupted
from genarris_fw.farm.crews.ranks import rank_and_size, replica_of
from genarris_fw.farm.lifeline import Lifeline
from genarris_fw.farm.meter import counting
from genarris_fw.owner import cpu_seconds

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

# A rank that waits looks for a message after these pauses (s): short at first, then so long that it takes no core.
PAUSES = (0.0001, 0.02)
ORDER, REPLY = 1, 2
MOST_ERRORS = 3
# The end is common: a rank that waits longer for the others does so in vain.
END_SECONDS = 15.0

_current: Crew | None = None


class CrewLost(Interrupted):
    """A rank of this replica is gone: the replica ends, and others take its work items."""


def current() -> Crew | None:
    """Return the crew that this process leads, or None where it launches rockets without MPI."""
    return _current


@contextmanager
def led(crew: Crew) -> Iterator[None]:
    """Make a crew the current one."""
    global _current
    _current = crew
    try:
        with counting(crew):
            yield
    finally:
        _current = None


def world() -> Comm:
    """Initialise MPI and return the communicator of all ranks.

    Raises
    ------
    InputError
        Where mpi4py or an MPI library is missing, or it is not the library of the launcher.
    """
    rank, size = rank_and_size()
    if "OMPI_COMM_WORLD_SIZE" in os.environ and "MPI4PY_LIBMPI" not in os.environ:
        os.environ.setdefault("MPI4PY_MPIABI", "openmpi")  # another MPI library may lie beside this Python
    try:
        from mpi4py import MPI
    except ImportError as error:
        _refuse(rank, f"--mpi needs mpi4py and an MPI library (pip install mpi4py mpich): {error}")
    except RuntimeError as error:
        detail = str(error).splitlines()[-1]
        _refuse(
            rank, f"--mpi needs an MPI library: set MPI4PY_LIBMPI to its libmpi.so, or pip install mpich ({detail})"
        )
    if MPI.COMM_WORLD.size != size:
        library = MPI.Get_library_version().split(",")[0].splitlines()[0]
        _refuse(
            rank,
            f"the launcher started {size} processes, of which the MPI library ({' '.join(library.split())}) knows "
            f"{MPI.COMM_WORLD.size}: use the mpirun of that library, or set MPI4PY_LIBMPI to the launcher's libmpi.so",
        )
    return MPI.COMM_WORLD


def _refuse(rank: int, message: str) -> NoReturn:
    """Say what is wrong once, not in every rank: the others give the first one time for it."""
    if rank:
        time.sleep(1)
        sys.exit(2)
    raise InputError(message)


def share(communicator: Comm, value: Any) -> Any:
    """Return the plain value of rank 0 in every rank."""
    import numpy as np

    data = np.frombuffer(json.dumps(value).encode(), np.uint8) if communicator.rank == 0 else np.empty(0, np.uint8)
    length = np.array([data.size], np.int64)
    communicator.Bcast(length)
    data = data.copy() if communicator.rank == 0 else np.empty(int(length[0]), np.uint8)
    communicator.Bcast(data)
    return json.loads(data.tobytes())


def assemble(everybody: Any, replicas: int, lifeline: Lifeline | None) -> Crew:
    """Split all ranks into replicas of contiguous ranks; return this rank's crew.

    Parameters
    ----------
    everybody : mpi4py.MPI.Intracomm
        All ranks.
    replicas : int
        Number of sub-communicators; the first ones get one rank more where it does not divide the ranks.
    lifeline : Lifeline or None
        This rank's, started before MPI; None where there is one rank alone.
    """
    communicator = everybody.Split(replica_of(everybody.rank, everybody.size, replicas), everybody.rank)
    if communicator.size == 1 and lifeline is not None:
        lifeline.close()
        lifeline = None
    crew = Crew(communicator, f"rank {everybody.rank} on {socket.gethostname()}", lifeline)
    crew.tie()
    return crew


def depart(everybody: Any, code: int, seconds: float = END_SECONDS) -> None:
    """Leave MPI together with all ranks; without them, by ending this process, when some do not come."""
    from mpi4py import MPI

    request, end = everybody.Ibarrier(), time.monotonic() + seconds
    while not request.Test():
        if time.monotonic() > end:
            vanish(code)
        time.sleep(PAUSES[1])
    MPI.Finalize()


def vanish(code: int) -> NoReturn:
    """End this process at once: leaving MPI properly would wait for ranks that are gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Crew:
    """The ranks of one replica.

    Parameters
    ----------
    communicator : mpi4py.MPI.Intracomm
        The replica's communicator, which functions and engines are given.
    name : str
        What messages call this rank.
    lifeline : Lifeline or None
        Watches over the other ranks; None where there are none.
    """

    def __init__(self, communicator: Comm, name: str, lifeline: Lifeline | None = None) -> None:
        self.communicator = communicator
        self.names = [name]
        self._line = communicator.Dup()  # orders and replies never meet the messages of an engine
        self._lifeline = lifeline
        self._number = 0
        self.cpu_seconds = 0.0  # that the other ranks have used in calls

    @property
    def leads(self) -> bool:
        """Whether this rank is the leader."""
        return self._line.rank == 0

    @property
    def size(self) -> int:
        """The number of ranks, the leader included."""
        return self._line.size

    def tie(self) -> None:
        """Connect the lifelines of all ranks with the leader's; every rank calls this once."""
        if self._lifeline is None:
            return
        host = socket.gethostname()
        if self.leads:
            others = dict(self._receive(REPLY) for _ in range(1, self.size))
            self.names += [others[rank]["name"] for rank in range(1, self.size)]
            everywhere = any(other["host"] != host for other in others.values())
            token = secrets.token_hex(16)
            port = self._lifeline.listen(token, self.names[1:], everywhere)
            self._send_all({"host": host, "port": port, "token": token, "name": self.names[0]})
        else:
            self._send(0, {"name": self.names[0], "host": host}, REPLY)
            _, leader = self._receive(ORDER)
            address = "127.0.0.1" if leader["host"] == host else leader["host"]
            self._lifeline.join(address, leader["port"], leader["token"], self.names[0], leader["name"])
        self._lifeline.wait_until_joined()
        self.check()

    def check(self) -> None:
        """Make sure that no rank of the crew is gone.

        Raises
        ------
        CrewLost
            When one is.
        """
        lost = self._lifeline.lost() if self._lifeline else None
        if lost:
            raise CrewLost(f"{lost}: this replica ends, others take its work items")

    def call(self, function: str, **arguments: Any) -> Any:
        """Have every rank execute ``function(communicator, **arguments)``; return what it returned here.

        Parameters
        ----------
        function : str
            ``package.module:name``, of this package or of one that registers procedures.
        **arguments
            Plain values: they travel as JSON.

        Raises
        ------
        EngineError
            When any rank failed; it names rank and host. The crew is there for the next call.
        CrewLost
            When a rank is gone.
        """
        self.check()
        self._number += 1
        number = self._number
        try:
            order = json.dumps({"function": function, "arguments": arguments, "number": number})
        except (TypeError, ValueError) as error:
            raise EngineError(f"{function}: its arguments must be plain values: {error}", "input", True) from error
        find(function)
        self._send_all(order)
        cause, failures = None, []
        with self._in_call(number, function):
            try:
                result = find(function)(self.communicator, **json.loads(order)["arguments"])
            except (Exception, SystemExit) as error:
                result, cause = None, error
                failures.append(_described(error) | {"rank": 0})
            answered = 1
            while answered < self.size:
                rank, reply = self._receive(REPLY)
                if reply["number"] == number:  # not one to a call that was interrupted
                    answered += 1
                    self.cpu_seconds += reply["cpu_seconds"]
                    failures += [reply | {"rank": rank}] if "error" in reply else []
        if isinstance(cause, Interrupted):
            raise cause
        if failures:
            raise self._failure(function, failures) from cause
        return result

    def follow(self) -> None:
        """Join in the leader's calls until it dismisses the crew; what ranks other than the leader do.

        Raises
        ------
        CrewLost
            When the leader is gone.
        """
        while True:
            _, order = self._receive(ORDER)
            if "end" in order:
                return
            number = order["number"]
            reply: dict[str, Any] = {"number": number}
            before = cpu_seconds()
            with self._in_call(number, order["function"]):
                try:
                    find(order["function"])(self.communicator, **order["arguments"])
                except (Exception, SystemExit) as error:
                    reply |= _described(error)
                    if self._lifeline:
                        self._lifeline.failed(number, reply["error"])
            self._send(0, reply | {"cpu_seconds": cpu_seconds() - before}, REPLY)

    def dismiss(self) -> None:
        """Let the crew go: the leader has no more work for it."""
        if self.leads:
            self._send_all({"end": True})
        if self._lifeline:
            self._lifeline.close()
            self._lifeline = None

    @contextmanager
    def _in_call(self, number: int, function: str) -> Iterator[None]:
        if self._lifeline:
            self._lifeline.enter(number, function)
        try:
            yield
        finally:
            if self._lifeline:
                self._lifeline.leave()

    def _failure(self, function: str, failures: list[dict[str, Any]]) -> EngineError:
        """Make one error of those of several ranks."""
        failures.sort(key=lambda failure: failure["rank"])
        texts = [f"{self.names[failure['rank']]}: {failure['error']}" for failure in failures[:MOST_ERRORS]]
        more = f"; and on {len(failures) - MOST_ERRORS} more ranks" if len(failures) > MOST_ERRORS else ""
        permanent = all(failure["permanent"] for failure in failures)
        return EngineError(f"{function}: {'; '.join(texts)}{more}", failures[0]["kind"], permanent)

    def _send_all(self, message: str | dict[str, Any]) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        requests = [self._line.Isend(text.encode(), rank, ORDER) for rank in range(1, self.size)]
        self._wait(lambda: all(request.Test() for request in requests))

    def _send(self, rank: int, message: dict[str, Any], tag: int) -> None:
        request = self._line.Isend(json.dumps(message).encode(), rank, tag)
        self._wait(request.Test)

    def _receive(self, tag: int) -> tuple[int, dict[str, Any]]:
        """Wait for a message without taking a core; return who sent it, and what."""
        from mpi4py import MPI

        status = MPI.Status()
        self._wait(lambda: self._line.Iprobe(MPI.ANY_SOURCE, tag, status))
        data = bytearray(status.Get_count(MPI.BYTE))
        self._line.Recv([data, MPI.BYTE], status.source, tag)
        return status.source, json.loads(data)

    def _wait(self, ready: Callable[[], bool]) -> None:
        pause = PAUSES[0]
        while not ready():
            self.check()
            time.sleep(pause)
            pause = min(1.5 * pause, PAUSES[1])


def _described(error: BaseException) -> dict[str, Any]:
    text = str(error) if isinstance(error, GenarrisError) else f"{type(error).__name__}: {error}"
    return {
        "error": " ".join(text.split())[:1000],
        "kind": getattr(error, "kind", "crash"),
        "permanent": bool(getattr(error, "permanent", False)),
    }


@cache
def find(function: str) -> Callable[..., Any]:
    """Return a function by ``package.module:name``.

    Raises
    ------
    EngineError
        For one that is not in this package or in one that registers procedures, or is not there.
    """
    module, _, name = function.partition(":")
    packages = {"genarris_fw", *(PROCEDURES.path(name).partition(".")[0] for name in PROCEDURES.names())}
    if module.partition(".")[0] not in packages or not name.isidentifier():
        raise EngineError(f"{function}: a crew executes functions of genarris_fw and of procedures' packages only")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise EngineError(f"{function}: there is no such function: {error}", "missing", True) from error
    if getattr(found, "__module__", None) != module or not callable(found):
        raise EngineError(f"{function}: it is not a function of that module", "input", True)
    return found
