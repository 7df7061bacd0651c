"""By what a result of an engine is found again: all that it depends on, as one digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from genarris_fw.crystal.atom_properties import atom_properties
from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.base import Engine

# Of how the digest is made: results of another form are not found.
FORM = 1
RELAXATION, SINGLE_POINT = "relaxation", "single point"


def result_key(engine: Engine, structure: Structure, relax: bool) -> str | None:
    """Return the digest by which the result of an evaluation is found again.

    Parameters
    ----------
    engine : Engine
        With its settings.
    structure : Structure
        What is evaluated, or where its relaxation begins.
    relax : bool
        Whether it is relaxed.

    Returns
    -------
    str or None
        SHA-256 over engine, versions, settings, kind and structure; None where the engine's version is not known.

    Notes
    -----
    Every digit of cell and positions counts: what differs by a shift, a turn or another order of the atoms is another
    structure. Its name does not count, nor what is known of it otherwise.
    """
    identity = engine.identity
    if identity is None:
        return None
    record = {
        "form": FORM,
        "engine": engine.name,
        "identity": identity,
        "settings_hash": engine.settings_hash,
        "settings": engine.options.of_the_result(relax),
        "kind": RELAXATION if relax else SINGLE_POINT,
        "structure": _content(structure),
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()


def _content(structure: Structure) -> dict[str, Any]:
    """Return what an engine is told of a structure; -0.0 is 0.0."""
    return {
        "lattice": None if structure.lattice is None else (structure.lattice + 0.0).tolist(),
        "species": structure.species,
        "positions": (structure.positions + 0.0).tolist(),
        "atoms": atom_properties(structure.properties),
        "number_of_atoms_in_molecule": structure.properties.get("number_of_atoms_in_molecule"),
    }
