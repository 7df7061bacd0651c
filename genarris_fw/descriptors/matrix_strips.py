"""A matrix that many workers make in strips of rows, whoever of them is killed at whatever moment.

`create` once, `write_rows` for every strip, `finish` at the end; each may be called any number of times. The strips
lie in a file of their own, `<path>.rows`, which no reader takes for a matrix; `finish` reads it and makes the matrix
under a temporary name, then renames it, then its sidecar, and removes the strips last of all. Whoever is killed thus
leaves either all strips, so that `finish` gives the same matrix again, or the finished matrix, which it recognises.
Scaling happens on the way from the one file to the other, never in place. For that moment the matrix takes twice its
room on the disk.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.descriptors.matrix_file import checksum, rows_of_a_chunk, sidecar, unique_ids, write_blocks
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.files import whole_file

Matrix = NDArray[np.float32]

# The file of strips: a header of this length, the n x n numbers, and a byte for each row: 1 once it is written.
_HEADER = 4096


def strips_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of the file that holds the strips of a matrix until it is finished."""
    return Path(f"{os.fspath(path)}.rows")


def _size(n: int) -> int:
    return _HEADER + 4 * n * n + n


def create(path: str | os.PathLike[str], n: int, key: str = "") -> None:
    """Make room for the strips of a matrix; rows of the same matrix that are there already stay.

    Several processes may call it at the same time.

    Parameters
    ----------
    path : path
        The ``.dat`` file that is to come. A finished matrix of that name stays until `finish` replaces it.
    n : int
        Rows of the matrix.
    key : str
        Whose matrix it is (the run and the step): strips left over from another one are thrown away.

    Raises
    ------
    InputError
        For n below 1.
    RunFailed
        When the disk has not the room for the strips and the matrix.
    """
    if n < 1:
        raise InputError(f"{os.fspath(path)}: a matrix of {n} rows; give at least 1")
    strips = strips_file(path)
    header = _header(n, key)
    if len(header) > _HEADER:
        raise InputError(f"{strips}: the key is {len(key)} characters long; give a short one")
    strips.parent.mkdir(parents=True, exist_ok=True)
    if not strips.exists() and shutil.disk_usage(strips.parent).free < 2 * _size(n):
        raise RunFailed(f"{strips}: the disk has no room for two files of {_size(n) / 1e9:.1f} GB; make some")
    if not _laid_out(strips, header, n):
        with whole_file(strips) as fresh:
            _laid_out(fresh, header, n)


def _header(n: int, key: str) -> bytes:
    return json.dumps({"n": int(n), "key": key}).encode().ljust(_HEADER - 1) + b"\n"


def laid_out(path: str | os.PathLike[str], n: int, key: str = "") -> bool:
    """Tell whether `create` has made room for this matrix, in a folder that this machine sees."""
    try:
        with strips_file(path).open("rb") as stream:
            return stream.read(_HEADER) == _header(n, key)
    except OSError:
        return False


