"""Potentials given as pairs of names with their numbers, put into the layout of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.atom_types import element_of, is_kind
from genarris_fw.lattice.potentials.files import LAYOUT, shipped, shipped_names
from genarris_fw.showing import nearest, shown


def record_of(
    pairs: Mapping[tuple[str, str], Sequence[float]],
    name: str,
    hydrogen_shift: float,
    damping: float,
    rho20: Mapping[str, float],
) -> dict[str, Any]:
    """Return what a file of these pairs would hold; parameters as of `Potential.from_pairs`.

    Raises
    ------
    InputError
        For a name that says nothing, or what is no pair or no three numbers.
    """
    names = list(dict.fromkeys(part for pair in pairs for part in _two(pair)))
    types: dict[str, Any] = {}
    for part in names:
        strength = float(rho20.get(part, 0.0))
        types[part] = {"atoms": _atoms_called(part, axial=strength != 0.0), "rho20": strength}
    unused = sorted(rho20.keys() - types.keys())
    if unused:
        raise InputError(f"rho20 names {shown(unused[0])}, which is in none of the pairs")
    return {
        "layout": LAYOUT,
        "name": name,
        "energy": "kJ/mol",
        "hydrogen_shift": float(hydrogen_shift),
        "damping": float(damping),
        "types": types,
        "pairs": _pair_entries(pairs),
    }


def _two(pair: Any) -> tuple[str, str]:
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
        raise InputError(f"{shown(pair)} is no pair: give two names, such as ('C', 'H')")
    return pair


def _atoms_called(name: str, axial: bool) -> list[str]:
    """The kinds of atoms that a name stands for: a kind itself, or a type of a shipped potential."""
    if is_kind(name):
        return [f"{name} with 1 neighbour"] if axial and element_of(name) == name else [name]
    for potential in shipped_names():
        entry = shipped(potential).types.get(name)
        if entry is not None:
            return list(entry.atoms)
    known = sorted({one for potential in shipped_names() for one in shipped(potential).types})
    raise InputError(
        f"{shown(name)} is no element, no kind of atom, and no type of a shipped potential{nearest(name, known)}"
    )


def _pair_entries(pairs: Mapping[tuple[str, str], Sequence[float]]) -> list[dict[str, Any]]:
    entries: dict[tuple[str, ...], dict[str, Any]] = {}
    for pair, values in pairs.items():
        one, other = pair
        try:
            A, B, C = (float(value) for value in values)
        except (TypeError, ValueError):
            raise InputError(
                f"the pair {one}, {other}: give three numbers, A in kJ/mol, B in 1/Å, C in kJ/mol Å^6"
            ) from None
        entry = {"types": sorted(pair), "A": A, "B": B, "C": C}
        if entries.setdefault(tuple(sorted(pair)), entry) != entry:
            raise InputError(f"the pair {one}, {other} is given twice, with different numbers")
    return list(entries.values())
