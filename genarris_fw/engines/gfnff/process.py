"""The process of one structure, seen from ours: a line of JSON goes in, a line comes out, and its death is told."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from genarris_fw.engines.gfnff import child
from genarris_fw.errors import EngineError

# What a process has (s) to end by itself when its input closes.
GRACE = 1.0
LAST_WORDS = 2000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Process:
    """A process that computes the geometries of one structure.

    Parameters
    ----------
    silence : float
        Seconds that one answer may take.
    script : str, optional
        What it executes.
    """

    def __init__(self, silence: float, script: str = child.__file__) -> None:
        self._silence = silence
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._unread = b""
        self._process = subprocess.Popen(
            [sys.executable, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
        )

    def ask(self, name: str, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a question.

        Parameters
        ----------
        name : str
            What is computed, for errors.
        question : dict
            Plain values.

        Raises
        ------
        EngineError
            ``crash`` or ``memory`` where the process died, ``hang`` where it was ended for its silence; permanent
            ``crash`` where the library refused.
        """
        end = time.monotonic() + self._silence
        self._send(name, json.dumps(question).encode() + b"\n", end)
        line = self._line(name, end)
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            said = line.decode(errors="replace")[:100]
            raise EngineError(f"{name}: the process of GFN-FF gave no answer but '{said}'", kind="crash") from None
        if "error" in answer:
            raise EngineError(
                f"{name}: GFN-FF gave no energy ({answer['error']}); leave the structure out, or take another engine",
                kind="crash",
                permanent=True,
                output=self._last_words(),
            )
        return answer

    def end(self) -> None:
        """End the process, by force where it does not end by itself."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _send(self, name: str, line: bytes, end: float) -> None:
        """Write a line; a process that hangs before it reads must not make us hang at a full pipe."""
        assert self._process.stdin is not None
        pipe = self._process.stdin.fileno()
        os.set_blocking(pipe, False)
        try:
            while line:
                self._wait(name, pipe, selectors.EVENT_WRITE, end)
                line = line[os.write(pipe, line) :]
        except BrokenPipeError:
            raise self._died(name) from None

    def _line(self, name: str, end: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            self._wait(name, pipe, selectors.EVENT_READ, end)
            more = os.read(pipe, 1 << 20)
            if not more:
                raise self._died(name)
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _wait(self, name: str, pipe: int, event: int, end: float) -> None:
        """Wait until a pipe can be used; end the process where that takes too long."""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, end - time.monotonic())):
                self._process.kill()
                raise EngineError(
                    f"{name}: GFN-FF was silent for {self._silence:g} s and was ended; raise silence for large cells",
                    kind="hang",
                    output=self._last_words(),
                )

    def _died(self, name: str) -> EngineError:
        status = self._process.wait()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        words = self._last_words()
        last = words.strip().splitlines()[-1] if words.strip() else ""
        kind, hint = ("memory", "; was there enough memory?") if status == -signal.SIGKILL else ("crash", "")
        if "No module named" in last:
            kind = "missing"
        said = f": {last}" if last else ""
        return EngineError(f"{name}: the process of GFN-FF died ({how}){said}{hint}", kind=kind, output=words)

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_WORDS))
        return self._errors.read().decode(errors="replace")
