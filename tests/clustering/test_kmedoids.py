"""k-medoids: exact counts, local optima by brute force, the same for any order and any threads, bad input."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.clustering.kmedoids import kmedoids, row_sums, square_distances, total_deviation
from genarris_fw.descriptors import distance_matrix, read_matrix, write_matrix
from genarris_fw.errors import InputError, RunFailed

DATA = Path(__file__).parents[1] / "data"


def points(n, d=3, seed=0):
    return distance_matrix(np.random.default_rng(seed).normal(size=(n, d)))


def deviation(matrix, medoids):
    return matrix[list(medoids)].astype(float).min(axis=0).sum()


def check(matrix, result, k):
    """Everything that holds for any clustering around medoids."""
    assert result.n_clusters == k and result.converged and result.reached and result.tried == []
    assert len(result.labels) == len(matrix) and np.array_equal(np.unique(result.labels), np.arange(k))
    assert np.array_equal(result.labels[result.exemplars], np.arange(k))
    assert (np.diff(result.exemplars) > 0).all()
    assert np.array_equal(result.labels, np.argmin(matrix[result.exemplars], axis=0))
    assert total_deviation(matrix, result) == pytest.approx(deviation(matrix, result.exemplars), rel=1e-12)


def best_swap(matrix, exemplars):
    """The least total deviation that one swap gives."""
    return min(
        deviation(matrix, [*np.delete(exemplars, m), j]) for m in range(len(exemplars)) for j in range(len(matrix))
    )


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 28), d=st.integers(1, 4), seed=st.integers(0, 1000), data=st.data())
def test_no_swap_improves(n, d, seed, data):
    k = data.draw(st.integers(1, min(n, 6)))
    matrix = points(n, d, seed)
    result = kmedoids(matrix, k, seed)
    check(matrix, result, k)
    assert best_swap(matrix, result.exemplars) >= total_deviation(matrix, result) * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(0, 4), min_size=2, max_size=25),
    k=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_ties_and_copies(values, k, seed):
    """On a coarse line distances tie everywhere and structures coincide."""
    matrix = distance_matrix(np.array(values, dtype=float)[:, None])
    different = len(set(values))
    if k > len(values):
        with pytest.raises(InputError, match="num_of_clusters"):
            kmedoids(matrix, k, seed)
    elif k > different:
        with pytest.raises(RunFailed, match=f"num_of_clusters is {k}, but only {different} of"):
            kmedoids(matrix, k, seed)
    else:
        result = kmedoids(matrix, k, seed)
        check(matrix, result, k)
        assert best_swap(matrix, result.exemplars) >= total_deviation(matrix, result)


def test_best_division_of_tiny_pools():
    """The best of some seeds is the best there is."""
    for seed in range(25):
        n, k = 5 + seed % 6, 2 + seed % 3
        matrix = points(n, 2, seed)
        least = min(deviation(matrix, medoids) for medoids in combinations(range(n), k))
        found = min(total_deviation(matrix, kmedoids(matrix, k, s)) for s in range(8))
        assert found == pytest.approx(least, rel=1e-9)


def test_well_separated_groups():
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(7), [40, 5, 9, 1, 30, 12, 3])
    centres = 100 * np.eye(7)
    matrix = distance_matrix(centres[groups] + generator.normal(size=(100, 7)))
    for seed in range(5):
        result = kmedoids(matrix, 7, seed)
        check(matrix, result, 7)
        assert np.array_equal(result.labels, groups)


def test_published_pool():
    """From its own start: not worse than affinity propagation's exemplars, which minimise the same sum."""
    from genarris_fw.clustering import affinity_propagation

    matrix, _ = read_matrix(DATA / "clustering_benzene_pool.dat")
    for k in (3, 9, 20):
        peer = affinity_propagation(matrix, k)
        result = kmedoids(matrix, k)
        check(np.asarray(matrix), result, k)
        assert best_swap(matrix, result.exemplars) >= total_deviation(matrix, result) * (1 - 1e-9)
        assert total_deviation(matrix, result) <= 1.05 * total_deviation(matrix, peer)


def test_every_count():
    matrix = points(40)
    totals = []
    for k in range(1, 41):
        result = kmedoids(matrix, k)
        check(matrix, result, k)
        totals.append(total_deviation(matrix, result))
    assert (np.diff(totals) < 0).all() and totals[-1] == 0


def test_one_cluster_is_around_the_medoid():
    matrix = points(50)
    result = kmedoids(matrix, 1)
    check(matrix, result, 1)
    assert result.exemplars[0] == np.argmin(matrix.sum(axis=1, dtype=float))
    assert kmedoids(points(1), 1).exemplars.tolist() == [0]


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(threads):
    matrix = points(700, 5)
    one = kmedoids(matrix, 40, seed=3, threads=1)
    several = kmedoids(matrix, 40, seed=3, threads=threads)
    assert np.array_equal(one.labels, several.labels) and np.array_equal(one.exemplars, several.exemplars)
    again = kmedoids(matrix, 40, seed=3, threads=1)
    assert np.array_equal(one.labels, again.labels)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(5, 120), seed=st.integers(0, 1000))
