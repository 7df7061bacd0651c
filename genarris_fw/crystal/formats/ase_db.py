"""A database of ASE (SQLite): a row for each structure, found by ``ase.db.connect(file).select("energy<-100")``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from genarris_fw.crystal.conversions import to_ase
from genarris_fw.crystal.file_format import Holds, PoolFormat
from genarris_fw.crystal.formats.genarris_json import ATOM_KEYS, to_record
from genarris_fw.crystal.formats.properties import LARGEST_INTEGER
from genarris_fw.crystal.known_properties import KNOWN_PROPERTIES
from genarris_fw.crystal.structure import Structure

_KEY = re.compile(r"[A-Za-z_]\w*", flags=re.ASCII)


def save_ase_db(structures: Iterable[Structure], path: Path) -> None:
    """Write a database.

    The struct_id and the numbers and texts among the properties are key-value pairs, by which rows are selected, where
    ASE allows their names; a text that ASE would read as a number is one. All properties are in ``data`` of the row,
    under ``properties``; the property ``energy`` (eV) is the row's.
    """
    import ase.db

    database = ase.db.connect(str(path), type="db", use_lock_file=False)
    database.metadata = {
        "key_descriptions": {
            name: (about.words, about.meaning or about.words, about.unit)
            for name, about in KNOWN_PROPERTIES.items()
            if _is_key(name)
        },
        "default_columns": ["struct_id", "formula", "energy", "spg", "density"],
    }
    with warnings.catch_warnings(), database:
        warnings.simplefilter("ignore")  # of keys that are formulas, too, as O2 would be
        for structure in structures:
            _write(database, structure)


def _write(database: Any, structure: Structure) -> None:
    properties = to_record(structure)["properties"]
    own = structure.properties
    given = {name: properties.get(name, own[name]) for name in own if name in properties or name in ATOM_KEYS}
    pairs = {"struct_id": structure.struct_id, **properties}
    if structure.lattice is not None:
        pairs["density"] = structure.density
    found = {name: _value(value) for name, value in pairs.items() if _is_key(name)}
    database.write(
        to_ase(structure),
        key_value_pairs={name: value for name, value in found.items() if value is not None},
        data={"struct_id": structure.struct_id, "properties": given},
    )


def _is_key(name: str) -> bool:
    from ase.db.core import reserved_keys

    return bool(_KEY.fullmatch(name)) and name not in reserved_keys


def _value(value: Any) -> Any:
    """Return what a key-value pair can be, None for another value."""
    from ase.db.core import convert_str_to_int_float_bool_or_str

    if isinstance(value, str):
        value = convert_str_to_int_float_bool_or_str(value)
    if isinstance(value, int | float):
        return value if isfinite(value) and (isinstance(value, float) or abs(value) <= LARGEST_INTEGER) else None
    return value if isinstance(value, str) else None


ASE_DB = PoolFormat(ending=".db", save=save_ase_db, media_type="application/vnd.sqlite3", holds=Holds(geometry=0.0))
