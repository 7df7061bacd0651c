"""A program on a terminal of its own, as a person has it: what it shows, what is typed, and its end."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from command import BIN, environment

CTRL_C = "\x03"
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-B]|[=>78])")


class Terminal:
    """A process in a session of its own, whose terminal is ours to read and to type at.

    Use it in a ``with``: at its end the process is gone.
    """

    def __init__(
        self,
        *command: str | Path,
        cwd: Path,
        columns: int = 160,
        lines: int = 40,
        stdout: int | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self.seen = b""
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        ours = environment() | {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
            ours.pop(name, None)
        for name, value in (env or {}).items():
            ours.pop(name, None)
            if value is not None:
                ours[name] = value
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=ours,
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that Ctrl-C is heard
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    @property
    def raw(self) -> str:
        """All that came so far, with its escape sequences."""
        return self.seen.decode(errors="replace")

    @property
    def text(self) -> str:
        """All that came so far, without them."""
        return plain(self.raw)

    def read(self, seconds: float = 0.1) -> bool:
        """Take what comes within a moment; tell whether more may come."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        with suppress(OSError):  # EIO: nobody has the other side open any more
            new = os.read(self.master, 65536)
            self.seen += new
            return bool(new)
        return False

    def expect(self, pattern: str, seconds: float = 120.0) -> re.Match[str]:
        """Wait until something is to be seen."""
        end = time.monotonic() + seconds
        more = True
        while more and time.monotonic() < end:
            if found := re.search(pattern, self.text):
                return found
            more = self.read()
        if found := re.search(pattern, self.text):
            return found
        raise AssertionError(f"not seen: {pattern}\n{self.text}")

    def type(self, text: str) -> None:
        """Type a text; Ctrl-C is one."""
        os.write(self.master, text.encode())

    def end(self, seconds: float = 120.0) -> int:
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            more = self.read()
            if self.process.poll() is not None:
                while more and select.select([self.master], [], [], 0)[0]:
                    more = self.read(0)
                return self.process.returncode
            if not more:
                time.sleep(0.05)
        raise AssertionError(f"it does not end\n{self.text}")


def on_terminal(*words: str | Path, cwd: Path, **more: object) -> Terminal:
    """Start ``genarris-fw`` on a terminal."""
    return Terminal(BIN / "genarris-fw", *words, cwd=cwd, **more)  # type: ignore[arg-type]


def plain(text: str) -> str:
    """Return a text without escape sequences."""
    return _ESCAPES.sub("", text)
