"""Potentials that are computed on a supercell, in atomic units, and brought back to the one cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import atomic_numbers
from ase.units import Bohr, Hartree
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.relaxing.potential import Floats, Point
from genarris_fw.engines.supercell import mean_over_copies, repeated_positions, smallest_repeats, wide_enough
from genarris_fw.errors import EngineError


class SupercellPotential:
    """What the potentials of one structure on a supercell share.

    Parameters
    ----------
    structure : Structure
        A crystal, or a molecule, which is not repeated.
    min_width : float
        Å: the supercell's perpendicular widths reach this.
    supercell : (3, 3) ndarray of int, optional
        By default the fewest repeats along the cell's own vectors.

    Attributes
    ----------
    supercell : (3, 3) ndarray of int
        Its lattice is this times the cell's.
    numbers : list of int
        Atomic numbers of all computed atoms: copy after copy, each in the order of the cell.
    copies : int
        How many cells the supercell holds.
    details : dict
        What an evaluation says of it.
    """

    def __init__(self, structure: Structure, min_width: float, supercell: NDArray[np.int64] | None = None) -> None:
        self.min_width = min_width
        self.supercell = np.eye(3, dtype=np.int64)
        if structure.lattice is not None and supercell is not None:
            self.supercell = supercell
        elif structure.lattice is not None:
            self.supercell = np.diag(smallest_repeats(structure.lattice, min_width)).astype(np.int64)
        self.copies = abs(round(float(np.linalg.det(self.supercell))))
        self.numbers = [atomic_numbers[name] for name in structure.species] * self.copies
        self.details: dict[str, Any] = {
            "supercell": None if structure.lattice is None else np.diag(self.supercell).tolist(),
            "cells_computed": self.copies,
            "atoms_computed": len(self.numbers),
        }

    def still_fits(self, structure: Structure, part: float = 1.0) -> bool:
        """Return whether the supercell still has the part of the width for this geometry."""
        return structure.lattice is None or wide_enough(structure.lattice, self.supercell, part * self.min_width)

    def repeated(self, lattice: Floats, positions: Floats) -> tuple[Floats, Floats]:
        """Return the positions (copies n, 3) in a supercell and its lattice (3, 3); both from Å to bohr."""
        return repeated_positions(lattice, positions, self.supercell) / Bohr, self.supercell @ lattice / Bohr

    def of_one_cell(self, structure: Structure, energy: Any, gradient: ArrayLike, virial: ArrayLike) -> Point:
        """Return what is computed of the supercell, in hartree and bohr, as energy, forces and stress of one cell.

        Parameters
        ----------
        structure : Structure
            The one cell; of a molecule the virial is not looked at.
        energy : float
            Hartree.
        gradient : (copies n, 3) array_like
            Hartree per bohr.
        virial : (3, 3) array_like
            Hartree: the energy's derivative by strains.
        """
        forces = -mean_over_copies(gradient, self.copies) * (Hartree / Bohr)
        stress = None
        if structure.lattice is not None:
            of_cell = np.asarray(virial) * Hartree / self.copies
            stress = 0.5 * (of_cell + of_cell.T) / structure.cell_volume
        return Point(float(energy) * Hartree / self.copies, forces, stress)


def refuse_elements_beyond(structure: Structure, last: int, method: str, limit: str = "") -> None:
    """Refuse elements that a method has no parameters for.

    Parameters
    ----------
    structure : Structure
        What is to be computed.
    last : int
        The atomic number of the method's last element.
    method : str
        What it is called.
    limit : str, optional
        Said of its elements.

    Raises
    ------
    EngineError
        Kind ``input``, permanent, that names the elements.
    """
    beyond = sorted({name for name in structure.species if atomic_numbers[name] > last})
    if beyond:
        raise EngineError(
            f"{structure.struct_id or 'the structure'}: {method} has no parameters for {', '.join(beyond)}{limit}; "
            "take another engine",
            kind="input",
            permanent=True,
        )
