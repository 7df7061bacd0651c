"""Energies of conformers, as the files of their programs state them, in kJ/mol; of one file they are comparable."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ase.units import Hartree, kcal, kJ, mol

from genarris_fw.crystal.formats.atom_names import number

HARTREE, EV, KCAL = Hartree * mol / kJ, mol / kJ, kcal / kJ  # kJ/mol
_OF_XTB = re.compile(r"\benergy:?\s+(-\d+\.\d+)\s+gnorm", flags=re.IGNORECASE | re.ASCII)
_STATED = re.compile(r"\b(?:energy|E|Etot)\s*=\s*([-+]?\d+\.\d+)(?:\s*(\w+(?:/mol)?))?", flags=re.ASCII)
_UNITS = {
    "eh": HARTREE, "ha": HARTREE, "hartree": HARTREE, "au": HARTREE, "a.u.": HARTREE,
    "ev": EV, "kcal/mol": KCAL, "kcal": KCAL, "kj/mol": 1.0, "kj": 1.0,
}  # fmt: skip


def of_comment(comment: str) -> float | None:
    """Return the energy in the comment of an xyz file, kJ/mol, or None.

    A number that stands alone, or first of all, is in Hartree, as CREST, xtb and ORCA's GOAT write it;
    ``energy=`` is in the unit that follows, else eV, as in extended xyz.
    """
    if found := _OF_XTB.search(comment):
        return float(found[1]) * HARTREE
    if found := _STATED.search(comment):
        return float(found[1]) * _UNITS.get((found[2] or "ev").lower(), EV)
    words = comment.split()
    if words and "." in words[0]:
        value = number(words[0])
        return None if value is None else value * HARTREE
    return None


def of_fields(fields: Mapping[str, str]) -> float | None:
    """Return the energy in the data fields of a record of an sdf file, kJ/mol, or None.

    The field's name tells the unit; without one it is kcal/mol, as OMEGA, MacroModel, PubChem and RDKit's users
    write it.
    """
    for name, text in fields.items():
        lower = name.lower()
        if "energy" not in lower or "relative" in lower or not text.split():
            continue
        value = number(text.split()[0])
        if value is None:
            continue
        for word in (*re.split(r"[^a-z]+", lower), *(unit.lower() for unit in text.split()[1:2])):
            if word in ("kj", "kjmol", "kj/mol"):
                return value
            if word in ("eh", "hartree", "au"):
                return value * HARTREE
            if word == "ev":
                return value * EV
        return value * KCAL
    return None
