"""One fit: against scikit-learn, on any number of threads, in any order of the rows, on degenerate pools."""

import numpy as np
import pytest
from genarris_fw._kernels.affinity import Messages, sums_within
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AffinityPropagation
from sklearn.metrics import adjusted_rand_score

from genarris_fw.clustering.propagation import Similarities, fit
from genarris_fw.descriptors import distance_matrix


def pool(seed, n=None, features=None):
    """Similarities of clustered vectors for odd seeds, of featureless ones for even seeds."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(50, 400))
    vectors = rng.normal(size=(n, features or int(rng.integers(2, 20))))
    if seed % 2:
        centres = 3 * rng.normal(size=(max(1, n // 12), vectors.shape[1]))
        vectors += centres[rng.integers(0, len(centres), n)]
    return Similarities((-1000 * distance_matrix(vectors, standardize=True)).astype(np.float32))


def net_similarity(similarities, outcome):
    matrix = similarities.matrix.astype(float)
    of_rows = matrix[np.arange(len(matrix)), outcome.exemplars[outcome.labels]]
    return of_rows.sum() + outcome.preference * outcome.n_clusters


def reference_labels(similarities, preference, seed):
    model = AffinityPropagation(affinity="precomputed", preference=preference, max_iter=1000, random_state=seed)
    return model.fit(similarities.matrix.astype(float)).labels_


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("seed", range(20))
def test_same_clusters_as_scikit_learn(seed, factor):
    """Where chance does not decide: where scikit-learn's own labels are the same for other ties of its breaking."""
    similarities = pool(seed)
    preference = factor * float(np.median(similarities.matrix))
    ours = fit(similarities, preference)
    theirs = fit(similarities, preference, solver="scikit-learn")
    assert ours.converged and theirs.converged
    if all(np.array_equal(theirs.labels, reference_labels(similarities, preference, s)) for s in (1, 2)):
        assert adjusted_rand_score(ours.labels, theirs.labels) == 1
        assert abs(ours.iterations - theirs.iterations) <= 20
    best, peer = net_similarity(similarities, ours), net_similarity(similarities, theirs)
    assert best >= peer - 1e-5 * abs(peer)


@pytest.mark.parametrize("seed", range(6))
def test_ties_are_broken_no_worse(seed):
    """At high preferences many pairs could stand for one another, and scikit-learn's noise drowns in rounding."""
    similarities = pool(seed, n=150)
    preference = 0.2 * float(np.median(similarities.matrix))
    ours = fit(similarities, preference, patient=True)
    theirs = fit(similarities, preference, solver="scikit-learn")
    best, peer = net_similarity(similarities, ours), net_similarity(similarities, theirs)
    assert ours.converged and best >= peer - 1e-5 * abs(peer)


def messages_by_the_book(similarities, preference, damping, n_iterations):
    """Both messages in full (Frey and Dueck 2007), in loops as plain as the formulas."""
    s = similarities.matrix.astype(float)
    n = len(s)
    np.fill_diagonal(s, preference)
    a, r = np.zeros((n, n)), np.zeros((n, n))
    history = []
    for _ in range(n_iterations):
        new = np.empty_like(r)
        for i in range(n):
            for k in range(n):
                new[i, k] = s[i, k] - np.delete(a[i] + s[i], k).max()
        r = damping * r + (1 - damping) * new
        for i in range(n):
            for k in range(n):
                support = np.delete(np.maximum(r[:, k], 0), [i, k]).sum()
                new[i, k] = support if i == k else min(0, r[k, k] + support)
        a = damping * a + (1 - damping) * new
        history.append(np.flatnonzero(np.diag(a) + np.diag(r) > 0))
    return history


