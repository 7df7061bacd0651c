"""The numbers of pairs of types, in kJ/mol and Å: given by a potential's file, combined, or borrowed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.files import COMBINING_RULE, ENERGY_UNITS, PotentialFile, TypeEntry

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parameters:
    """What the pairs of t types of atoms need: kJ/mol, Å, 1/Å.

    Attributes
    ----------
    types : tuple of str
        The types, in the order of the axes.
    A, B, C : (t, t) ndarray
        A exp(-B r) - C / r^6: kJ/mol, 1/Å, kJ/mol Å^6.
    rho20 : (t,) ndarray
        Å: the repulsion is A exp(-B (r - rho)) with rho = sum over the two atoms of rho20 P2(cos theta), theta between
        the atom's axis and the direction to the other atom; 0 where there is no anisotropy.
    damping : (t, t) ndarray
        1/Å of Tang and Toennies' damping function of C / r^6; 0: undamped.
    guard : (t, t) ndarray
        Å: below this the energy goes on linearly + 5000 (r - guard)^2 kJ/mol.
    general : list of str
        The types that were taken from the general fallback.
    """

    types: tuple[str, ...]
    A: Floats
    B: Floats
    C: Floats
    rho20: Floats
    damping: Floats
    guard: Floats
    general: list[str]


class Type(NamedTuple):
    """A type of atom, and where its numbers are."""

    called: str
    file: PotentialFile
    entry: TypeEntry
    name: str  # in its file


def of_pair(file: PotentialFile, one: Type, other: Type) -> tuple[float, float, float, float]:
    """Return the parameters of a pair of types.

    Parameters
    ----------
    file : PotentialFile
        The potential's own.
    one, other : Type
        Of this file, or lent by another.

    Returns
    -------
    tuple of float
        A (kJ/mol), B (1/Å), C (kJ/mol Å^6), and the damping (1/Å).

    Raises
    ------
    InputError
        Where the file neither gives nor combines them.
    """
    given = _named(file, one.name, other.name) if one.file is file and other.file is file else None
    combined: tuple[float | None, ...] = (None, None, None)
    if file.combine == COMBINING_RULE:
        combined = _combined(_in_kj(one), _in_kj(other))
    unit = ENERGY_UNITS[file.energy]
    own: tuple[float | None, ...] = (None, None, None)
    damping = file.damping
    if given is not None:
        own = (_times(given.A, unit), given.B, _times(given.C, unit))
        damping = given.damping if given.damping is not None else damping
    A, B, C = (rule if value is None else value for value, rule in zip(own, combined, strict=True))
    if A is None or B is None or C is None:
        raise InputError(
            f"{file.name} has no parameters for the pair {one.called}, {other.called}: give them, or another potential"
        )
    return A, B, C, damping


def _named(file: PotentialFile, one: str, other: str) -> Any:
    """The entry of a pair, or of the pair of types that these are like."""
    pairs = {tuple(sorted(pair.types)): pair for pair in file.pairs}
    for first, second in (
        (one, other),
        (file.types[one].like, other),
        (one, file.types[other].like),
        (file.types[one].like, file.types[other].like),
    ):
        if (
            first is not None
            and second is not None
            and (found := pairs.get(tuple(sorted((first, second))))) is not None
        ):
            return found
    return None


def _in_kj(one: Type) -> tuple[float, float, float]:
    file, entry = one.file, one.entry
    abc = entry.abc()
    if abc is None and entry.like is not None:
        abc = file.types[entry.like].abc()
    if abc is None:
        raise InputError(f"{file.name}: a type of {entry.atoms[0]} has no parameters of its own")
    unit = ENERGY_UNITS[file.energy]
    return abc[0] * unit, abc[1], abc[2] * unit


def _combined(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float, float]:
    return math.sqrt(one[0] * other[0]), 0.5 * (one[1] + other[1]), math.sqrt(one[2] * other[2])


def _times(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
