"""A structure's document as an entry of the index: everything that is asked for and sorted by, without its geometry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import bson

from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.optimade.composition import composition
from genarris_fw.optimade.properties import own_properties

FORMAT = 1  # of an entry; another one has all entries made anew
OWN = "own"  # in which an entry holds our own properties
CHANGED = "last_modified"

_SCALARS = ["int", "long", "double", "string", "bool"]


def _of_type(value: str, types: list[str]) -> dict[str, Any]:
    return {"$in": [{"$type": value}, types]}


def _scalars_of(value: str) -> dict[str, Any]:
    """Return the expression for what of an object is neither list nor object."""
    kept = {"$filter": {"input": {"$objectToArray": value}, "as": "inner", "cond": _of_type("$$inner.v", _SCALARS)}}
    return {"$arrayToObject": kept}


# What is read of a structure: no coordinates, and no vectors of descriptors, which are most of a document.
PROJECTION: dict[str, Any] = {
    "struct_id": 1,
    "pools": 1,
    "parent": 1,
    "n_atoms": 1,
    "Z": 1,
    "species": "$geometry.species",
    "is_crystal": {"$isArray": "$geometry.lattice"},
    "energies": 1,
    "provenance.step": 1,
    "provenance.mode": 1,
    "properties": {
        "$arrayToObject": {
            "$map": {
                "input": {
                    "$filter": {
                        "input": {"$objectToArray": "$properties"},
                        "cond": _of_type("$$this.v", [*_SCALARS, "object"]),
                    }
                },
                "in": {
                    "k": "$$this.k",
                    "v": {"$cond": [_of_type("$$this.v", ["object"]), _scalars_of("$$this.v"), "$$this.v"]},
                },
            }
        }
    },
}


def entry(document: Mapping[str, Any], run: RunDocument, ids: Iterable[str]) -> dict[str, Any]:
    """Return the entry of a structure.

    Parameters
    ----------
    document : mapping
        What `PROJECTION` makes of a document.
    run : RunDocument
        Its run: name and when it was begun.
    ids : container of str
        ``_id`` of all structures of the run that are served: a parent that is not among them is not named.

    Returns
    -------
    dict
        Fields as OPTIMADE names them, ours within `OWN`. What needs coordinates is stood in for by something that is
        as known, and as long, as the true value (`genarris_fw.optimade.collection` puts that in its place).
    """
    crystal = document["is_crystal"]
    made = composition(tuple(document["species"]), document.get("Z") or 0)
    own = own_properties(document, run["_id"])
    group = own.get("spg")
    parent = f"{run['_id']}:{document.get('parent')}"
    related = {"type": "structures", "id": parent, "meta": {"description": "the structure that it was made from"}}
    return {
        "_id": document["_id"],
        "type": "structures",
        "immutable_id": str(uuid5(NAMESPACE_OID, f"{run['created'].isoformat()} {document['_id']}")),
        **made,
        "nperiodic_dimensions": 3 if crystal else 0,
        "dimension_types": [1, 1, 1] if crystal else [0, 0, 0],
        "lattice_vectors": [0, 0, 0],
        "cartesian_site_positions": True,
        "species_at_sites": made["elements"],
        "space_group_it_number": group if crystal and isinstance(group, int) and 1 <= group <= 230 else None,
        "structure_features": [],
        "relationships": {"structures": {"data": [related]}} if parent in ids else None,
        OWN: own,
    }


def digest(made: Mapping[str, Any]) -> bytes:
    """Return what tells two contents of an entry apart."""
    return blake2b(bson.encode(made), digest_size=12).digest()


def last_change(run: RunDocument) -> datetime:
    """Return the last moment that a run's document names: no later did a step that is over write its structures."""
    moments = [run["created"], run.get("finished")]
    for step in (run.get("steps") or {}).values():
        moments += [step.get("started"), step.get("finished")]
    return max(moment for moment in moments if moment is not None).replace(microsecond=0)
