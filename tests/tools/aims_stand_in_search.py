"""Energies of the stand-in, by GFN1-xTB, and its search for a minimum."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from aims_stand_in_files import Geometry, read_hessian
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.filters import FrechetCellFilter
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines.relaxing.model_hessian import model_hessian
from genarris_fw.engines.relaxing.potential import PotentialEngine
from genarris_fw.engines.relaxing.quasi_newton import QuasiNewton

Floats = NDArray[np.float64]

# Å, the least width of the supercell, where AIMS_STAND_IN_WIDTH names none: fast, not accurate.
WIDTH = 5.0
# The longest step: Å of an atom, and strain. Like all of this module without the package's own relaxation, whose
# imports take longer than what is computed here: a program that is started hundreds of times.
LARGEST_DISPLACEMENT = 0.2
LARGEST_STRAIN = 0.05


@dataclass
class Found:
    """What belongs to one geometry.

    Attributes
    ----------
    energy : float
        eV.
    forces : (n, 3) ndarray
        eV/Å.
    stress : (3, 3) ndarray or None
        eV/Å3.
    lattice_forces : (3, 3) ndarray or None
        eV/Å: minus the derivatives by the lattice vectors, at fixed fractional coordinates.
    """

    energy: float
    forces: Floats
    stress: Floats | None
    lattice_forces: Floats | None

    @property
    def largest(self) -> float:
        """The largest component of a force that counts (eV/Å)."""
        parts = [np.abs(self.forces).max()]
        if self.lattice_forces is not None:
            parts.append(np.abs(self.lattice_forces).max())
        return float(max(parts))


class Energies(Calculator):
    """What the engine says of a geometry; its supercell is that of the start."""

    implemented_properties = ("energy", "free_energy", "forces", "stress")

    def __init__(self, engine: PotentialEngine, start: Structure) -> None:
        super().__init__()
        self.engine, self.start, self.potential = engine, start, engine.potential(start)

    def structure(self, atoms: Atoms) -> Structure:
        """The atoms with the start's name."""
        lattice = None if self.start.lattice is None else np.array(atoms.cell)
        return Structure(lattice, self.start.species, atoms.positions, struct_id=self.start.struct_id)

    def calculate(
        self, atoms: Atoms, properties: Sequence[str] = (), system_changes: Sequence[str] = tuple(all_changes)
    ) -> None:
        """Compute everything at once."""
        super().calculate(atoms, properties, system_changes)
        point = self.engine.checked_point(self.potential, self.structure(atoms))
        self.results = {"energy": point.energy, "free_energy": point.energy, "forces": point.forces}
        if point.stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(point.stress)


class Search:
    """A geometry on its way to a minimum.

    Parameters
    ----------
    geometry : Geometry
        The start; with a Hessian and a trust radius it is gone on with.
    cell : bool
        Whether the cell moves too.
    """

    def __init__(self, geometry: Geometry, cell: bool) -> None:
        width = float(os.environ.get("AIMS_STAND_IN_WIDTH", WIDTH))
        engine = engines.get("tblite", min_width=width, supercell="smallest", relax_cell=cell)
        assert isinstance(engine, PotentialEngine)
        start = Structure(geometry.lattice, geometry.species, geometry.positions, struct_id="stand-in")
        self.atoms = start.to_ase()
        self._calculator = Energies(engine, start)
        self.atoms.calc = self._calculator
        self._periodic, self._cell = start.lattice is not None, cell and start.lattice is not None
        self._target = FrechetCellFilter(self.atoms) if self._cell else self.atoms
        n = len(self.atoms)
        limits = np.full((n + 3 * self._cell, 3), LARGEST_DISPLACEMENT)
        limits[n:] = LARGEST_STRAIN * n
        self._hessian = read_hessian(limits.size) if geometry.hessian else None
        self._search = QuasiNewton(self.curvature, limits.ravel())
        if geometry.trust_radius is not None:
            self._search.radius = min(1.0, geometry.trust_radius / LARGEST_DISPLACEMENT)

    @property
    def lattice(self) -> Floats | None:
        """Of the geometry as it is (Å)."""
        return np.array(self.atoms.cell) if self._periodic else None

    @property
    def positions(self) -> Floats:
        """Of the geometry as it is (Å)."""
        return np.array(self.atoms.positions)

    @property
    def trust_radius(self) -> float:
        """Å."""
        return LARGEST_DISPLACEMENT * self._search.radius

    def curvature(self) -> Floats:
        """The Hessian that the next step begins with (eV/Å2): for the first one that of the file, if there is one."""
        if self._hessian is not None:
            found, self._hessian = self._hessian, None
            return found
        size = self._target.get_positions().size
        return model_hessian(self._calculator.structure(self.atoms), float(len(self.atoms)))[:size, :size]

    def compute(self, forces: bool) -> Found:
        """Compute the geometry as it is."""
        energy = float(self.atoms.get_potential_energy())
        on_atoms = np.array(self.atoms.get_forces())
        stress = lattice_forces = None
        if self._cell and forces:
            stress = np.array(self.atoms.get_stress(voigt=False))
            lattice_forces = -self.atoms.get_volume() * np.linalg.inv(self.atoms.cell[:]).T @ stress
        return Found(energy, on_atoms, stress, lattice_forces)

    def step(self) -> None:
        """Go on to the next geometry."""
        x = np.asarray(self._target.get_positions()).ravel()
        gradient = -np.asarray(self._target.get_forces()).ravel()
        new = self._search.propose(x, float(self.atoms.get_potential_energy()), gradient)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._target.set_positions(new.reshape(-1, 3))
