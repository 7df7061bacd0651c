"""The optimisers' approximations of the inverse Hessian, against their formulas written with whole matrices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.training import scaling, settings
from genarris_fw.studies.force_free.training.limited_memory import LimitedMemory
from genarris_fw.studies.force_free.training.optimiser import Step
from genarris_fw.studies.force_free.training.self_scaled import SelfScaled
from genarris_fw.studies.force_free.training.settings import Settings, made_optimiser, memory_needed


def steps_of(optimiser, count, n, seed):
    """Steps along the optimiser's own directions on a convex quartic, learned one by one."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(n, n))
    hessian = matrix @ matrix.T + 0.1 * np.eye(n)

    def gradient(p):
        return hessian @ p + p**3

    p, steps = generator.normal(size=n), []
    for _ in range(count):
        g = gradient(p)
        direction = optimiser.direction(g)
        length = 0.2 + generator.random()
        shift = length * direction
        steps.append(Step(shift, g, gradient(p + shift), length))
        optimiser.learn(steps[-1])
        p = p + shift
    return steps


def matrix_of(optimiser, n):
    return -np.array([optimiser.direction(row) for row in np.eye(n)]).T


@pytest.mark.parametrize("history", [1, 3, 8])
def test_l_bfgs_is_the_product_of_the_papers_matrices(history):
    n = 7
    optimiser = LimitedMemory(n, history)
    steps = steps_of(optimiser, 6, n, seed=history)[-history:]
    last = steps[-1]
    found = np.eye(n) * (last.shift @ last.change) / (last.change @ last.change)
    for step in steps:  # C = E' C E + g h h', E = 1 - g i h', g = 1 / (i.h)
        g = 1.0 / (step.change @ step.shift)
        e = np.eye(n) - g * np.outer(step.change, step.shift)
        found = e.T @ found @ e + g * np.outer(step.shift, step.shift)
    assert matrix_of(optimiser, n) == pytest.approx(found, rel=1e-9, abs=1e-12)


def scaled_as_published(member, b, h, n, first):
    """tau and phi as Urban, Stefanou & Pons print them, with the cancellations."""
    a = h * b - 1
    if member == "bfgs":
        return (h if first else min(1, 1 / b)), 1.0
    c = math.sqrt(a / (1 + a))
    rho_minus = min(1, h * (1 - c))
    theta = max((rho_minus - 1) / a, min(1 / rho_minus, (1 - b) / b))
    sigma = 1 + a * theta
    rho = min(1, 1 / b)
    power = sigma ** (1 / (1 - n))
    tau = min(rho * power, sigma) if theta <= 0 else rho * min(power, 1 / theta)
    return (h / sigma if first else tau), (1 - theta) / (1 + a * theta)


@pytest.mark.parametrize("member", ["bfgs", "broyden"])
def test_self_scaled_updates_are_those_of_whole_matrices(member):
    n = 6
    optimiser = SelfScaled(n, settings.SCALES[member])
    steps = steps_of(optimiser, 40, n, seed=3)
    found = np.eye(n)
    for index, step in enumerate(steps):
        s, y = step.shift, step.change
        hy, ys = found @ y, y @ s
        b, h = s @ np.linalg.solve(found, s) / ys, y @ hy / ys
        tau, phi = scaled_as_published(member, b, h, n, index == 0)
        v = math.sqrt(y @ hy) * (s / ys - hy / (y @ hy))
        found = (found - np.outer(hy, hy) / (y @ hy) + phi * np.outer(v, v)) / tau + np.outer(s, s) / ys
    assert matrix_of(optimiser, n) == pytest.approx(found, rel=1e-7, abs=1e-10)


@given(st.floats(1e-6, 1e6), st.floats(1.0, 1e6), st.integers(1, 10_000), st.booleans())
def test_a_scaling_keeps_the_matrix_positive_definite(b, product, parameters, first):
    h = product / b
    for scale in (scaling.bfgs, scaling.broyden):
        tau, phi = scale(b, h, parameters, first)
        assert tau > 0.0
        assert first or tau <= 1.0 + 1e-9
        # Broyden's family is positive definite for theta > -1 / a, that is for phi > -1 / (b h - 1).
        assert phi * (b * h - 1.0) > -1.0


