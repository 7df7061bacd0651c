"""Matrices of a run: a file with the ids of its rows, known to the catalogue by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.descriptors import read_matrix, submatrix, write_blocks
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.errors import RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Procedure
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.procedures.kit.run_files import record_file


def store_matrix(campaign: Campaign[SharedOptions], path: Path, matrix: Matrix, ids: Sequence[str], name: str) -> None:
    """Write a matrix with the ids of its rows, and record it in the catalogue.

    Where this node cannot see the run's folder the file goes to GridFS.

    Parameters
    ----------
    campaign : Campaign
        The run and the step.
    path : Path
        The file; a sidecar with the ids lies beside it.
    matrix : (n, n) ndarray
        Stored as float32.
    ids : sequence of str
        The n rows' structures.
    name : str
        By which `load_matrix` finds it.
    """
    store_blocks(campaign, path, [matrix], ids, name)


def store_blocks(
    campaign: Campaign[SharedOptions], path: Path, blocks: Iterable[Matrix], ids: Sequence[str], name: str
) -> None:
    """Do as `store_matrix` does with a matrix that comes in blocks of rows, none of which needs to stay."""
    with tempfile.TemporaryDirectory() as folder:
        target = campaign.prepared(path) if campaign.folder.is_dir() else Path(folder) / path.name
        write_blocks(target, blocks, ids, run=campaign.run, step=campaign.step)
        record_matrix(campaign, name, target, path, ids)


def record_matrix(campaign: Campaign[SharedOptions], name: str, written: Path, path: Path, ids: Sequence[str]) -> None:
    """Record a matrix that lies, or is prepared, in the run's folder, or that was written elsewhere: into GridFS."""
    record_file(campaign, name, written, path, ids=list(ids), shape=[len(ids), len(ids)])


def load_matrix(campaign: Campaign[SharedOptions], name: str, ids: Sequence[str]) -> Matrix:
    """Return the rows and columns of a stored matrix that belong to these structures, in their order.

    A file that is gone or was changed is made again, where the step that made it can do so.

    Raises
    ------
    RunFailed
        When the matrix is missing or was changed, and cannot be made again.
    InputError
        When it lacks one of the structures.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = campaign.catalogue.artifacts.fetch(campaign.run, name, Path(folder)) or _made_again(campaign, name)
        record = campaign.catalogue.artifacts.find(campaign.run, name)
        if path is None or record is None:
            where = record["path"] if record else name
            raise RunFailed(f"{campaign.step}: the matrix {where} is gone or was changed since it was written")
        # `fetch` has compared the checksum already.
        matrix, rows = read_matrix(path, ids=record["ids"], verify=False)
        return matrix if rows == list(ids) else submatrix(matrix, rows, ids)


def _made_again(campaign: Campaign[SharedOptions], name: str) -> Path | None:
    """Make a matrix of an earlier step again in its place; None where that cannot be done."""
    step = next((entry for entry in campaign.steps if f"{entry['name']}.distances" == name), None)
    if step is None or not campaign.sees_folder():
        return None
    of_step: Campaign[SharedOptions] = Campaign(campaign.catalogue, campaign.record, step["name"], campaign.log)
    task: Procedure[Any] = PROCEDURES.load(step["procedure"])(run=campaign.run, step=step["name"], role="gate")
    made = task.distances(of_step)
    if made is None:
        return None
    campaign.log("a distance matrix was gone, made again", level="WARNING", path=made.path)
    write_blocks(made.path, made.blocks, made.ids, run=campaign.run, step=step["name"])
    campaign.catalogue.artifacts.record(
        campaign.run, name, made.path, ids=made.ids, shape=[len(made.ids), len(made.ids)]
    )
    return made.path
