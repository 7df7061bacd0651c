"""Farthest-point selection against brute force, with and without the matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.clustering.diversity import most_diverse, most_diverse_of_vectors
from genarris_fw.descriptors import distance_matrix, read_matrix, write_matrix
from genarris_fw.errors import InputError


def brute_force(matrix, n, first=None):
    if first is None:
        first = min(range(len(matrix)), key=lambda row: (matrix[row].sum(dtype=float), row))
    chosen = [first]
    while len(chosen) < n:
        left = [row for row in range(len(matrix)) if row not in chosen]
        chosen.append(max(left, key=lambda row: (min(matrix[row, c] for c in chosen), -row)))
    return chosen


def vectors(n, d=4, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1, size=(n, d))


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 25), seed=st.integers(0, 1000), data=st.data())
def test_against_brute_force(n, seed, data):
    wanted = data.draw(st.integers(1, n))
    first = data.draw(st.none() | st.integers(0, n - 1))
    rows = vectors(n, seed=seed)
    matrix = distance_matrix(rows)
    expected = brute_force(matrix, wanted, first)
    assert most_diverse(matrix, wanted, first).tolist() == expected
    assert most_diverse_of_vectors(rows, wanted, first=first).tolist() == expected


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.integers(0, 6), min_size=1, max_size=20), data=st.data())
def test_ties_and_copies(values, data):
    """Ties go to the lower row; copies come last, none twice."""
    rows = np.array(values, dtype=float)[:, None]
    first = data.draw(st.integers(0, len(values) - 1))
    expected = brute_force(distance_matrix(rows), len(values), first)
    chosen = most_diverse(distance_matrix(rows), len(values), first)
    assert chosen.tolist() == expected
    assert sorted(chosen) == list(range(len(values)))
    different = len(set(values))
    assert len({values[row] for row in chosen[:different]}) == different
    assert np.array_equal(most_diverse_of_vectors(rows, len(values), first=first), chosen)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    "metric",
    [
        *("euclidean", "Cosine", "cityblock", "chebyshev", "correlation", "seuclidean", "mahalanobis"),
        *("canberra", "braycurtis", "sqeuclidean", "minkowski", "jensenshannon"),
    ],
)
def test_metrics(metric, normalize):
    rows = vectors(60, 5)
    rows[7] = rows[31]
    matrix = distance_matrix(rows, metric, normalize)
    # Rounding differs between the two ways, so near ties must not decide: no two candidates are that close here.
    expected = brute_force(matrix, 60, 7)
    assert most_diverse_of_vectors(rows, 60, metric, 7, normalize).tolist() == expected
    assert expected[-1] == 31
    assert most_diverse_of_vectors(rows, 20, metric, normalize=normalize).tolist() == brute_force(matrix, 20)


def test_fewer_are_the_beginning_of_more():
    matrix = distance_matrix(vectors(80))
    assert np.array_equal(most_diverse(matrix, 80)[:30], most_diverse(matrix, 30))


def test_outlier_comes_at_once():
    rows = np.concatenate([vectors(50), [[9.0] * 4]])
    assert most_diverse(distance_matrix(rows), 2)[1] == 50


def test_order_of_the_pool_does_not_matter():
    rows = vectors(100)
    order = np.random.default_rng(5).permutation(100)
    assert np.array_equal(
        order[most_diverse(distance_matrix(rows[order]), 40)], most_diverse(distance_matrix(rows), 40)
    )


def test_memmap(tmp_path):
    matrix = distance_matrix(vectors(90))
    write_matrix(tmp_path / "d.dat", matrix, [f"s{i}" for i in range(90)])
    assert np.array_equal(most_diverse(read_matrix(tmp_path / "d.dat")[0], 25), most_diverse(matrix, 25))


def bad(value):
    matrix = distance_matrix(vectors(200))
    matrix[0, 1] = matrix[1, 0] = value
    return matrix


@pytest.mark.parametrize(
    ("distances", "n", "first", "what"),
    [
        (distance_matrix(vectors(5)), 6, None, "6 structures are to be chosen, but there are only 5"),
        (distance_matrix(vectors(5)), 0, None, "at least 1"),
        (distance_matrix(vectors(5)), 2.5, None, "whole number"),
        (distance_matrix(vectors(5)), 2, 5, "the last one is 4"),
        (distance_matrix(vectors(5)), 2, -1, "at least 0"),
        (bad(np.nan), 3, 0, "row 0"),
        (bad(-1.0), 3, 0, "row 0"),
        (bad(np.inf), 3, None, "row 0"),
        (np.zeros((2, 3)), 1, None, "not a square"),
    ],
)
def test_bad_input(distances, n, first, what):
    with pytest.raises(InputError, match=what):
        most_diverse(distances, n, first)


def test_bad_vectors():
    with pytest.raises(InputError, match="pdist_distance_type"):
        most_diverse_of_vectors(vectors(5), 2, "manhattan")
    with pytest.raises(InputError, match="not defined"):
        most_diverse_of_vectors(np.zeros((5, 3)), 2, "cosine")
    with pytest.raises(InputError, match="not finite"):
        most_diverse_of_vectors([[1.0, np.inf], [0, 0]], 1)
    with pytest.raises(InputError, match="only 5"):
        most_diverse_of_vectors(vectors(5), 9)
