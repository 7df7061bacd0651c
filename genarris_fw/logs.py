"""The run's log: each rocket writes its own file under ``logs/``, one line an event; the command merges them."""

from __future__ import annotations

import contextlib
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genarris_fw.files import write_text
from genarris_fw.showing import printable

LEVELS = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3}


class Log:
    """Structured events of one rocket.

    Parameters
    ----------
    folder : Path
        The run's folder; where it cannot be seen or written, events are dropped (the database has the outcomes).
    level : str
        The least level that is written: ``INFO``, or ``DEBUG`` when the procedure is verbose.
    **context
        Fields that every line carries (run, step, role, fw).
    """

    def __init__(self, folder: Path, level: str = "INFO", **context: Any) -> None:
        self.path = folder / "logs" / f"{socket.gethostname()}-{os.getpid()}.log"
        self.level = level
        self.context = context

    def __call__(self, event: str, level: str = "INFO", **fields: Any) -> None:
        """Write one event."""
        if LEVELS[level] < LEVELS[self.level]:
            return
        stamp = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        pairs = " ".join(f"{name}={_quoted(value)}" for name, value in (self.context | fields).items())
        line = f"{stamp} {level:<7} {event}" + (f" | {pairs}" if pairs else "")
        with contextlib.suppress(OSError):
            if not self.path.parent.parent.is_dir():
                return
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def _quoted(value: Any) -> str:
    text = printable(str(value))
    return f'"{text}"' if " " in text or not text else text


def merge(folder: Path) -> None:
    """Write ``Genarris.log`` (all events in the order of time) and ``Genarris.err`` (warnings and errors).

    A folder that is gone is not made anew.
    """
    if not folder.is_dir():
        return
    lines: list[str] = []
    for path in sorted((folder / "logs").glob("*.log")):
        lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    lines.sort(key=lambda line: line[:24])
    problems = [line for line in lines if line[25:32].strip() in ("WARNING", "ERROR")]
    write_text(folder / "Genarris.log", "".join(line + "\n" for line in lines))
    write_text(folder / "Genarris.err", "".join(line + "\n" for line in problems))
