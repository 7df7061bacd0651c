"""Kinds of molecule whose sites carry multipoles in place of charges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.multipoles import rank_of, rotated
from genarris_fw.lattice.sums.kinds import Kind, make_kind

Floats = NDArray[np.float64]

HIGHEST = 4  # the rank of multipoles that is summed
ELSEWHERE = 0.5  # Å: a site that an operation takes farther from any other has no partner


@dataclass(frozen=True, eq=False)
class MultipoleKind(Kind):
    """A molecule with multipoles; its charges are among them.

    Attributes
    ----------
    multipole_sites : (k, 3) array
        Å, about the mean of the atoms.
    multipoles : (k, (rank + 1)^2) array
        e Å^l, as the molecule lies.
    """

    multipole_sites: Floats
    multipoles: Floats

    def turned(self, rotation: Floats) -> Kind:
        """Return the kind turned by an orthogonal matrix (3, 3), proper or not."""
        return replace(
            super().turned(rotation),
            multipole_sites=self.multipole_sites @ rotation.T,  # type: ignore[call-arg]
            multipoles=rotated(self.multipoles, rotation),
        )

    def symmetrised(self, operations: Floats) -> tuple[Kind, float]:
        """Return the kind averaged over (g, 3, 3) operations about its centre, and how far a site moved at most, Å."""
        changed, moved = super().symmetrised(operations)
        if len(operations) == 1 or not np.isfinite(moved):
            return changed, moved
        places, values = np.zeros_like(self.multipole_sites), np.zeros_like(self.multipoles)
        for operation in operations:
            images = self.multipole_sites @ operation.T
            apart = np.linalg.norm(images[:, None] - self.multipole_sites, axis=2)
            partner = apart.argmin(axis=1)
            if len(np.unique(partner)) < len(partner) or apart.min(axis=1).max() > ELSEWHERE:
                return changed, np.inf
            places[partner] += images / len(operations)
            values[partner] += rotated(self.multipoles, operation) / len(operations)
        moved = max(moved, float(np.linalg.norm(places - self.multipole_sites, axis=1).max()))
        return replace(changed, multipole_sites=places, multipoles=values), moved  # type: ignore[call-arg]


def kind_of(
    molecule: Molecule, types: NDArray[np.intp], sites: Floats, electrostatics: Any, axes: Floats | None = None
) -> Kind:
    """Return a molecule's kind: with multipoles where the electrostatics has more than charges; see `make_kind`.

    Raises
    ------
    InputError
        For what `make_kind` raises, and for multipoles above rank 4.
    """
    values = None if electrostatics is None else np.asarray(electrostatics.multipoles, dtype=float)
    if values is None or values.ndim != 2 or values.shape[1] < 2 or not np.any(values[:, 1:]):
        return make_kind(molecule, types, sites, electrostatics, axes)
    places = np.asarray(electrostatics.sites, dtype=float)
    if places.shape != (len(values), 3):
        raise InputError("electrostatics: expected sites (k, 3) and as many rows of multipoles")
    if rank_of(values.shape[1]) > HIGHEST:
        raise InputError(f"electrostatics: multipoles of rank {rank_of(values.shape[1])}; at most {HIGHEST} are summed")
    bare = make_kind(molecule, types, sites, None, axes)
    centre = molecule.positions.mean(axis=0)
    return MultipoleKind(**vars(bare), multipole_sites=places - centre, multipoles=values)
