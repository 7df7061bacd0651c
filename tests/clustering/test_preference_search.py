"""The search for a number of clusters: its axis, its path, fits ahead of it, and going on elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.clustering.affinity import ClusterSearch, affinity_propagation
from genarris_fw.clustering.preference_search import Axis, PreferenceSearch, TriedPreference, greedy_gains
from genarris_fw.descriptors import distance_matrix
from genarris_fw.errors import InputError, RunFailed


def points(n, d, seed=0):
    return distance_matrix(np.random.default_rng(seed).normal(size=(n, d)), standardize=True)


def similarities(n, d, seed=0):
    return (-1000 * points(n, d, seed)).astype(np.float32)


def run(search, replicas=1):
    """Carry a search through with fits ahead; return its path, and in how many rounds of simultaneous fits."""
    known, rounds = {}, 0
    while ahead := search.ask_ahead(replicas):
        if ahead[0] not in known:
            rounds += 1
            known |= {preference: search.fit(preference) for preference in ahead}
        search.tell(known[ahead[0]])
    return search.samples, rounds


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 1000))
def test_greedy_gains_are_those_of_plain_greedy_choice(n, d, seed):
    matrix = similarities(n, d, seed).astype(float)
    best, gains = matrix[np.argmax(matrix.sum(axis=0))], []
    for _ in range(n - 1):
        additions = np.maximum(matrix - best, 0).sum(axis=1)
        gains.append(additions.max())
        best = np.maximum(best, matrix[np.argmax(additions)])
    found = greedy_gains(matrix.astype(np.float32), n)
    # Where two are as good, the choice between them may show in what follows.
    assert found[: n // 2] == pytest.approx(gains[: n // 2], rel=2e-2, abs=1e-2)
    assert np.all(np.diff(found) <= 1e-3)


def test_first_preference_is_near_the_target():
    distances = points(300, 6)
    for target in (10, 30, 100):
        search = ClusterSearch(distances, target)
        assert abs(math.log(search.fit(search.ask_ahead(1)[0]).n_clusters / target)) < 0.25


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=30), st.floats(-3, 8), st.floats(0.01, 10))
def test_axis_rises_and_is_its_own_inverse(gains, place, scale):
    axis = Axis(np.sort(gains)[::-1], -1e-3, scale, 40)
    assert axis.place(axis.preference(place)) == pytest.approx(place, abs=1e-3) or scale > 1e-3 * max(gains)
    assert axis.preference(place) <= axis.preference(place + 0.1)
    assert axis.place(axis.preference(place)) <= axis.place(axis.preference(place + 0.1)) + 1e-12


def counts_of(n, exponent, wiggle):
    """A made-up pool: the count rises with the preference as some power, wavering by `wiggle`."""

    def count(preference):
        trend = n * (1 - min(preference, 0.0)) ** -exponent
        return min(n, max(1, round(trend * (1 + wiggle * math.sin(37 * math.log1p(-min(preference, 0.0)))))))

    return count


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 2000), st.floats(0.4, 1.5), st.floats(0, 0.03), st.floats(0.02, 0.5), st.integers(0, 10**6))
def test_search_finds_what_is_there(n, exponent, wiggle, share, seed):
    """Even where the axis is off: its gains are those of another pool."""
    count = counts_of(n, exponent, wiggle)
    target, tolerance = max(1, int(share * n)), max(1, n // 100)
    gains = np.sort(np.random.default_rng(seed).pareto(1.0, size=min(n - 1, 50)))[::-1] + 0.01
    search = PreferenceSearch(target, tolerance, Axis(gains, 0.0, 1e-3, n), n)
    while (preference := search.ask()) is not None:
        search.samples.append(TriedPreference(preference, count(preference), True))
    reachable = {count(-x) for x in np.geomspace(1e-6, 1e9, 4000)}
    if any(abs(k - target) <= tolerance for k in reachable):
        assert search.found is not None and len(search.samples) <= 30


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 60), st.integers(0, 100), st.floats(0.05, 0.6), st.integers(2, 5))
def test_any_number_of_replicas_takes_the_same_path(n, seed, share, replicas):
    distances = points(n, 5, seed)
    alone, many = (ClusterSearch(distances, share, output_without_success=True) for _ in range(2))
    path, rounds = run(alone)
    assert run(many, replicas)[0] == path
    assert run(ClusterSearch(distances, share), replicas)[1] <= rounds
    serial = affinity_propagation(distances, share, output_without_success=True)
    assert serial.tried == [tuple(sample) for sample in path]
    assert np.array_equal(many.result().labels, serial.labels)


def test_fits_ahead_are_of_use():
    paths = [(run(ClusterSearch(points(150, 6, seed), 40))) for seed in range(6)]
    ahead = [run(ClusterSearch(points(150, 6, seed), 40), 3)[1] for seed in range(6)]
    assert sum(ahead) <= 0.75 * sum(rounds for _, rounds in paths)


def test_what_is_asked_ahead():
    search = ClusterSearch(points(80, 5), 20)
    assert search.ask_ahead(5)[:2] == search.ask_ahead(2) and search.ask_ahead(2)[:1] == search.ask_ahead(1)
    assert len(set(search.ask_ahead(8))) == len(search.ask_ahead(8)) == 8
    assert search.samples == []


def test_another_process_goes_on(tmp_path):
    """From a map of the same matrix in a file, and what was told; the labels are made where they are wanted."""
    distances = points(120, 5).astype(np.float32)
    np.save(tmp_path / "distances.npy", distances)
    first = ClusterSearch(distances, 36)
    for _ in range(2):
        first.tell(first.fit(first.ask_ahead(1)[0]))
    records = [tuple(sample) for sample in first.samples]
    path, _ = run(first)
    mapped = np.load(tmp_path / "distances.npy", mmap_mode="r")
    second = ClusterSearch(mapped, 36)
    for record in records:
        assert second.ask_ahead(1) == [record[0]]
        second.tell(TriedPreference(*record))
    assert run(second)[0] == path
    third = ClusterSearch(mapped, 36)
    for record in path:
        third.tell(record)
    assert third.ask_ahead(3) == []
    assert np.array_equal(third.result().labels, first.result().labels)


def test_order_of_the_structures_changes_nothing():
    distances = points(90, 6)
    order = np.random.default_rng(1).permutation(90)
    here, there = (affinity_propagation(d, 20) for d in (distances, distances[np.ix_(order, order)]))
    assert here.tried == there.tried
    assert set(order[there.exemplars]) == set(here.exemplars)


def test_steps_of_a_search():
    axis = Axis(np.geomspace(1000, 1, 60), 0.0, 1e-3, 100)
    search = PreferenceSearch(20, 0, axis, 100)
    first = search.ask()
    assert axis.place(first) == pytest.approx(math.log(20), abs=1e-6)
    search.samples.append(TriedPreference(first, 22, True))
    second = search.ask()
    assert second < first  # too many clusters: lower
    search.samples.append(TriedPreference(second, 19, True))
    third = search.ask()
    assert second < third < first  # between the two
    assert third in PreferenceSearch(20, 0, axis, 100, samples=search.samples[:1]).ask_ahead(4)
    search.samples.append(TriedPreference(third, 20, True))
    assert search.ask() is None and search.found == search.samples[-1]
    assert search.ask_ahead(3) == []


def test_failed_fits_are_walked_around():
    axis = Axis(np.geomspace(1000, 1, 60), 0.0, 1e-3, 100)
    search = PreferenceSearch(20, 1, axis, 100)
    asked = []
    while (preference := search.ask()) is not None and len(asked) < 30:
        asked.append(preference)
        near = abs(axis.place(preference) - math.log(20)) < 0.02
        search.samples.append(
            TriedPreference(preference, 0 if near else round(math.exp(axis.place(preference))), not near)
        )
    assert search.found is not None and len(set(asked)) == len(asked)


def test_one_preference_is_one_fit():
    search = ClusterSearch(points(30, 3), preference=-300.0)
    assert search.ask_ahead(4) == [-300.0]
    search.tell(search.fit(-300.0))
    assert search.ask_ahead(4) == [] and search.result().preference == -300.0
    alone = ClusterSearch([[0.0]], 1)
    assert alone.ask_ahead(2) == [] and alone.result().n_clusters == 1


def test_a_search_that_fails_says_where_it_came():
    search = ClusterSearch(np.zeros((6, 6)), 3)
    run(search)
    with pytest.raises(RunFailed, match=r"nearest: 1 at preference .*, 6 at preference"):
        search.result()


def test_a_count_that_is_jumped_over():
    """No preference gives 34 clusters here: 33 and 35 are neighbours. That is found out without a hundred fits."""
    search = ClusterSearch(points(120, 5), 34)
    path, _ = run(search)
    assert 5 < len(path) < 40 and {33, 35} <= {sample.n_clusters for sample in path}
    with pytest.raises(RunFailed, match=r"nearest: 33 at preference .*, 35 at preference"):
        search.result()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"solver": "magic"}, "solver.*compiled, scikit-learn"),
        ({"threads": 0}, "threads"),
        ({"threads": 1.5}, "threads"),
        ({"max_iter": float("nan")}, "max_iter"),
        ({"max_iter": float("inf")}, "max_iter"),
        ({"num_of_clusters": 31}, "only 30"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(InputError, match=words):
        ClusterSearch(points(30, 3), **options)
