"""From the science's structures to the catalogue's documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.crystal import Structure, cell_properties


def plain(value: Any) -> Any:
    """Return the value as plain Python: what MongoDB stores and a person reads in its shell."""
    kind = type(value)
    if kind is str or kind is int or kind is bool:
        return value
    if kind is float:
        return value if isfinite(value) else None
    if kind is list and set(map(type, value)) == {float}:  # the long ones are of numbers
        return value if all(map(isfinite, value)) else [item if isfinite(item) else None for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return value


def to_document(structure: Structure, Z: int, provenance: dict[str, Any] | None = None) -> NewStructure:
    """Return the document of a structure, without run, pools and fence.

    Parameters
    ----------
    structure : Structure
        With its ``struct_id``.
    Z : int
        Molecules per cell (1 for a molecule).
    provenance : dict, optional
        How it came to be: seed, draw, site, versions.
    """
    lattice, cell = None, {}
    if structure.lattice is not None:
        lattice, cell = structure.lattice.tolist(), cell_properties(structure) | {"density": structure.density}
    document: NewStructure = {
        "struct_id": structure.struct_id,
        "n_atoms": len(structure),
        "Z": Z,
        "geometry": {
            "lattice": lattice,
            "species": list(structure.species),
            "positions": structure.positions.tolist(),
        },
        "properties": plain(structure.properties | cell),
    }
    if provenance:
        document["provenance"] = plain(provenance)
    return document


def from_document(document: Mapping[str, Any]) -> Structure:
    """Return the structure of a document, of which its id and its geometry are enough."""
    geometry = document["geometry"]
    return Structure(
        geometry["lattice"],
        geometry["species"],
        geometry["positions"],
        dict(document.get("properties") or {}),
        document["struct_id"],
    )
