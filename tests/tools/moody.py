"""A calculator for the tests: Lennard-Jones, which refuses some crystals."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ase.calculators.lj import LennardJones


class Moody(LennardJones):
    """Lennard-Jones that fails for cells whose volume has an odd last digit (in tenths of Å3)."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=("positions",)):
        if atoms.pbc.any() and round(atoms.get_volume() * 10) % 2:
            raise RuntimeError("this crystal is refused")
        super().calculate(atoms, properties, system_changes)


def moody() -> Moody:
    return Moody(sigma=1.0, epsilon=0.01, rc=4.0)


def steady() -> LennardJones:
    return LennardJones(sigma=1.0, epsilon=0.01, rc=4.0)


def told(constants: dict[str, dict[str, float]], ranges: list[list[float]]) -> LennardJones:
    """Settings that are lists and dicts within dicts, as basis sets or potentials are told."""
    return LennardJones(**constants["all"], rc=ranges[0][1])


class Held(LennardJones):
    """Lennard-Jones that waits while the file is there that MOODY_HOLD names, so that a run stays in the middle."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=("positions",)):
        while Path(os.environ.get("MOODY_HOLD", "/nowhere")).exists():
            time.sleep(0.05)
        super().calculate(atoms, properties, system_changes)


def held() -> Held:
    return Held(sigma=1.0, epsilon=0.01, rc=4.0)
