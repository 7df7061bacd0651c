"""What the properties of a structure from outside may be: plain values that json, database and formats can hold."""

from __future__ import annotations

from typing import Any

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

DEEPEST = 50  # lists in lists; a document of the database may be 100 deep
LARGEST_INTEGER = 2**63 - 1
LONGEST_NAME = 200
# Whole numbers that the farm counts and groups by, with the largest of each.
_WHOLE = {"Z": 10**6, "spg": 230, "attempted_spg": 230}
_PER_ATOM = ("initial_moments", "initial_charges")
_NUMBERS_OF = ("fixed_atoms", "fixed_lattice_vectors")


def refuse_odd_properties(structure: Structure, where: str) -> None:
    """Refuse a structure whose properties something further on could not hold or would misread.

    Parameters
    ----------
    structure : Structure
        As a file has it.
    where : str
        What an error calls it, for example the path.

    Raises
    ------
    InputError
        For the first property that is none, with its name and what was expected.
    """
    for name, value in structure.properties.items():
        _refuse_name(name, f"{where}: a property")
        _refuse_unplain(value, f"{where}: the property {name!a}", DEEPEST)
        if value is None:
            continue
        expected = ""
        if name in _WHOLE and not _is_whole(value, 0, _WHOLE[name]):
            expected = f"a whole number from 0 to {_WHOLE[name]}"
        elif name in _PER_ATOM and not _is_column(value, len(structure)):
            expected = f"a list of {len(structure)} numbers or nulls, one for each atom"
        elif name in _NUMBERS_OF:
            last = (len(structure) if name == "fixed_atoms" else 3) - 1
            if not isinstance(value, list) or not all(_is_whole(number, 0, last) for number in value):
                expected = f"a list of whole numbers from 0 to {last}"
        if expected:
            raise InputError(f"{where}: the property {name!a} is not {expected}; correct it or leave it out")


def _refuse_name(name: Any, what: str) -> None:
    if not isinstance(name, str) or not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        shown = ascii(name) if len(str(name)) <= LONGEST_NAME else f"{str(name)[:20]!a}..."
        raise InputError(f"{what} is called {shown}; a name is 1 to {LONGEST_NAME} printable characters")


def _refuse_unplain(value: Any, what: str, deep: int) -> None:
    """Refuse what the database or a file cannot hold, at any depth."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InputError(f"{what} holds a NUL or half a character (a lone surrogate); correct the text")
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise InputError(f"{what} holds a whole number beyond 2^63, which no database holds; write it as 1.0e...")
    elif isinstance(value, list | tuple | dict):
        if not deep:
            raise InputError(f"{what} is nested more than {DEEPEST} deep; make it flatter")
        if isinstance(value, dict):
            for name in value:
                _refuse_name(name, f"{what}: a part")
        for part in value.values() if isinstance(value, dict) else value:
            _refuse_unplain(part, what, deep - 1)


def _is_whole(value: Any, low: int, high: int) -> bool:
    """Tell whether a value is a whole number in a range; json of other programs may write 2 as 2.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return low <= value <= high and value == int(value)


def _is_column(value: Any, atoms: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == atoms
        and all(part is None or (isinstance(part, int | float) and not isinstance(part, bool)) for part in value)
    )