@settings(max_examples=12, deadline=None)
@given(st.integers(3, 14), st.integers(0, 10**6), st.floats(0.1, 8), st.sampled_from([0.5, 0.75, 0.9]))
def test_every_iteration_is_that_of_the_formulas(n, seed, factor, damping):
    similarities = pool(2 * (seed // 2), n=n, features=4)
    preference = factor * float(np.median(similarities.matrix))
    # Different preferences, so that no iteration hangs on rounding.
    preferences = preference * (1 + 0.01 * np.random.default_rng(seed).random(n))
    messages = Messages(similarities.matrix, preferences)
    for expected in messages_by_the_book(similarities, preferences, damping, 25):
        messages.rows(damping)
        messages.finish_iteration(damping)
        messages.columns(damping)
        assert np.array_equal(messages.exemplars, expected)


@pytest.mark.parametrize("factor", [0.3, 1, 10])
def test_threads_change_nothing(factor):
    similarities = pool(3, n=1100, features=48)
    preference = factor * float(np.median(similarities.matrix))
    one, two, many = (fit(similarities, preference, max_iter=150, threads=t) for t in (1, 2, 4))
    for other in (two, many):
        assert np.array_equal(one.labels, other.labels) and np.array_equal(one.exemplars, other.exemplars)
        assert (one.iterations, one.converged) == (other.iterations, other.converged)


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_shares_of_the_work_change_no_bit(workers):
    """However rows and columns are dealt out, the state is the same: so is what happens in 40 wild iterations."""
    similarities = pool(4, n=500)
    preferences = np.full(500, 10.0 * float(np.median(similarities.matrix)))
    alone, shared = (Messages(similarities.matrix, preferences) for _ in range(2))
    for _ in range(40):
        alone.rows(0.5)
        alone.finish_iteration(0.5)
        changed = alone.columns(0.5)
        for worker in reversed(range(workers)):
            shared.rows(0.5, worker, workers)
        shared.finish_iteration(0.5)
        assert sum(shared.columns(0.5, worker, workers) for worker in range(workers)) == changed
        assert np.array_equal(alone.exemplars, shared.exemplars)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(10, 120))
def test_order_of_the_rows_changes_nothing(seed, n):
    similarities = pool(seed, n=n, features=6)
    preference = 1.5 * float(np.median(similarities.matrix))
    order = np.random.default_rng(seed).permutation(n)
    turned = Similarities(np.ascontiguousarray(similarities.matrix[np.ix_(order, order)]))
    here, there = fit(similarities, preference), fit(turned, preference)
    assert adjusted_rand_score(here.labels[order], there.labels) == 1


def test_one_sided_similarities():
    """Row i of a matrix that is not symmetric tells what would stand for i."""
    rng = np.random.default_rng(8)
    matrix = -1000 * rng.random((60, 60)).astype(np.float32)
    similarities = Similarities(matrix)
    ours, theirs = (fit(similarities, -900.0, solver=solver) for solver in ("compiled", "scikit-learn"))
    assert np.array_equal(ours.labels, theirs.labels) and np.array_equal(ours.exemplars, theirs.exemplars)


@pytest.mark.parametrize("solver", ["compiled", "scikit-learn"])
def test_degenerate_pools(solver):
    def counts(matrix, *preferences):
        similarities = Similarities(np.array(matrix, dtype=np.float32))
        return [fit(similarities, p, solver=solver).n_clusters for p in preferences]

    assert counts([[0]], -1, 0, 1) == [1, 1, 1]
    assert counts([[0, -2], [-2, 0]], -3, -2, -1) == [1, 1, 2]
    assert counts(np.zeros((5, 5)), -1, 0, 1) == [1, 1, 5]


def test_all_for_themselves_is_no_rest():
    similarities = pool(0, n=50)
    outcome = fit(similarities, similarities.largest + 1)
    assert outcome.converged and outcome.n_clusters == 50 and np.array_equal(outcome.labels, np.arange(50))
    low = fit(similarities, 200 * similarities.smallest, max_iter=60)
    assert not (low.converged and low.n_clusters == 50)


def test_swinging_messages_are_given_up_early():
    vectors = np.random.default_rng(200).normal(size=(200, 2))
    similarities = Similarities((-1000 * distance_matrix(vectors, standardize=True)).astype(np.float32))
    hopeless = fit(similarities, -15000.0)
    assert not hopeless.converged and hopeless.iterations == 1000
    settled = fit(similarities, -15000.0, patient=True)
    assert settled.converged and settled.damping > 0.5 and settled.iterations < 600
    again = fit(similarities, -15000.0, settled.damping)
    assert np.array_equal(again.labels, settled.labels)


def test_kernel_refuses_what_does_not_fit():
    matrix = np.zeros((3, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="fit together"):
        Messages(matrix, np.zeros(2))
    with pytest.raises(ValueError, match="no row"):
        sums_within(matrix, np.array([3], dtype=np.int32), np.empty(1))
    with pytest.raises(ValueError, match="fit together"):
        sums_within(matrix, np.array([0], dtype=np.int32), np.empty(2))


def test_sums_within_a_cluster():
    rng = np.random.default_rng(1)
    matrix = rng.random((20, 20)).astype(np.float32)
    members = np.array([2, 3, 11, 17], dtype=np.int32)
    sums = np.empty(4)
    sums_within(matrix, members, sums)
    assert sums == pytest.approx(matrix[np.ix_(members, members)].sum(axis=0, dtype=float))
