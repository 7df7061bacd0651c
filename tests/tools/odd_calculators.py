"""ASE calculators that misbehave, for trials of engines."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from ase.calculators.calculator import Calculator, all_changes


class Odd(Calculator):
    """Does what it is told instead of computing; leaves its process's id in a file."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, habit: str, pid_file: str = "") -> None:
        super().__init__()
        self.habit, self.pid_file = habit, pid_file

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        if self.pid_file:
            Path(self.pid_file).write_text(str(os.getpid()))
        if self.habit == "hang":
            time.sleep(600)
        elif self.habit == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.habit == "exit":
            print("the library has had enough", flush=True)
            os._exit(3)
        elif self.habit == "leave":
            os._exit(0)
        raise AssertionError(self.habit)
