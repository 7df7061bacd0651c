"""Square matrices on disk: raw float32 as the original writes them, and beside them the ids of the rows."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.files import whole_file

Matrix = NDArray[np.float32]

_CHUNK = 1 << 24


def sidecar(path: str | os.PathLike[str]) -> Path:
    """Return the path of the json file that belongs to a matrix file."""
    return Path(f"{os.fspath(path)}.json")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def unique_ids(ids: Sequence[str], what: str) -> list[str]:
    """Return the ids as texts; InputError where one occurs twice."""
    names = [str(name) for name in ids]
    if len(set(names)) != len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InputError(f"{what}: the id {twice[:80]} occurs twice; every row needs an id of its own")
    return names


def write_matrix(path: str | os.PathLike[str], matrix: ArrayLike, ids: Sequence[str], **about: Any) -> None:
    """Write a square matrix as float32 with a json file of its ids beside it.

    Parameters
    ----------
    path : path
        The ``.dat`` file: n x n float32 in C order without a header (readable as ``numpy.memmap``).
        ``<path>.json`` receives ids, shape, dtype, checksum and `about`.
    matrix : (n, n) array_like
    ids : sequence of str
        The `struct_id` of every row.
    **about
        Plain values worth keeping with the matrix (the options it was made with).

    Raises
    ------
    InputError
        When the matrix is not square, has a number that is not finite, or does not fit the ids.

    Notes
    -----
    Both files are complete or absent at any time, and a matrix never stands beside another's ids
    unnoticed: the checksum tells.
    """
    target = Path(path)
    rows = np.asarray(matrix)
    names = unique_ids(ids, str(target))
    if rows.ndim != 2 or rows.shape[0] != rows.shape[1]:
        raise InputError(f"{target}: the matrix is not square, its shape is {rows.shape}")
    if rows.shape[0] != len(names):
        raise InputError(f"{target}: {rows.shape[0]} rows but {len(names)} ids; give one id per row")
    target.parent.mkdir(parents=True, exist_ok=True)
    step = rows_of_a_chunk(len(names))
    write_blocks(target, (rows[i : i + step] for i in range(0, len(rows), step)), names, **about)


def rows_of_a_chunk(n: int) -> int:
    """Return how many rows of n numbers are read or written at a time."""
    return max(1, _CHUNK // (4 * max(1, n)))


def write_blocks(
    path: str | os.PathLike[str], blocks: Iterable[NDArray[Any]], ids: Sequence[str], **about: Any
) -> None:
    """Do as `write_matrix` does with a matrix that comes in blocks of rows, none of which needs to stay.

    Parameters
    ----------
    path, ids, **about
        As in `write_matrix`.
    blocks : iterable of (m, n) ndarray
        Together the n rows.

    Raises
    ------
    InputError
        When a number is not finite, or the blocks do not make a square matrix of these ids.
    """
    target, names, done = Path(path), unique_ids(ids, os.fspath(path)), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    # Of the two the matrix takes its place first.
    with whole_file(sidecar(target)) as beside, whole_file(target, durable=True) as temporary:
        with temporary.open("wb") as stream:
            for block in blocks:
                with np.errstate(over="ignore"):
                    values = np.ascontiguousarray(block, dtype=np.float32)
                done += len(values)
                if values.ndim != 2 or values.shape[1] != len(names) or done > len(names):
                    raise InputError(f"{target}: a block of shape {values.shape} is not of {len(names)} ids")
                if not np.isfinite(values).all():
                    raise InputError(f"{target}: a number of the matrix is not finite in float32")
                digest.update(values.data)
                stream.write(values.data)
            if done != len(names):
                raise InputError(f"{target}: {done} rows but {len(names)} ids; give one id per row")
        record = {
            "ids": names,
            "shape": [len(names), len(names)],
            "dtype": "float32",
            "sha256": digest.hexdigest(),
            "about": about,
        }
        beside.write_text(json.dumps(record, indent=1) + "\n")


def _stated_ids(path: Path, verify: bool) -> list[str] | None:
    """Ids of the file beside a matrix, after checking that it belongs to it; None where there is none."""
    beside = sidecar(path)
    if not beside.exists():
        return None
    try:
        record = json.loads(beside.read_text())
        names = [str(name) for name in record["ids"]]
        stated = str(record["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{beside}: not a description of a matrix; remove it or write the matrix again") from error
    if verify and checksum(path) != stated:
        raise InputError(f"{path}: its contents are not those that {beside.name} describes; write it again")
    return names


def read_matrix(
    path: str | os.PathLike[str], ids: Sequence[str] | None = None, verify: bool = True
) -> tuple[np.memmap[Any, np.dtype[np.float32]], list[str]]:
    """Open a matrix file without loading it.

    Parameters
    ----------
    path : path
        A file of `write_matrix` or of the original.
    ids : sequence of str, optional
        The ids expected. Needed where no json file lies beside the matrix: then they name its rows, in
        their order. Where one lies there, its ids must be the same ones, in any order.
    verify : bool
        Compare the checksum too, which reads the whole file once.

    Returns
    -------
    matrix : (n, n) memmap of float32, read only
    ids : list of str
        The id of every row, as stored with the matrix.

    Raises
    ------
    InputError
        For a missing file, one that is not square or not the one described, ids that do not belong to
        it, or no ids at all.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: there is no such matrix file")
    names = _stated_ids(source, verify)
    if names is None:
        if ids is None:
            raise InputError(f"{source}: the ids of its rows are unknown; give them, or write the matrix again")
        names = list(ids)
    elif ids is not None and set(names) != set(ids):
        odd = min(set(names) ^ set(ids))
        where = "the matrix" if odd in set(names) else "the pool"
        raise InputError(
            f"{source}: its {len(names)} ids are not those of the pool of {len(set(ids))}"
            f" ({odd[:80]} is only in {where}); make the matrix of this pool again"
        )
    names = unique_ids(names, str(source))
    size = source.stat().st_size
    n = math.isqrt(size // 4)
    if n == 0 or 4 * n * n != size:
        raise InputError(f"{source}: {size} bytes are not a square matrix of float32")
    if n != len(names):
        raise InputError(f"{source}: the matrix has {n} rows but there are {len(names)} ids")
    return np.memmap(source, dtype=np.float32, mode="r", shape=(n, n)), names


def submatrix(matrix: NDArray[np.float32], ids: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float32]:
    """Take the rows and columns of some ids, in their order.

    Parameters
    ----------
    matrix : (n, n) ndarray
    ids : sequence of str
        The ids of its rows.
    wanted : sequence of str
        The m ids to take.

    Returns
    -------
    (m, m) ndarray
        Of a memmap only the rows wanted are read, in the order of the file.

    Raises
    ------
    InputError
        When an id is not among those of the matrix.
    """
    place = {name: i for i, name in enumerate(ids)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise InputError(f"the distance matrix has no row for {missing[0][:80]} ({len(missing)} ids are missing)")
    rows = np.array([place[name] for name in wanted], dtype=np.intp)
    part = np.empty((len(rows), len(rows)), dtype=matrix.dtype)
    for i in np.argsort(rows):
        np.take(matrix[rows[i]], rows, out=part[i], mode="clip")
    return part
