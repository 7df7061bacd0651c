"""Relative energies of two engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.energetics.comparison import compare
from genarris_fw.errors import InputError

ENERGIES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=8, unique=True)


def tau_b(a, b):
    """By its definition, over all pairs."""
    concordant = discordant = ties_a = ties_b = 0
    for i in range(len(a)):
        for j in range(i):
            product = np.sign(a[i] - a[j]) * np.sign(b[i] - b[j])
            concordant += product > 0
            discordant += product < 0
            ties_a += a[i] == a[j]
            ties_b += b[i] == b[j]
    pairs = len(a) * (len(a) - 1) / 2
    return (concordant - discordant) / np.sqrt((pairs - ties_a) * (pairs - ties_b))


def test_by_hand():
    found = compare([1.0, 2.0, 3.0], [-100.0, -98.0, -99.0])
    # Means 2 and -99 taken off: -1, 0, 1 and -1, 1, 0.
    assert found.differences == pytest.approx([0.0, 1.0, -1.0])
    assert found.root_mean_square == pytest.approx(np.sqrt(2 / 3))
    assert (found.mean_absolute, found.largest) == (pytest.approx(2 / 3), 1.0)
    assert found.first.tolist() == [0.0, 1.0, 2.0] and found.second.tolist() == [0.0, 2.0, 1.0]
    assert found.kendall_tau == pytest.approx(1 / 3)  # two pairs in order, one not
    assert (found.lowest_of_first, found.lowest_of_second, found.rank_of_lowest) == (0, 0, 1)


def test_the_rank_of_the_references_lowest():
    found = compare([3.0, 1.0, 2.0], [0.0, 5.0, 6.0])
    assert (found.lowest_of_first, found.lowest_of_second, found.rank_of_lowest) == (1, 0, 3)


@given(ENERGIES, st.floats(-1e4, 1e4), st.randoms())
def test_the_zero_of_an_engine_does_not_matter(energies, shift, random):
    other = energies.copy()
    random.shuffle(other)
    one, moved = compare(energies, other), compare(np.array(energies) + shift, other)
    assert moved.differences == pytest.approx(one.differences, abs=1e-8)
    assert one.differences.sum() == pytest.approx(0.0, abs=1e-9)
    assert one.kendall_tau == pytest.approx(tau_b(energies, other))
    assert compare(energies, energies).root_mean_square == 0.0


def test_ties():
    a, b = [1.0, 1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 0.0]
    assert compare(a, b).kendall_tau == pytest.approx(tau_b(a, b))
    assert compare([1.0, 1.0], [1.0, 2.0]).kendall_tau is None


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0])])
def test_nothing_to_compare(first, second):
    with pytest.raises(InputError):
        compare(first, second)
