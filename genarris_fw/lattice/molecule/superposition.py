"""One molecule laid upon another: which atom is which, and the rotation or reflection between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Hydrogens count little: where they are depends on who puts them there, by 0.1 Å along the bond.
WEIGHT_OF_HYDROGEN = 0.01
CLEARLY = 1e-3  # Å by which a mirror image has to fit better to be taken


@dataclass(frozen=True, eq=False)
class Superposition:
    """How a molecule lies upon a reference.

    Attributes
    ----------
    order : (n,) ndarray of int
        Atom i of the reference is atom ``order[i]`` of the other.
    rotation : (3, 3) ndarray
        Orthogonal, proper or not.
    shift : (3,) ndarray
        Å: a point x of the other lies at rotation @ x + shift upon the reference.
    deviation : float
        The largest distance between two atoms that are the same, Å.
    """

    order: Integers
    rotation: Array
    shift: Array
    deviation: float


def superposed(reference: Molecule, other: Molecule, tolerance: float = 0.1) -> Superposition | None:
    """Return how a molecule lies best upon another one, or None where it does not within a tolerance.

    Parameters
    ----------
    reference, other : Molecule
        Their atoms in any order; one may be the mirror image of the other.
    tolerance : float, optional
        Å, of the largest distance between two atoms that are the same.
    """
    if sorted(reference.species) != sorted(other.species):
        return None
    kinds = np.unique([*reference.species, *other.species], return_inverse=True)[1].reshape(2, -1)
    places = [molecule.positions - molecule.positions.mean(axis=0) for molecule in (reference, other)]
    weights = np.where(np.array(reference.species) == "H", WEIGHT_OF_HYDROGEN, 1.0)
    best: Superposition | None = None
    for start in _starts(kinds, places, 2 * tolerance):
        found = _fitted(start, kinds, reference.positions, other.positions, weights)
        if found is None or found.deviation > tolerance:
            continue
        if best is None or _better(found, best):
            best = found
    return best


def _better(one: Superposition, other: Superposition) -> bool:
    """Tell whether a superposition is to be taken before another: a proper one unless the other is clearly better."""
    proper = [np.linalg.det(each.rotation) > 0 for each in (one, other)]
    gain = other.deviation - one.deviation
    return gain > (CLEARLY if proper[1] and not proper[0] else -CLEARLY if proper[0] and not proper[1] else 1e-9)


def _starts(kinds: Integers, places: list[Array], tolerance: float) -> list[Array]:
    """Return matrices that take two atoms of the other, and their centre, to where such atoms of the reference are."""
    radii = [np.linalg.norm(points, axis=1) for points in places]
    alike = (kinds[0][:, None] == kinds[1]) & (np.abs(radii[0][:, None] - radii[1]) <= tolerance)
    if not alike.any(axis=0).all():
        return []
    area = np.linalg.norm(np.cross(places[1][:, None], places[1]), axis=2)
    wide = np.argwhere(area >= 0.25 * area.max())
    images = alike.sum(axis=0)
    i, j = wide[np.argmin(images[wide[:, 0]] * images[wide[:, 1]])]
    own = np.linalg.norm(places[1][i] - places[1][j])
    starts = []
    for k, m in product(np.flatnonzero(alike[:, i]), np.flatnonzero(alike[:, j])):
        if abs(np.linalg.norm(places[0][k] - places[0][m]) - own) <= 2 * tolerance:
            frame = _frame(places[1][i], places[1][j], 1)
            starts += [_frame(places[0][k], places[0][m], sign) @ frame.T for sign in (1, -1)]
    return starts


def _frame(first: Array, second: Array, sign: int) -> Array:
    """Orthonormal columns: along a vector, across it in the plane of another one, and that plane's normal."""
    if np.linalg.norm(first) < 1e-6:
        return np.diag([1.0, 1.0, float(sign)])
    u = first / np.linalg.norm(first)
    normal = np.cross(first, second)
    if np.linalg.norm(normal) < 1e-6:
        normal = np.cross(u, np.eye(3)[np.argmin(np.abs(u))])
    normal = normal / np.linalg.norm(normal)
    return np.column_stack([u, np.cross(normal, u), sign * normal])


def _fitted(start: Array, kinds: Integers, to: Array, points: Array, weights: Array) -> Superposition | None:
    """Match the atoms as they lie, and fit the rotation to the match (Kabsch 1976), until neither changes."""
    rotation, shift = start, to.mean(axis=0) - start @ points.mean(axis=0)
    order = None
    for _ in range(5):
        distances = np.linalg.norm(to[:, None] - (points @ rotation.T + shift), axis=2)
        distances[kinds[0][:, None] != kinds[1]] = np.inf
        nearest = distances.argmin(axis=1)
        if len(set(nearest.tolist())) < len(to):
            return None
        if order is not None and (nearest == order).all():
            break
        order = nearest
        centre, there = (np.average(each, axis=0, weights=weights) for each in (points[order], to))
        u, _, vt = np.linalg.svd(((to - there) * weights[:, None]).T @ (points[order] - centre))
        u[:, 2] *= np.sign(np.linalg.det(start) * np.linalg.det(u @ vt))
        rotation = u @ vt
        shift = there - rotation @ centre
    assert order is not None
    deviation = np.linalg.norm(to - (points[order] @ rotation.T + shift), axis=1).max()
    return Superposition(order, np.asarray(rotation), np.asarray(shift), float(deviation))
