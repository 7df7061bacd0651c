"""Matrix files: the original's bytes, ids beside them, and nothing accepted that does not belong together."""

import json

import numpy as np
import pytest

from genarris_fw.descriptors import read_matrix, submatrix, write_matrix
from genarris_fw.errors import InputError

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
