"""The mol block of MDL, V2000 and V3000, and sdf files, which hold one or more of them with data.

BIOVIA, "CTfile formats", 2020. Lengths in Å.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from genarris_fw.crystal.file_format import ReadFormat
from genarris_fw.crystal.formats.atom_names import AtomNames, number, whole
from genarris_fw.crystal.formats.bond_tables import AROMATIC, BondTable, check_hydrogens, check_places
from genarris_fw.crystal.formats.conformer_energies import of_fields
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_VERSION = re.compile(r"\bV([23])000\s*$", flags=re.IGNORECASE)
_OLD_COUNTS = re.compile(r"[ \d]{3}[ \d]{3}(\s+\d+)*\s*", flags=re.ASCII)
_ORDERS = {1: 1.0, 2: 2.0, 3: 3.0, 4: AROMATIC}  # others: single or double, any, coordination, hydrogen
# Charge of the atom lines' field ccc; 4 is a doublet radical.
_OLD_CHARGES = {1: 3, 2: 2, 3: 1, 5: -1, 6: -2, 7: -3}
_UNPAIRED = {1: 0, 2: 1, 3: 2}  # of M RAD: singlet, doublet, triplet
_PLACEHOLDERS = {"R", "R#", "A", "Q", "*", "L", "AH", "QH", "XH", "M", "MH", "POL", "MOD"}


class _Atom(NamedTuple):
    word: str
    place: tuple[float, float, float]
    charge: int
    unpaired: int


def parse_mol(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the records of a mol or sdf file.

    Charges (``M  CHG``) become the property ``charge`` where they do not add up to nothing, unpaired electrons
    (``M  RAD``) ``initial_moments``, an energy among the data ``conformer_energy``.

    Raises
    ------
    InputError
        One line with path and line, for what cannot be read, drawings, bonds that no molecule has, and carbons without
        their hydrogens.
    """
    lines = text.splitlines()
    names = AtomNames(where, reading)
    ranges = _records(lines)
    found = []
    for number_of, (start, end) in enumerate(ranges, start=1):
        here = where if len(ranges) == 1 else f"{where}, record {number_of}"
        table, at = _table(lines, start, end, where, names)
        if reading.record in (None, number_of):  # what is wrong with the others does not matter
            check_places(table, here)
            check_hydrogens(table, here)
        after = next((k for k in range(at, end) if lines[k].strip()), None)
        if after is not None and not lines[after].startswith(">"):
            reading.note(f"line {after + 1} and others after the end of the mol block left out")
        found.append(_structure(table, _fields(lines[at:end]), here))
    names.tell()
    return found


def _records(lines: list[str]) -> list[tuple[int, int]]:
    """Where each record begins and ends; blank ones at the end are none."""
    found, start = [], 0
    for k, line in enumerate([*lines, "$$$$"]):
        if line.startswith("$$$$"):
            if any(one.strip() for one in lines[start:k]):
                found.append((start, k))
            start = k + 1
    return found


def _table(lines: list[str], start: int, end: int, where: str, names: AtomNames) -> tuple[BondTable, int]:
    """Read one mol block, and tell where it ends."""
    at = next((k for k in range(start, min(start + 8, end)) if _VERSION.search(lines[k])), None)
    if at is None:
        at = start + 3
        if at >= end or not _OLD_COUNTS.fullmatch(lines[at]) or not lines[at].strip():
            raise InputError(f"{where}, line {at + 1}: expected the numbers of atoms and bonds of a mol block")
    version = _VERSION.search(lines[at])
    flat = any(re.search(r"\d2D", line[:30]) for line in lines[start:at])
    if version and version[1] == "3":
        atoms, bonds, last = _v3000(lines, at + 1, end, where)
    else:
        atoms, bonds, last = _v2000(lines, at, end, where)
    kept: list[int] = []
    species = []
    for k, (line, atom) in enumerate(atoms):
        if atom.word.upper() in _PLACEHOLDERS or atom.word.startswith("["):
            raise InputError(
                f"{where}, line {line}: {shown(atom.word)} stands for any of several atoms; give a molecule with all "
                "its atoms"
            )
        element = names.element(atom.word, line)
        if element is not None:
            kept.append(k)
            species.append(element)
    if not species:
        raise InputError(f"{where}: no atoms in the mol block of line {start + 1}")
    place = {old: new for new, old in enumerate(kept)}
    table = BondTable(
        species,
        np.array([atoms[k][1].place for k in kept]),
        [(place[i], place[j], order) for i, j, order in bonds if i in place and j in place],
        {place[k]: atoms[k][1].charge for k in kept if atoms[k][1].charge},
        {place[k]: atoms[k][1].unpaired for k in kept if atoms[k][1].unpaired},
        flat,
    )
    return table, last


