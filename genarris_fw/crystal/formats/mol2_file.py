"""The mol2 files of Tripos: molecules with bonds, and types of atoms that begin with the element."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from genarris_fw.crystal.file_format import ReadFormat
from genarris_fw.crystal.formats.atom_names import AtomNames, number, whole
from genarris_fw.crystal.formats.bond_tables import AROMATIC, BondTable, check_hydrogens, check_places
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_ORDERS = {"1": 1.0, "2": 2.0, "3": 3.0, "ar": AROMATIC, "am": 1.0}  # du, un, nc: nothing known
# Types of AMBER's force field (GAFF), as antechamber writes them: in small letters, the element first.
_GAFF = re.compile(r"(cl|br|[chnofpsi])[a-z0-9+*]*", flags=re.ASCII)
_WHOLE = 0.1  # e: partial charges that add up to a whole number within this tell the molecule's charge


def parse_mol2(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the molecules of a mol2 file; a cell (``CRYSIN``) is left out, since its molecules are not repeated.

    Raises
    ------
    InputError
        As of `parse_mol`.
    """
    lines = text.splitlines()
    names = AtomNames(where, reading)
    starts = [k for k, line in enumerate(lines) if line.strip().upper() == "@<TRIPOS>MOLECULE"]
    if not starts:
        raise InputError(f"{where}: no @<TRIPOS>MOLECULE; expected a mol2 file")
    found = []
    for one, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), start=1):
        here = where if len(starts) == 1 else f"{where}, record {one}"
        sections = _sections(lines, start, end)
        if "CRYSIN" in sections:
            reading.note("the cell (CRYSIN) left out: a mol2 file holds the molecules of a crystal once")
        table, charge = _table(sections, where, names)
        if reading.record in (None, one):
            check_places(table, here)
            check_hydrogens(table, here)
        properties: dict[str, Any] = {"charge": charge} if charge else {}
        try:
            found.append(Structure(None, table.species, table.positions, properties))
        except InputError as error:
            raise InputError(f"{here}: {error}") from None
    names.tell()
    return found


def _sections(lines: list[str], start: int, end: int) -> dict[str, list[tuple[int, list[str]]]]:
    """Name of a section -> its lines, as their number and words."""
    found: dict[str, list[tuple[int, list[str]]]] = {}
    section: list[tuple[int, list[str]]] = []
    for k in range(start, end):
        line = lines[k].strip()
        if line.upper().startswith("@<TRIPOS>"):
            section = found.setdefault(line[9:].upper(), [])
        elif not line.startswith("#"):
            section.append((k + 1, line.split()))
    return found


def _table(sections: dict[str, list[tuple[int, list[str]]]], where: str, names: AtomNames) -> tuple[BondTable, int]:
    rows = [row for row in sections.get("ATOM", []) if row[1]]
    line, counts = next(((k, w) for k, w in sections["MOLECULE"][1:2]), (0, []))
    stated = whole(counts[0]) if counts else None
    if stated is not None and stated != len(rows):
        raise InputError(f"{where}, line {line}: says {stated} atoms, but {len(rows)} follow; correct one of them")
    species: list[str] = []
    positions: list[list[float]] = []
    place: dict[str, int] = {}
    partial = 0.0
    for line, words in rows:
        values = [number(word) for word in words[2:5]]
        if len(words) < 6 or any(value is None for value in values):
            found = shown(" ".join(words))
            raise InputError(f"{where}, line {line}: expected 'number name x y z type', found {found}")
        element = _element(words[5], line, names)
        if element is None:
            continue
        place[words[0]] = len(species)
        species.append(element)
        positions.append([float(value) for value in values if value is not None])
        partial += (number(words[8]) or 0.0) if len(words) > 8 else 0.0
    if not species:
        raise InputError(f"{where}: no atoms")
    bonds = []
    for line, words in sections.get("BOND", []):
        if not words:
            continue
        if len(words) < 4:
            found = shown(" ".join(words))
            raise InputError(f"{where}, line {line}: expected 'number atom atom type', found {found}")
        if words[1] in place and words[2] in place:
            bonds.append((place[words[1]], place[words[2]], _ORDERS.get(words[3].lower(), 0.0)))
    charge = round(partial)
    charge = charge if abs(partial - charge) < _WHOLE else 0
    # A valence that is open by a charge is no missing hydrogen; the file does not say where the charge is.
    charges = {atom: charge for atom, name in enumerate(species) if name == "C"} if charge else {}
    return BondTable(species, np.array(positions), bonds, charges), charge


def _element(kind: str, line: int, names: AtomNames) -> str | None:
    head = kind.split(".", maxsplit=1)[0]
    if head.islower() and (match := _GAFF.fullmatch(head)):
        return match[1].capitalize()
    return names.element(head, line)


MOL2 = ReadFormat(
    read_by=parse_mol2,
    endings=(".mol2",),
    likely=lambda text: "@<TRIPOS>MOLECULE" in text,
)
