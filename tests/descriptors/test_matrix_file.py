"""Matrix files: the original's bytes, ids beside them, and nothing accepted that does not belong together."""

import json
import multiprocessing
import os
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.descriptors import distance_matrix, read_matrix, submatrix, write_matrix
from genarris_fw.descriptors.distances import Comparison, distance_rows
from genarris_fw.descriptors.matrix_file import sidecar
from genarris_fw.descriptors.matrix_strips import create, finish, strips_file, write_rows
from genarris_fw.errors import InputError, RunFailed

IDS = ["b", "a", "c"]
MATRIX = np.array([[0, 1, 2], [1, 0, 3.5], [2, 3.5, 0]])


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "sub" / "rdf_distance_matrix.dat"
    write_matrix(target, MATRIX, IDS, metric="euclidean", cutoff=12.0)
    return target


def test_round_trip(path):
    matrix, ids = read_matrix(path)
    assert isinstance(matrix, np.memmap) and matrix.dtype == np.float32 and not matrix.flags.writeable
    assert np.array_equal(matrix, MATRIX) and ids == IDS
    assert path.read_bytes() == MATRIX.astype(np.float32).tobytes()
    record = json.loads((path.parent / "rdf_distance_matrix.dat.json").read_text())
    assert record["shape"] == [3, 3] and record["about"] == {"metric": "euclidean", "cutoff": 12.0}
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, path.name + ".json"]


def test_written_again(path):
    write_matrix(path, MATRIX[:2, :2], ["x", "y"])
    assert read_matrix(path)[1] == ["x", "y"]


def test_ids_of_the_pool_in_another_order(path):
    assert read_matrix(path, ids=["a", "b", "c"])[1] == IDS
    with pytest.raises(InputError, match=r"not those of the pool.*d is only in the pool"):
        read_matrix(path, ids=["a", "b", "c", "d"])


def test_headerless_file_of_the_original(tmp_path):
    path = tmp_path / "old.dat"
    MATRIX.astype(np.float32).tofile(path)
    with pytest.raises(InputError, match="ids"):
        read_matrix(path)
    matrix, ids = read_matrix(path, ids=IDS)
    assert np.array_equal(matrix, MATRIX) and ids == IDS
    with pytest.raises(InputError, match="3 rows but there are 2 ids"):
        read_matrix(path, ids=["a", "b"])
    with pytest.raises(InputError, match="twice"):
        read_matrix(path, ids=["a", "b", "a"])
    path.write_bytes(b"\0" * 20)
    with pytest.raises(InputError, match="20 bytes"):
        read_matrix(path, ids=IDS)


def test_tampered_matrix(path):
    values = np.fromfile(path, dtype=np.float32)
    values[1] = 9
    values.tofile(path)
    with pytest.raises(InputError, match="not those that"):
        read_matrix(path)
    assert read_matrix(path, verify=False)[0][0, 1] == 9
    (path.parent / f"{path.name}.json").write_text("{}")
    with pytest.raises(InputError, match="not a description"):
        read_matrix(path)


def test_bad_matrices_leave_nothing(tmp_path):
    path = tmp_path / "x.dat"
    for matrix, ids, words in [
        (np.ones((2, 3)), ["a", "b"], "not square"),
        (np.ones((2, 2)), ["a"], "2 rows but 1 ids"),
        (np.ones((2, 2)), ["a", "a"], "twice"),
        (np.full((2, 2), np.nan), ["a", "b"], "not finite"),
    ]:
        with pytest.raises(InputError, match=words):
            write_matrix(path, matrix, ids)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="no such"):
        read_matrix(path)


def test_submatrix(path):
    matrix, ids = read_matrix(path)
    assert submatrix(matrix, ids, ["c", "b"]).tolist() == [[0, 2], [2, 0]]
    with pytest.raises(InputError, match="no row for z"):
        submatrix(matrix, ids, ["a", "z"])


def test_submatrix_of_a_large_one(tmp_path):
    matrix = np.arange(40000, dtype=np.float32).reshape(200, 200)
    ids = [f"s{i}" for i in range(200)]
    write_matrix(tmp_path / "x.dat", matrix, ids)
    stored, names = read_matrix(tmp_path / "x.dat")
    order = np.random.default_rng(0).permutation(200)[:150]
    assert np.array_equal(submatrix(stored, names, [ids[i] for i in order]), matrix[np.ix_(order, order)])


