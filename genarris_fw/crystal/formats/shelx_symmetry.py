"""The symmetry of a SHELX file: LATT gives the lattice and whether there is a centre, SYMM the other operations."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

if TYPE_CHECKING:
    import gemmi

# LATT N: the letters of the lattices, R in the obverse setting on hexagonal axes.
_LATTICES = {1: "P", 2: "I", 3: "R", 4: "F", 5: "A", 6: "B", 7: "C"}
_SHIFTS = {
    "P": ("x,y,z",),
    "I": ("x,y,z", "x+1/2,y+1/2,z+1/2"),
    "R": ("x,y,z", "x+2/3,y+1/3,z+1/3", "x+1/3,y+2/3,z+2/3"),
    "F": ("x,y,z", "x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "x+1/2,y+1/2,z"),
    "A": ("x,y,z", "x,y+1/2,z+1/2"),
    "B": ("x,y,z", "x+1/2,y,z+1/2"),
    "C": ("x,y,z", "x+1/2,y+1/2,z"),
}
_MOST = 192
_NUMBER = re.compile(r"[\d./]+", flags=re.ASCII)
_LARGEST_ERROR = 4e-3  # of a shift with two decimals: 0.33


def triplets(latt: int, symm: list[tuple[int, str]], where: str) -> tuple[str, ...]:
    """Return all operations of a group as triplets such as ``-x,y+1/2,-z``, the identity first.

    Parameters
    ----------
    latt : int
        The number behind LATT; negative without a centre of symmetry at the origin.
    symm : list of (int, str)
        Line number and text of each SYMM.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        For a lattice that there is not, an operation that cannot be read, and operations that form no group.
    """
    import gemmi  # here, since few files need it

    if abs(latt) not in _LATTICES:
        raise InputError(f"{where}: LATT {latt} is no lattice; expected 1 to 7 (P, I, R, F, A, B, C), or -1 to -7")
    found = [gemmi.Op("x,y,z")]
    for number, text in symm:
        found.append(_operation(text, f"{where}, line {number}"))
    if latt > 0:
        found += [gemmi.Op("-x,-y,-z") * op for op in found]
    shifts = [gemmi.Op(shift) for shift in _SHIFTS[_LATTICES[abs(latt)]]]
    every = {(shift * op).wrap().triplet(): None for shift in shifts for op in found}
    group = [gemmi.Op(triplet) for triplet in every]
    if len(group) > _MOST or not all((one * other).wrap().triplet() in every for one in found for other in group):
        raise InputError(
            f"{where}: LATT {latt} and the SYMM lines form no group ({len(group)} operations whose products are not "
            "all among them); correct them"
        )
    return tuple(every)


def _operation(text: str, here: str) -> gemmi.Op:
    import gemmi

    try:
        parts = [_exact(part) for part in text.replace(" ", "").replace("\t", "").split(",")]
        op = gemmi.Op(",".join(parts)).wrap()
        if abs(op.det_rot()) != gemmi.Op.DEN**3:
            raise ValueError
    except (ValueError, ArithmeticError, RuntimeError):
        raise InputError(f"{here}: SYMM {shown(text)} is no operation; expected one such as 0.5-X, 0.5+Y, -Z") from None
    return op


def _exact(part: str) -> str:
    """Return an axis of an operation with fractions in place of decimal numbers: 0.3333 is a third."""
    return _NUMBER.sub(_fraction, part).lower()


def _fraction(number: re.Match[str]) -> str:
    if "/" in number[0]:
        return str(Fraction(number[0]))
    exact = Fraction(round(float(number[0]) * 24), 24)
    if abs(float(number[0]) - exact) > _LARGEST_ERROR:
        raise ValueError
    return str(exact)
