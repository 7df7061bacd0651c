"""Distance matrices built in strips of rows: each a work item, written where all nodes see it or sent to GridFS."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import matrix_strips
from genarris_fw.procedures.base import Campaign, Outcome
from genarris_fw.procedures.matrices import record_matrix

STRIP_PAIRS = 1 << 24  # 64 MiB: of 50,000 structures some 300 rows


def strip_items(
    campaign: Campaign, path: Path, ids: Sequence[str], pairs: int = STRIP_PAIRS, **payload: Any
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
    n, key = len(ids), matrix_key(campaign, ids)
    if campaign.sees_folder():
        matrix_strips.create(path, n, key)
    rows = max(1, pairs // n)
    return [
        Item(f"rows {key[-8:]} {first:07d}", payload | {"first": first, "last": min(first + rows, n), "matrix": key})
        for first in range(0, n, rows)
    ]


def matrix_key(campaign: Campaign, ids: Sequence[str]) -> str:
    """Return the key of the matrix of these structures in this step."""
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    name = hashlib.sha256(f"{campaign.run}:{campaign.step}".encode()).hexdigest()
    return f"{name[:24]}-{digest[:24]}"


def strip_done(campaign: Campaign, path: Path, item: Item, rows: np.ndarray) -> Outcome:
    """Keep the rows of a strip: in the run's folder where this node sees the gate's file in it, else in GridFS."""
    first, key = item.payload["first"], item.payload["matrix"]
    if matrix_strips.laid_out(path, rows.shape[1], key):
        largest = matrix_strips.write_rows(path, first, rows)
        return Outcome({"largest": largest, "stored": "folder"})
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "strip"
        np.ascontiguousarray(rows, dtype="<f4").tofile(local)
        campaign.catalogue.artifacts.upload(campaign.run, _artifact(campaign, item.key), local)
    return Outcome({"largest": float(rows.max()), "stored": "gridfs"})


def join_strips(
    campaign: Campaign,
    path: Path,
    ids: Sequence[str],
    compute: Callable[[int, int], np.ndarray],
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
    with tempfile.TemporaryDirectory() as folder:
        target = path if campaign.sees_folder() else Path(folder) / path.name
        scaled = {"scale": largest} if standardize else {}
        if not matrix_strips.is_finished(target, ids, **about, **scaled):
            matrix_strips.create(target, n, key)
            for record in outcomes:
                if record["outcome"]["stored"] == "gridfs":
                    _fetch(campaign, target, record)
            for first, last in _runs(matrix_strips.missing_rows(target)):
                largest = max(largest, matrix_strips.write_rows(target, first, compute(first, last)))
            matrix_strips.finish(target, ids, largest if standardize else None, **about)
        # Laid out again by a gate that came after one that had finished the matrix.
        matrix_strips.strips_file(target).unlink(missing_ok=True)
        record_matrix(campaign, name, target, path, ids)
    for record in outcomes:
        campaign.catalogue.artifacts.remove(campaign.run, _artifact(campaign, record["key"]))


def _fetch(campaign: Campaign, target: Path, record: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = campaign.catalogue.artifacts.fetch(campaign.run, _artifact(campaign, record["key"]), Path(folder))
        if found is not None:
            matrix_strips.write_rows(target, record["payload"]["first"], found.read_bytes())


def _runs(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Return rising row numbers as ranges (first, one after the last), none longer than a strip of 1,000."""
    numbers = [int(row) for row in rows]
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1 or i - start == 1000:
            yield numbers[start], numbers[i - 1] + 1
            start = i


def _artifact(campaign: Campaign, key: str) -> str:
    return f"{campaign.step}.{key}"
