"""A calculator that leaves a line in a file each time it is made: loading a model is dear."""

from __future__ import annotations

import os
from pathlib import Path

from ase.calculators.lj import LennardJones


def counted(loads: str) -> LennardJones:
    with Path(loads).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return LennardJones(sigma=1.0, epsilon=0.01, rc=4.0)