def test_order_of_the_pool_does_not_matter(n, seed):
    matrix = points(n, 4, seed)
    order = np.random.default_rng(seed).permutation(n)
    k = max(2, n // 8)
    result = kmedoids(matrix, k, seed)
    permuted = kmedoids(np.ascontiguousarray(matrix[np.ix_(order, order)]), k, seed)
    assert set(order[permuted.exemplars]) == set(result.exemplars)
    owner = order[permuted.exemplars][permuted.labels]
    assert np.array_equal(owner, result.exemplars[result.labels][order])


def test_scale_does_not_matter():
    matrix = points(200)
    result = kmedoids(matrix, 20)
    for factor in (2.0**-40, 2.0**30):
        scaled = kmedoids(matrix * np.float32(factor), 20)
        assert np.array_equal(result.labels, scaled.labels)


def test_distances_of_very_different_size():
    """Distances of which some are 10^6 times others still give local optima."""
    generator = np.random.default_rng(0)
    near = 1e-3 * generator.normal(size=(30, 2))
    matrix = distance_matrix(np.concatenate([near, 1e3 + near[::-1]]))
    result = kmedoids(matrix, 6)
    check(matrix, result, 6)
    assert best_swap(matrix, result.exemplars) >= total_deviation(matrix, result) * (1 - 1e-6)


def test_memmap_is_only_read_and_not_copied(tmp_path):
    matrix = points(300)
    write_matrix(tmp_path / "d.dat", matrix, [f"s{i}" for i in range(300)])
    stored, _ = read_matrix(tmp_path / "d.dat")
    assert np.shares_memory(square_distances(stored), stored)
    assert np.shares_memory(square_distances(matrix), matrix)
    assert np.array_equal(kmedoids(stored, 0.1).labels, kmedoids(matrix, 0.1).labels)
    assert np.array_equal(kmedoids(matrix.astype(float), 30).labels, kmedoids(matrix, 30).labels)
    assert np.array_equal(kmedoids(np.asfortranarray(matrix), 30).labels, kmedoids(matrix, 30).labels)


def test_row_sums_do_not_depend_on_the_order():
    matrix = points(1000, 3)
    sums, most = row_sums(matrix)
    assert most == matrix.max()
    np.testing.assert_allclose(sums, matrix.sum(axis=1, dtype=float), rtol=1e-9)
    order = np.random.default_rng(1).permutation(1000)
    assert np.array_equal(row_sums(np.ascontiguousarray(matrix[np.ix_(order, order)]), 3)[0], sums[order])


def test_all_the_same():
    zeros = np.zeros((6, 6))
    assert kmedoids(zeros, 1).labels.tolist() == [0] * 6
    with pytest.raises(RunFailed, match="num_of_clusters is 3, but only 1 of the 6 structures differ"):
        kmedoids(zeros, 3)


def test_too_few_passes():
    with pytest.raises(RunFailed, match="max_iter = 1"):
        kmedoids(points(400), 60, max_iter=1)
    assert kmedoids(points(400), 60, max_iter=20).converged


def broken(value, where=(3, 5)):
    matrix = points(100).astype(float)
    matrix[where] = matrix[where[::-1]] = value
    return matrix


@pytest.mark.parametrize(
    ("distances", "options", "what"),
    [
        (broken(np.nan), {}, "row 3 of the distance matrix"),
        (broken(np.inf), {}, "row 3 of the distance matrix"),
        (broken(-1.0), {}, "row 3 of the distance matrix"),
        (broken(1.0, (7, 7)), {}, "row 7 of the distance matrix"),
        (broken(1e300, (0, 1)), {}, "row 0 of the distance matrix"),
        (np.triu(points(30)), {}, "not symmetric"),
        (np.zeros((3, 4)), {}, "not a square matrix"),
        (np.zeros(4), {}, "not a square matrix"),
        (np.zeros((0, 0)), {}, "not a square matrix"),
        ([[0, "a"], [1, 0]], {}, "rows of numbers"),
        (points(5), {"num_of_clusters": 6}, "num_of_clusters is 6"),
        (points(5), {"num_of_clusters": -1}, "num_of_clusters is -1"),
        (points(5), {"seed": -1}, "seed is -1"),
        (points(5), {"seed": 1.5}, "seed is 1.5"),
        (points(5), {"max_iter": 0}, "max_iter is 0"),
        (points(5), {"threads": 0}, "threads is 0"),
        (points(5), {"threads": "two"}, "threads is 'two'"),
    ],
)
def test_bad_input(distances, options, what):
    with pytest.raises(InputError, match=what):
        kmedoids(distances, **{"num_of_clusters": 2, **options})
