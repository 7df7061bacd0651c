"""Repeating a cell until it is wide enough, and mapping results back to one cell.

A supercell is a whole-number matrix M: its lattice is M times the cell's lattice, and it holds \\|det M\\| copies
of the cell.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# A width this much (relative) below the wanted one still counts: noise of a reduced cell must not double the work.
WIDTH_TOLERANCE = 1e-6


def perpendicular_widths(lattice: ArrayLike) -> Floats:
    """Distances between the pairs of opposite faces of a cell.

    Parameters
    ----------
    lattice : (3, 3) array_like
        Rows are the lattice vectors in Å.

    Returns
    -------
    (3,) ndarray
        Å; width i is the volume over the area spanned by the two other vectors.
    """
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(np.asarray(lattice, dtype=float)), axis=0))


def smallest_repeats(lattice: ArrayLike, min_width: float) -> tuple[int, int, int]:
    """Fewest repeats along each vector that make every perpendicular width at least ``min_width``.

    Parameters
    ----------
    lattice : (3, 3) array_like
        Rows are the lattice vectors in Å.
    min_width : float
        Å.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        For a width that is not positive.
    """
    if not min_width > 0:
        raise InputError(f"min_width must be positive, not {min_width}")
    counts = np.ceil(min_width / perpendicular_widths(lattice) * (1.0 - WIDTH_TOLERANCE))
    a, b, c = (max(1, int(n)) for n in counts)
    return a, b, c


def smallest_supercell(lattice: ArrayLike, min_width: float) -> Integers:
    """Find the supercell with the fewest copies whose every perpendicular width is at least ``min_width``.

    Unlike plain repeats it may be slanted, which needs down to half as many copies. It depends on the lattice
    alone, not on which of its cells describes it. Among the smallest ones the widest is taken.

    All sublattices of each index are gone through by their Hermite normal forms (G. L. W. Hart and R. W. Forcade,
    Phys. Rev. B 77, 224115 (2008)); one that holds a vector shorter than ``min_width`` cannot be wide enough.

    Parameters
    ----------
    lattice : (3, 3) array_like
        Rows are the lattice vectors in Å.
    min_width : float
        Å.

    Returns
    -------
    (3, 3) ndarray of int
        M, with the reduced vectors of the supercell as rows of M @ lattice.

    Raises
    ------
    InputError
        For a width that is not positive.
    """
    reduced, change = minkowski_reduce(np.asarray(lattice, dtype=float))
    repeats = smallest_repeats(reduced, min_width)
    short = _short_vectors(reduced, min_width, repeats)
    volume = abs(float(np.linalg.det(reduced)))
    fewest = max(1, int(np.ceil(min_width**3 / volume * (1.0 - WIDTH_TOLERANCE))))
    for copies in range(fewest, int(np.prod(repeats)) + 1):
        best: tuple[float, float] = (0.0, 0.0)
        found: Integers | None = None
        for form in _hermite_normal_forms(copies):
            if len(short) and _holds_any(form, short):
                continue
            cell, combination = minkowski_reduce(form @ reduced)
            widths = perpendicular_widths(cell)
            score = (round(float(widths.min()), 6), round(float(widths.sum()), 6))
            if widths.min() >= min_width * (1.0 - WIDTH_TOLERANCE) and score > best:
                best, found = score, np.rint(combination @ form @ change).astype(np.int64)
        if found is not None:
            return found
    return np.asarray(np.diag(repeats).astype(np.int64) @ np.rint(change).astype(np.int64))


def wide_enough(lattice: ArrayLike, supercell: ArrayLike, min_width: float) -> bool:
    """Return whether the supercell has every perpendicular width of at least ``min_width`` (Å)."""
    widths = perpendicular_widths(np.asarray(supercell) @ np.asarray(lattice, dtype=float))
    return bool((widths >= min_width * (1.0 - WIDTH_TOLERANCE)).all())


def image_shifts(supercell: ArrayLike) -> Integers:
    """(m, 3) whole-number shifts of the m copies of the cell in a supercell; the cell itself comes first.

    Parameters
    ----------
    supercell : (3, 3) array_like of int
        The matrix M.

    Returns
    -------
    (m, 3) ndarray of int
        One shift of each class of cells that the supercell's translations do not connect.
    """
    form = _hermite(np.asarray(supercell, dtype=np.int64))
    return np.indices(tuple(np.diag(form))).reshape(3, -1).T.astype(np.int64)


def repeated_positions(lattice: ArrayLike, positions: ArrayLike, supercell: ArrayLike) -> Floats:
    """(m·n, 3) positions (Å) in a supercell: copy after copy, each in the order of the cell."""
    shifts = image_shifts(supercell) @ np.asarray(lattice, dtype=float)
    return np.asarray((shifts[:, None, :] + np.asarray(positions, dtype=float)[None]).reshape(-1, 3))


def mean_over_copies(values: ArrayLike, copies: int) -> Floats:
    """(n, 3) mean over the copies of each atom of (m·n, 3) values, such as forces."""
    array = np.asarray(values, dtype=float)
    return np.asarray(array.reshape(copies, -1, *array.shape[1:]).mean(axis=0))


def _short_vectors(lattice: Floats, length: float, reach: tuple[int, int, int]) -> Integers:
    """Combinations of the lattice vectors that are shorter than a length, without zero."""
    ranges = [np.arange(-n, n + 1) for n in reach]
    combinations = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(combinations @ lattice, axis=1)
    short: Integers = combinations[(lengths < length * (1.0 - WIDTH_TOLERANCE)) & (lengths > 1e-9)]
    return short


def _holds_any(form: Integers, vectors: Integers) -> bool:
    """Whether the sublattice spanned by the rows of an upper triangular form holds one of the vectors."""
    rest = vectors.copy()
    inside = np.ones(len(rest), dtype=bool)
    for k in range(3):
        times, left = np.divmod(rest[:, k], form[k, k])
        inside &= left == 0
        rest -= times[:, None] * form[k]
    return bool(inside.any())


def _hermite_normal_forms(determinant: int) -> Iterator[Integers]:
    """All upper triangular forms: each sublattice of the index once."""
    for a in (n for n in range(1, determinant + 1) if determinant % n == 0):
        for b in (n for n in range(1, determinant // a + 1) if (determinant // a) % n == 0):
            c = determinant // (a * b)
            for x, y, z in np.ndindex(b, c, c):
                yield np.array([[a, x, y], [0, b, z], [0, 0, c]], dtype=np.int64)


def _hermite(matrix: Integers) -> Integers:
    """Bring a whole-number matrix to upper triangular form by row operations (Euclid's algorithm)."""
    form = matrix.copy()
    for column in range(3):
        while np.count_nonzero(form[column:, column]) > 1 or form[column, column] == 0:
            rows = column + np.flatnonzero(form[column:, column])
            pivot = rows[np.argmin(np.abs(form[rows, column]))]
            form[[column, pivot]] = form[[pivot, column]]
            for row in range(column + 1, 3):
                form[row] -= (form[row, column] // form[column, column]) * form[column]
    return np.asarray(form * np.sign(np.diag(form))[:, None])
