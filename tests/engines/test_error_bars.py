"""Several engines' energies of the same structures: mean, error bars, and what they do not decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genarris_fw.energetics.error_bars import ranking
from genarris_fw.errors import InputError

ENERGIES = st.tuples(st.integers(2, 5), st.integers(1, 7)).flatmap(
    lambda shape: arrays(float, shape, elements=st.floats(-100, 100).map(lambda x: round(x, 2)))
)


def test_by_hand():
    """Two engines that differ by 1 kJ/mol about the second structure, and by 6 about the third."""
    found = ranking([[-100.0, -98.0, -97.0, -90.0], [10.0, 13.0, 7.0, 20.0]])
    # Means relative to the first: 0, 2.5, 0, 10; the third's differences to it are 3 and -3.
    assert found.lowest == 0
    assert np.allclose(found.relative, [[0, 2, 3, 10], [0, 3, -3, 10]])
    assert np.allclose(found.mean, [0, 2.5, 0, 10])
    assert np.allclose(found.error, [0, np.sqrt(0.5), np.sqrt(18), 0])
    assert found.undecided.tolist() == [True, False, True, False]
    # First to second: 2.5 > 0.7, decided; second to third: -2.5 against sqrt(0.5 * 49) = 4.9, not.
    assert [found.rank(i) for i in range(4)] == ["1-2", "2-3", "1-3", "4"]


def test_engines_that_agree_decide_everything_down_to_the_least_error():
    energies = np.array([3.0, 1.0, 2.5])
    assert [ranking([energies, energies + 500.0]).rank(i) for i in range(3)] == ["3", "1", "2"]
    found = ranking([energies, energies + 500.0], least=1.0)
    assert [found.rank(i) for i in range(3)] == ["2-3", "1", "2-3"]
    assert found.error.tolist() == [1.0, 0.0, 1.0]
    assert ranking([energies[:1], energies[:1]]).rank(0) == "1"


def test_a_tie_is_undecided():
    found = ranking([[1.0, 1.0], [5.0, 5.0]])
    assert [found.rank(i) for i in range(2)] == ["1-2", "1-2"] and found.undecided.all()


@given(ENERGIES, st.integers(0, 2**32 - 1), st.floats(0, 5))
def test_zero_of_each_engine_and_order_do_not_matter(energies, seed, least):
    rng = np.random.default_rng(seed)
    columns, rows = rng.permutation(energies.shape[1]), rng.permutation(energies.shape[0])
    zeros = rng.integers(-1000, 1000, size=(len(energies), 1))
    found, other = ranking(energies, least), ranking((energies + zeros)[rows][:, columns], least)
    assert np.allclose(found.mean[columns], other.mean, atol=1e-9)
    # Whatever is not within rounding of its own error bar is decided alike.
    middle = energies.mean(axis=0)
    mean = middle[:, None] - middle[None, :]
    error = np.maximum(np.std(energies[:, :, None] - energies[:, None, :], axis=0, ddof=1), least)
    clear = np.abs(np.abs(mean) - error) > 1e-6
    decided, elsewhere = (np.array([one.decided(i) for i in range(len(middle))]) for one in (found, other))
    assert (decided == (np.abs(mean) > error))[clear].all()
    assert (decided[np.ix_(columns, columns)] == elsewhere)[clear[np.ix_(columns, columns)]].all()
    assert (found.best >= 1).all() and (found.best <= found.worst).all() and (found.worst <= energies.shape[1]).all()
    assert not np.diag(decided).any()
    if clear.all():
        assert (found.best == 1 + (decided & (mean > 0)).sum(axis=1)).all()
        assert (found.worst == len(middle) - (decided & (mean < 0)).sum(axis=1)).all()


@given(ENERGIES)
def test_error_bars_against_their_definition(energies):
    found = ranking(energies)
    for j in range(energies.shape[1]):
        differences = energies[:, j] - energies[:, found.lowest]
        assert found.mean[j] == pytest.approx(np.mean(differences), abs=1e-9)
        assert found.error[j] == pytest.approx(np.std(differences, ddof=1), abs=1e-9)


@pytest.mark.parametrize(
    ("energies", "least", "words"),
    [
        ([[1.0, 2.0]], 0.0, "two engines or more"),
        ([1.0, 2.0], 0.0, "two engines or more"),
        (np.zeros((2, 0)), 0.0, "two engines or more"),
        ([[1.0, np.nan], [1.0, 2.0]], 0.0, "not a finite number"),
        ([[1.0, 2.0], [1.0, 2.0]], -1.0, "must not be negative"),
        ([[1.0, 2.0], [1.0, 2.0]], np.nan, "must not be negative"),
    ],
)
def test_what_cannot_be_ranked(energies, least, words):
    with pytest.raises(InputError, match=words):
        ranking(energies, least)