def key_of(strips: Path) -> str:
    """Return the key that a file of strips was made for; empty for another file."""
    try:
        with strips.open("rb") as stream:
            return str(json.loads(stream.read(_HEADER))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _laid_out(strips: Path, header: bytes, n: int) -> bool:
    """Give a file its size and header unless it has them; False for one that belongs to another matrix."""
    file = os.open(strips, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        # Another process may be between these steps: what it leaves undone is done here with the same effect.
        if os.fstat(file).st_size not in (0, _size(n)) or os.pread(file, _HEADER, 0).strip(b"\0") not in (b"", header):
            return False
        os.ftruncate(file, _size(n))
        os.pwrite(file, header, 0)
        return True
    finally:
        os.close(file)


def _rows_of(strips: Path) -> int:
    """Number of rows that a file of strips was made for."""
    try:
        with strips.open("rb") as stream:
            n = int(json.loads(stream.read(_HEADER))["n"])
        if strips.stat().st_size != _size(n):
            raise ValueError("its size is another")
    except FileNotFoundError:
        raise RunFailed(f"{strips}: there are no strips; the matrix is finished, or was not begun") from None
    except (ValueError, KeyError, TypeError) as error:
        raise RunFailed(f"{strips}: not the strips of a matrix ({error}); remove it and begin again") from error
    return n


def write_rows(path: str | os.PathLike[str], first: int, rows: ArrayLike | bytes) -> float:
    """Write some rows of a matrix to the disk.

    Several processes may write different rows, or the same ones, at the same time.

    Parameters
    ----------
    path : path
        As in `create`, which comes first.
    first : int
        The place of the first of these rows.
    rows : (m, n) array_like, or bytes
        As bytes: whole rows of little-endian float32.

    Returns
    -------
    float
        The largest number written (0 for no rows). The largest over all strips is what `finish` divides by to
        standardise.

    Raises
    ------
    InputError
        For rows of another length or beyond the last, or a number that is not finite in float32.
    RunFailed
        When `create` was not called, the matrix is finished, or the disk is full.
    """
    strips = strips_file(path)
    n = _rows_of(strips)
    if isinstance(rows, bytes | bytearray | memoryview):
        if len(rows) % (4 * n):
            raise InputError(f"{strips}: {len(rows)} bytes are not whole rows of {n} float32")
        rows = np.frombuffer(rows, dtype="<f4").reshape(-1, n)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(rows, dtype="<f4")
    if values.ndim != 2 or values.shape[1] != n or not 0 <= first <= first + len(values) <= n:
        raise InputError(f"{strips}: rows of shape {values.shape} from row {first} on do not fit {n} x {n}")
    if not len(values):
        return 0.0
    largest = float(values.max())
    # Without an array of answers; nan is the largest and the smallest of all.
    if not (math.isfinite(largest) and math.isfinite(values.min())):
        raise InputError(f"{strips}: a number of the rows from {first} on is not finite in float32")
    # Written through to the disk, so that a row that is marked is there, and on network file systems so that two
    # clients whose strips meet within a page do not undo each other's part of it.
    file = os.open(strips, os.O_WRONLY | os.O_DSYNC)
    try:
        _put(file, values.data.cast("B"), _HEADER + 4 * n * first)
        _put(file, memoryview(b"\1" * len(values)), _HEADER + 4 * n * n + first)
    except OSError as error:
        raise RunFailed(f"{strips}: rows from {first} on cannot be written: {error.strerror}") from error
    finally:
        os.close(file)
    return largest


def _put(file: int, data: memoryview, place: int) -> None:
    # One call writes 2 GB at most.
    while data:
        written = os.pwrite(file, data, place)
        data, place = data[written:], place + written


def finish(
    path: str | os.PathLike[str],
    ids: Sequence[str],
    scale: float | None = None,
    into: str | os.PathLike[str] | None = None,
    **about: Any,
) -> None:
    """Make the matrix file of the strips, and its json file.

    Parameters
    ----------
    path : path
        As in `create`.
    ids : sequence of str
        The `struct_id` of every row.
    scale : float, optional
        To standardise: the largest number of all strips, as `write_rows` returned it, by which all are divided. The
        result then has the largest number 1; 0, where all vectors are equal, changes nothing.
    into : path, optional
        The matrix file, where it is not to be `path`; the strips then stay.
    **about
        As in `write_matrix`; with `scale` where it is given.

    Raises
    ------
    InputError
        For ids that do not fit the rows, or a scale that is not their largest number.
    RunFailed
        When rows were never written, or neither strips nor this matrix are there.

    Notes
    -----
    It takes some 50 MB of memory. Called again it does the same again, or nothing where the strips are gone and the
    matrix of these ids and `about` is there, undamaged.
    """
    target, strips = Path(path if into is None else into), strips_file(path)
    names = unique_ids(ids, str(target))
    if scale is not None:
        if not 0 <= scale < math.inf:
            raise InputError(f"{target}: cannot divide by {scale}; give the largest of the distances")
        about["scale"] = float(scale)
    if not strips.exists() and is_finished(target, names, **about):
        return
    n = _rows_of(strips)
    if n != len(names):
        raise InputError(f"{target}: {n} rows but {len(names)} ids; give one id per row")
    missing = missing_rows(path)
    if len(missing):
        raise RunFailed(f"{target}: row {missing[0]} was never written ({len(missing)} of {n} are missing)")
    with strips.open("rb") as stream:
        # What an earlier call left when it was killed.
        for leftover in target.parent.glob(f".{target.name}.*.part"):
            leftover.unlink(missing_ok=True)
        stream.seek(_HEADER)
        step = rows_of_a_chunk(n)
        blocks = (np.fromfile(stream, "<f4", min(step, n - i) * n).reshape(-1, n) for i in range(0, n, step))
        write_blocks(target, _divided(blocks, scale, target) if scale else blocks, names, **about)
    if into is None:
        strips.unlink(missing_ok=True)


def _divided(blocks: Iterable[Matrix], scale: float, target: Path) -> Iterator[Matrix]:
    largest = 0.0
    for block in blocks:
        np.divide(block, np.float32(scale), out=block)
        largest = max(largest, float(block.max()))
        yield block
    if largest != 1.0:
        raise InputError(f"{target}: its largest number is {largest} times {scale}; divide by the largest")


def missing_rows(path: str | os.PathLike[str]) -> NDArray[np.intp]:
    """Return the numbers of the rows that were not written yet, ascending.

    Raises
    ------
    RunFailed
        When there are no strips.
    """
    strips = strips_file(path)
    n = _rows_of(strips)
    with strips.open("rb") as stream:
        stream.seek(_HEADER + 4 * n * n)
        return np.flatnonzero(np.frombuffer(stream.read(n), dtype=np.uint8) != 1)


def is_finished(path: str | os.PathLike[str], ids: Sequence[str], **about: Any) -> bool:
    """Tell whether the matrix of these ids, made in this way, is there and undamaged."""
    try:
        record = json.loads(sidecar(path).read_text())
        same = record["ids"] == list(ids) and record["about"] == json.loads(json.dumps(about))
        return bool(same and checksum(Path(path)) == record["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
