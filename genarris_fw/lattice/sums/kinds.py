"""What a kind of molecule is to the lattice sums: its interaction sites, their types and charges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

SAME_SITE = 1e-6  # Å: charges that near to an exp-6 site are summed with it
SAME_CHARGE = 0.2  # e: sites that symmetry maps onto one another may differ so much; they are averaged


@dataclass(frozen=True, eq=False)
class Kind:
    """A molecule in some place and orientation with its interaction sites.

    Attributes
    ----------
    species : list of str
        Of its n atoms.
    atoms : (n, 3) array
        Å, about their mean.
    sites, types, charges : (s, 3) array, (s,) int array, (s,) array
        Exp-6 sites in the same frame, their types (numbers of the model's), charges at them (e).
    aside, aside_charges : (a, 3), (a,) arrays
        Charges elsewhere.
    axes : (s, 3) array
        Unit vectors of sites with anisotropic repulsion, zeros for the others.
    """

    species: list[str]
    atoms: Floats
    sites: Floats
    types: NDArray[np.intp]
    charges: Floats
    aside: Floats
    aside_charges: Floats
    axes: Floats

    def turned(self, rotation: Floats) -> Kind:
        """Return the kind turned by an orthogonal matrix (3, 3), proper or not."""
        return replace(
            self,
            atoms=self.atoms @ rotation.T,
            sites=self.sites @ rotation.T,
            aside=self.aside @ rotation.T,
            axes=self.axes @ rotation.T,
        )

    def symmetrised(self, operations: Floats) -> tuple[Kind, float]:
        """Return the kind averaged over (g, 3, 3) operations about its centre, and how far a site moved at most, Å.

        The distance is infinite where no site of the same type is where an operation takes one.
        """
        if len(operations) == 1:
            return self, 0.0
        labels = np.unique(self.species, return_inverse=True)[1]
        atoms, _, moved = _averaged(self.atoms, labels, np.zeros(len(labels)), operations)
        sites, charges, farther = _averaged(self.sites, self.types, self.charges, operations)
        aside, aside_charges, farthest = _averaged(
            self.aside, np.zeros(len(self.aside), dtype=np.intp), self.aside_charges, operations
        )
        changed = replace(self, atoms=atoms, sites=sites, charges=charges, aside=aside, aside_charges=aside_charges)
        if np.any(self.axes):
            # An axis is from one site of the molecule to another (or nearly): averaged as the sites are.
            ends, _, _ = _averaged(self.sites + self.axes, self.types, self.charges, operations)
            axes = np.where(np.any(self.axes, axis=1)[:, None], ends - sites, 0.0)
            lengths = np.linalg.norm(axes, axis=1, keepdims=True)
            changed = replace(changed, axes=axes / np.where(lengths > 0, lengths, 1.0))
        return changed, max(moved, farther, farthest)


def _averaged(
    points: Floats, labels: NDArray[np.intp], charges: Floats, operations: Floats
) -> tuple[Floats, Floats, float]:
    """Points and charges averaged over operations, and the largest displacement."""
    if not len(points):
        return points, charges, 0.0
    other = np.where(labels[:, None] == labels, 0.0, np.inf)
    other = other + np.where(np.abs(charges[:, None] - charges) < SAME_CHARGE, 0.0, np.inf)
    images = points @ operations.transpose(0, 2, 1)
    partners = (np.linalg.norm(images[:, :, None] - points, axis=3) + other).argmin(axis=2)
    # Which point an operation takes to each place.
    from_where = partners.argsort(axis=1)
    if (np.take_along_axis(partners, from_where, axis=1) != np.arange(len(points))).any():
        return points, charges, np.inf
    mean = np.take_along_axis(images, from_where[:, :, None], axis=1).sum(axis=0) / len(operations)
    return mean, charges[from_where].sum(axis=0) / len(operations), float(np.linalg.norm(mean - points, axis=1).max())


def make_kind(
    molecule: Molecule, types: NDArray[np.intp], sites: Floats, electrostatics: Any, axes: Floats | None = None
) -> Kind:
    """Return a molecule's kind.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    types : (n,) int array
        Of the exp-6 sites.
    sites : (n, 3) array
        Where these are, in the molecule's frame, Å.
    electrostatics : Electrostatics or None
        Sites and charges in the molecule's frame; None: no charges.
    axes : (n, 3) array, optional
        Of the exp-6 sites.

    Raises
    ------
    InputError
        Where the arrays do not fit together.
    """
    centre = molecule.positions.mean(axis=0)
    charges, aside, aside_charges = np.zeros(len(sites)), np.zeros((0, 3)), np.zeros(0)
    if electrostatics is not None:
        where, values = (
            np.asarray(electrostatics.sites, dtype=float),
            np.asarray(electrostatics.multipoles, dtype=float),
        )
        if where.ndim != 2 or where.shape[1] != 3 or len(values) != len(where):
            raise InputError("electrostatics: expected sites (k, 3) and as many rows of multipoles")
        values = values.reshape(len(where), -1)
        if np.any(values[:, 1:]):
            raise InputError(
                f"electrostatics of rank {round(values.shape[1] ** 0.5) - 1}: this sum is of charges alone; "
                "give charges, with satellites where lone pairs matter"
            )
        monopoles = values[:, 0]
        apart = np.linalg.norm(where[:, None] - sites, axis=2)
        nearest = apart.argmin(axis=1)
        here = apart[np.arange(len(where)), nearest] < SAME_SITE
        np.add.at(charges, nearest[here], monopoles[here])
        aside, aside_charges = where[~here] - centre, monopoles[~here]
    return Kind(
        list(molecule.species),
        molecule.positions - centre,
        sites - centre,
        types,
        charges,
        aside,
        aside_charges,
        np.zeros((len(sites), 3)) if axes is None else axes,
    )
