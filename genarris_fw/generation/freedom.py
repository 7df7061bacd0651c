"""What symmetry leaves free: strains of the cell, shifts and turns of the independent molecules; and their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

# Parameters without any special value or relation, for a point that stands for its whole Wyckoff position.
GENERIC = np.array([0.193160131, 0.371780537, 0.117450233])
SAME_POINT = 1e-6  # of a cell's edge


@dataclass(frozen=True, eq=False)
class Operations:
    """Symmetry operations of a cell.

    Attributes
    ----------
    rotations, translations : (g, 3, 3), (g, 3) arrays
        Fractional; the first is the identity.
    turns : (g, 3, 3) array
        The rotation parts in Cartesian coordinates.
    """

    rotations: Floats
    translations: Floats
    turns: Floats

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.rotations)

    def images(self, point: Floats) -> Floats:
        """Return the (g, 3) images of a fractional point."""
        return np.asarray(self.rotations @ point + self.translations)

    def stabiliser(self, point: Floats, tol: float = SAME_POINT) -> Integers:
        """Return which operations keep a fractional point in place, apart from lattice translations."""
        offset = self.images(point) - point
        return np.flatnonzero((np.abs(offset - np.rint(offset)) < tol).all(axis=1))

    def distinct(self, point: Floats, tol: float = SAME_POINT) -> Integers:
        """Return one operation for every image of a fractional point that differs by more than lattice translations."""
        chosen: list[int] = []
        images = self.images(point)
        for k, image in enumerate(images):
            if equivalent(image, images[chosen], tol) is None:
                chosen.append(k)
        return np.array(chosen, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Entries:
    """Which molecules the independent ones are seen from: all neighbours, up to lattice translations.

    Attributes
    ----------
    first, second : (e,) arrays
        Independent molecule `second`, after an operation, seen from `first`.
    operations : (e,) array
        Number of the operation.
    weights : (e,) array
        How many molecule pairs of the cell each pair of the entry stands for. (Of an own translation, one of +t and -t
        is looked at.)
    """

    first: Integers
    second: Integers
    operations: Integers
    weights: Floats

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which entries are a molecule's own lattice translations."""
        return np.asarray((self.operations == 0) & (self.first == self.second))


def equivalent(point: Floats, points: Floats, tol: float = SAME_POINT) -> int | None:
    """Return which of some fractional points equals the given one apart from lattice translations, or None."""
    offset = points - point
    hits = np.flatnonzero((np.abs(offset - np.rint(offset)) < tol).all(axis=1))
    return int(hits[0]) if len(hits) else None


def entries(operations: Operations, points: Sequence[Floats], tol: float = SAME_POINT) -> Entries:
    """List the neighbours of independent molecules at fractional points (generic ones of their sites)."""
    rows: list[tuple[int, int, int, float]] = []
    for a, point in enumerate(points):
        chosen = operations.distinct(point, tol)
        alike = _alike(operations, point, chosen, tol)
        for k, operation in enumerate(chosen):
            if alike[k] == k:
                # Of a pair of equal molecules both see the other; of own translations half are looked at.
                weight = len(chosen) * (1.0 if k == 0 else np.count_nonzero(alike == k) / 2)
                rows.append((a, a, int(operation), weight))
        for b in range(a + 1, len(points)):
            rows += [(a, b, int(k), float(len(chosen))) for k in operations.distinct(points[b], tol)]
    table = np.array(rows)
    first, second, number = table[:, :3].astype(np.intp).T
    return Entries(first, second, number, table[:, 3])


def _alike(operations: Operations, point: Floats, chosen: Integers, tol: float) -> Integers:
    """For each of the chosen operations the first one with the same contacts.

    An operation g brings a molecule to the same distances as its inverse does; the molecule that the inverse makes may
    be made by another chosen operation, and so on.
    """
    images = operations.images(point)[chosen]
    alike = np.arange(len(chosen))
    for k, operation in enumerate(chosen):
        back = np.linalg.solve(operations.rotations[operation], point - operations.translations[operation])
        inverse = equivalent(back, images, tol)
        if inverse is not None and alike[inverse] != alike[k]:
            alike[np.isin(alike, (alike[inverse], alike[k]))] = min(alike[inverse], alike[k])
    return alike


def strain_basis(turns: Floats, keep_volume: bool) -> Floats:
    """Return an orthonormal (s, 3, 3) basis of the symmetric strains that commute with all turns."""
    symmetric = np.zeros((6, 3, 3))
    for k in range(3):
        symmetric[k, k, k] = 1.0
    for k, (i, j) in enumerate(((1, 2), (0, 2), (0, 1)), start=3):
        symmetric[k, i, j] = symmetric[k, j, i] = np.sqrt(0.5)
    flat = symmetric.reshape(6, 9)
    mean = np.einsum("gab,kbc,gdc->kad", turns, symmetric, turns).reshape(6, 9) / len(turns)
    projector = flat @ mean.T
    if keep_volume:
        size = np.array([1, 1, 1, 0, 0, 0]) / np.sqrt(3.0)
        projector = projector - np.outer(size, size)
    return (_range(projector) @ flat).reshape(-1, 3, 3)


def shift_basis(turns: Floats) -> Floats:
    """Return orthonormal (d, 3) vectors along which a molecule may move on a site with these operations."""
    return _range(turns.mean(axis=0))


def turn_basis(turns: Floats) -> Floats:
    """Return orthonormal (d, 3) axes about which a molecule may turn on a site with these operations."""
    return _range((turns * np.linalg.det(turns)[:, None, None]).mean(axis=0))


def _range(projector: Floats) -> Floats:
    """Rows that span what a projector keeps."""
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    return np.ascontiguousarray(vectors[:, values > 0.5].T)


def padded(basis: Floats) -> Floats:
    """Return up to three rows, filled up with zeros to (3, 3)."""
    rows = np.zeros((3, 3))
    rows[: len(basis)] = basis
    return rows
