"""A real HTTP server of a test, for what posts to webhooks: it keeps what it gets, and answers as the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A server on a port of its own.

    Attributes
    ----------
    answers : list of int
        The codes of the answers, one after the other, the last one again and again.
    got : list of dict
        Of every request ``method``, ``path``, ``headers`` and ``body``.
    silent : threading.Event
        While it is not set the server answers nothing, and drips bytes where `drips` says so.
    """

    answers: list[int] = field(default_factory=lambda: [204])
    got: list[dict[str, Any]] = field(default_factory=list)
    speaks: threading.Event = field(default_factory=threading.Event)
    drips: bool = False
    location: str = ""
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def hook(*answers: int, speaks: bool = True, drips: bool = False, location: str = "") -> Iterator[Hook]:
    """Serve until the end of the context."""
    found = Hook(list(answers) or [204], drips=drips, location=location)
    if speaks:
        found.speaks.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            about = {"method": self.command, "path": self.path, "headers": dict(self.headers)}
            found.got.append(about | {"body": json.loads(body) if body else None})
            if found.drips:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not found.speaks.wait(0.05):
                if found.drips:
                    self.wfile.write(b"X-Slow: x\r\n")
            code = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(code)
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # who has not waited is gone
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield found
        finally:
            found.speaks.set()
            server.shutdown()
            thread.join()
