"""Results of engines that are in the database already, taken over instead of computing them again."""

from __future__ import annotations

from typing import Any

import numpy as np

from genarris_fw.catalogue.documents import EngineResultDocument, NewEngineResult
from genarris_fw.catalogue.runs import now
from genarris_fw.crystal import Structure
from genarris_fw.engines import Engine, Evaluation
from genarris_fw.engines.result_key import RELAXATION, SINGLE_POINT
from genarris_fw.options.base import SharedOptions
from genarris_fw.pools.documents import plain
from genarris_fw.procedures.kit.campaign import Campaign

# Where it is noted of which work item a result is: in details, outcomes, energies and provenance.
REUSED_FROM = "reused_from"
# Field of the summary of a step that reuses -> words.
WORDS = {"reused": "reused {0[number]} of {0[of]}"}
NEVER = " (the version of what computes is not known beforehand)"


def found_again(campaign: Campaign[SharedOptions], digest: str, structure: Structure) -> Evaluation | None:
    """Return what an engine gave of the same before, with the work item that it is from in its details; or None."""
    found = campaign.catalogue.engine_results.find(digest)
    return None if found is None else _evaluation(found, structure)


def _evaluation(found: EngineResultDocument, structure: Structure) -> Evaluation:
    final, geometry = structure.copy(), found.get("geometry")
    if geometry is not None:
        final = Structure(
            geometry["lattice"], structure.species, geometry["positions"], structure.properties, structure.struct_id
        )
    forces, stress = (None if one is None else np.array(one) for one in (found["forces"], found["stress"]))
    details: dict[str, Any] = found["details"] | {"version": found["engine_version"], REUSED_FROM: found["_id"]}
    return Evaluation(found["energy"], forces, stress, final, found["converged"], found["seconds"], details)


def to_keep(
    digest: str, structure: Structure, relax: bool, evaluation: Evaluation, engine: Engine, version: str
) -> NewEngineResult:
    """Return what is kept of an evaluation for those who compute the same.

    Parameters
    ----------
    digest : str
        As of `result_key`.
    structure : Structure
        What was evaluated.
    relax : bool
        Whether it was relaxed.
    evaluation : Evaluation
        What the engine found.
    engine : Engine
        The engine.
    version : str
        Its version, as an energy is kept with it.
    """
    kept: NewEngineResult = {
        "digest": digest,
        "struct_id": structure.struct_id,
        "kind": RELAXATION if relax else SINGLE_POINT,
        "engine": engine.name,
        "engine_version": version,
        "settings_hash": engine.settings_hash,
        "energy": float(evaluation.energy),
        "forces": plain(evaluation.forces),
        "stress": plain(evaluation.stress),
        "converged": bool(evaluation.converged),
        "seconds": float(evaluation.seconds),
        "details": plain(evaluation.details),
        "computed": now(),
    }
    if relax:
        final = evaluation.structure
        kept["geometry"] = {"lattice": plain(final.lattice), "positions": final.positions.tolist()}
    return kept