N = 23
NAMES = [f"s{i:02}" for i in range(N)]
VECTORS = np.random.default_rng(0).normal(size=(N, 6))
EDGES = [0, 5, 6, 17, N]


def write_strip(path, first, last):
    return write_rows(path, first, distance_rows(VECTORS, first, last, Comparison.of_pool(VECTORS), threads=1))


def write_strips(path):
    """All strips; the largest number of them."""
    create(path, N, key="run")
    return max(write_strip(path, first, last) for first, last in pairwise(EDGES))


def only_the_matrix(path):
    return sorted(p.name for p in path.parent.iterdir()) == [path.name, path.name + ".json"]


@pytest.mark.parametrize("standardize", [False, True])
def test_strips_make_the_same_files_as_the_whole(tmp_path, standardize):
    path, whole = tmp_path / "a" / "x.dat", tmp_path / "b" / "x.dat"
    largest = write_strips(path)
    about = {"metric": "euclidean", "scale": largest} if standardize else {"metric": "euclidean"}
    write_matrix(whole, distance_matrix(VECTORS, standardize=standardize), NAMES, **about)
    for _ in range(2):
        finish(path, NAMES, scale=largest if standardize else None, metric="euclidean")
        assert path.read_bytes() == whole.read_bytes()
        assert sidecar(path).read_text() == sidecar(whole).read_text()
        assert only_the_matrix(path)
    matrix, ids = read_matrix(path, NAMES)
    assert ids == NAMES and matrix.shape == (N, N) and not matrix.diagonal().any()


def test_strips_any_number_of_times_in_any_order_and_as_bytes(tmp_path):
    path = tmp_path / "x.dat"
    matrix = distance_matrix(VECTORS)
    create(path, N)
    for first in (12, 0, 12, 5):
        create(path, N)
        assert write_rows(path, first, matrix[first : first + 11].tobytes()) == matrix[first : first + 11].max()
    assert write_rows(path, 3, np.zeros((0, N))) == 0.0
    assert write_rows(path, 3, b"") == 0.0
    finish(path, NAMES)
    assert np.array_equal(read_matrix(path)[0], matrix)


