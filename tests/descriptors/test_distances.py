"""Distance matrices: the published pool, an independent computation, degenerate input."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from genarris_fw.crystal import read_folder
from genarris_fw.descriptors import METRICS, column_norms, distance_matrix, rdf, read_matrix, submatrix
from genarris_fw.errors import InputError

DATA = Path(__file__).parents[1] / "data"
TUTORIAL = Path(__file__).parents[2] / "../shared/data/benzene_tutorial"


def test_published_pool():
    folder = TUTORIAL / "raw_jsons"
    if not folder.is_dir():
        pytest.skip(f"the published pool is not here: {folder.name} of the tutorial's data is absent")
    structures = read_folder(folder)
    matrix = distance_matrix(rdf(structures, Rs_range=[1, 10]), normalize=True, standardize=True)
    assert matrix.dtype == np.float32 and matrix.shape == (89, 89)
    pairs = matrix[np.triu_indices(89, 1)]
    # Of the tutorial's own matrix: entries in [0.009938, 1], mean of all of them 0.303022.
    assert (pairs.min(), pairs.max()) == pytest.approx((0.009938, 1.0), abs=1e-6)
    assert matrix.mean(dtype=float) == pytest.approx(0.303022, abs=1e-6)
    stored, ids = read_matrix(DATA / "clustering_benzene_pool.dat")
    assert matrix == pytest.approx(submatrix(stored, ids, [s.struct_id for s in structures]), abs=2e-7)


def test_against_plain_numpy():
    vectors = np.random.default_rng(1).normal(size=(7, 5)) * [1, 10, 0, 3, 1e-3]
    scaled = vectors / [n or 1 for n in np.sqrt((vectors**2).sum(axis=0))]
    expected = np.sqrt(((scaled[:, None] - scaled) ** 2).sum(axis=-1))
    assert distance_matrix(vectors, normalize=True) == pytest.approx(expected, rel=1e-6)
    expected /= expected.max()
    assert distance_matrix(vectors, "Euclidean", True, True) == pytest.approx(expected, rel=1e-6)
    assert column_norms(vectors)[2] == 1.0


def test_near_duplicates_keep_their_digits():
    vectors = np.tile(np.linspace(100, 200, 48), (2, 1))
    vectors[1, 5] += 1e-7
    assert distance_matrix(vectors)[0, 1] == pytest.approx(vectors[1, 5] - vectors[0, 5], rel=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_one_of_scipy(metric):
    vectors = np.abs(np.random.default_rng(2).normal(size=(20, 4)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert distance_matrix(vectors, metric)[np.triu_indices(20, 1)] == pytest.approx(
            pdist(vectors, metric), rel=1e-5
        )


@pytest.mark.parametrize("metric", ["seuclidean", "mahalanobis"])
def test_constant_columns(metric):
    vectors = np.random.default_rng(3).normal(size=(20, 4))
    constant = np.column_stack([vectors, np.zeros(20), np.full(20, 3.0)])
    assert distance_matrix(constant, metric) == pytest.approx(distance_matrix(vectors, metric), rel=1e-5)


def test_identical_and_single_rows():
    same = distance_matrix(np.ones((4, 3)), normalize=True, standardize=True)
    assert same.shape == (4, 4) and not same.any()
    assert distance_matrix(np.ones((1, 3)), standardize=True).shape == (1, 1)


def test_bad_input():
    with pytest.raises(InputError, match=r"pdist_distance_type.*euclidean"):
        distance_matrix(np.ones((2, 2)), "euclidian")
    with pytest.raises(InputError, match="row 1"):
        distance_matrix([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(InputError, match="not defined"):
        distance_matrix([[0.0, 0.0], [1.0, 2.0]], "cosine")
    for empty in (np.zeros((0, 3)), np.zeros(3), []):
        with pytest.raises(InputError, match="no vectors"):
            distance_matrix(empty)
