"""What symmetry leaves free: strains of the cell, shifts and turns of the independent molecules; and their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

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

    @cached_property
    def rotation_parts(self) -> Floats:
        """The different rotation parts (p, 3, 3), fractional: those of the point group."""
        return np.unique(np.rint(self.rotations), axis=0)

    @cached_property
    def centrings(self) -> Floats:
        """The translations (c, 3) other than the lattice's own, fractional."""
        pure = self.translations[(self.rotations == np.eye(3)).all(axis=(1, 2))]
        return np.asarray(pure[np.abs(pure - np.rint(pure)).max(axis=1) > SAME_POINT])

    def images(self, point: Floats) -> Floats:
        """Return the (g, 3) images of a fractional point."""
        return np.asarray(self.rotations @ point + self.translations)

    def stabiliser(self, point: Floats, tol: float = SAME_POINT) -> Integers:
        """Return which operations keep a fractional point in place, apart from lattice translations."""
        offset = self.images(point) - point
        return np.flatnonzero((np.abs(offset - np.rint(offset)) < tol).all(axis=1))

    def distinct(self, point: Floats, tol: float = SAME_POINT) -> Integers:
        """Return one operation for every image of a fractional point that differs by more than lattice translations."""
        images = self.images(point)
        first = _same(images, images, tol).argmax(axis=1)
        return np.flatnonzero(first == np.arange(len(images)))


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


def entries(operations: Operations, points: Sequence[Floats], tol: float = SAME_POINT) -> Entries:
    """List the neighbours of independent molecules at fractional points (generic ones of their sites)."""
    rows: list[tuple[int, int, int, float]] = []
    made = [operations.distinct(point, tol) for point in points]
    for a, (point, chosen) in enumerate(zip(points, made, strict=True)):
        alike = _alike(operations, point, chosen, tol)
        for k, operation in enumerate(chosen):
            if alike[k] == k:
                # Of a pair of equal molecules both see the other; of own translations half are looked at.
                weight = len(chosen) * (1.0 if k == 0 else np.count_nonzero(alike == k) / 2)
                rows.append((a, a, int(operation), weight))
        for b in range(a + 1, len(points)):
            rows += [(a, b, int(k), float(len(chosen))) for k in made[b]]
    table = np.array(rows)
    first, second, number = table[:, :3].astype(np.intp).T
    return Entries(first, second, number, table[:, 3])


def _alike(operations: Operations, point: Floats, chosen: Integers, tol: float) -> Integers:
    """For each of the chosen operations the first one with the same contacts.

    An operation g brings a molecule to the same distances as its inverse does; the molecule that the inverse makes may
    be made by another chosen operation, and so on.
    """
    images = operations.images(point)[chosen]
    moved = (point - operations.translations[chosen])[:, :, None]
    back = np.asarray(np.linalg.solve(operations.rotations[chosen], moved)[:, :, 0], dtype=np.float64)
    same = _same(back, images, tol)
    alike = np.arange(len(chosen))
    for k, inverse in zip(*np.nonzero(same), strict=True):
        if alike[inverse] != alike[k]:
            alike[np.isin(alike, (alike[inverse], alike[k]))] = min(alike[inverse], alike[k])
    return alike


def _same(points: Floats, others: Floats, tol: float) -> NDArray[np.bool_]:
    """Which of some fractional points (n, 3) equal which others (m, 3) apart from lattice translations: (n, m)."""
    offset = points[:, None] - others
    return np.asarray((np.abs(offset - np.rint(offset)) < tol).all(axis=2))


def strain_basis(turns: Floats, keep_volume: bool) -> Floats:
    """Return an orthonormal (s, 3, 3) basis of the symmetric strains that commute with all turns."""
    return _strains(_bytes(turns), keep_volume).copy()


def shift_basis(turns: Floats) -> Floats:
    """Return orthonormal (d, 3) vectors along which a molecule may move on a site with these operations."""
    return _vectors(_bytes(turns), False).copy()


def turn_basis(turns: Floats) -> Floats:
    """Return orthonormal (d, 3) axes about which a molecule may turn on a site with these operations."""
    return _vectors(_bytes(turns), True).copy()


# Space groups and sites share their point groups: what is free is worked out once for each of these.


def _bytes(turns: Floats) -> bytes:
    return np.asarray(turns, dtype=float).tobytes()


@lru_cache(maxsize=256)
def _strains(held: bytes, keep_volume: bool) -> Floats:
    turns = np.frombuffer(held).reshape(-1, 3, 3)
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


@lru_cache(maxsize=256)
def _vectors(held: bytes, axial: bool) -> Floats:
    turns = np.frombuffer(held).reshape(-1, 3, 3)
    signs = np.linalg.det(turns) if axial else np.ones(len(turns))
    return _range((turns * signs[:, None, None]).mean(axis=0))


def _range(projector: Floats) -> Floats:
    """Rows that span what a projector keeps."""
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    return np.ascontiguousarray(vectors[:, values > 0.5].T)


def padded(basis: Floats) -> Floats:
    """Return up to three rows, filled up with zeros to (3, 3)."""
    rows = np.zeros((3, 3))
    rows[: len(basis)] = basis
    return rows
