"""``genarris-fw serve-optimade`` as a process, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from command import Started, start

LONG = 120  # seconds: a machine on which others work, too


class Answer(NamedTuple):
    """What came back."""

    status: int
    content: Any
    headers: dict[str, str]

    @property
    def detail(self) -> str:
        """What an error says."""
        (error,) = self.content["errors"]
        assert error["status"] == str(self.status)
        return str(error["detail"])

    @property
    def ids(self) -> list[str]:
        return [one["id"] for one in self.content["data"]]

    @property
    def number(self) -> int:
        """How many structures a query finds."""
        assert self.status == 200, self.content
        return int(self.content["meta"]["data_returned"])


class Served(NamedTuple):
    """A server that listens."""

    process: Started
    address: str
    port: int

    def get(self, path: str, /, headers: dict[str, str] | None = None, **query: object) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        connection.request("GET", f"/{path}" + (f"?{urlencode(query)}" if query else ""), headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        about = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in about.get("content-type", "")
        return Answer(answer.status, json.loads(body) if is_json else body.decode(), about)

    def structures(self, filter: str = "", **query: object) -> Answer:
        return self.get("v1/structures", **({"filter": filter} if filter else {}), **query)


@contextmanager
def served(*words: str, cwd: Path, truly: bool = False, **more: str) -> Iterator[Served]:
    process = start("serve-optimade", *words, "--port", "0", cwd=cwd, truly=truly, **more)
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), address + process.stderr.read()
        port = int(address.rpartition(":")[2].removesuffix("/v1"))
        yield Served(process, address, port)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(LONG)