def _v2000(
    lines: list[str], at: int, end: int, where: str
) -> tuple[list[tuple[int, _Atom]], list[tuple[int, int, float]], int]:
    n_atoms, n_bonds = _counts(lines[at], f"{where}, line {at + 1}")
    atoms: list[tuple[int, _Atom]] = []
    k = at + 1
    for k in range(at + 1, at + 1 + n_atoms):
        atom = _old_atom(lines[k]) if k < end else None
        if atom is None:
            rest = f"line {k + 1} is {shown(lines[k].strip())}" if k < end else "the record ends"
            raise InputError(f"{where}, line {at + 1}: says {n_atoms} atoms, but after {k - at - 1} {rest}")
        atoms.append((k + 1, atom))
    first = at + 1 + n_atoms
    bonds = []
    for k in range(first, first + n_bonds):
        bond = _old_bond(lines[k], n_atoms) if k < end else None
        if bond is None:
            if k < end and _old_atom(lines[k]) is not None:
                raise InputError(f"{where}, line {at + 1}: says {n_atoms} atoms, but line {k + 1} is one more")
            rest = f"line {k + 1} is {shown(lines[k].strip())}" if k < end else "the record ends"
            raise InputError(f"{where}, line {at + 1}: says {n_bonds} bonds, but after {k - first} {rest}")
        bonds.append(bond)
    charges, radicals, last = _m_lines(lines, first + n_bonds, end, where, n_atoms)
    if charges or radicals:  # they take the place of the atom lines' field
        atoms = [
            (line, one._replace(charge=charges.get(i, 0), unpaired=radicals.get(i, 0)))
            for i, (line, one) in enumerate(atoms)
        ]
    return atoms, bonds, last


def _counts(line: str, here: str) -> tuple[int, int]:
    for fields in ([line[0:3], line[3:6]], line.split()[:2]):
        numbers = [found for found in map(whole, fields) if found is not None]
        if len(numbers) == 2:
            return numbers[0], numbers[1]
    raise InputError(f"{here}: expected the numbers of atoms and bonds, found {shown(line.strip())}")


def _old_atom(line: str) -> _Atom | None:
    """Read an atom of V2000 by its columns, or by words where a program did not keep them."""
    for cells in (
        [line[0:10], line[10:20], line[20:30], line[31:34], line[36:39]],
        [*line.split()[:4], *(line.split()[5:6] or ["0"])],
    ):
        if len(cells) < 5:
            continue
        x, y, z = (number(cell.strip()) for cell in cells[:3])
        word = cells[3].strip()
        if x is None or y is None or z is None or not word or " " in word or number(word) is not None:
            continue
        code = whole(cells[4])
        return _Atom(word, (x, y, z), _OLD_CHARGES.get(code or 0, 0), int(code == 4))
    return None


def _old_bond(line: str, n_atoms: int) -> tuple[int, int, float] | None:
    for cells in ([line[0:3], line[3:6], line[6:9]], line.split()[:3]):
        i, j, order = ([whole(cell) for cell in cells] + 3 * [None])[:3]
        if i is None or j is None or order is None or i == j:
            continue
        if 1 <= i <= n_atoms and 1 <= j <= n_atoms:
            return i - 1, j - 1, _ORDERS.get(order, 0.0)
    return None


def _m_lines(
    lines: list[str], start: int, end: int, where: str, n_atoms: int
) -> tuple[dict[int, int], dict[int, int], int]:
    """Charges and unpaired electrons by atom, and where the block ends."""
    charges: dict[int, int] = {}
    radicals: dict[int, int] = {}
    for k in range(start, end):
        words = lines[k].split()
        if words[:2] == ["M", "END"]:
            return charges, radicals, k + 1
        if words[:2] in (["M", "CHG"], ["M", "RAD"]):
            pairs = words[3:]
            if len(pairs) % 2 or not all(re.fullmatch(r"[-+]?\d{1,4}", word, re.ASCII) for word in pairs):
                raise InputError(f"{where}, line {k + 1}: cannot be read: {shown(lines[k].strip())}")
            for atom, value in zip(pairs[::2], pairs[1::2], strict=True):
                if not 1 <= int(atom) <= n_atoms:
                    raise InputError(f"{where}, line {k + 1}: there is no atom {atom}")
                if words[1] == "CHG":
                    charges[int(atom) - 1] = int(value)
                else:
                    radicals[int(atom) - 1] = _UNPAIRED.get(int(value), 0)
        if lines[k].startswith(">"):
            return charges, radicals, k
    return charges, radicals, end


