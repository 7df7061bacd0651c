"""Plain xyz files as people and programs write them: a number of atoms, a comment, a line for each atom; again."""

from __future__ import annotations

import re
from typing import Any

from ase.data import atomic_numbers

from genarris_fw.crystal.formats.atom_names import AtomNames, may_be_an_atom, number
from genarris_fw.crystal.formats.conformer_energies import of_comment
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_COUNT = re.compile(r"\s*\d{1,9}\s*", flags=re.ASCII)
_PAIR = re.compile(r"""(?<![\w"'])([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s"']+)""", flags=re.ASCII)
_TRUTH = {"T": True, "True": True, "true": True, "F": False, "False": False, "false": False}


def parse_xyz(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the molecules of a plain xyz file.

    Elements may be symbols, labels, atomic numbers, D and T; numbers may be Fortran's; what follows the coordinates
    and the atoms is left out and noted. ``key=value`` in the comment becomes a property.

    Raises
    ------
    InputError
        One line with path and line, for what cannot be read; a number of atoms that disagrees with the lines
        is refused with both numbers.
    """
    lines = text.splitlines()
    found: list[Structure] = []
    names, at = AtomNames(where, reading), 0
    while (start := _next_frame(lines, at, bool(found))) is not None:
        if found and (skipped := _words_between(lines, at, start)):
            reading.note(skipped)
        structure, at = _frame(lines, start, where, reading, names)
        found.append(structure)
    if not found:
        raise InputError(f"{where}: no atoms; expected lines 'element x y z'")
    if skipped := _words_between(lines, at, len(lines)):
        reading.note(skipped)
    names.tell()
    return found


def _next_frame(lines: list[str], at: int, further: bool) -> int | None:
    """Where the next molecule begins; of a further one the count must stand before a comment and an atom."""
    for k in range(at, len(lines)):
        if not further:
            if lines[k].strip():
                return k
        elif _COUNT.fullmatch(lines[k]) and any(_is_atom(line) for line in lines[k + 1 : k + 3]):
            return k
    return None


def _words_between(lines: list[str], start: int, end: int) -> str:
    """What to say of lines that are no atoms; '' where they are blank."""
    written = [k + 1 for k in range(start, end) if lines[k].strip()]
    if not written:
        return ""
    which = f"line {written[0]}" if len(written) == 1 else f"lines {written[0]} to {written[-1]}"
    return f"{which} after the atoms left out"


def _is_atom(line: str) -> bool:
    words = line.split()
    return len(words) >= 4 and may_be_an_atom(words[0]) and all(number(word) is not None for word in words[1:4])


def _frame(lines: list[str], at: int, where: str, reading: Reading, names: AtomNames) -> tuple[Structure, int]:
    """Read the molecule that begins at a line, and tell where it ends."""
    stated, first, comment = _head(lines, at, where, reading)
    end = first
    while end < len(lines) and _is_atom(lines[end]):
        end += 1
    if stated is not None and end - first != stated:
        here = f"{where}, line {at + 1}"
        says = f"says {stated} atom{'' if stated == 1 else 's'}, but {end - first} follow"
        odd = end < len(lines) and lines[end].strip() and end - first < stated
        if odd:
            raise InputError(f"{here}: {says}: line {end + 1}, {shown(lines[end].strip())}, is no 'element x y z'")
        raise InputError(f"{here}: {says}; correct the number or the lines")
    rows = [(k, *_named(lines[k], k + 1, names)) for k in range(first, end)]
    atoms = [(element, words) for _, element, words in rows if element is not None]
    if atoms and all(_has_charge_first(element, words) for element, words in atoms):
        reading.note("the second column, of nuclear charges, left out")
        atoms = [(element, words[1:]) for element, words in atoms]
    species = [element for element, _ in atoms]
    positions = [[number(word) or 0.0 for word in words[:3]] for _, words in atoms]
    extra = any(len(words) > 3 for _, words in atoms)
    if not species:
        raise InputError(f"{where}: no atoms; expected lines 'element x y z'")
    if extra:
        reading.note("columns after x y z left out")
    properties = _properties(comment)
    name = str(properties.pop("struct_id", ""))
    try:
        return Structure(None, species, positions, properties, name), end
    except InputError as error:
        raise InputError(f"{where}, line {at + 1}: {error}") from None


def _named(line: str, at: int, names: AtomNames) -> tuple[str | None, list[str]]:
    """The element of an atom's line, and the words behind it."""
    word, *rest = line.split()
    return names.element(word, at), rest


def _has_charge_first(element: str, words: list[str]) -> bool:
    """Tell whether an atom's nuclear charge stands before its place, as GAMESS writes it: C 6.0 x y z."""
    return len(words) == 4 and number(words[3]) is not None and number(words[0]) == atomic_numbers[element]


def _head(lines: list[str], at: int, where: str, reading: Reading) -> tuple[int | None, int, str]:
    """The number of atoms that is stated, where the atoms begin, and the comment."""
    if _is_atom(lines[at]):
        reading.note("no number of atoms in the first line: all lines 'element x y z' are taken")
        return None, at, ""
    if not _COUNT.fullmatch(lines[at]):
        if at + 1 < len(lines) and _is_atom(lines[at + 1]):
            reading.note("no number of atoms: all lines 'element x y z' are taken")
            return None, at + 1, lines[at]
        raise InputError(f"{where}, line {at + 1}: expected the number of atoms, found {shown(lines[at].strip())}")
    stated, first = int(lines[at]), at + 2
    if at + 1 < len(lines) and _is_atom(lines[at + 1]):
        rows = 0
        while rows <= stated and at + 1 + rows < len(lines) and _is_atom(lines[at + 1 + rows]):
            rows += 1
        if rows == stated:
            reading.note("no comment line")
            return stated, at + 1, ""
    return stated, first, lines[at + 1] if at + 1 < len(lines) else ""


def _properties(comment: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, word in _PAIR.findall(comment):
        properties[name] = _value(word)
    energy = of_comment(comment)
    if energy is not None:
        properties["conformer_energy"] = energy
    return properties


def _value(word: str) -> Any:
    text = word.strip("\"'")
    if re.fullmatch(r"[-+]?\d{1,18}", text, flags=re.ASCII):
        return int(text)
    value = number(text)
    return value if value is not None else _TRUTH.get(text, text)
