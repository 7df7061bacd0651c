"""Symmetry operations as files list them: read from triplets, checked to be a group that fits the cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

PARTS = 24  # of a lattice vector: all translations of the tabulated settings are multiples of a twenty-fourth
# A cell may differ by 5 per mille (lengths) or 0.3 degrees from what its symmetry asks for: more than any refinement.
METRIC = 0.01
_SNAP = 2e-3  # of a lattice vector: 0.333 is a third
_TERM = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)?(?:/(\d+(?:\.\d*)?))?\*?([xyz])?(?:/(\d+))?")


class Operations(NamedTuple):
    """Symmetry operations: each takes fractional coordinates x to R x + t.

    Attributes
    ----------
    rotations : (n, 3, 3) ndarray of int
        The matrices R; the first is the identity.
    translations : (n, 3) ndarray
        The vectors t, in lattice vectors, from 0 to below 1.
    """

    rotations: Whole
    translations: Floats

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.rotations)

    @property
    def codes(self) -> frozenset[tuple[int, ...]]:
        """What tells two sets of operations apart, in any order; translations to a 2400th."""
        steps = np.rint(self.translations * PARTS * 100).astype(np.int64) % (PARTS * 100)
        return frozenset(map(tuple, np.hstack([self.rotations.reshape(-1, 9), steps]).tolist()))


@lru_cache(maxsize=1024)
def parse_operations(triplets: tuple[str, ...]) -> Operations:
    """Read operations such as ``1/2-x, y+0.5, -z``.

    Parameters
    ----------
    triplets : tuple of str
        One for each operation; in any order, repeated ones count once.

    Returns
    -------
    Operations
        A group.

    Raises
    ------
    InputError
        For what is no operation, a list without the identity, and one that is no group.
    """
    rotations, translations = [], []
    for triplet in triplets:
        rotation, translation = _parsed(triplet)
        rotations.append(rotation)
        translations.append(translation)
    return checked_group(rotations, translations)


def checked_group(rotations: Iterable[Iterable[Iterable[int]]], translations: Iterable[Iterable[float]]) -> Operations:
    """Make operations of matrices and vectors; repeated ones count once, the identity comes first.

    Raises
    ------
    InputError
        Where a matrix keeps no volume, the identity is missing, or the operations are no group.
    """
    matrices = np.array(list(rotations), dtype=np.int64).reshape(-1, 3, 3)
    vectors = _snapped(np.array(list(translations), dtype=float).reshape(-1, 3))
    if len(matrices) > 1:
        steps = np.rint(vectors * PARTS * 100).astype(np.int64) % (PARTS * 100)
        _, first = np.unique(np.hstack([matrices.reshape(-1, 9), steps]), axis=0, return_index=True)
        first.sort()
        matrices, vectors = matrices[first], vectors[first]
    if not (np.abs(np.rint(np.linalg.det(matrices))) == 1).all():
        raise InputError("a listed symmetry operation changes volumes; correct the list")
    identity = (matrices == np.eye(3, dtype=np.int64)).all(axis=(1, 2)) & (vectors == 0).all(axis=1)
    if not identity.any():
        raise InputError("the listed symmetry operations lack the identity x,y,z: list all operations")
    order = np.argsort(~identity, kind="stable")
    result = Operations(matrices[order], vectors[order])
    if not _is_closed(result):
        raise InputError(
            f"the {len(result)} listed symmetry operations are no group (two of them make one that is not listed): "
            "list all operations"
        )
    return result


def fits(operations: Operations, lattice: Floats) -> bool:
    """Tell whether the rotations keep the lengths and angles of a cell, within some per mille.

    Parameters
    ----------
    operations : Operations
        The operations.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å.

    Returns
    -------
    bool
    """
    metric = lattice @ lattice.T
    lengths = np.sqrt(np.diag(metric))
    turned = operations.rotations.transpose(0, 2, 1) @ metric @ operations.rotations
    return bool((np.abs(turned - metric) <= METRIC * np.outer(lengths, lengths)).all())


def triplet(rotation: Whole, translation: Floats) -> str:
    """Return an operation as files have it, such as ``-x+1/2,y,z+1/3``; other numbers than 24ths with six digits."""
    texts = []
    for row, shift in zip(rotation.tolist(), translation.tolist(), strict=True):
        text = ""
        for number, name in zip(row, "xyz", strict=True):
            if number:
                sign = "-" if number < 0 else "+" if text else ""
                text += sign + (f"{abs(number)}*" if abs(number) != 1 else "") + name
        texts.append(text + _fraction(shift))
    return ",".join(texts)


def _fraction(shift: float) -> str:
    parts = round(shift * PARTS)
    if abs(parts - shift * PARTS) > 1e-6 * PARTS:
        return f"+{shift:.6f}"
    if parts % PARTS == 0:
        return ""
    common = int(np.gcd(parts, PARTS))
    return f"+{parts // common}/{PARTS // common}"


def _parsed(text: str) -> tuple[list[list[int]], list[float]]:
    """Matrix and vector of one operation."""
    parts = re.sub(r"[\s'\"]", "", text).lower().split(",")
    found = [_row(part) for part in parts]
    rows = [one for one in found if one is not None]
    if len(found) != 3 or len(rows) != 3:
        raise InputError(f"{shown(text)} is no symmetry operation; expected one such as 1/2-x,1/2+y,-z")
    return [row for row, _ in rows], [shift for _, shift in rows]


def _row(part: str) -> tuple[list[int], float] | None:
    """What x, y and z are multiplied by in one coordinate, and its translation; None for what cannot be read."""
    row, shift, at = [0.0, 0.0, 0.0], 0.0, 0
    while at < len(part):
        match = _TERM.match(part, at)
        if match is None or (match[2] is None and match[4] is None) or (at and not match[1]):
            return None
        below = float(match[3] or 1) * float(match[5] or 1)
        if below == 0:
            return None
        value = (-1.0 if match[1] == "-" else 1.0) * float(match[2] or 1) / below
        if match[4]:
            row["xyz".index(match[4])] += value
        else:
            shift += value
        at = match.end()
    if not any(row) or not all(value.is_integer() and abs(value) <= 2 for value in row):
        return None
    return [int(value) for value in row], shift


def _snapped(vectors: Floats) -> Floats:
    """Translations from 0 to below 1; those near a 24th are made exact."""
    parts = np.rint(vectors * PARTS)
    near = np.abs(vectors * PARTS - parts) <= _SNAP * PARTS
    wrapped = np.where(near, (parts % PARTS) / PARTS, vectors % 1.0)
    return np.asarray(np.where(wrapped >= 1.0, 0.0, wrapped))


def _is_closed(operations: Operations) -> bool:
    """Tell whether the product of any two operations is one of them, up to lattice translations."""
    rotations, translations = operations
    n = len(rotations)
    keys = _keys(rotations)
    products = _keys((rotations[:, None] @ rotations[None]).reshape(-1, 3, 3))
    shifts = (np.einsum("aij,bj->abi", rotations, translations) + translations[:, None]).reshape(-1, 3)
    order = np.argsort(keys, kind="stable")
    begin = np.searchsorted(keys[order], products, "left")
    count = np.searchsorted(keys[order], products, "right") - begin
    if not count.all():
        return False
    found = np.zeros(n * n, dtype=bool)
    for k in range(int(count.max())):
        there = k < count
        other = translations[order[np.minimum(begin + k, n - 1)]]
        apart = shifts - other
        found |= there & (np.abs(apart - np.rint(apart)) < _SNAP).all(axis=1)
    return bool(found.all())


def _keys(rotations: Whole) -> Whole:
    return np.asarray((rotations.reshape(-1, 9) + 4) @ 9 ** np.arange(9))
