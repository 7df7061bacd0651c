"""Evaluating a structure with all ranks of a crew: engines that are driven over MPI.

The leader has the work item. Order and structure travel as plain values; every rank makes the engine from its name
and settings, once, and calls it with the crew's communicator.
"""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.crystal import Structure
from genarris_fw.engines import Context, Engine, Evaluation, get
from genarris_fw.errors import EngineError, GenarrisError
from genarris_fw.farm.crews.crew import Crew
from genarris_fw.pools.documents import from_document, to_document

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

# What the leader evaluates, with what does not travel: the structure's properties, checkpoints, and when to stop.
_leaders: tuple[Structure, Context] | None = None


def evaluate(crew: Crew, engine: Engine, structure: Structure, relax: bool, context: Context) -> Evaluation:
    """Evaluate a structure with all ranks of a crew; the leader calls this.

    Parameters
    ----------
    crew : Crew
        The ranks; those that follow join in.
    engine : Engine
        One that wants a communicator.
    structure : Structure
        What to evaluate.
    relax : bool
        Whether to relax it.
    context : Context
        Folder, cores, deadline, stop and checkpoint; the communicator will be the crew's.

    Returns
    -------
    Evaluation

    Raises
    ------
    EngineError, InputError
        As the engine raises it here, or the crew's where only another rank has failed.
    Interrupted
        When the time is over.
    CrewLost
        When a rank is gone.
    """
    global _leaders
    _leaders = structure, context
    try:
        found: Evaluation = crew.call(
            f"{__name__}:evaluate_on_every_rank",
            engine=engine.name,
            settings=engine.settings,
            structure={"struct_id": structure.struct_id, "geometry": to_document(structure, 0)["geometry"]},
            relax=relax,
            folder=None if context.folder is None else str(context.folder),
            cores=context.cores,
            deadline=context.deadline,
        )
        return found
    except EngineError as error:
        own = error.__cause__
        if isinstance(own, GenarrisError):  # with folder and output; the other ranks have met the same
            raise own from own.__cause__
        raise
    finally:
        _leaders = None


def evaluate_on_every_rank(
    communicator: Comm,
    engine: str,
    settings: dict[str, Any],
    structure: dict[str, Any],
    relax: bool,
    folder: str | None,
    cores: int,
    deadline: float | None,
) -> Evaluation:
    """Evaluate a structure together with the other ranks; what a crew's ranks execute (`Crew.call`).

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
        The crew's.
    engine, settings : str, dict
        What to make the engine of.
    structure : dict
        Its ``struct_id`` and ``geometry``, as in the catalogue.
    relax : bool
        Whether to relax it.
    folder : str or None
        Where the engine may write.
    cores : int
        How many cores the evaluation may use.
    deadline : float or None
        Unix time at which it must have ended.

    Returns
    -------
    Evaluation
        The same on all ranks.
    """
    if _leaders is not None:
        start, context = _leaders
        context = dataclasses.replace(context, communicator=communicator)
    else:
        start = from_document(structure)
        context = Context(None if folder is None else Path(folder), cores, communicator, deadline)
    return _engine(engine, json.dumps(settings, sort_keys=True)).evaluate(start, relax=relax, context=context)


@lru_cache(maxsize=8)
def _engine(name: str, settings: str) -> Engine:
    """The engine of a name and settings, made once in a process."""
    return get(name, **json.loads(settings))
