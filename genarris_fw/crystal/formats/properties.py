"""What the properties of a structure may be, whoever wrote them: what a json file and a document can hold."""

from __future__ import annotations

from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

DEEPEST = 20  # lists and objects within each other
LARGEST_INTEGER = 2**63 - 1
LONGEST_NAME = 200  # bytes
LARGEST_NUMBER_OF_MOLECULES = 1000  # Z of any cell that a file may state
# Properties with a value (or None) for every atom, and with numbers of atoms or of lattice vectors.
PER_ATOM = ("initial_moments", "initial_charges")
_NUMBERS_OF = {"fixed_atoms": "atoms", "fixed_lattice_vectors": "lattice vectors"}
_WHOLE = {"Z": LARGEST_NUMBER_OF_MOLECULES, "spg": 230}


def check_properties(properties: dict[str, Any], n_atoms: int, where: str) -> None:
    """Refuse properties that the database cannot hold or that are not what their name says.

    Parameters
    ----------
    properties : dict
        Name -> plain value, as a structure has them.
    n_atoms : int
        The number of its atoms.
    where : str
        What an error calls the structure.

    Raises
    ------
    InputError
        One line that names the property.
    """
    for name, value in properties.items():
        _check_name(name, where)
        _check_value(value, f"{where}: property {shown(name)}", 1)
    for name in PER_ATOM:
        values = properties.get(name)
        if values is not None and not (_is_list(values, n_atoms) and all(x is None or _is_number(x) for x in values)):
            raise InputError(f"{where}: property '{name}' is not a list of a number or null for each atom")
    for name, things in _NUMBERS_OF.items():
        values = properties.get(name)
        number = n_atoms if things == "atoms" else 3
        if values is not None and not (_is_list(values) and all(_is_whole(x, number - 1) for x in values)):
            raise InputError(f"{where}: property '{name}' is not a list of numbers of {things}, from 0 to {number - 1}")
    for name, largest in _WHOLE.items():
        if properties.get(name) is not None and not _is_whole(properties[name], largest):
            raise InputError(f"{where}: property '{name}' is not a whole number up to {largest}")


def _check_name(name: object, where: str) -> None:
    good = isinstance(name, str) and name.isprintable() and 0 < len(name.encode()) <= LONGEST_NAME
    if not good or str(name).startswith("$"):
        expected = f"1 to {LONGEST_NAME} bytes that can be printed, not beginning with $"
        raise InputError(f"{where}: a property cannot be called {shown(name)}: expected {expected}")


def _check_value(value: Any, what: str, depth: int) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise InputError(f"{what} holds half a character (a lone surrogate)")
    elif isinstance(value, int):
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise InputError(f"{what} holds a whole number beyond ±{LARGEST_INTEGER}, which the database cannot hold")
    elif isinstance(value, dict | list | tuple):
        if depth > DEEPEST:
            raise InputError(f"{what} is nested more than {DEEPEST} levels deep")
        for name in value if isinstance(value, dict) else ():
            _check_name(name, what)
        for part in value.values() if isinstance(value, dict) else value:
            if not isinstance(part, float):  # the long lists
                _check_value(part, what, depth + 1)


def _is_list(value: Any, length: int | None = None) -> bool:
    return isinstance(value, list | tuple) and length in (None, len(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, largest: int) -> bool:
    return _is_number(value) and value == int(value) and 0 <= value <= largest
