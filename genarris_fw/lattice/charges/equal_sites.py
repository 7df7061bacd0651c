"""Which sites of a molecule its own symmetry makes equal, and multipoles that have this symmetry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule, PointGroup, point_group
from genarris_fw.errors import InputError
from genarris_fw.lattice.multipoles import rotated

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Å: the symmetry that a molecule has in a crystal whose coordinates are those of an X-ray experiment.
TOLERANCE = 0.03
SAME_PLACE = 0.15  # Å between the image of a site and the site that it is: less than half the distance of any two


def symmetry(molecule: Molecule) -> PointGroup:
    """Return the molecule's point group within `TOLERANCE`."""
    return point_group(molecule, TOLERANCE)


def images(group: PointGroup, sites: Array) -> list[tuple[Array, Integers]]:
    """Return the operations with, for each site, the site to whose place it goes; -1 where there is none."""
    centred = sites - group.centre
    found = []
    for operation in group.operations:
        distances = np.linalg.norm((centred @ operation.T)[:, None] - centred, axis=2)
        nearest = distances.argmin(axis=1)
        found.append((operation, np.where(distances.min(axis=1) < SAME_PLACE, nearest, -1)))
    return found


def classes(group: PointGroup, sites: Array) -> Integers:
    """Return the number of each site's class: sites that an operation of the molecule exchanges have the same.

    Parameters
    ----------
    group : PointGroup
        Of the molecule, with its centre.
    sites : (k, 3) ndarray
        Å.

    Returns
    -------
    (k,) ndarray of int
        Numbered in the order of their first sites.
    """
    label = np.arange(len(sites))
    for _, goes_to in images(group, sites):
        for i, j in enumerate(goes_to):
            if j >= 0 and label[i] != label[j]:
                low, high = sorted((label[i], label[j]))
                label[label == high] = low
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.int64)


def averaged(group: PointGroup, sites: Array, multipoles: Array) -> Array:
    """Return multipoles that all operations of a point group leave as they are: their mean over these.

    Raises
    ------
    InputError
        Where an operation takes a site to a place where there is none.
    """
    total = np.zeros_like(multipoles)
    operations = images(group, sites)
    for operation, goes_to in operations:
        if (goes_to < 0).any() or len(set(goes_to.tolist())) < len(sites):
            raise InputError("the sites of the multipoles do not have the symmetry of the molecule")
        total[goes_to] += rotated(multipoles, operation)
    return total / len(operations)
