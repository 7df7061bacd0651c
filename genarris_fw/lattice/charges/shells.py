"""Where a molecule's electrostatic potential is looked at: points on shells around its atoms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.radii import vdw_radius

Array = NDArray[np.float64]

# In van der Waals radii: from where neighbours in a crystal begin to where charge and dipole are all that is seen.
SHELLS = (1.5, 1.8, 2.1, 2.5, 3.0)
# Between them and beyond: points that no fit has seen, to judge it by.
OTHER_SHELLS = (1.65, 1.95, 2.3, 2.75, 3.5)
DENSITY = 3.0  # points per Å2 of an atom's van der Waals sphere, the same number on each of its shells
OTHER_DENSITY = 1.0
GOLDEN = math.pi * (1 + math.sqrt(5))


def sphere(number: int) -> Array:
    """Return so many directions, (number, 3), spread evenly: a spherical spiral of the golden angle.

    Swinbank and Purser, Q. J. R. Meteorol. Soc. 132, 1769 (2006).
    """
    i = np.arange(number) + 0.5
    z = 1 - 2 * i / number
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(GOLDEN * i), flat * np.sin(GOLDEN * i), z], axis=1)


def shell_points(
    species: Sequence[str], positions: ArrayLike, shells: Sequence[float] = SHELLS, density: float = DENSITY
) -> Array:
    """Return points on shells around a molecule.

    Parameters
    ----------
    species : sequence of str
        Elements, n of them.
    positions : (n, 3) array_like
        Å.
    shells : sequence of float, optional
        In van der Waals radii of the atoms.
    density : float, optional
        Points per Å2 of an atom's van der Waals sphere, before those inside of other spheres are left out.

    Returns
    -------
    (p, 3) ndarray
        Å: of every shell the points on its spheres that are inside of no other, shell after shell, atom after atom.

    Raises
    ------
    InputError
        For an element without a van der Waals radius.
    """
    centres = np.asarray(positions, dtype=np.float64)
    radii = np.array([vdw_radius(name) for name in species])
    spheres = [sphere(int(4 * math.pi * radius**2 * density)) for radius in radii]
    found = []
    for factor in shells:
        for i, centre in enumerate(centres):
            points = centre + factor * radii[i] * spheres[i]
            distances = np.linalg.norm(points[:, None] - centres, axis=2)
            distances[:, i] = np.inf
            found.append(points[(distances > factor * radii - 1e-9).all(axis=1)])
    return np.concatenate(found)
