"""A cheap energy for the tests of the search: what the rigid press minimises, volume and repulsion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genarris_fw.crystal import Molecule, Structure
from genarris_fw.generation import cutoff_matrix, press_fully
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.placement import Placement

SR = 0.85
STEPS, TOLERANCE = 400, 1e-7


@dataclass
class Minimised:
    structure: Structure
    energy: float
    is_minimum: bool = True


@dataclass
class Curvature:
    lowest: float = 1.0
    zero: float = 1e-3

    def modes(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([self.lowest]), np.zeros((1, 1))


class ToyModel:
    """Energies are the press's objective per molecule, Å3 taken for kJ/mol."""

    def __init__(self, molecule: Molecule, sr: float = SR) -> None:
        self.cutoffs, self.sr = cutoff_matrix(molecule, sr), sr

    def site_minimiser(self, placement: Placement) -> ToyMinimiser:
        return ToyMinimiser(placement, self.cutoffs)

    def minimise(self, structure: Structure, break_symmetry: bool = False) -> Minimised:
        pressed = press_fully(structure, self.sr, symprec=1e-2)
        return Minimised(pressed.structure, pressed.energy / pressed.structure.properties["Z"])

    def hessian(self, structure: Structure) -> Curvature:
        return Curvature()


class ToyMinimiser:
    def __init__(self, placement: Placement, cutoffs: np.ndarray) -> None:
        self.kernel, self.Z = placement.press(cutoffs), placement.Z

    def minimise_hits(self, hits: Hits) -> tuple[Hits, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        lattices, rotations, centres = hits.lattices.copy(), hits.rotations.copy(), hits.centres.copy()
        energies, (steps, status) = np.full(len(hits), np.inf), np.zeros((2, len(hits)), dtype=int)
        for k in range(len(hits)):
            lattice, turned, moved, energy, steps[k], _, converged = self.kernel.press(
                lattices[k], rotations[k], centres[k], hits.orientations[k], STEPS, TOLERANCE
            )
            status[k] = 0 if converged and np.isfinite(energy) else 1
            if np.isfinite(energy):
                lattices[k], rotations[k], centres[k], energies[k] = lattice, turned, moved, energy / self.Z
        ended = Hits(hits.numbers, hits.orientations, lattices, rotations, centres)
        return ended, energies, np.zeros(len(hits)), steps, status