def _v3000(
    lines: list[str], start: int, end: int, where: str
) -> tuple[list[tuple[int, _Atom]], list[tuple[int, int, float]], int]:
    stated: list[tuple[int, int]] = []
    atoms: list[tuple[int, _Atom]] = []
    bonds: list[tuple[int, int, float]] = []
    place: dict[str, int] = {}
    block, last, k = "", end, start
    while k < end:
        line, text = k + 1, lines[k]
        k += 1
        if text.split()[:2] == ["M", "END"]:
            last = k
            break
        if not text.startswith("M  V30"):
            continue
        text = text[6:]
        while text.rstrip().endswith("-") and k < end and lines[k].startswith("M  V30"):
            text = text.rstrip()[:-1] + lines[k][7:]
            k += 1
        words = text.split()
        here = f"{where}, line {line}"
        numbers = [whole(word) for word in words[1:3]]
        if words[:1] == ["COUNTS"] and len(numbers) == 2 and None not in numbers:
            stated.append((numbers[0] or 0, numbers[1] or 0))
        elif words[:1] in (["BEGIN"], ["END"]):
            block = words[1] if words[0] == "BEGIN" and len(words) > 1 else ""
        elif block == "ATOM":
            place[words[0] if words else ""] = len(atoms)
            atoms.append((line, _new_atom(words, here)))
        elif block == "BOND":
            if len(words) < 4 or words[2] not in place or words[3] not in place or whole(words[1]) is None:
                raise InputError(f"{here}: expected 'number order atom atom', found {shown(text.strip())}")
            bonds.append((place[words[2]], place[words[3]], _ORDERS.get(whole(words[1]) or 0, 0.0)))
    if not stated:
        raise InputError(f"{where}: a V3000 block without its COUNTS line")
    n_atoms, n_bonds = sum(one for one, _ in stated), sum(other for _, other in stated)
    for says, found, what in ((n_atoms, len(atoms), "atoms"), (n_bonds, len(bonds), "bonds")):
        if says != found:
            raise InputError(f"{where}: COUNTS says {says} {what}, but {found} follow; correct the number or the lines")
    return atoms, bonds, last


def _new_atom(words: list[str], here: str) -> _Atom:
    places = [number(word) for word in words[2:5]]
    if len(places) != 3 or any(value is None for value in places):
        raise InputError(f"{here}: expected 'number element x y z', found {shown(' '.join(words))}")
    options = dict(word.split("=", 1) for word in words[6:] if "=" in word)
    values = {name: options.get(name, "0") for name in ("CHG", "RAD")}
    if not all(re.fullmatch(r"[-+]?\d{1,3}", value, re.ASCII) for value in values.values()):
        raise InputError(f"{here}: a charge or radical that is no whole number: {shown(' '.join(words))}")
    x, y, z = (float(value) for value in places if value is not None)
    return _Atom(words[1], (x, y, z), int(values["CHG"]), _UNPAIRED.get(int(values["RAD"]), 0))


def _fields(lines: list[str]) -> dict[str, str]:
    """The data of a record: name -> first line of the value."""
    found: dict[str, str] = {}
    for line, following in pairwise(lines):
        match = re.match(r">.*<([^>]+)>", line)
        if match:
            found[match[1]] = following.strip()
    return found


def _structure(table: BondTable, fields: dict[str, str], where: str) -> Structure:
    properties: dict[str, Any] = {}
    if charge := sum(table.charges.values()):
        properties["charge"] = charge
    if table.unpaired:
        properties["initial_moments"] = [float(table.unpaired.get(k, 0)) for k in range(len(table.species))]
    energy = of_fields(fields)
    if energy is not None:
        properties["conformer_energy"] = energy
    try:
        return Structure(None, table.species, table.positions, properties)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


MOL = ReadFormat(
    read_by=parse_mol,
    endings=(".mol", ".sdf", ".sd", ".mdl"),
    likely=lambda text: any(_VERSION.search(line) for line in text[:2000].splitlines()[:8]),
)
