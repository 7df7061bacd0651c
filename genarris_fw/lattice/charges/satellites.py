"""Massless sites beside nitrogen, oxygen and sulphur, for the charge of lone pairs and of π electrons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import bonds

Array = NDArray[np.float64]

# Å from the nucleus. Between 0.25 and 0.7 Å the fits hardly differ for N and O; sulphur's electrons reach further.
DISTANCE = {"N": 0.35, "O": 0.35, "S": 0.6}
STRAIGHT = 0.2  # length of the sum of two unit vectors along bonds, below which these are opposite
ALONG = 0.1  # Å across a bond, below which a neighbour's neighbour lies on its line
IN_PLANE = 0.3  # how far a unit vector may point out of a plane that counts as one


def satellites(species: Sequence[str], positions: Array) -> Array:
    """Return where a molecule's satellites are.

    An atom with one neighbour (C=O, C≡N) has one in the bond's direction, and, where the neighbour's other bonds say
    which plane is the molecule's, one to each side in that plane and one above and below it; where these bonds lie in
    no plane, one opposite to each. An atom with two neighbours has one along the bisector, outwards, and one above and
    below the plane. One with three has one above and below the plane of these. Others have none.

    Parameters
    ----------
    species : sequence of str
        Elements, n of them.
    positions : (n, 3) ndarray
        Å, of the nuclei.

    Returns
    -------
    (s, 3) ndarray
        Å.
    """
    near: list[list[int]] = [[] for _ in species]
    for i, j in bonds(species, positions):
        near[i].append(j)
        near[j].append(i)
    found = [
        positions[i] + DISTANCE[name] * direction
        for i, name in enumerate(species)
        if name in DISTANCE
        for direction in _directions(i, near, positions)
    ]
    return np.array(found).reshape(-1, 3)


def _directions(i: int, near: list[list[int]], positions: Array) -> list[Array]:
    """Return the unit vectors from an atom to its satellites."""
    to = [_unit(positions[j] - positions[i]) for j in near[i]]
    if len(to) == 1:
        [end] = near[i]
        others = [positions[k] - positions[end] for k in near[end] if k != i]
        return _at_an_end(-to[0], others)
    if len(to) == 2:
        between = to[0] + to[1]
        if np.linalg.norm(between) < STRAIGHT:
            return []
        normal = _unit(np.cross(to[0], to[1]))
        return [-_unit(between), normal, -normal]
    if len(to) == 3:
        normal = _unit(np.cross(to[1] - to[0], to[2] - to[0]))
        return [normal, -normal]
    return []


def _at_an_end(outwards: Array, others: list[Array]) -> list[Array]:
    """Return the directions at an atom with one neighbour; `others` are that neighbour's other bonds."""
    across = [vector - (vector @ outwards) * outwards for vector in others]
    across = [_unit(vector) for vector in across if np.linalg.norm(vector) > ALONG]
    if not across:
        return [outwards]
    side = across[0]
    normal = np.cross(outwards, side)
    if any(abs(vector @ normal) > IN_PLANE for vector in across):
        return [outwards, *(-vector for vector in across)]
    return [outwards, side, -side, normal, -normal]


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))