def test_processes_that_all_begin(tmp_path):
    path = tmp_path / "x.dat"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=write_strips, args=(path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    finish(path, NAMES)
    assert np.array_equal(read_matrix(path)[0], distance_matrix(VECTORS)) and only_the_matrix(path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.data())
def test_any_size(tmp_path_factory, n, data):
    path = tmp_path_factory.mktemp("matrix") / "x.dat"
    matrix = np.random.default_rng(n).random((n, n)).astype(np.float32)
    create(path, n)
    missing = set(range(n))
    while missing:
        first = data.draw(st.integers(0, n - 1)) if len(missing) < n else min(missing)
        first = first if first in missing else min(missing)
        last = data.draw(st.integers(first + 1, n))
        with pytest.raises(RunFailed, match=f"row {min(missing)} was never written .{len(missing)} of {n}"):
            finish(path, [str(i) for i in range(n)])
        write_rows(path, first, matrix[first:last])
        missing -= set(range(first, last))
    finish(path, [str(i) for i in range(n)])
    assert np.array_equal(read_matrix(path)[0], matrix)


def finish_and_die_at(step, path, scale):
    """Finish a matrix in a process that is gone, like one killed, when it does its `step`-th thing to a file."""
    seen = 0

    def watch(event, arguments):
        nonlocal seen
        if event in ("open", "os.rename", "os.remove") and str(path) in str(arguments[0]).replace(
            f".{path.name}", path.name
        ):
            seen += 1
            if seen == step:
                os._exit(9)

    sys.addaudithook(watch)
    finish(path, NAMES, scale=scale, step="rdf")
    os._exit(0)


@pytest.mark.parametrize("standardize", [False, True])
def test_killed_at_any_moment_and_done_again(tmp_path, standardize):
    context = multiprocessing.get_context("fork")
    expected = distance_matrix(VECTORS, standardize=standardize)
    exits = []
    while not exits or exits[-1] == 9:
        path = tmp_path / str(len(exits)) / "x.dat"
        # An older matrix with other ids and numbers lies there already.
        write_matrix(path, np.eye(N), NAMES[::-1])
        largest = write_strips(path)
        worker = context.Process(
            target=finish_and_die_at, args=(len(exits) + 1, path, largest if standardize else None)
        )
        worker.start()
        worker.join()
        exits.append(worker.exitcode)
        try:
            seen, ids = read_matrix(path)
        except InputError:
            pass  # between the two renames: the checksum tells
        else:
            old, new = (np.eye(N), NAMES[::-1]), (expected, NAMES)
            assert any(np.array_equal(seen, matrix) and ids == names for matrix, names in (old, new))
        finish(path, NAMES, scale=largest if standardize else None, step="rdf")
        matrix, ids = read_matrix(path)
        assert np.array_equal(matrix, expected) and ids == NAMES and only_the_matrix(path)
    # Opened, made, renamed, removed: each of these was a moment to die at.
    assert len(exits) >= 8 and exits[-1] == 0


def test_a_late_worker_changes_nothing(tmp_path):
    path = tmp_path / "x.dat"
    largest = write_strips(path)
    finish(path, NAMES, scale=largest)
    before = path.read_bytes()
    with pytest.raises(RunFailed, match="finished"):
        write_strip(path, 0, 5)
    assert path.read_bytes() == before and only_the_matrix(path)
    # Of another run, begun but not done: the finished matrix stays.
    create(path, N, key="another run")
    with pytest.raises(RunFailed, match="row 0 was never written"):
        finish(path, NAMES)
    assert path.read_bytes() == before


def test_strips_of_another_run_are_thrown_away(tmp_path):
    path = tmp_path / "x.dat"
    write_strips(path)
    for n, key in [(N, "another run"), (N + 1, "another run"), (2, "run")]:
        create(path, n, key)
        assert strips_file(path).stat().st_size == 4096 + 4 * n * n + n
        with pytest.raises(RunFailed, match=f"{n} of {n} are missing"):
            finish(path, [str(i) for i in range(n)])


def test_a_finished_matrix_that_was_damaged_is_not_accepted(tmp_path):
    path = tmp_path / "x.dat"
    write_strips(path)
    finish(path, NAMES)
    finish(path, NAMES)
    for ids, about in [(NAMES[::-1], {}), (NAMES, {"metric": "cosine"})]:
        with pytest.raises(RunFailed, match="no strips"):
            finish(path, ids, **about)
    path.write_bytes(path.read_bytes()[:-4] + b"abcd")
    with pytest.raises(RunFailed, match="no strips"):
        finish(path, NAMES)


def test_scale(tmp_path):
    path = tmp_path / "x.dat"
    largest = write_strips(path)
    for scale, words in [(-1.0, "divide by -1"), (np.nan, "nan"), (2 * largest, "largest"), (largest / 2, "largest")]:
        with pytest.raises(InputError, match=words):
            finish(path, NAMES, scale=scale)
        assert [p.name for p in tmp_path.iterdir()] == [strips_file(path).name]
    create(path, 2, key="equal vectors")
    assert write_rows(path, 0, np.zeros((2, 2))) == 0.0
    finish(path, ["a", "b"], scale=0.0)
    assert not read_matrix(path)[0].any()


def test_bad_strips(tmp_path):
    path = tmp_path / "x.dat"
    with pytest.raises(RunFailed, match="no strips"):
        write_rows(path, 0, np.zeros((1, 3)))
    with pytest.raises(InputError, match="at least 1"):
        create(path, 0)
    with pytest.raises(RunFailed, match="no room"):
        create(path, 10**8)
    create(path, 3)
    for first, rows in [(0, np.zeros((1, 2))), (-1, np.zeros((1, 3))), (2, np.zeros((2, 3))), (0, np.zeros(3))]:
        with pytest.raises(InputError, match="do not fit"):
            write_rows(path, first, rows)
    for bad in (np.nan, np.inf, -np.inf, 1e39):
        with pytest.raises(InputError, match="not finite"):
            write_rows(path, 0, [[0, 1, bad]])
    with pytest.raises(InputError, match="not whole rows"):
        write_rows(path, 0, b"1234")
    write_rows(path, 0, np.zeros((3, 3)))
    for ids, words in [(["a", "b"], "3 rows but 2 ids"), (["a", "b", "a"], "twice")]:
        with pytest.raises(InputError, match=words):
            finish(path, ids)
    strips_file(path).write_bytes(b"{}")
    with pytest.raises(RunFailed, match="not the strips"):
        finish(path, IDS)
