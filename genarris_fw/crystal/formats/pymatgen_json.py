"""A pool as pymatgen's json: a list of what ``as_dict`` gives, for ``Structure.from_dict`` or monty's ``loadfn``.

It is read without pymatgen, and nothing that it names is looked up: of an object only the fields of a structure are
taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from genarris_fw.crystal.conversions import STRUCT_ID, to_pymatgen
from genarris_fw.crystal.file_format import Holds, PoolFormat
from genarris_fw.crystal.formats.genarris_json import ATOM_KEYS, to_record
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

_MARK = re.compile(r'"@module"\s*:\s*"pymatgen\.core\.')
_BEGINNING = 2**16  # letters in which the mark stands


def format_pymatgen(structures: Iterable[Structure]) -> Iterator[str]:
    """Yield the text of a list, a line for each structure.

    Raises
    ------
    InputError
        Where pymatgen is not installed, or refuses a structure.
    """
    between = "[\n"
    for structure in structures:
        plain = structure.copy()
        own = to_record(structure)["properties"]
        plain.properties = {
            name: own.get(name, value)
            for name, value in structure.properties.items()
            if name in own or name in ATOM_KEYS
        }
        yield between + json.dumps(to_pymatgen(plain).as_dict(), allow_nan=False)
        between = ",\n"
    yield "\n]\n" if between != "[\n" else "[]\n"


def parse_pymatgen(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read one structure or molecule of pymatgen, or a list of them.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read; for disordered ones.
    """
    try:
        content = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not complete json; write or copy the file again") from None
    found = content if isinstance(content, list) else [content]
    structures = []
    for number, one in enumerate(found, start=1):
        here = f"{where}, structure {number}" if len(found) > 1 else where
        try:
            structures.append(_structure(one))
        except InputError as error:
            raise InputError(f"{here}: {error}") from None
        except (KeyError, TypeError, ValueError, IndexError):
            raise InputError(f"{here}: not what pymatgen writes of a structure; write it again by as_dict") from None
    return structures


def _structure(one: dict[str, Any]) -> Structure:
    lattice = one["lattice"]["matrix"] if one.get("lattice") else None
    sites = one["sites"]
    if any(len(site["species"]) != 1 or site["species"][0].get("occu", 1) != 1 for site in sites):
        raise InputError("a disordered structure: several atoms, or parts of one, share a site; order it")
    species = [str(site["species"][0]["element"]) for site in sites]
    if lattice is not None and all("abc" in site for site in sites):
        places = np.array([site["abc"] for site in sites], dtype=float).reshape(-1, 3) @ np.array(lattice, dtype=float)
    else:
        places = np.array([site["xyz"] for site in sites], dtype=float).reshape(-1, 3)
    properties = dict(one.get("properties") or {})
    named = str(properties.pop(STRUCT_ID, ""))
    for name, column in (("initial_moments", "magmom"), ("initial_charges", "charge")):
        values = [(site.get("properties") or {}).get(column) for site in sites]
        if any(values) and all(value is None or isinstance(value, int | float) for value in values):
            properties[name] = values
    moves = [(site.get("properties") or {}).get("selective_dynamics") for site in sites]
    if fixed := [i for i, free in enumerate(moves) if free is not None and not any(free)]:
        properties["fixed_atoms"] = fixed
    return Structure(lattice, species, places, properties, named)


PYMATGEN_JSON = PoolFormat(
    ending=".pymatgen.json",
    parts=format_pymatgen,
    read_by=parse_pymatgen,
    endings=(".pymatgen.json",),
    marked=lambda text: _MARK.search(text, 0, _BEGINNING) is not None,
    order=15,
    holds=Holds(geometry=1e-9),
)
