"""Genarris json: one record per structure, read leniently (bare NaN) and written strictly (null)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from genarris_fw.crystal.cells import CELL_KEYS, cell_properties
from genarris_fw.crystal.file_format import Holds, StructureFormat
from genarris_fw.crystal.formats.ase_json import from_ase_json, is_of_ase
from genarris_fw.crystal.formats.properties import DEEPEST
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

LATTICE_KEYS = ("lattice_vector_a", "lattice_vector_b", "lattice_vector_c")
# Properties that a record holds in the columns of its atoms: spin, charge, fixed.
_HUGE_EXPONENT = re.compile(r"[eE]\+?\d{3}")
ATOM_KEYS = ("initial_moments", "initial_charges", "fixed_atoms")


def from_record(record: dict[str, Any], where: str = "the record") -> Structure:
    """Make a structure of a Genarris json record.

    Numbers that are not finite are taken as absent (None). Atomic spins, charges and constraints, where any
    is set, become the properties ``initial_moments`` and ``initial_charges`` (a value or None per atom) and
    ``fixed_atoms`` (numbers of atoms).

    Parameters
    ----------
    record : dict
        ``geometry`` (rows x, y, z, element, spin, charge, fixed; the last three may be absent),
        ``properties`` and ``struct_id``.
    where : str, optional
        What an error calls the record, for example its path.

    Returns
    -------
    Structure
        The lattice vectors are taken out of the properties.

    Raises
    ------
    InputError
        One line saying what of the record cannot be used.
    """
    if not isinstance(record, dict) or not isinstance(record.get("geometry"), list):
        raise InputError(f"{where}: not a Genarris structure; expected 'geometry' and 'properties'")
    rows = record["geometry"]
    if not rows:
        raise InputError(f"{where}: 'geometry' has no atoms")
    species, positions = [], []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) < 4 or not isinstance(row[3], str):
            raise InputError(f"{where}: row {number} of 'geometry' is not [x, y, z, element, ...]")
        positions.append(_vector(row[:3], f"{where}: the position of atom {number}"))
        species.append(row[3])
    properties = record.get("properties") or {}
    if not isinstance(properties, dict):
        raise InputError(f"{where}: 'properties' is not an object of names and values")
    try:
        properties = _without_nan(properties)
    except InputError as error:
        raise InputError(f"{where}: 'properties' are {error}") from None
    lattice = _lattice(properties, where)
    properties = {name: value for name, value in properties.items() if name not in LATTICE_KEYS}
    columns = [[row[k] if len(row) > k else None for row in rows] for k in (4, 5, 6)]
    for name, given in zip(ATOM_KEYS, columns):
        column = [_finite(value) if isinstance(value, float) else value for value in given]
        if name == "fixed_atoms":
            if not all(fixed in (None, False, True) for fixed in column):
                raise InputError(f"{where}: the seventh entry of a row of 'geometry' (fixed) is neither true nor false")
            column = [number for number, fixed in enumerate(column) if fixed]
        if any(value is not None for value in column):
            properties[name] = column
    struct_id = record.get("struct_id") or ""
    try:
        return Structure(lattice, species, positions, properties, str(struct_id))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def to_record(structure: Structure) -> dict[str, Any]:
    """Return the Genarris json record of a structure: plain values that strict json can hold.

    Parameters
    ----------
    structure : Structure
        A crystal or a molecule.

    Returns
    -------
    dict
        Lengths, angles and volume are computed from the lattice. A number that is not finite becomes None.

    Raises
    ------
    InputError
        For a property that json cannot hold.
    """
    apart = ATOM_KEYS if structure.lattice is None else (*ATOM_KEYS, *LATTICE_KEYS, *CELL_KEYS)
    items = ((str(name), value) for name, value in structure.properties.items())
    properties = {name: _plain(value, name) for name, value in items if name not in apart}
    if structure.lattice is not None:
        properties |= dict(zip(LATTICE_KEYS, structure.lattice.tolist()))
        properties |= cell_properties(structure)
    n_atoms = len(structure)
    moments = _column(structure, "initial_moments")
    charges = _column(structure, "initial_charges")
    fixed = {int(number) for number in structure.properties.get("fixed_atoms") or ()}
    positions = structure.positions.tolist()
    return {
        "properties": properties,
        "struct_id": structure.struct_id,
        "input_ref": None,
        "geometry": [[*positions[i], structure.species[i], moments[i], charges[i], i in fixed] for i in range(n_atoms)],
    }


def scalar_properties(structure: Structure) -> dict[str, Any]:
    """Return the properties that are a text or a number each, the cell's among them."""
    properties = to_record(structure)["properties"]
    return {name: value for name, value in properties.items() if isinstance(value, str | int | float)}


