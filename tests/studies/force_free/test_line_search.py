"""The line search: strong Wolfe conditions on hard functions, and what it does where they cannot be met."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.studies.force_free.training.line_search import (
    CURVATURE,
    SUFFICIENT_DECREASE,
    Trial,
    cubic_minimiser,
    line_search,
    quadratic_minimiser,
)


def along(function):
    """A function of the length alone, which gives value and slope, as the line search asks for it."""

    def evaluate(length):
        value, slope = function(length)
        return Trial(length, value, slope, np.array([slope]))

    return evaluate


def first(a, beta=2.0):
    """Moré & Thuente 1994 ACM Trans. Math. Softw. 20 286, eq. 5.1."""
    return -a / (a**2 + beta), (a**2 - beta) / (a**2 + beta) ** 2


def second(a, beta=0.004):
    """Their eq. 5.2."""
    return (a + beta) ** 5 - 2 * (a + beta) ** 4, 5 * (a + beta) ** 4 - 8 * (a + beta) ** 3


def yanai(a, beta1, beta2):
    """Their eq. 5.4."""
    gamma1, gamma2 = (math.sqrt(1 + beta**2) - beta for beta in (beta1, beta2))
    root1, root2 = math.sqrt((1 - a) ** 2 + beta2**2), math.sqrt(a**2 + beta1**2)
    return gamma1 * root1 + gamma2 * root2, gamma1 * (a - 1) / root1 + gamma2 * a / root2


FUNCTIONS = {
    "first": first,
    "second": second,
    "fourth": lambda a: yanai(a, 0.001, 0.001),
    "fifth": lambda a: yanai(a, 0.01, 0.001),
    "sixth": lambda a: yanai(a, 0.001, 0.01),
}


@pytest.mark.parametrize("length", [1e-3, 1e-1, 1e1, 1e3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_strong_wolfe_conditions_hold_wherever_it_begins(name, length):
    evaluate = along(FUNCTIONS[name])
    start = evaluate(0.0)
    found = line_search(evaluate, start, length, most=60)
    trial = found.trial
    assert trial.value <= start.value + SUFFICIENT_DECREASE * trial.length * start.slope
    assert abs(trial.slope) <= CURVATURE * abs(start.slope)
    # The second falls so gently at first that nothing but its very minimum is flat enough.
    assert found.evaluations <= (40 if name == "second" else 5)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.floats(0.1, 5.0), st.floats(-5.0, -0.1), st.floats(0.01, 10.0))
def test_the_conditions_hold_on_any_function_that_is_bounded_below(waves, stiffness, slope, length):
    def function(a):
        value = stiffness * a**2 + slope * a + sum(w * math.cos((k + 1) * a) for k, w in enumerate(waves))
        return value, 2 * stiffness * a + slope - sum(w * (k + 1) * math.sin((k + 1) * a) for k, w in enumerate(waves))

    start = along(function)(0.0)
    trial = line_search(along(function), start, length, most=60).trial
    assert trial.value <= start.value + SUFFICIENT_DECREASE * trial.length * start.slope
    assert abs(trial.slope) <= CURVATURE * abs(start.slope)


@given(st.floats(0.1, 2.0), st.floats(0.1, 2.0), st.floats(0.05, 3.0), st.floats(3.1, 9.0))
def test_the_cubic_of_the_paper_finds_the_minimum_of_a_cubic(minimum, third, a, b):
    # phi'(x) = 3 third (x - minimum) (x + 1)
    def value(x):
        return third * (x**3 + 1.5 * (1 - minimum) * x**2 - 3 * minimum * x) + 7.0

    trials = [Trial(x, value(x), math.nan, np.zeros(1)) for x in (a, b)]
    assert cubic_minimiser(7.0, -3 * third * minimum, *trials) == pytest.approx(minimum, rel=1e-6)


def test_where_there_is_no_minimum_the_interpolations_say_so():
    line = [Trial(x, -x, -1.0, np.zeros(1)) for x in (1.0, 2.0)]
    assert math.isnan(cubic_minimiser(0.0, -1.0, *line))
    assert math.isnan(quadratic_minimiser(0.0, -1.0, line[0]))
    endless = [Trial(1.0, math.inf, math.inf, np.zeros(1)), line[1]]
    assert math.isnan(cubic_minimiser(0.0, -1.0, *endless))


def test_it_comes_back_from_where_the_function_is_no_number():
    def walled(a):
        return (-a - 0.01 * math.log(1.0 - a), -1.0 + 0.01 / (1.0 - a)) if a < 1.0 else (math.inf, math.inf)

    start = along(walled)(0.0)
    trial = line_search(along(walled), start, 50.0).trial
    assert 0.5 < trial.length < 1.0 and abs(trial.slope) <= CURVATURE * abs(start.slope)


def test_values_of_a_rough_function_do_not_hide_what_slopes_show():
    """Near a minimum the fall is below what the value can show; the slope is still good."""

    def rough(a):
        return float(np.float32(1.0 + 1e-10 * ((a - 1.0) ** 2)) + np.float32(6e-8) * (a > 0)), 2e-10 * (a - 1.0)

    start = along(rough)(0.0)
    assert line_search(along(rough), start).trial is None
    assert line_search(along(rough), start, noise=1e-6).trial.length == pytest.approx(1.0, abs=0.91)


def test_it_ends_after_so_many_evaluations_and_says_that_nothing_is_lower():
    calls = []

    def rising(a):
        calls.append(a)
        return a, -1.0 if a == 0.0 else 1.0

    found = line_search(along(rising), along(rising)(0.0), most=7)
    assert found.trial is None and found.evaluations == 7 and len(calls) == 8


def test_without_the_curvature_condition_the_lowest_point_is_taken():
    """A function that falls for ever: the last evaluation is the lowest."""
    found = line_search(along(lambda a: (-a, -1.0)), along(lambda a: (-a, -1.0))(0.0), most=5)
    assert found.evaluations == 5 and found.trial.length > 1000
