"""A pool as chemiscope's viewer opens it (chemiscope.org, ``chemiscope.show_input``): a map and the structures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from genarris_fw.crystal.file_format import Holds, PoolFormat
from genarris_fw.crystal.property_table import Column, table_of
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

DIGITS = 10


def chemiscope_structure(structure: Structure, digits: int = DIGITS) -> dict[str, Any]:
    """Return a structure as chemiscope takes it.

    Returns
    -------
    dict
        ``size``, ``names``, ``x``, ``y``, ``z`` (Å), and of a crystal ``cell`` (nine numbers, Å).
    """
    found: dict[str, Any] = {"size": len(structure), "names": list(structure.species)}
    found |= {axis: np.round(structure.positions[:, k], digits).tolist() for k, axis in enumerate("xyz")}
    if structure.lattice is not None:
        found["cell"] = np.round(structure.lattice.ravel(), digits).tolist()
    return found


def format_chemiscope(structures: Iterable[Structure]) -> Iterator[str]:
    """Yield the text of a dataset, part by part.

    Its properties are the columns of the property table. A number that some structure does not have is left out:
    chemiscope knows no missing values; a text is empty then.

    Raises
    ------
    InputError
        For a pool without structures, which the viewer does not open.
    """
    yield '{"meta": {"name": "crystals and molecules by genarris_fw"},\n"structures": ['
    bare: list[Structure] = []
    for structure in structures:
        yield ("\n" if not bare else ",\n") + json.dumps(chemiscope_structure(structure))
        bare.append(structure)
    if not bare:
        raise InputError("chemiscope shows at least one structure, and there is none")
    table = table_of(bare)
    properties = {"struct_id": {"target": "structure", "values": table.ids, "description": "its name"}}
    for name, column in table.columns.items():
        if column.kind == "text" or column.known.all():
            properties.setdefault(name, _property(column))
    yield '\n],\n"properties": ' + json.dumps(properties, allow_nan=False) + "}\n"


def _property(column: Column) -> dict[str, Any]:
    values = [value or "" if column.kind == "text" else float(value or 0) for value in column.plain()]
    said = {"units": column.unit, "description": column.description}
    return {"target": "structure", "values": values} | {key: text for key, text in said.items() if text}


CHEMISCOPE = PoolFormat(
    ending=".chemiscope.json",
    parts=format_chemiscope,
    holds=Holds(geometry=1e-9, properties="plain"),
)
