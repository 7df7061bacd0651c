"""Mini-batch k-means: exact counts, exemplars, copies, the same for any threads and order, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from genarris_fw.clustering.kmeans import _filled, minibatch_kmeans
from genarris_fw.errors import InputError, RunFailed


def vectors(n, d=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def check(result, n, k):
    assert result.n_clusters == k and result.converged and result.reached
    assert len(result.labels) == n and np.array_equal(np.unique(result.labels), np.arange(k))
    assert np.array_equal(result.labels[result.exemplars], np.arange(k))
    assert (np.diff(result.exemplars) > 0).all()


@pytest.mark.parametrize("k", [1, 2, 17, 150, 299, 300])
def test_exact_counts(k):
    check(minibatch_kmeans(vectors(300), k), 300, k)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30), data=st.data())
def test_copies(rows, data):
    """On a coarse grid, where scikit-learn leaves clusters empty."""
    k = data.draw(st.integers(1, len(rows)))
    different = len(set(rows))
    if k > different:
        with pytest.raises(RunFailed, match=f"num_of_clusters is {k}, but only {different} of"):
            minibatch_kmeans(rows, k)
        return
    result = minibatch_kmeans(rows, k)
    check(result, len(rows), k)
    for row, label in zip(rows, result.labels):
        assert result.labels[rows.index(row)] == label


def test_groups_are_found_whatever_the_seed_and_the_order():
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(5), [300, 100, 40, 10, 50])
    rows = 50 * np.eye(5)[groups] + generator.normal(size=(500, 5))
    order = generator.permutation(500)
    for seed in range(4):
        result = minibatch_kmeans(rows, 5, seed)
        check(result, 500, 5)
        permuted = minibatch_kmeans(rows[order], 5, seed)
        assert set(order[permuted.exemplars]) == set(result.exemplars)
        # k-means may halve a large group and join two; a division that respects them is the rule.
        if len({(g, c) for g, c in zip(groups, result.labels)}) == 5:
            break
    else:
        pytest.fail("five far groups were found with none of four seeds")


def test_exemplar_is_the_member_nearest_to_the_mean():
    """With one cluster, the mean is that of the pool, as far as batches tell it: all vectors are one batch here."""
    rows = vectors(200)
    result = minibatch_kmeans(rows, 1, batch_size=200)
    away = np.linalg.norm(rows - rows.mean(axis=0), axis=1)
    assert away[result.exemplars[0]] <= np.sort(away)[3]


def test_it_divides_well():
    """Not far from k-means in full."""
    from sklearn.cluster import KMeans

    rows = vectors(1500, 4)
    result = minibatch_kmeans(rows, 40)
    means = np.array([rows[result.labels == c].mean(axis=0) for c in range(40)])
    inertia = np.square(rows - means[result.labels]).sum()
    assert inertia < 1.15 * KMeans(40, n_init=1, random_state=0).fit(rows).inertia_


def test_threads_and_repetition_change_nothing():
    rows = vectors(3000, 20)
    first = minibatch_kmeans(rows, 60, seed=5)
    for threads in (1, 2, 4):
        with threadpool_limits(limits=threads):
            again = minibatch_kmeans(rows, 60, seed=5)
        assert np.array_equal(first.labels, again.labels) and np.array_equal(first.exemplars, again.exemplars)
    assert not np.array_equal(first.labels, minibatch_kmeans(rows, 60, seed=6).labels)


def test_normalize_divides_the_columns():
    rows = vectors(400, 3)
    scaled = rows * [1.0, 1e3, 1e-3]
    norms = np.linalg.norm(scaled, axis=0)
    result = minibatch_kmeans(scaled, 12, normalize=True)
    assert np.array_equal(result.labels, minibatch_kmeans(scaled / norms, 12).labels)
    assert not np.array_equal(result.labels, minibatch_kmeans(scaled, 12).labels)
    with_zeros = np.column_stack([scaled, np.zeros(400)])
    assert minibatch_kmeans(with_zeros, 12, normalize=True).n_clusters == 12


def test_filling_takes_the_farthest():
    """Points on a line, one cluster: 0 stands for all; then 9, then 4 and what is nearer to it."""
    points = np.array([0.0, 1.0, 2.5, 4.0, 9.0, 8.0])[:, None]
    labels, exemplars = _filled(points, np.zeros(6, dtype=np.intp), np.array([0]), 3)
    assert exemplars.tolist() == [0, 4, 3]
    assert labels.tolist() == [0, 0, 2, 2, 1, 1]
    labels, exemplars = _filled(points, np.zeros(6, dtype=np.intp), np.array([0]), 6)
    assert sorted(exemplars) == list(range(6)) and np.array_equal(labels[exemplars], np.arange(6))


@pytest.mark.parametrize(
    ("rows", "options", "what"),
    [
        (np.zeros((0, 3)), {}, "no vectors"),
        (np.zeros(3), {}, "no vectors"),
        ([[1.0, np.nan], [0, 0]], {}, "row 0"),
        ([[1.0], [0, 0]], {}, "rows of numbers"),
        (vectors(5), {"num_of_clusters": 6}, "num_of_clusters is 6"),
        (vectors(5), {"seed": -1}, "seed is -1"),
        (vectors(5), {"max_iter": 0}, "max_iter is 0"),
        (vectors(5), {"batch_size": 2.5}, "batch_size is 2.5"),
    ],
)
def test_bad_input(rows, options, what):
    with pytest.raises(InputError, match=what):
        minibatch_kmeans(rows, **{"num_of_clusters": 2, **options})