@pytest.mark.parametrize("matrix", ["float64", "float32"])
@pytest.mark.parametrize("member", ["bfgs", "broyden"])
def test_the_last_step_is_known_exactly_and_every_direction_leads_down(member, matrix):
    n, precision = 9, {"float64": 1e-9, "float32": 1e-3}[matrix]
    optimiser = SelfScaled(n, settings.SCALES[member], matrix)
    last = steps_of(optimiser, 30, n, seed=5)[-1]
    assert -optimiser.direction(last.change) == pytest.approx(last.shift, rel=precision, abs=precision * 1e-3)
    whole = matrix_of(optimiser, n)
    assert whole == pytest.approx(whole.T, rel=1e-4)
    assert np.linalg.eigvalsh(whole).min() > 0.0


def test_many_small_scales_do_not_overflow():
    optimiser = SelfScaled(2, lambda b, h, parameters, first: (0.5, 1.0))
    generator = np.random.default_rng(1)
    for _ in range(300):
        shift = generator.normal(size=2)
        optimiser.learn(Step(shift, -shift, 0.0 * shift, 1.0))
    assert np.isfinite(matrix_of(optimiser, 2)).all()


@pytest.mark.parametrize("make", [lambda: LimitedMemory(4, 3), lambda: SelfScaled(4, scaling.bfgs)])
def test_a_step_without_positive_curvature_teaches_nothing_and_forgetting_leads_to_steepest_descent(make):
    optimiser, gradient = make(), np.array([1.0, -2.0, 3.0, 0.5])
    steps_of(optimiser, 5, 4, seed=0)
    before = optimiser.direction(gradient)
    shift = np.array([1.0, 0.0, 0.0, 0.0])
    optimiser.learn(Step(shift, -gradient, -gradient - shift, 1.0))
    optimiser.learn(Step(shift, 0.0 * gradient, np.array([1e-20, 1.0, 0.0, 0.0]), 1.0))
    assert (optimiser.direction(gradient) == before).all()
    optimiser.forget()
    assert optimiser.direction(gradient) == pytest.approx(-gradient, rel=1e-15)


def test_memory_is_said_before_any_is_taken(monkeypatch):
    assert memory_needed(Settings(optimiser="broyden"), 10_000) == 8 * (10_000 * 10_001 // 2 + 320_000)
    assert memory_needed(Settings(optimiser="bfgs", matrix="float32"), 10_000) == 4 * (10_000 * 10_001 // 2 + 320_000)
    assert memory_needed(Settings(optimiser="lbfgs", history=50), 66_953) == 2 * 8 * 50 * 66_953
    monkeypatch.setattr(settings, "memory_here", lambda: 10**9)
    monkeypatch.setattr(np, "zeros", None)
    with pytest.raises(InputError, match=r"bfgs needs 18\.0 GB for 67000 parameters, and there are 1\.0 GB: .*lbfgs"):
        made_optimiser(Settings(optimiser="bfgs"), 67_000)
    with pytest.raises(InputError, match=r"lbfgs needs 1\.1 GB .* or history < 1000"):
        made_optimiser(Settings(optimiser="lbfgs", history=1000), 67_000)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"optimiser": "adam"}, "optimiser = adam of a training is not known; there are lbfgs, bfgs, broyden"),
        ({"matrix": "float16"}, "matrix = float16 of a training is not known; there are float64, float32"),
        ({"history": 0}, "history = 0 of a training must be 1 or more"),
        ({"window": 0}, "window = 0 of a training must be 1 or more"),
        ({"max_iterations": 0}, "max_iterations = 0 of a training must be 1 or more"),
        ({"max_cpu_seconds": 0.0}, "max_cpu_seconds = 0.0 of a training must be above 0"),
        ({"max_cpu_seconds": math.nan}, "max_cpu_seconds = nan of a training must be above 0"),
        ({"tolerance": 1.0}, "tolerance = 1.0 of a training must be from 0 to below 1"),
        ({"tolerance": math.nan}, "tolerance = nan of a training must be from 0 to below 1"),
        ({"most_evaluations": 1.0}, "most_evaluations = 1.0 of a training must be above 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(wrong, said):
    with pytest.raises(InputError, match=f"^{said}$"):
        Settings(**wrong)
