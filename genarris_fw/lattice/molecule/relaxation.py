"""The form of a molecule by itself: relaxed by the method that its charges come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import BFGS
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.crystal.bonds import same_bonds
from genarris_fw.errors import EngineError
from genarris_fw.lattice.molecule.gfn2 import METHOD as GFN2
from genarris_fw.lattice.molecule.gfn2 import gfn2_forces, gfn2_installed, is_gfn2
from genarris_fw.lattice.molecule.methods import DEFAULT, theory_and_basis
from genarris_fw.lattice.molecule.wave_function import WaveFunction, even_electrons

FORCE = 0.02  # eV/Å on any atom: bonds are then right to 0.001 Å
MOST_STEPS = 200
DIFFERENCE = 0.005  # Å
SOFTEST = 1.0  # eV/Å2: what is softer, turns of the whole molecule too, begins with that curvature


def relaxed(molecule: Molecule, method: str = DEFAULT, charge: int = 0) -> Molecule:
    """Return the molecule in the nearest form of least energy.

    Parameters
    ----------
    molecule : Molecule
        A first guess.
    method : str, optional
        As of `electrostatics`: a theory/basis of pyscf, or ``GFN2``.
    charge : int, optional
        Of the molecule, e.

    Returns
    -------
    Molecule
        Atoms in the same order.

    Raises
    ------
    InputError
        For an unknown method, an odd number of electrons, or a program that is not installed.
    EngineError
        Where a field does not converge, the form is not found in 200 steps, or bonds change on the way.
    """
    even_electrons(molecule.species, charge)
    atoms = Atoms(molecule.species, molecule.positions)
    curvature = None
    if not is_gfn2(method) and gfn2_installed():
        # The form and the curvature of a method that costs next to nothing save most of the steps of the dear one.
        _minimise(atoms, GFN2, charge, None)
        curvature = _curvature(atoms)
    _minimise(atoms, method, charge, curvature)
    found = molecule.at(np.asarray(atoms.positions))
    if not same_bonds(molecule, found):
        raise EngineError(
            f"{molecule.formula}: relaxed by {method} it has other bonds; check the molecule and its charge",
            "bonds",
            True,
        )
    return found


def _minimise(atoms: Atoms, method: str, charge: int, curvature: NDArray[np.float64] | None) -> None:
    """Relax atoms where they are; `curvature`: (3 n, 3 n) to begin with, eV/Å2."""
    atoms.calc = _Forces(method, charge)
    search = BFGS(atoms, logfile=None)
    if curvature is not None:
        search.H0 = curvature
    if not search.run(fmax=FORCE, steps=MOST_STEPS):
        raise EngineError(
            f"{atoms.get_chemical_formula('hill')}: not relaxed by {method} in {MOST_STEPS} steps; give a better first "
            "guess",
            "steps",
            True,
        )


def _curvature(atoms: Atoms) -> NDArray[np.float64]:
    """Second derivatives by central differences of the forces, made positive; eV/Å2."""
    rows = []
    for atom in range(len(atoms)):
        for axis in range(3):
            forces = []
            for sign in (1.0, -1.0):
                moved = atoms.copy()
                moved.positions[atom, axis] += sign * DIFFERENCE
                forces.append(atoms.calc.get_forces(moved).ravel())
            rows.append((forces[1] - forces[0]) / (2 * DIFFERENCE))
    matrix = np.array(rows)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.maximum(np.abs(values), SOFTEST)) @ vectors.T)


class _Forces(Calculator):
    """A method of `electrostatics` as a calculator of ASE."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, method: str, charge: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.method, self.charge = method, charge

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        """Compute the energy (eV) and the forces (eV/Å) of ASE's atoms."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        species, positions = atoms.get_chemical_symbols(), np.asarray(atoms.positions, dtype=np.float64)
        if is_gfn2(self.method):
            energy, forces = gfn2_forces(species, positions, self.charge)
        else:
            wave = WaveFunction(species, positions, *theory_and_basis(self.method), self.charge)
            energy, forces = wave.energy, wave.forces()
        self.results = {"energy": energy, "forces": forces}
