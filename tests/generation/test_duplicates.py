"""Duplicates told by vectors: exactly what comparing one by one gives, and seldom as much work."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genarris_fw.errors import InputError
from genarris_fw.generation.duplicates import first_of_equals


def one_by_one(rows, tolerance):
    first, kept = [], []
    for i, row in enumerate(rows):
        equal = [j for j in kept if tolerance > 0 and np.abs(rows[j] - row).max() <= tolerance]
        if not equal:
            kept.append(i)
        first.append(equal[0] if equal else i)
    return first


# Whole numbers meet the tolerance exactly, tenths only up to rounding; small ranges give many duplicates.
numbers = st.one_of(
    st.integers(-4, 4).map(float),
    st.integers(-20, 20).map(lambda x: x / 10),
    st.floats(-1, 1),
    st.floats(-1e9, 1e9),
)


@settings(max_examples=200)
@given(
    st.tuples(st.integers(0, 30), st.integers(1, 12)).flatmap(lambda shape: arrays(float, shape, elements=numbers)),
    st.one_of(st.sampled_from([0.0, 0.1, 0.3, 1.0, 2.0]), st.floats(0, 3)),
)
def test_agrees_with_one_by_one(rows, tolerance):
    assert first_of_equals(rows, tolerance).tolist() == one_by_one(rows, tolerance)


@pytest.mark.parametrize("tolerance", [1e-9, 0.02, 0.1, 0.4, 10.0])
def test_many_related_vectors(tolerance):
    """Components that go together, as those of AMD do: many vectors in every window."""
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(600, 3)) @ rng.uniform(0, 0.1, size=(3, 40)) + rng.normal(size=(600, 40)) * 1e-3
    rows[300:400] = rows[:100] + rng.uniform(-0.01, 0.01, size=(100, 40))
    assert first_of_equals(rows, tolerance).tolist() == one_by_one(rows, tolerance)


def test_a_chain_is_not_one_structure():
    """Only kept ones count: the third is near the second, which was dropped."""
    assert first_of_equals([[0.0], [1.0], [2.0], [3.0]], 1.0).tolist() == [0, 0, 2, 2]


def test_the_first_in_order_is_named():
    """The last is near both kept ones."""
    assert first_of_equals([[1.5, 0.0], [0.0, 0.0], [0.75, 0.0]], 1.0).tolist() == [0, 1, 0]


def test_tolerance_0_keeps_all():
    assert first_of_equals(np.zeros((5, 3)), 0).tolist() == [0, 1, 2, 3, 4]
    assert first_of_equals(np.zeros((5, 3)), 1e-300).tolist() == [0] * 5


def test_no_and_one_structure():
    assert first_of_equals(np.zeros((0, 4)), 0.1).tolist() == []
    assert first_of_equals([[1.0, 2.0]], 0.1).tolist() == [0]


def test_twenty_thousand_at_once():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(10000, 3)) @ rng.uniform(0, 0.1, size=(3, 100)) + rng.normal(size=(10000, 100)) * 1e-3
    doubled = np.concatenate([rows, rows + 1e-7])
    first = first_of_equals(doubled, 1e-6)
    assert (first[:10000] == np.arange(10000)).all() and (first[10000:] == np.arange(10000)).all()


@pytest.mark.parametrize(
    ("vectors", "tolerance", "words"),
    [
        ([1.0, 2.0], 0.1, "shape"),
        (np.zeros((3, 0)), 0.1, "shape"),
        ([[0.0], [np.nan]], 0.1, "not finite"),
        ([[0.0], [np.inf]], 0.0, "not finite"),
        ([[0.0]], -0.1, "tolerance"),
        ([[0.0]], float("nan"), "tolerance"),
    ],
)
def test_bad_input(vectors, tolerance, words):
    with pytest.raises(InputError, match=words):
        first_of_equals(vectors, tolerance)
