"""ASE calculators whose energy follows a formula: of rkmax and k grid, or of the volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

BASIS, GRID = 40.0, 0.5  # eV per atom


def energy(rkmax: float, k_grid: list[int]) -> float:
    """eV per atom: from above with the basis, from below with the number of k points."""
    points = k_grid[0] * k_grid[1] * k_grid[2]
    return -3.0 + BASIS * 10.0**-rkmax - GRID / points**2


class Smooth(Calculator):
    """Fails for one pair of settings, where it is told to."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, rkmax: float, k_grid: list[int], fails_at: tuple[float, int] | None = None) -> None:
        super().__init__()
        self.rkmax, self.k_grid = rkmax, list(k_grid)
        self.fails = fails_at is not None and (rkmax, self.k_grid[0]) == tuple(fails_at)

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        if self.fails:
            raise CalculationFailed("it was told to")
        n = len(atoms)
        self.results = {
            "energy": n * energy(self.rkmax, self.k_grid),
            "forces": np.zeros((n, 3)),
            "stress": np.zeros(6),
        }


class OfVolume(Calculator):
    """A parabola of the cell's volume with its minimum where it is told, and some noise that the volume decides."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, volume: float, noise: float = 0.0) -> None:
        super().__init__()
        self.volume, self.noise = volume, noise

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        strain = atoms.get_volume() / self.volume - 1
        energy = 10.0 * strain**2 + self.noise * np.sin(1e4 * strain)
        self.results = {"energy": energy, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}
