"""What runs in the process of one structure: geometries come in as lines of JSON, energies go out.

It is started as a script and needs NumPy and gfnff alone. It ends when its input closes, and when the process that
started it dies.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
# Queues warn every process of a job with these; whether to stop is for the process that started us to say.
WARNINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def main() -> None:
    """Make a calculator of the first line, and answer every line: the setup, then geometries."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for warning in WARNINGS:
        signal.signal(warning, signal.SIG_IGN)
    # The library prints: its words go where errors go, and the answers alone to our output.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    calculator: Any = None
    numbers: list[int] = []
    for line in sys.stdin:
        given = json.loads(line)
        try:
            if calculator is None:
                numbers = given["numbers"]
                calculator = _calculator(given)
            answer = _point(calculator, numbers, given)
        except Exception as error:  # whatever the library says, in words
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
        print(json.dumps(answer), file=answers, flush=True)


def _calculator(given: dict[str, Any]) -> Any:
    # gfnff looks for ASE, which takes ten times as long to import as everything that is needed here.
    sys.modules["ase"] = None  # type: ignore[assignment]
    from gfnff.calculator import GFNFFCalculator

    return GFNFFCalculator(
        given["numbers"],
        given["positions"],
        lattice=given["lattice"],
        npbc=0 if given["lattice"] is None else 3,
        fragments=given["fragments"],
        version=given["version"],
    )


def _point(calculator: Any, numbers: list[int], given: dict[str, Any]) -> dict[str, Any]:
    energy, gradient, sigma = calculator.singlepoint(numbers, given["positions"], lattice=given["lattice"])
    return {"energy": energy, "gradient": gradient.tolist(), "sigma": sigma.tolist()}


if __name__ == "__main__":
    main()
    os._exit(0)  # the library's own end may fall over its heap