def parse_json(text: str, where: str = "the text", reading: Reading | None = None) -> list[Structure]:
    """Read one record, or a list of records, of json text; a table of ASE's structures, as Genarris 3 has it, too.

    Parameters
    ----------
    text : str
        Json; a bare NaN or Infinity is taken as absent.
    where : str, optional
        What an error calls the text, for example its path.
    reading : Reading, optional
        Where is noted what was left out.

    Returns
    -------
    list of Structure

    Raises
    ------
    InputError
        One line with the line number, where the text is not json.
    """
    try:
        # Python reads 1e999 as infinity; only a text that may hold such a number is read slowly.
        real = _real if _HUGE_EXPONENT.search(text) else None
        content = json.loads(text, object_pairs_hook=_object, parse_constant=lambda _: None, parse_float=real)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}, line {error.lineno}: not complete json ({error.msg}); write or copy the file again"
        ) from None
    except (RecursionError, ValueError):
        raise InputError(f"{where}: json nested too deeply or with a number too long") from None
    if isinstance(content, list):
        return [from_record(record, f"{where}, record {k}") for k, record in enumerate(content, start=1)]
    if is_of_ase(content):
        return from_ase_json(content, where, reading or Reading())
    return [from_record(content, where)]


def format_json(structure: Structure) -> str:
    """Return the record of a structure as strict json text (no NaN)."""
    record = to_record(structure)
    atoms = _indented_atoms(record.pop("geometry"))
    others = _indented(record, "\n").removesuffix("\n}")
    return f'{others},\n    "geometry": {atoms}\n}}\n'


def _indented_atoms(rows: list[list[Any]]) -> str:
    """Return the rows of a record's geometry as `_indented` does."""
    if not rows:
        return "[]"
    line, inner = "\n        ", "\n            "
    rest = f",{inner}null,{inner}null,{inner}false{line}]"  # neither spin nor charge, and not fixed
    return (
        f"[{line}"
        + f",{line}".join(
            f"[{inner}{row[0]!r},{inner}{row[1]!r},{inner}{row[2]!r},{inner}{_text(row[3])}{rest}"
            if row[4] is None and row[5] is None and row[6] is False
            else _indented(row, line)
            for row in rows
        )
        + "\n    ]"
    )


def _indented(value: Any, line: str) -> str:
    """Return what ``json.dumps(value, indent=4, allow_nan=False)`` does, which is written in Python and slow.

    Parameters
    ----------
    value
        Plain: of `to_record`.
    line : str
        A new line, indented as far as what is around the value.
    """
    write = _SCALARS.get(type(value))
    if write is not None:
        return write(value)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    inner = line + "    "
    if isinstance(value, dict):
        entries = [f"{_text(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return "{" + inner + f",{inner}".join(entries) + line + "}"
    try:
        entries = [_SCALARS[type(item)](item) for item in value]
    except KeyError:
        entries = [_indented(item, inner) for item in value]
    return "[" + inner + f",{inner}".join(entries) + line + "]"


_text = json.encoder.encode_basestring_ascii
_SCALARS: dict[type, Callable[[Any], str]] = {
    float: float.__repr__,  # finite
    int: int.__repr__,
    str: _text,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


def _real(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InputError(f"the number {shown(digits)} is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of json; of a name that stands twice nobody knows which value is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{shown(twice)} stands twice in one object; remove one")
    return found


def _vector(values: Any, where: str) -> list[float]:
    valid = isinstance(values, list) and len(values) == 3
    if not valid or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in values):
        raise InputError(f"{where} is not three numbers")
    try:
        vector = [float(x) for x in values]
    except OverflowError:
        vector = [math.inf]
    if not all(math.isfinite(x) for x in vector):
        raise InputError(f"{where} is not finite")
    return vector


def _lattice(properties: dict[str, Any], where: str) -> list[list[float]] | None:
    present = [key for key in LATTICE_KEYS if properties.get(key) is not None]
    if not present:
        return None
    if len(present) < 3:
        missing = ", ".join(key for key in LATTICE_KEYS if key not in present)
        raise InputError(f"{where}: a lattice needs three vectors; missing: {missing}")
    return [_vector(properties[key], f"{where}: {key}") for key in LATTICE_KEYS]


def _without_nan(value: Any, depth: int = 0) -> Any:
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list | dict) and depth > DEEPEST:
        raise InputError(f"nested more than {DEEPEST} levels deep")
    if isinstance(value, list):  # the long ones are of numbers
        return [_finite(item) if isinstance(item, float) else _without_nan(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _without_nan(item, depth + 1) for key, item in value.items()}
    return value


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if type(value) is list and set(map(type, value)) == {float}:
        return [item if math.isfinite(item) else None for item in value]
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, name) for key, item in value.items()}
    raise InputError(f"the property {name!r} is a {type(value).__name__}, which json cannot hold")


def _column(structure: Structure, name: str) -> list[Any]:
    values = structure.properties.get(name)
    if values is None:
        return [None] * len(structure)
    if len(values) != len(structure):
        raise InputError(f"the property {name!r} has {len(values)} values for {len(structure)} atoms")
    return [_plain(value, name) for value in values]


JSON = StructureFormat(
    write={".json": format_json},
    read_by=parse_json,
    endings=(".json",),
    likely=lambda text: text.lstrip().startswith(("{", "[")),
    order=10,
    holds=Holds(geometry=0.0),
)
