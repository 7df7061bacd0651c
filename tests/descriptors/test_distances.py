"""Distance matrices: the published pool, an independent computation, strips, degenerate input."""

import json
import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from genarris_fw.crystal import read_folder
from genarris_fw.descriptors import METRICS, column_norms, distance_matrix, rdf, read_matrix, submatrix
from genarris_fw.descriptors.distances import BLOCK, COMPILED, Comparison, distance_rows
from genarris_fw.errors import InputError

DATA = Path(__file__).parents[1] / "data"
TUTORIAL = Path(__file__).parents[2] / "../shared/data/benzene_tutorial"


def sparse_vectors(n, d=5, seed=0):
    """Positive numbers and, in all columns but the first, zeros: every metric of scipy exists for them."""
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(0.1, 1, (n, d))
    vectors[:, 1:] *= rng.random((n, d - 1)) < 0.6
    return vectors


def by_scipy(vectors, metric):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return squareform(pdist(vectors, metric))


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


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [8, 37, BLOCK + 45])
def test_every_metric_is_one_of_scipy(metric, n):
    vectors = sparse_vectors(n, seed=n)
    expected = by_scipy(vectors, metric)
    found = distance_matrix(vectors, metric)
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-14)
    standardized = distance_matrix(vectors, metric, standardize=True)
    np.testing.assert_allclose(standardized, expected / expected.max(), rtol=3e-7, atol=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "correlation", "cityblock"])
def test_near_duplicates_keep_their_digits(metric):
    rng = np.random.default_rng(5)
    row = rng.integers(2**20, 2**21, 48)
    pairs = [(row, row + rng.integers(-(2**size), 2**size, 48)) for size in (1, 4, 8, 12)]
    for pair in pairs:
        exact = exact_distance(metric, *[[Fraction(int(value), 2**20) for value in vector] for vector in pair])
        found = distance_matrix(np.array(pair) / 2**20, metric)[0, 1]
        assert found == pytest.approx(exact, rel=1e-6), (metric, exact)


def exact_distance(metric, a, b):
    """Without rounding up to the last step."""
    if metric == "cityblock":
        return float(sum(abs(x - y) for x, y in zip(a, b)))
    if metric == "correlation":
        a, b = ([x - sum(v) / len(v) for x in v] for v in (a, b))
    if metric in ("cosine", "correlation"):
        # 1 - ab / sqrt(aa bb) = (aa bb - ab^2) / (sqrt(aa bb) (sqrt(aa bb) + ab)), free of cancellation
        aa, bb, ab = (sum(x * y for x, y in zip(*pair)) for pair in [(a, a), (b, b), (a, b)])
        root = float(aa * bb) ** 0.5
        return float(aa * bb - ab * ab) / (root * (root + float(ab)))
    square = float(sum((x - y) ** 2 for x, y in zip(a, b)))
    return square if metric == "sqeuclidean" else square**0.5


def test_tiny_steps_between_large_numbers():
    vectors = np.tile(np.linspace(100, 200, 48), (2, 1))
    vectors[1, 5] += 1e-7
    assert distance_matrix(vectors)[0, 1] == pytest.approx(vectors[1, 5] - vectors[0, 5], rel=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("normalize", [False, True])
def test_strips_are_the_whole(metric, normalize):
    n = 2 * BLOCK + 33
    vectors = sparse_vectors(n, seed=9)
    whole = distance_matrix(vectors, metric, normalize)
    assert np.array_equal(whole, whole.T) and not whole.diagonal().any() and whole.max() > 0
    written = json.loads(json.dumps(Comparison.of_pool(vectors, metric, normalize).record()))
    comparison = Comparison.of_record(written)
    edges = [0, 7, 7, BLOCK - 1, BLOCK, BLOCK + 130, n - 1, n]
    strips = [distance_rows(vectors, a, b, comparison, threads=1) for a, b in pairwise(edges)]
    assert [strip.shape for strip in strips] == [(b - a, n) for a, b in pairwise(edges)]
    assert np.vstack(strips).tobytes() == whole.tobytes()


@pytest.mark.parametrize("metric", METRICS)
def test_threads_do_not_matter(metric):
    vectors = sparse_vectors(2 * BLOCK + 1, seed=10)
    one, three = (distance_matrix(vectors, metric, standardize=True, threads=t) for t in (1, 3))
    assert one.tobytes() == three.tobytes()
    comparison = Comparison.of_pool(vectors, metric)
    one, three = (distance_rows(vectors, 3, 2 * BLOCK, comparison, threads=t) for t in (1, 3))
    assert one.tobytes() == three.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(COMPILED)),
    st.integers(1, 300),
    st.integers(2, 19),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_any_shape(metric, n, d, seed, data):
    vectors = np.random.default_rng(seed).normal(size=(n, d)) * 10.0 ** np.random.default_rng(seed).integers(-6, 6, d)
    first = data.draw(st.integers(0, n))
    last = data.draw(st.integers(first, n))
    whole = distance_matrix(vectors, metric)
    strip = distance_rows(vectors, first, last, Comparison.of_pool(vectors, metric))
    assert np.array_equal(strip, whole[first:last])
    assert np.array_equal(whole, whole.T) and not whole.diagonal().any()
    if n > 2 and not (metric == "correlation" and d == 2):
        np.testing.assert_allclose(whole, by_scipy(vectors, metric), rtol=1e-6, atol=1e-14)


