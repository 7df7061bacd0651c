"""Several ranks at one calculation: rank 0 does everything but the library call, and tells the others.

Orders and results travel as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.base import Evaluation
from genarris_fw.errors import EngineError, InputError

if TYPE_CHECKING:
    from mpi4py.MPI import Comm


def lead(communicator: Comm, work: Callable[[], Evaluation]) -> Evaluation:
    """Do the work on rank 0, and share what came of it.

    Raises
    ------
    EngineError, InputError
        As the work does; the other ranks raise the same.
    """
    try:
        evaluation = work()
    except BaseException as error:
        kind, permanent = getattr(error, "kind", "crash"), getattr(error, "permanent", False)
        failed = {"message": str(error) or type(error).__name__, "kind": kind, "permanent": permanent}
        _send(communicator, {"failed": failed, "input": isinstance(error, InputError)})
        raise
    _send(communicator, {"done": _as_plain(evaluation)})
    return evaluation


def order(communicator: Comm, folder: Path) -> None:
    """Tell the other ranks to call the library in a folder."""
    _send(communicator, {"run": str(folder)})


def follow(communicator: Comm, structure: Structure, run: Callable[[Path], object]) -> Evaluation:
    """Do as rank 0 says until it has a result.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
        The team's.
    structure : Structure
        The same as on rank 0; gives name and properties.
    run : callable
        Calls the library in a folder.

    Raises
    ------
    EngineError, InputError
        As on rank 0.
    """
    while True:
        said = json.loads(_broadcast(communicator, b"").decode())
        if "run" in said:
            try:
                run(Path(said["run"]))
            except EngineError:
                continue  # rank 0 has met it too and decides what follows
        elif "done" in said:
            return _from_plain(said["done"], structure)
        elif said["input"]:
            raise InputError(said["failed"]["message"])
        else:
            raise EngineError(**said["failed"])


def _send(communicator: Comm, what: dict[str, Any]) -> None:
    _broadcast(communicator, json.dumps(what, default=str).encode())


def _broadcast(communicator: Comm, data: bytes) -> bytes:
    """Broadcast bytes from rank 0."""
    length = np.array([len(data)], dtype=np.int64)
    communicator.Bcast(length, root=0)
    buffer = np.frombuffer(data, dtype=np.uint8).copy() if data else np.empty(int(length[0]), dtype=np.uint8)
    communicator.Bcast(buffer, root=0)
    return buffer.tobytes()


def _as_plain(evaluation: Evaluation) -> dict[str, Any]:
    lattice = evaluation.structure.lattice
    return {
        "energy": evaluation.energy,
        "forces": None if evaluation.forces is None else evaluation.forces.tolist(),
        "stress": None if evaluation.stress is None else evaluation.stress.tolist(),
        "lattice": None if lattice is None else lattice.tolist(),
        "positions": evaluation.structure.positions.tolist(),
        "converged": evaluation.converged,
        "seconds": evaluation.seconds,
        "details": evaluation.details,
    }


def _from_plain(plain: dict[str, Any], like: Structure) -> Evaluation:
    forces, stress = (None if plain[name] is None else np.array(plain[name]) for name in ("forces", "stress"))
    structure = Structure(plain["lattice"], like.species, plain["positions"], like.properties, like.struct_id)
    return Evaluation(
        plain["energy"], forces, stress, structure, plain["converged"], plain["seconds"], plain["details"]
    )
