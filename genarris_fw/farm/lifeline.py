"""The lifeline: a small process beside every rank of a crew, so that a dead rank is noticed and nobody hangs.

A rank inside an engine cannot look around, and a collective call with a dead rank never returns. So the lifelines of
a crew are connected, each to the leader's: a connection that closes without a farewell tells, on any host, that a
rank is gone. The lifeline says so to its rank, and ends a rank that is stuck in a call.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from typing import Any

# A rank in a call that others have left by dying has this long to come out of it.
GRACE_SECONDS = 5.0
# Ranks that do not come out of a call in which another has failed: they wait for it in a collective operation.
STUCK_SECONDS = 60.0
JOIN_SECONDS = 60.0
LONGEST_GREETING = 4096
# A host that lost its power does not close its connections: the system asks after (idle, interval, count).
KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4}


class Lifeline:
    """The lifeline of this rank, as the rank sees it; start it before MPI, which does not like new processes.

    Parameters
    ----------
    grace_seconds, stuck_seconds : float, optional
        How long a call may go on when a rank of it is dead, and when a rank of it has failed.
    """

    def __init__(self, grace_seconds: float = GRACE_SECONDS, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "genarris_fw.farm.lifeline", str(grace_seconds), str(stuck_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._text = b""
        self._lost: str | None = None
        self._joined = False
        self._port: int | None = None

    def listen(self, token: str, names: list[str], everywhere: bool) -> int:
        """Wait for the lifelines of these ranks, on this host or on all; return the port."""
        self._say(listen={"token": token, "names": names, "everywhere": everywhere})
        self._await(lambda: self._port is not None)
        assert self._port is not None
        return self._port

    def join(self, host: str, port: int, token: str, name: str, leader: str) -> None:
        """Connect to the leader's lifeline."""
        self._say(join={"host": host, "port": port, "token": token, "name": name, "leader": leader})

    def wait_until_joined(self) -> None:
        """Wait until this lifeline is connected with all that it watches, or something is lost (`lost`)."""
        self._await(lambda: self._joined)

    def enter(self, number: int, function: str) -> None:
        """Note that a call begins."""
        self._say(call=number, function=function)

    def leave(self) -> None:
        """Note that the call is over for this rank."""
        self._say(call=0)

    def failed(self, number: int, error: str) -> None:
        """Tell the leader's lifeline that a call has failed here: the others may wait for this rank in vain."""
        self._say(failed=error[:1000], number=number)

    def lost(self) -> str | None:
        """Return what is lost, in words, or None while all are alive."""
        assert self._process.stdout is not None
        while self._lost is None:
            try:
                block = os.read(self._process.stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not block:
                self._lost = "the process that watches over this rank is gone"
                break
            *lines, self._text = (self._text + block).split(b"\n")
            for message in map(json.loads, lines):
                self._port = message.get("port", self._port)
                self._joined = self._joined or bool(message.get("joined"))
                self._lost = self._lost or message.get("gone")
        return self._lost

    def close(self) -> None:
        """Say farewell: from now on this rank may end."""
        self._say(bye=True)
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)

    def _say(self, **message: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # broken, or closed
            self._lost = self._lost or "the process that watches over this rank is gone"

    def _await(self, ready: Any) -> None:
        end = time.monotonic() + JOIN_SECONDS + 5
        while self.lost() is None and not ready():
            if time.monotonic() > end:
                self._lost = "the ranks of this replica cannot reach each other by TCP"
            time.sleep(0.005)


class Watch:
    """The process itself: connections to other lifelines, and the pipe to its rank."""

    def __init__(self, grace_seconds: float, stuck_seconds: float) -> None:
        self.grace_seconds, self.stuck_seconds = grace_seconds, stuck_seconds
        self.rank = os.getppid()
        self.selector = selectors.DefaultSelector()
        self.selector.register(os.fdopen(0, "rb", buffering=0), selectors.EVENT_READ, self.from_rank)
        self.buffers: dict[Any, bytes] = {}
        self.names: dict[Any, str] = {}  # of the connections that are watched
        self.awaited: list[str] = []
        self.join_before = float("inf")
        self.token = ""
        self.call, self.function = 0, ""
        self.end_call: tuple[float, str] | None = None
        self.is_lost = False

    def run(self) -> None:
        """Look after all connections until the rank says farewell or is gone."""
        while True:
            for key, _ in self.selector.select(timeout=0.2):
                key.data(key.fileobj)
            now = time.monotonic()
            if self.awaited and now > self.join_before:
                self.lose(f"{self.awaited[0]} cannot be reached by TCP, or is gone")
            if self.call and self.end_call and now > self.end_call[0]:
                self.end_rank(self.end_call[1])

    def lines(self, source: Any, block: bytes) -> list[dict[str, Any]]:
        """Return the messages that a block of bytes completes; what follows the last line end waits for more."""
        *lines, self.buffers[source] = (self.buffers.get(source, b"") + block).split(b"\n")
        return [message for line in lines if isinstance(message := json.loads(line), dict)]

    def from_rank(self, pipe: Any) -> None:
        """Do what the rank says; end with it."""
        block = pipe.read(65536)
        if not block:
            sys.exit()
        for message in self.lines(pipe, block):
            if "listen" in message:
                self.listen(**message["listen"])
            elif "join" in message:
                self.join(**message["join"])
            elif "call" in message:
                self.call, self.function = message["call"], message.get("function", "")
                if not self.is_lost:
                    self.end_call = None
            elif "failed" in message:
                self.to_others(failed=message["failed"], number=message["number"])
            elif "bye" in message:
                self.to_others(bye=True)
                sys.exit()

    def listen(self, token: str, names: list[str], everywhere: bool) -> None:
        """Open a port for the lifelines of these ranks, and tell the rank its number."""
        self.token, self.awaited = token, list(names)
        self.join_before = time.monotonic() + JOIN_SECONDS
        server = socket.create_server(("" if everywhere else "127.0.0.1", 0), backlog=1024)
        self.selector.register(server, selectors.EVENT_READ, self.accept)
        self.tell_rank(port=server.getsockname()[1])

    def accept(self, server: socket.socket) -> None:
        """Take the connection of another lifeline; who it is it says itself."""
        connection, _ = server.accept()
        keep_alive(connection)
        self.selector.register(connection, selectors.EVENT_READ, self.from_other)

    def join(self, host: str, port: int, token: str, name: str, leader: str) -> None:
        """Connect to the leader's lifeline and show the token."""
        try:
            connection = socket.create_connection((host, port), timeout=JOIN_SECONDS / 2)
        except OSError as error:
            self.lose(f"{leader} cannot be reached by TCP ({host}:{port}: {error.strerror or error})")
            return
        connection.settimeout(10)
        keep_alive(connection)
        self.selector.register(connection, selectors.EVENT_READ, self.from_other)
        self.names[connection] = leader
        self.to_others(token=token, name=name)
        self.tell_rank(joined=True)

    def from_other(self, connection: socket.socket) -> None:
        """Hear what another lifeline says; a connection that closes without a farewell is a lost rank."""
        try:
            block = connection.recv(65536)
            messages = self.lines(connection, block)
        except (OSError, ValueError):
            block, messages = b"", []
            self.buffers.setdefault(connection, b"")
        for message in messages:
            if connection not in self.names:
                self.welcome(connection, message)
                if connection.fileno() < 0:
                    return
            elif "failed" in message and message["number"] == self.call:
                what = (
                    f"{self.names[connection]} failed in {self.function} ({message['failed']}), the others wait for it"
                )
                self.end_call = self.end_call or (time.monotonic() + self.stuck_seconds, what)
            elif "bye" in message:
                self.drop(connection)
                return
        stranger = connection not in self.names and len(self.buffers[connection]) > LONGEST_GREETING
        if not block or stranger:
            name = self.names.get(connection)
            self.drop(connection)
            if name is not None:
                self.lose(f"{name} is gone")

    def welcome(self, connection: socket.socket, message: dict[str, Any]) -> None:
        """Take a connection that knows the token for that of a rank; close any other."""
        name = message.get("name")
        if name not in self.awaited or not hmac.compare_digest(str(message.get("token")), self.token):
            self.drop(connection)
            return
        self.names[connection] = name
        self.awaited.remove(name)
        if not self.awaited:
            self.tell_rank(joined=True)

    def drop(self, connection: socket.socket) -> None:
        """Forget a connection, and close it."""
        if connection.fileno() >= 0:
            self.selector.unregister(connection)
            connection.close()
        self.names.pop(connection, None)
        self.buffers.pop(connection, None)

    def lose(self, what: str) -> None:
        """Note that a rank is lost: this one's call has until the end of the grace to return."""
        if not self.is_lost:
            self.is_lost, self.awaited = True, []
            self.end_call = (time.monotonic() + self.grace_seconds, what)
            self.tell_rank(gone=what)

    def to_others(self, **message: Any) -> None:
        """Send a message to every lifeline that is connected."""
        for connection in list(self.names):
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(message).encode() + b"\n")

    def tell_rank(self, **message: Any) -> None:
        """Send a message to the rank; one that is gone hears nothing."""
        with contextlib.suppress(OSError):
            os.write(1, json.dumps(message).encode() + b"\n")

    def end_rank(self, why: str) -> None:
        """End the rank, which is stuck in a call; its connections close, and so the others notice."""
        text = f"genarris-fw: {why}: the call of {self.function} cannot end, so this replica does\n"
        with contextlib.suppress(OSError):
            os.write(2, text.encode())
        if os.getppid() == self.rank:
            os.kill(self.rank, signal.SIGKILL)
        sys.exit()


def keep_alive(connection: socket.socket) -> None:
    """Have the system notice a host that is gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def main() -> None:
    """Watch until the rank ends; signals that a queue sends to all processes are the rank's business."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Watch(*map(float, sys.argv[1:3])).run()


if __name__ == "__main__":
    main()
