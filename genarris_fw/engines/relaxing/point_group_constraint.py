"""Keeping the point group of a molecule while it relaxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixConstraint
from numpy.typing import NDArray

from genarris_fw.crystal.point_groups import PointGroup

Floats = NDArray[np.float64]


class FixPointGroup(FixConstraint):
    """An ASE constraint that averages forces and displacements over the operations of a point group.

    Parameters
    ----------
    group : PointGroup
        The group of the molecule as it is oriented now.
    """

    def __init__(self, group: PointGroup) -> None:
        self.group = group

    def averaged(self, vectors: Floats) -> Floats:
        """(n, 3) part of vectors on the atoms that has the full symmetry of the group."""
        total = np.zeros_like(vectors)
        for operation, places in zip(self.group.operations, self.group.permutations):
            total[places] += vectors @ operation.T
        return np.asarray(total / len(self.group.operations))

    def adjust_positions(self, atoms: Atoms, new: Floats) -> None:
        """Keep the symmetric part of the displacement."""
        new[:] = atoms.positions + self.averaged(new - atoms.positions)

    def adjust_forces(self, atoms: Atoms, forces: Floats) -> None:
        """Keep the symmetric part of the forces."""
        forces[:] = self.averaged(forces)

    def get_removed_dof(self, atoms: Atoms) -> int:
        """Return 0: degrees of freedom are not counted here."""
        return 0

    def index_shuffle(self, atoms: Atoms, ind: Any) -> None:
        """Refuse to follow a reordering of the atoms."""
        raise NotImplementedError("a molecule under FixPointGroup keeps the order of its atoms")

    def todict(self) -> dict[str, Any]:
        """Return what ASE writes of a constraint."""
        return {"name": "FixPointGroup", "kwargs": {"symbol": self.group.symbol}}
