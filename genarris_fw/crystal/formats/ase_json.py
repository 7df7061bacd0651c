"""JSON that ASE writes: a table of names and Atoms, as Genarris 3's structures.json, or ASE's database in one file.

Arrays are objects ``{"__ndarray__": [shape, type, numbers]}``, a cell one with ``array`` in it. Nothing of what a file
says is executed or looked up: numbers, texts and lists are taken, whatever else is there is left out and noted.
"""

from __future__ import annotations

from typing import Any

from ase.data import chemical_symbols

from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.names import is_name, made_safe

_DATABASE = ("ids", "nextid")  # of ASE's database, beside its rows
_ENERGIES = ("energy", "free_energy")  # eV per cell
_LONGEST_LIST = 10_000  # of a property; longer ones are descriptors of all atoms


def is_of_ase(content: Any) -> bool:
    """Tell whether json is a table of ASE's structures."""
    if not isinstance(content, dict) or "geometry" in content:
        return False
    rows = [row for name, row in content.items() if name not in _DATABASE]
    return bool(rows) and all(isinstance(row, dict) and "numbers" in row and "positions" in row for row in rows)


def from_ase_json(content: dict[str, Any], where: str, reading: Reading) -> list[Structure]:
    """Return the structures of a table of ASE's.

    The name of a row is its struct_id; ``info``, ``key_value_pairs`` and ``energy`` become properties.

    Raises
    ------
    InputError
        With path and name, for a row that cannot be used.
    """
    rows = [(name, row) for name, row in content.items() if name not in _DATABASE]
    structures = []
    for name, row in rows:
        try:
            structure = from_row(row, f"{where}, {name!r:.80}", reading)
        except InputError as error:
            reading.leave_out(str(error))
            continue
        structure.struct_id = name if is_name(name) else made_safe(name, "structure")
        structures.append(structure)
    return structures


def from_row(row: dict[str, Any], where: str, reading: Reading) -> Structure:
    """Return the structure, without a name, of ASE's json of an Atoms object or of a row of its database.

    Raises
    ------
    InputError
        Beginning with `where`, for one that cannot be used.
    """
    numbers, positions = _plain(row["numbers"]), _plain(row["positions"])
    species = [_symbol(number, where) for number in (numbers if isinstance(numbers, list) else [])]
    if not species:
        raise InputError(f"{where}: no atoms")
    cell, periodic = row.get("cell"), _plain(row.get("pbc"))
    rows = _plain(cell.get("array") if isinstance(cell, dict) and "array" in cell else cell)
    if isinstance(periodic, list) and any(periodic) and not all(periodic):
        raise InputError(f"{where}: periodic in some directions only (pbc = {periodic}); a crystal is in all three")
    is_crystal = all(periodic) if isinstance(periodic, list) else bool(periodic)
    values: dict[str, Any] = {}
    for place in ("info", "key_value_pairs"):
        found = row.get(place)
        values |= found if isinstance(found, dict) else {}
    values |= {name: row[name] for name in _ENERGIES if isinstance(row.get(name), int | float)}
    properties, left_out = {}, []
    for key, value in values.items():
        plain = _plain(value)
        if plain is _NOT_PLAIN or (isinstance(plain, list) and len(plain) > _LONGEST_LIST):
            left_out.append(key)
        else:
            properties[key] = plain
    if left_out:
        reading.note(f"properties that are no numbers, texts or short lists left out: {', '.join(left_out)[:200]}")
    try:
        structure = Structure(rows if is_crystal else None, species, positions, properties)
    except (InputError, TypeError, ValueError) as error:
        reason = error if isinstance(error, InputError) else "cell and positions are rows of three numbers"
        raise InputError(f"{where}: {reason}") from None
    return structure


def _symbol(number: Any, where: str) -> str:
    if not isinstance(number, int) or not 0 < number < len(chemical_symbols):
        raise InputError(f"{where}: {number!r:.40} is the atomic number of no element")
    return chemical_symbols[number]


_NOT_PLAIN = object()


def _plain(value: Any) -> Any:
    """Return lists for arrays; what is neither a number, a text nor a list of them is `_NOT_PLAIN`."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    array = value.get("__ndarray__") if isinstance(value, dict) and len(value) == 1 else None
    if isinstance(array, list) and len(array) == 3 and isinstance(array[0], list) and isinstance(array[2], list):
        return _shaped(array[2], array[0])
    return _NOT_PLAIN


def _shaped(numbers: list[Any], shape: list[Any]) -> Any:
    """Return nested lists of a flat one; lists that are nested already stay so."""
    if len(shape) < 2 or any(isinstance(number, list) for number in numbers):
        return numbers
    size = 1
    for length in shape[1:]:
        if not isinstance(length, int) or length < 1:
            return _NOT_PLAIN
        size *= length
    if len(numbers) != size * shape[0]:
        return _NOT_PLAIN
    return [_shaped(numbers[k : k + size], shape[1:]) for k in range(0, len(numbers), size)]