def test_order_of_the_pool_does_not_matter():
    vectors = np.random.default_rng(11).normal(size=(300, 48))
    order = np.random.default_rng(12).permutation(300)
    shuffled = distance_matrix(vectors[order])
    assert np.array_equal(shuffled, distance_matrix(vectors)[np.ix_(order, order)])


def test_equal_distributions():
    # Their divergence may come out a little below zero.
    vectors = sparse_vectors(60) ** 2
    doubled = distance_matrix(np.vstack([vectors, vectors * 3]), "jensenshannon")
    assert doubled[np.arange(60), np.arange(60, 120)] == pytest.approx(np.zeros(60), abs=1e-7)


@pytest.mark.parametrize("metric", ["seuclidean", "mahalanobis"])
def test_constant_columns(metric):
    vectors = np.random.default_rng(3).normal(size=(20, 4))
    constant = np.column_stack([vectors, np.zeros(20), np.full(20, 0.1)])
    for normalize in (False, True):
        assert distance_matrix(constant, metric, normalize) == pytest.approx(
            distance_matrix(vectors, metric, normalize), rel=1e-5
        )


@pytest.mark.parametrize("metric", METRICS)
def test_identical_and_single_rows(metric):
    same = distance_matrix(np.ones((4, 3)), "euclidean", normalize=True, standardize=True)
    assert same.shape == (4, 4) and not same.any()
    one = Comparison.of_pool(np.ones((1, 3)), metric, normalize=True)
    assert distance_rows(np.ones((1, 3)), 0, 1, one).tolist() == [[0]]
    assert distance_matrix(np.ones((1, 3)), metric, standardize=True).tolist() == [[0]]


def test_zero_columns_stay_zero():
    vectors = np.random.default_rng(4).normal(size=(9, 3))
    padded = np.column_stack([vectors[:, 0], np.zeros(9), vectors[:, 1:]])
    assert np.array_equal(distance_matrix(padded, normalize=True), distance_matrix(vectors, normalize=True))


def test_bad_input():
    with pytest.raises(InputError, match=r"pdist_distance_type.*euclidean"):
        distance_matrix(np.ones((2, 2)), "euclidian")
    with pytest.raises(InputError, match="row 1"):
        distance_matrix([[1.0, 2.0], [np.nan, 1.0]])
    for empty in (np.zeros((0, 3)), np.zeros(3), []):
        with pytest.raises(InputError, match="no vectors"):
            distance_matrix(empty)
    with pytest.raises(InputError, match="threads is 0"):
        distance_matrix(np.ones((2, 2)), threads=0)
    with pytest.raises(InputError, match="too large for single precision"):
        distance_matrix([[1e30], [0.0]], "sqeuclidean")
    with pytest.raises(InputError, match="too large to be squared"):
        distance_matrix([[1e200], [0.0]], normalize=True)


@pytest.mark.parametrize(
    ("metric", "undefined"),
    [("cosine", [0.0, 0.0, 0.0]), ("correlation", [0.1, 0.1, 0.1]), ("jensenshannon", [-1.0, 0.0, 1.0])],
)
def test_metrics_that_do_not_exist_for_a_vector(metric, undefined):
    vectors = np.vstack([sparse_vectors(BLOCK + 3, 3), undefined])
    with pytest.raises(InputError, match="not defined"):
        distance_matrix(vectors, metric)
    # In every strip, wherever the vector is.
    with pytest.raises(InputError, match="not defined"):
        distance_rows(vectors, 0, 2, Comparison.of_pool(vectors, metric))


def test_strips_of_other_vectors_are_refused():
    vectors = np.random.default_rng(6).normal(size=(5, 3))
    comparison = Comparison.of_pool(vectors)
    for others in (vectors[::-1], vectors[:4], vectors[:, :2], vectors + 1e-12):
        with pytest.raises(InputError, match="other vectors"):
            distance_rows(others, 0, 1, comparison)
    for first, last in [(-1, 2), (3, 2), (0, 6)]:
        with pytest.raises(InputError, match="do not exist"):
            distance_rows(vectors, first, last, comparison)
