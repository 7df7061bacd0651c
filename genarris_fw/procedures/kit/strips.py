"""Distance matrices built in strips of rows: each a work item, written where all nodes see it or sent to GridFS.

The strips of a round lie in a file with the token in its name under which the round was planned, so that nobody who was
overtaken lays out a file that others use, or leaves one that looks like theirs.
"""

from __future__ import annotations

import glob
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import WorkItemDocument
from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import matrix_strips
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure
from genarris_fw.procedures.kit.matrices import record_matrix

STRIP_PAIRS = 1 << 24  # 64 MiB: of 50,000 structures some 300 rows


Options = TypeVar("Options", bound=SharedOptions)


class MakesMatrix(Procedure[Options]):
    """A procedure that makes a distance matrix in strips."""

    @classmethod
    def tidy(cls, catalogue: Catalogue, run: str, step: str, folders: Sequence[Path]) -> None:
        """Remove the strips that overtaken rockets have left."""
        forget_strips(catalogue, run, step, folders)


def strip_items(
    campaign: Campaign[SharedOptions], path: Path, ids: Sequence[str], pairs: int = STRIP_PAIRS, **payload: Any
) -> list[Item]:
    """Lay out the matrix of a pool and return its strips as work items.

    Parameters
    ----------
    campaign : Campaign
        The run and the step.
    path : Path
        The matrix file that is to come.
    ids : sequence of str
        The n structures, in the order of the rows.
    pairs : int
        About how many pairs a strip has.
    **payload
        What the work on a strip needs beside its ``first`` and ``last`` row.
    """
    n, key, token = len(ids), matrix_key(campaign, ids), campaign.publication.token
    if campaign.sees_folder():
        strips = matrix_strips.strips_file(_place(path, token))
        if not strips.exists():
            campaign.publication.scratch.append(strips)
        matrix_strips.create(_place(path, token), n, key)
    rows = max(1, pairs // n)
    return [
        Item(
            f"rows {key[-8:]} {first:07d}",
            payload | {"first": first, "last": min(first + rows, n), "matrix": key, "planned": token},
        )
        for first in range(0, n, rows)
    ]


def _place(path: Path, token: int) -> Path:
    """Return the path whose strips (`matrix_strips.strips_file`) are those planned under a token."""
    return path.with_name(f".{path.name}.{token}")


def matrix_key(campaign: Campaign[SharedOptions], ids: Sequence[str]) -> str:
    """Return the key of the matrix of these structures in this step."""
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    return f"{_owner(campaign.run, campaign.step)}-{digest[:24]}"


def _owner(run: str, step: str) -> str:
    return hashlib.sha256(f"{run}:{step}".encode()).hexdigest()[:24]


def forget_strips(catalogue: Catalogue, run: str, step: str, folders: Iterable[Path]) -> None:
    """Remove the strips that overtaken rockets have left of a finished step's matrix: in folders, and in GridFS."""
    owner = _owner(run, step)
    for folder in folders:
        for strips in folder.glob(".*.rows"):
            if matrix_strips.key_of(strips).startswith(owner):
                strips.unlink(missing_ok=True)
    for name in catalogue.artifacts.names(run, f"{step}.rows "):
        catalogue.artifacts.remove(run, name)


def strip_done(campaign: Campaign[SharedOptions], path: Path, item: Item, rows: Matrix) -> Outcome:
    """Keep the rows of a strip: in the run's folder where this node sees the gate's file in it, else in GridFS."""
    first, key = item.payload["first"], item.payload["matrix"]
    place = _place(path, item.payload.get("planned", 0))  # an older version's items name no token
    if matrix_strips.laid_out(place, rows.shape[1], key):
        largest = matrix_strips.write_rows(place, first, rows)
        return Outcome({"largest": largest, "stored": "folder"})
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "strip"
        np.ascontiguousarray(rows, dtype="<f4").tofile(local)
        campaign.catalogue.artifacts.upload(campaign.run, _artifact(campaign, item.key), local)
    return Outcome({"largest": float(rows.max()), "stored": "gridfs"})


def join_strips(
    campaign: Campaign[SharedOptions],
    path: Path,
    ids: Sequence[str],
    compute: Callable[[int, int], Matrix],
    *,
    standardize: bool = False,
    name: str,
    **about: Any,
) -> None:
    """Make the matrix file of the strips, and record it in the catalogue.

    Parameters
    ----------
    campaign : Campaign
        The run and the step.
    path : Path
        The matrix file.
    ids : sequence of str
        The structures of the rows.
    compute : callable
        Given the first row and the one after the last, returns these rows: for strips whose node wrote them where
        this one does not see them.
    standardize : bool
        Divide by the largest number.
    name : str
        By which `load_matrix` finds the matrix.
    **about
        Kept beside it.
    """
    key, n = matrix_key(campaign, ids), len(ids)
    outcomes = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step, prefix=f"rows {key[-8:]}")
    largest = max((record["outcome"]["largest"] for record in outcomes), default=0.0)
    # Of a round: all are planned under one token.
    token = outcomes[0]["payload"].get("planned", 0) if outcomes else campaign.publication.token
    seen = campaign.sees_folder()
    with tempfile.TemporaryDirectory() as folder:
        place, target = (_place(path, token), campaign.prepared(path)) if seen else (Path(folder) / path.name,) * 2
        scaled = {"scale": largest} if standardize else {}
        if seen and matrix_strips.is_finished(path, ids, **about, **scaled):
            target = path  # by an earlier try of the whole step
        else:
            matrix_strips.create(place, n, key)
            for record in outcomes:
                if record["outcome"]["stored"] == "gridfs":
                    _fetch(campaign, place, record)
            for first, last in _runs(matrix_strips.missing_rows(place)):
                largest = max(largest, matrix_strips.write_rows(place, first, compute(first, last)))
            matrix_strips.finish(place, ids, largest if standardize else None, into=target, **about)
        record_matrix(campaign, name, target, path, ids)
    if seen:
        for strips in path.parent.glob(f".{glob.escape(path.name)}.[0-9]*.rows"):
            campaign.publication.remove(strips)
    campaign.publication.outdated += [_artifact(campaign, record["key"]) for record in outcomes]


def row_blocks(n: int, compute: Callable[[int, int], Matrix]) -> Callable[[], Iterator[Matrix]]:
    """Return a function that gives the n rows of a matrix in blocks, computed as they are asked for."""
    rows = max(1, STRIP_PAIRS // max(1, n))
    return lambda: (compute(first, min(first + rows, n)) for first in range(0, n, rows))


def divided(blocks: Callable[[], Iterator[Matrix]]) -> Iterator[Matrix]:
    """Yield blocks divided by the largest number of all, as `matrix_strips.finish` does."""
    scale = np.float32(max(float(np.asarray(block, dtype=np.float32).max()) for block in blocks()))
    for block in blocks():
        yield np.asarray(block, dtype=np.float32) / (scale or np.float32(1.0))


def _fetch(campaign: Campaign[SharedOptions], target: Path, record: WorkItemDocument) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = campaign.catalogue.artifacts.fetch(campaign.run, _artifact(campaign, record["key"]), Path(folder))
        if found is not None:
            matrix_strips.write_rows(target, record["payload"]["first"], found.read_bytes())


def _runs(rows: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Return rising row numbers as ranges (first, one after the last), none longer than a strip of 1,000."""
    numbers = [int(row) for row in rows]
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1 or i - start == 1000:
            yield numbers[start], numbers[i - 1] + 1
            start = i


def _artifact(campaign: Campaign[SharedOptions], key: str) -> str:
    return f"{campaign.step}.{key}"
