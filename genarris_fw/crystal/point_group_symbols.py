"""The names of point groups: Schoenflies and Hermann-Mauguin symbols, from operations and from each other."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

_CUBIC_AND_ICOSAHEDRAL = {
    "T": "23",
    "Th": "m-3",
    "Td": "-43m",
    "O": "432",
    "Oh": "m-3m",
    "I": "235",
    "Ih": "m-3-5",
}
_LOW = {"C1": "1", "Ci": "-1", "Cs": "m", "C2v": "mm2", "D2": "222", "D2h": "mmm"}
_INFINITE = {"C∞v": "∞m", "D∞h": "∞/mm", "Kh": "∞∞m"}
# Other spellings in use, in lower case, and the Schoenflies symbol each stands for.
_ALIASES = {
    "s2": "Ci",
    "c1h": "Cs",
    "c1v": "Cs",
    "s1": "Cs",
    "c3i": "S6",
    "s3": "C3h",
    "c5i": "S10",
    "v": "D2",
    "vh": "D2h",
    "vd": "D2d",
    "2mm": "C2v",
    "m2m": "C2v",
    "-4m2": "D2d",
    "-62m": "D3h",
    "m3": "Th",
    "m3m": "Oh",
    "4/m-32/m": "Oh",
    "2/m2/m2/m": "D2h",
    "532": "I",
    "m-5m": "Ih",
    "-5-3m": "Ih",
    "cinfv": "C∞v",
    "c*v": "C∞v",
    "dinfh": "D∞h",
    "d*h": "D∞h",
}


def rotation_order(operation: ArrayLike, highest: int = 60) -> int:
    """Order n of the rotation part of an operation: the smallest n whose n-fold repetition is the identity.

    Parameters
    ----------
    operation : (3, 3) array_like
        An orthogonal matrix; of an improper one the rotation ``-operation`` is taken.
    highest : int, optional
        The largest order looked for.

    Returns
    -------
    int
    """
    matrix = np.asarray(operation, dtype=float)
    rotation = matrix * np.sign(np.linalg.det(matrix))
    angle = np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0))
    for order in range(1, highest + 1):
        turns = order * angle / (2.0 * np.pi)
        if abs(turns - round(turns)) < 1e-4:
            return order
    raise InputError(f"a rotation by {np.degrees(angle):.3f} degrees belongs to no point group of low order")


def rotation_axis(operation: ArrayLike) -> NDArray[np.float64]:
    """Unit vector along the axis of an operation's rotation part (the normal, for a mirror plane).

    Parameters
    ----------
    operation : (3, 3) array_like
        An orthogonal matrix other than the identity and the inversion.

    Returns
    -------
    (3,) ndarray
        The sign is arbitrary.
    """
    matrix = np.asarray(operation, dtype=float)
    rotation = matrix * np.sign(np.linalg.det(matrix))
    return np.asarray(np.linalg.svd(rotation - np.eye(3))[2][2])


def schoenflies_symbol(operations: ArrayLike) -> str:
    """Schoenflies symbol of a finite group of orthogonal matrices, crystallographic or not.

    The proper rotations are cyclic, dihedral, tetrahedral, octahedral or icosahedral by their number and
    their highest order; mirror planes and the inversion decide between the groups that remain.

    Parameters
    ----------
    operations : (m, 3, 3) array_like
        All operations of the group.

    Returns
    -------
    str
        For example ``D6h``.
    """
    matrices = np.asarray(operations, dtype=float).reshape(-1, 3, 3)
    proper = matrices[np.linalg.det(matrices) > 0]
    improper = matrices[np.linalg.det(matrices) < 0]
    orders = [rotation_order(matrix) for matrix in proper]
    n = max(orders)
    chiral = len(improper) == 0
    inversion = any(np.trace(matrix) < -3.0 + 1e-2 for matrix in improper)
    if len(proper) == n:
        mirrors = [matrix for matrix in improper if rotation_order(matrix) == 2]
        if chiral:
            return f"C{n}"
        if not mirrors:
            return "Ci" if n == 1 else f"S{2 * n}"
        if n == 1:
            return "Cs"
        axis = rotation_axis(proper[orders.index(n)])
        across = any(abs(rotation_axis(mirror) @ axis) > 0.99 for mirror in mirrors)
        return f"C{n}h" if across else f"C{n}v"
    if len(proper) == 2 * n:
        if chiral:
            return f"D{n}"
        return f"D{n}h" if inversion == (n % 2 == 0) else f"D{n}d"
    family = {12: "T", 24: "O", 60: "I"}[len(proper)]
    if chiral:
        return family
    return family + ("d" if family == "T" and not inversion else "h")


def hermann_mauguin_symbol(schoenflies: str) -> str:
    """Short Hermann-Mauguin symbol of a point group in its standard setting.

    Parameters
    ----------
    schoenflies : str
        For example ``D6h``.

    Returns
    -------
    str
        For example ``6/mmm``. A bar is a minus before the number.

    Examples
    --------
    >>> from genarris_fw.crystal import hermann_mauguin_symbol
    >>> hermann_mauguin_symbol("C2v")
    'mm2'
    """
    for table in (_LOW, _CUBIC_AND_ICOSAHEDRAL, _INFINITE):
        if schoenflies in table:
            return table[schoenflies]
    match = re.fullmatch(r"([CDS])(\d+)([hvd]?)", schoenflies)
    if match is None:
        raise InputError(f"{schoenflies!r} is not the Schoenflies symbol of a point group, such as C2v or D6h")
    family, n, suffix = match[1], int(match[2]), match[3]
    even = n % 2 == 0
    if family == "S":
        return f"-{n}" if n % 4 == 0 else f"-{n // 2}"
    if family == "C":
        return {
            "": f"{n}",
            "h": f"{n}/m" if even else f"-{2 * n}",
            "v": f"{n}mm" if even else f"{n}m",
        }[suffix]
    return {
        "": f"{n}22" if even else f"{n}2",
        "h": f"{n}/mmm" if even else f"-{2 * n}m2",
        "d": f"-{2 * n}2m" if even else f"-{n}m",
    }[suffix]


def _all_symbols() -> dict[str, str]:
    names = [*_LOW, *_CUBIC_AND_ICOSAHEDRAL, *_INFINITE]
    for n in range(2, 13):
        names += [f"C{n}", f"C{n}h", f"C{n}v", f"D{n}", f"D{n}h", f"D{n}d", f"S{2 * n}"]
    table = dict(_ALIASES)
    for name in names:
        table[name.lower()] = name
        table[hermann_mauguin_symbol(name).lower()] = name
    return table


_SYMBOLS = _all_symbols()


def parse_symbol(text: str) -> str:
    """Schoenflies symbol of a point group given in either notation.

    Parameters
    ----------
    text : str
        Hermann-Mauguin (``mm2``) or Schoenflies (``C2v``) symbol; letter case and spaces do not matter.

    Returns
    -------
    str
        The Schoenflies symbol.

    Raises
    ------
    InputError
        Where no point group has this name.

    Examples
    --------
    >>> from genarris_fw.crystal import parse_symbol
    >>> parse_symbol("mm2")
    'C2v'
    """
    key = re.sub(r"[\s_]", "", text).lower()
    if key not in _SYMBOLS:
        raise InputError(
            f"{text!r} names no point group; give a Hermann-Mauguin symbol such as mm2 or a Schoenflies one such as C2v"
        )
    return _SYMBOLS[key]
