"""One rank of a crew that evaluates structures together; the leader writes down what came of them.

``crew_evaluation_ranks.py LIBRARY_DIR FOLDER``: FHI-aims' stand-in in ``FOLDER``, then an engine that only rank 1
cannot load.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from aims_inputs import control

from genarris_fw.crystal import Structure
from genarris_fw.engines import Context, Engine, get
from genarris_fw.errors import EngineError
from genarris_fw.farm.crews import crew as crews
from genarris_fw.farm.lifeline import Lifeline
from genarris_fw.procedures.kit import crew_evaluation

CELL = Structure(8 * np.eye(3), ["H", "H"], [[0, 0, 0], [0, 0, 0.5]], {"spg": 7}, "pair")


def refuse(name: str, **settings: Any) -> Engine:
    raise EngineError("this rank has no engine", "missing", True)


def evaluated(crew: crews.Crew, engine: Engine, relax: bool, context: Context) -> dict[str, Any]:
    reached: list[str | None] = []
    context.checkpoint = lambda structure: reached.append(structure.struct_id)
    try:
        found = crew_evaluation.evaluate(crew, engine, CELL, relax, context)
    except EngineError as error:
        return {name: getattr(error, name) for name in ("kind", "permanent", "folder")} | {"words": str(error)}
    kept = found.structure.properties
    return {"energy": found.energy, "reached": reached, "properties": kept, "reason": found.details.get("reason")}


def lead(crew: crews.Crew, library_dir: str, folder: Path) -> dict[str, Any]:
    def aims(relax: bool) -> Engine:
        return get("aims", aims_lib_dir=library_dir, control=control(["H"], relax=relax))

    return {
        "relaxed": evaluated(crew, aims(True), True, Context(folder / "relaxed")),
        "input": evaluated(crew, aims(True), False, Context(folder / "input")),
        "late": evaluated(crew, aims(False), False, Context(folder / "late", deadline=time.time() - 1)),
        "stopped": evaluated(crew, aims(False), False, Context(folder / "stopped", should_stop=lambda: True)),
        "point": evaluated(crew, aims(False), False, Context(folder / "point")),
        "other": evaluated(crew, get("tblite"), False, Context()),
    }


def main(library_dir: str, folder: str) -> None:
    line = Lifeline(stuck_seconds=5.0)
    everybody = crews.world()
    crew = crews.assemble(everybody, 1, line)
    if crew.leads:
        Path(folder, "found.json").write_text(json.dumps(lead(crew, library_dir, Path(folder))))
    else:
        if everybody.rank == 1:
            crew_evaluation.get = lambda name, **settings: (refuse if name == "tblite" else get)(name, **settings)
        crew.follow()
    crew.dismiss()
    crews.depart(everybody, 0)


if __name__ == "__main__":
    main(*sys.argv[1:3])
