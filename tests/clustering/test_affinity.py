"""Clustering: the published pool, the search for a count, degenerate pools, bad input."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.clustering import (
    affinities,
    affinity_matrix,
    affinity_propagation,
    choose_by_energy,
    wanted_clusters,
)
from genarris_fw.descriptors import distance_matrix, read_matrix, submatrix
from genarris_fw.errors import InputError, RunFailed

DATA = Path(__file__).parents[1] / "data"

# The published first clustering (Genarris 2 tutorial, benzene, Z = 2): exemplar -> size of its cluster.
# Sizes are published as a list; which belongs to which follows from the pool.
SIZES = [14, 13, 11, 11, 11, 9, 8, 7, 5]
COUNTS = {-2000: 3, -1800: 4, -1500: 4, -1400: 3, -1200: 5, -1000: 6, -800: 6, -600: 7, -526.3: 7, -473.7: 8}
COUNTS |= {-421.05: 9, -400: 10, -368.4: 10, -315.8: 13, -300: 13, -210.5: 15, -157.9: 20, -105.3: 30}
COUNTS |= {-100: 31, 0: 89, 1000: 89}


@pytest.fixture(scope="module")
def pool():
    return read_matrix(DATA / "clustering_benzene_pool.dat")


@pytest.fixture(scope="module")
def energies():
    return json.loads((DATA / "clustering_benzene_exemplars.json").read_text())["energies"]


def points(n, d, seed=0):
    return distance_matrix(np.random.default_rng(seed).normal(size=(n, d)), standardize=True)


@pytest.mark.parametrize("solver", ["compiled", "scikit-learn"])
def test_published_clustering(pool, energies, solver):
    matrix, ids = pool
    result = affinity_propagation(matrix, preference=-421.053, solver=solver)
    assert result.converged and result.n_clusters == 9 and len(result.tried) == 1
    assert {ids[row] for row in result.exemplars} == set(energies)
    assert sorted(np.bincount(result.labels), reverse=True) == SIZES
    assert np.array_equal(result.labels[result.exemplars], np.arange(9))


def test_published_second_pass(pool, energies):
    """On the rows of the exemplars themselves; the original took the first nine rows of the pool."""
    names = sorted(energies)
    result = affinity_propagation(submatrix(*pool, names), preference=-200)
    clusters = [{names[i][9:] for i in np.flatnonzero(result.labels == c)} for c in range(result.n_clusters)]
    assert sorted(map(sorted, clusters)) == [
        ["00c3602574", "7d8d79ef56", "bc37144c07"],
        ["1d32b19e61", "1f0f30abd3", "5bfdea5c75", "f76d6fd98a"],
        ["97c4667d6b", "cebb61495a"],
    ]
    chosen = choose_by_energy(result.labels, [energies[name] for name in names])
    assert {names[row][9:] for row in chosen} == {"1f0f30abd3", "97c4667d6b", "00c3602574"}
    for beginning in (None, [-200, -100], [-2000, 1000]):
        searched = affinity_propagation(submatrix(*pool, names), 3, preference_range=beginning)
        assert np.array_equal(searched.labels, result.labels)


@pytest.mark.parametrize("solver", ["compiled", "scikit-learn"])
@pytest.mark.parametrize(("preference", "count"), COUNTS.items())
def test_published_counts(pool, preference, count, solver):
    assert affinity_propagation(pool[0], preference=preference, solver=solver).n_clusters == count


def test_published_range(pool):
    result = affinity_propagation(pool[0], 10, tolerance=1, preference_range=[-2000, 1000])
    assert result.reached and result.converged and abs(result.n_clusters - 10) <= 1
    assert len(result.tried) <= 8


@pytest.mark.parametrize("target", [*range(1, 31), 45, 88, 89])
def test_every_count_of_the_pool(pool, target):
    result = affinity_propagation(pool[0], target)
    assert result.reached and result.n_clusters == target
    assert len(set(result.labels)) == target
    # The search's answer is what one fit at its preference gives, at the damping it needed.
    again = affinity_propagation(pool[0], preference=result.preference, damping=result.damping)
    assert np.array_equal(again.labels, result.labels)
    assert result.tried[-1] == (result.preference, target, True)


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 80), st.integers(1, 20), st.integers(0, 1000), st.floats(0.05, 0.6))
def test_search_on_random_pools(n, d, seed, share):
    distances = points(n, d, seed)
    result = affinity_propagation(distances, share, tolerance=1)
    assert abs(result.n_clusters - wanted_clusters(share, n)) <= 1
    assert result.converged and np.array_equal(result.labels[result.exemplars], np.arange(result.n_clusters))
    assert len(result.tried) <= 40


@pytest.mark.parametrize("affinity_type", [("power", 2), ("exponential", 1), ["multiplicative", 0.001]])
@pytest.mark.parametrize("target", [2, 12, 30])
def test_search_with_every_affinity(affinity_type, target):
    result = affinity_propagation(points(150, 10), target, affinity_type=affinity_type)
    assert result.n_clusters == target


def test_range_that_does_not_hold_the_target(pool):
    for beginning in ([-120, -90], [-30000, -20000], [500, 1000], [-300, -300]):
        assert affinity_propagation(pool[0], 10, preference_range=beginning).n_clusters == 10


def test_same_again(pool):
    one, two = (affinity_propagation(pool[0], 17) for _ in range(2))
    assert one.tried == two.tried and np.array_equal(one.labels, two.labels)


def test_separated_groups():
    rng = np.random.default_rng(5)
    truth = np.repeat(np.arange(6), 20)
    centres = rng.normal(size=(6, 8)) * 10
    result = affinity_propagation(distance_matrix(centres[truth] + rng.normal(size=(120, 8)) * 0.1), 6)
    assert all(len(set(result.labels[truth == group])) == 1 for group in range(6))


def test_duplicates_among_others():
    vectors = np.random.default_rng(6).normal(size=(20, 4))
    result = affinity_propagation(distance_matrix(np.vstack([vectors, vectors])), 5)
    assert result.n_clusters == 5
    assert np.array_equal(result.labels[:20], result.labels[20:])


def test_tiny_and_identical_pools():
    one = affinity_propagation([[0.0]], 0.1)
    assert one.n_clusters == 1 and one.labels.tolist() == [0] and one.exemplars.tolist() == [0]
    two = np.array([[0, 1.0], [1, 0]])
    assert [affinity_propagation(two, k).n_clusters for k in (1, 2, 0.1)] == [1, 2, 1]
    same = np.zeros((7, 7))
    assert [affinity_propagation(same, k).n_clusters for k in (1, 7)] == [1, 7]
    with pytest.raises(RunFailed, match=r"nearest: 1 at preference .*, 7 at preference"):
        affinity_propagation(same, 3)
    closest = affinity_propagation(same, 3, output_without_success=True)
    assert closest.n_clusters == 1 and not closest.reached and closest.converged


def test_failed_search(pool):
    with pytest.raises(RunFailed) as failure:
        affinity_propagation(pool[0], 40, max_sampled_preferences=2)
    assert "40 clusters" in str(failure.value) and "2 preferences" in str(failure.value)
    assert "\n" not in str(failure.value)
    closest = affinity_propagation(pool[0], 40, max_sampled_preferences=2, output_without_success=True)
    nearest = min(abs(count - 40) for _, count, _ in closest.tried)
    assert not closest.reached and abs(closest.n_clusters - 40) == nearest and len(closest.tried) == 2


def test_what_does_not_converge_is_not_accepted(pool):
    with pytest.raises(RunFailed, match="did not converge"):
        affinity_propagation(pool[0], preference=-421, max_iter=2)
    with pytest.raises(RunFailed, match="did not converge"):
        affinity_propagation(pool[0], 10, max_iter=2, max_sampled_preferences=5)
    forced = affinity_propagation(pool[0], preference=-421, max_iter=16, output_without_success=True)
    assert not forced.converged and forced.tried == [(-421.0, forced.n_clusters, False)]


def test_oscillating_fits_are_repeated_with_stronger_damping():
    """A pool of points in a plane swings for ever at low preferences and the usual damping."""
    distances = points(200, 2, seed=200)
    with pytest.raises(RunFailed, match="did not converge"):
        affinity_propagation(distances, preference=-15000, max_iter=200)
    result = affinity_propagation(distances, 1, preference_range=[-15000, -100], max_iter=200)
    assert result.n_clusters == 1 and result.converged and result.damping > 0.5


def test_nothing_is_said_by_the_library(pool):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        affinity_propagation(np.zeros((5, 5)), 1)
        with pytest.raises(RunFailed):
            affinity_propagation(pool[0], preference=-421, max_iter=2)


def test_affinities():
    distances = np.array([[0, 0.5], [0.5, 0]])
    assert affinity_matrix(distances, ["multiplicative", 1000])[0, 1] == -500
    assert affinity_matrix(distances, ["power", 2])[0, 1] == -0.25
    assert affinity_matrix(distances, ["exponential", 2])[0, 1] == pytest.approx(-np.e)


@pytest.mark.parametrize("affinity_type", [("multiplicative", 1000), ("power", 2), ("exponential", 3)])
def test_strips_of_affinities(affinity_type):
    distances = points(20, 4)
    whole = affinity_matrix(distances, affinity_type).astype(np.float32)
    strips = [affinities(distances[start : start + 7].astype(np.float64), affinity_type) for start in (0, 7, 14)]
    assert np.array_equal(np.vstack(strips), whole) and strips[0].dtype == np.float32
    assert affinities(np.empty((0, 20)), affinity_type).shape == (0, 20)
    with pytest.raises(InputError, match="negative"):
        affinities(-distances[:3], affinity_type)
    with pytest.raises(InputError, match="too large"):
        affinities([[100.0]], ["exponential", 1])


def test_wanted_clusters():
    assert [wanted_clusters(0.1, n) for n in (5, 10, 89, 200)] == [1, 1, 8, 20]
    assert (wanted_clusters(10, 89), wanted_clusters(10.0, 10), wanted_clusters(0.29, 100)) == (10, 10, 29)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_of_clusters": 90}, "90.*only 89"),
        ({"num_of_clusters": 0}, "num_of_clusters"),
        ({"num_of_clusters": -1}, "num_of_clusters"),
        ({"num_of_clusters": 2.5}, "num_of_clusters"),
        ({"num_of_clusters": float("nan")}, "num_of_clusters"),
        ({"tolerance": -1}, "num_of_clusters_tolerance"),
        ({"preference_range": [1000, -2000]}, "preference_range"),
        ({"preference_range": [1000]}, "preference_range"),
        ({"affinity_type": ["additive", 1]}, "multiplicative"),
        ({"affinity_type": ["power", -1]}, "affinity_type"),
        ({"affinity_type": "power"}, "affinity_type"),
        ({"affinity_type": ["exponential", 1000]}, "too large"),
        ({"damping": 0.3}, "damping"),
        ({"damping": 1.0}, "damping"),
        ({"convergence_iter": 0}, "convergence_iter"),
        ({"max_iter": 0}, "max_iter"),
        ({"max_sampled_preferences": 0}, "max_sampled_preferences"),
        ({"preference": float("inf")}, "preference"),
        ({"solver": "sklearn"}, "solver"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_options(pool, options, words):
    with pytest.raises(InputError, match=words):
        affinity_propagation(pool[0], **options)


@pytest.mark.parametrize(
    ("distances", "words"),
    [
        (np.zeros((2, 3)), "square"),
        (np.zeros((0, 0)), "square"),
        ([[0, np.nan], [np.nan, 0]], "finite"),
        ([[0, -1], [-1, 0]], "negative"),
    ],
)
def test_bad_distances(distances, words):
    with pytest.raises(InputError, match=words):
        affinity_propagation(distances, 1)


def test_choose_by_energy():
    assert choose_by_energy([0, 1, 0, 1], [1.0, None, 0.5, 3.0]).tolist() == [2, 3]
    assert choose_by_energy([0, 0], [1.0, 1.0]).tolist() == [0]
    for labels, values, words in [
        ([0, 1], [None, float("nan")], "energy_name"),
        ([0, 1], [1.0, None], "cluster 1"),
        ([0, 1], [1.0], "one per structure"),
    ]:
        with pytest.raises(InputError, match=words):
            choose_by_energy(labels, values)


def test_a_number_within_the_tolerance_ends_the_search() -> None:
    points = np.random.default_rng(5).normal(size=(60, 3))
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    exact = affinity_propagation(distances, 17)
    assert exact.n_clusters == 17 and len(exact.tried) > 1
    first = exact.tried[0][1]
    near = affinity_propagation(distances, 17, tolerance=abs(first - 17))
    assert near.reached and near.n_clusters == first != 17 and near.tried == exact.tried[:1]
