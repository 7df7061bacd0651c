"""How far groups are drawn: counted work, what it may yield, and when a group is given up."""

import pytest
from scipy.stats import gamma

from genarris_fw.generation.effort import (
    Tally,
    draws_to_tell,
    gives_nothing_new,
    highest_mean,
    is_hopeless,
    next_depth,
    shared,
    usual_rate,
)

LIMIT = 1e6


@pytest.mark.parametrize("events", [0, 1, 7, 300])
def test_the_bound_is_that_of_the_posterior(events):
    """With a flat prior, n events of a Poisson process leave a gamma distribution with shape n + 1."""
    assert gamma.cdf(highest_mean(events), events + 1) == pytest.approx(0.95)
    assert highest_mean(0) == pytest.approx(2.9957, abs=1e-4)  # the rule of three


def test_a_group_without_a_structure_is_given_up_after_three_times_the_limit():
    usual = 1e-2
    assert not is_hopeless(Tally("rejection", 2_900_000, 0), usual, LIMIT)
    assert is_hopeless(Tally("rejection", 3_000_000, 0), usual, LIMIT)
    assert is_hopeless(Tally("packing", 30_000, 0), usual, LIMIT)  # a packing is a hundred draws


@pytest.mark.parametrize(
    ("tally", "usual"),
    [
        (Tally("rejection", 10**8, 150), 1e-2),  # small, and useful: a structure for less than the limit
        (Tally("rejection", 10**8, 0), 2e-5),  # all groups are poor: a thousandth of the usual is not ruled out
        (Tally("packing", 10**6, 0), 0.0),  # nobody has anything: nobody knows what is usual
        (Tally("packing", 256, 0), 1e-2),  # hardly tried
        (Tally("packing", 0, 0), 1e-2),
    ],
)
def test_what_may_be_of_use_is_not_given_up(tally, usual):
    assert not is_hopeless(tally, usual, LIMIT)


@pytest.mark.parametrize(("mode", "accepted"), [("rejection", 0), ("packing", 0), ("packing", 3)])
def test_where_a_group_is_given_up_is_known_before(mode, accepted):
    draws = draws_to_tell(Tally(mode, 256, accepted), 1e-2, LIMIT)
    assert not is_hopeless(Tally(mode, int(0.999 * draws), accepted), 1e-2, LIMIT)
    assert is_hopeless(Tally(mode, int(draws) + 1, accepted), 1e-2, LIMIT)
    assert draws_to_tell(Tally(mode, 256, accepted), 0.0, LIMIT) == float("inf")


def test_the_usual_rate_is_the_median_of_those_that_give_anything():
    tallies = [Tally("rejection", 1000, n) for n in (0, 0, 0, 1, 10, 500)]
    assert usual_rate(tallies) == pytest.approx(0.01)
    assert usual_rate(tallies[:3]) == 0.0
    assert usual_rate([Tally("packing", 10, 5)]) == pytest.approx(0.5 / 100)


def test_a_group_goes_on_as_far_as_its_yield_says():
    assert next_depth(256, 0, 40, 10**6) == 8 * 256
    assert next_depth(256, 100, 100, 10**6) > 256
    assert next_depth(256, 100, 1000, 10**6) == pytest.approx(2816, abs=1)  # ten times, and a tenth for chance
    assert next_depth(256, 2, 1000, 10**6) == 8 * 256  # two say little
    assert next_depth(256, 0, 40, 300) == 300
    assert next_depth(100, 100, 50, 10**6) == 101


def test_what_gives_the_same_again_and_again_ends():
    assert not gives_nothing_new(6, 0)
    assert gives_nothing_new(60, 0)
    assert not gives_nothing_new(60, 10)
    assert not gives_nothing_new(0, 0)


def test_a_number_is_shared_out_exactly():
    assert shared(7, {2: 1, 14: 1, 19: 1}) == {2: 3, 14: 2, 19: 2}
    assert shared(10, {2: 1, 14: 3}) == {2: 3, 14: 7}
    assert sum(shared(1001, {group: 3 + group % 5 for group in range(1, 90)}).values()) == 1001
