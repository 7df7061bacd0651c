"""The estimate of unseen minima, on populations whose size is known."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.lattice.searching.completeness import completeness

# What basins may look like: their sizes, up to a factor.
POPULATIONS = {
    "equal": lambda random, n: np.ones(n),
    "exponential": lambda random, n: random.exponential(size=n),
    "log-normal, width 1": lambda random, n: np.exp(random.normal(0, 1.0, n)),
    "log-normal, width 1.5": lambda random, n: np.exp(random.normal(0, 1.5, n)),
    "log-normal, width 2": lambda random, n: np.exp(random.normal(0, 2.0, n)),
    "Zipf": lambda random, n: 1.0 / np.arange(1, n + 1),
    "a quarter twenty times as large": lambda random, n: np.where(np.arange(n) < n // 4, 20.0, 1.0),
}


def hits_of(random, sizes, mean):
    return random.poisson(sizes / sizes.mean() * mean)


def test_the_interval_holds_in_at_least_nine_of_ten_searches_whatever_the_basins():
    held, held_longer = {}, []
    for name, population in POPULATIONS.items():
        for n in (5, 20, 100, 400):
            for mean in (0.5, 1, 3, 10, 30):
                for number in range(4):
                    random = np.random.default_rng([n, int(10 * mean), number, len(name)])
                    sizes = population(random, n)
                    hits = hits_of(random, sizes, mean)
                    if not hits.any():
                        continue
                    longer = hits + hits_of(random, sizes, 9 * mean)
                    found = completeness(hits[hits > 0].tolist())
                    held.setdefault(name, []).append(found.low <= n <= found.high)
                    held_longer.append(found.low <= (longer > 0).sum() <= found.high)
    cases = [case for several in held.values() for case in several]
    assert len(cases) > 500
    assert np.mean(cases) >= 0.9
    assert np.mean(held_longer) >= 0.9  # what a search ten times as long has seen
    for name, several in held.items():
        assert np.mean(several) >= 0.8, name


def test_chao_s_estimate_and_good_turing_coverage_of_a_sample_worked_by_hand():
    # 4 minima met once, 2 twice, 1 three times: 4 * 3 / (2 * 3) = 2 unseen; 4 of 11 hits were new.
    found = completeness([1, 1, 1, 1, 2, 2, 3])
    assert (found.seen, found.estimate, found.unseen) == (7, 9.0, 2.0)
    assert found.coverage == pytest.approx(1 - 4 / 11)
    assert found.seen <= found.low <= found.estimate <= found.high


def test_singletons_alone_keep_mass_for_the_unseen_and_many_hits_leave_none():
    assert completeness([1]).high > 3
    assert completeness([1] * 20).high > 100
    assert completeness([40, 60, 35, 80, 52]).high < 6


def test_the_interval_grows_narrower_with_the_search():
    random = np.random.default_rng(3)
    sizes = np.exp(random.normal(0, 1, 200))
    widths = []
    for mean in (1, 5, 25, 125):
        hits = hits_of(random, sizes, mean)
        found = completeness(hits[hits > 0])
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)


def test_parts_drawn_from_unequally_often_are_added():
    random = np.random.default_rng(4)
    held = []
    for _ in range(40):
        parts = {f"{k}": hits_of(random, np.exp(random.normal(0, 1, 60)), mean) for k, mean in enumerate((0.5, 3, 20))}
        found = completeness({name: hits[hits > 0] for name, hits in parts.items()})
        held.append(found.low <= 180 <= found.high)
    assert np.mean(held) >= 0.9


def test_small_parts_are_taken_together():
    apart = completeness({str(k): [1, 2, 3] for k in range(30)})
    assert apart == completeness({"all": [1, 2, 3] * 30})


def test_it_is_a_function_of_the_hits_alone():
    hits = {"a": [1, 5, 2, 1, 1, 3, 9, 1, 2, 2, 1], "b": [4, 4, 4]}
    turned = {"b": [4, 4, 4], "a": hits["a"][::-1]}
    assert completeness(hits) == completeness(turned)


def test_without_a_hit_nothing_is_known():
    found = completeness([])
    assert (found.seen, found.coverage) == (0, 0.0)
    assert found.high == np.inf


def test_a_minimum_that_was_never_met_is_refused():
    with pytest.raises(InputError, match="never met"):
        completeness([3, 0])
