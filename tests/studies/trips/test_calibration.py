"""How a calibration goes and ends."""

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.methods import calibration
from genarris_fw.studies.trips.methods.calibration import Judge, calibrate
from genarris_fw.studies.trips.methods.sweeps import NotEnoughMemory, Sweep, require_memory
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.trips import Parameters, residuals


@pytest.fixture(scope="module")
def made_up():
    return made_up_problem(12, 2, 1.0, (0.3, 0.6), 3)


def sweep(worst, beta=1.0):
    return Sweep(Parameters(np.zeros(2), np.array([beta])), {"origins": 0.0, "destinations": 0.0, "mean_costs": worst})


def by(monkeypatch, worsts):
    """Put a method in place that gives these residuals."""
    monkeypatch.setattr(calibration, "method_named", lambda name: lambda *arguments: map(sweep, worsts))


def test_what_a_calibration_tells(made_up):
    problem, true = made_up
    found = calibrate(problem, "newton_cg")
    assert (found.converged, found.why_ended, found.method) == (True, "converged", "newton_cg")
    assert "every constraint is met to" in found.detail
    np.testing.assert_allclose(found.parameters.beta, true.beta, rtol=1e-4)
    np.testing.assert_allclose(found.parameters.gamma, true.gamma, atol=1e-4)
    assert found.residuals == pytest.approx(residuals(problem, found.parameters), rel=1e-3, abs=1e-12)
    assert len(found.history) == found.sweeps + 1
    assert found.history[-1] == max(found.residuals.values()) < 1e-6 < found.history[-2]


def test_a_start_at_the_solution_takes_no_sweep(made_up):
    problem, true = made_up
    assert calibrate(problem, "pf_centred", start=true).sweeps == 0


def test_threads_change_nothing(made_up):
    one, two = (calibrate(made_up[0], "newton_cg", threads=threads) for threads in (1, 2))
    assert np.array_equal(one.parameters.gamma, two.parameters.gamma)
    assert np.array_equal(one.history, two.history)


@pytest.mark.parametrize(
    ("worsts", "why", "sweeps"),
    [
        ([1.0, 0.1, 1e-7, 1e-9], "converged", 2),
        ([1.0, np.nan], "diverged", 1),
        ([1.0, np.inf], "diverged", 1),
        ([1.0, 0.5, *[0.6] * 200], "diverged", 101),
        (np.linspace(1.0, 0.5, 100), "too slow", 50),
        ([1.0, 0.5], "diverged", 1),
    ],
)
def test_why_a_calibration_ends(made_up, monkeypatch, worsts, why, sweeps):
    by(monkeypatch, worsts)
    found = calibrate(made_up[0], "any", max_sweeps=50 if why == "too slow" else 1000)
    assert (found.why_ended, found.sweeps) == (why, sweeps)
    assert found.converged == (why == "converged")
    assert found.detail


def test_equations_without_a_solution_have_diverged(made_up, monkeypatch):
    def method(*arguments):
        yield sweep(0.5)
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(calibration, "method_named", lambda name: method)
    found = calibrate(made_up[0], "any")
    assert (found.why_ended, found.sweeps, found.residuals["mean_costs"]) == ("diverged", 0, 0.5)
    assert found.detail == "after 1 sweeps the equations cannot be solved: Singular matrix"


def test_what_diverged_leaves_its_best(made_up, monkeypatch):
    by(monkeypatch, [1.0, 0.5, 7.0, np.nan])
    assert calibrate(made_up[0], "any").residuals["mean_costs"] == 0.5


def test_beta_without_end_has_diverged():
    ended = Judge(1e-6, 10, None).see(sweep(0.1, beta=np.inf))
    assert ended
    assert ended[0] == "diverged"


def test_time_is_over(made_up, monkeypatch):
    by(monkeypatch, np.linspace(1.0, 0.5, 100))
    found = calibrate(made_up[0], "any", time_limit=1e-9)
    assert (found.why_ended, found.sweeps, found.converged) == ("time", 0, False)
    assert "after 0 sweeps and 1e-09 s" in found.detail


def test_memory_is_asked_for_before_it_is_taken(made_up, monkeypatch):
    monkeypatch.setattr("genarris_fw.studies.trips.methods.sweeps.memory_here", lambda: 1000)
    found = calibrate(made_up[0], "newton_ml")
    assert (found.why_ended, found.sweeps, found.converged) == ("memory", 0, False)
    assert "the Fisher matrix of newton_ml needs" in found.detail
    with pytest.raises(NotEnoughMemory, match="this needs"):
        require_memory(1001, "this")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "simplex"}, "method = simplex of a calibration is not known; there are newton_ml, newton_me"),
        ({"tolerance": 0.0}, "tolerance = 0.0 of a calibration must be above 0"),
        ({"tolerance": float("nan")}, "tolerance = nan of a calibration must be above 0"),
        ({"max_sweeps": 0}, "max_sweeps = 0 and threads = 1 of a calibration must be 1 or more"),
        ({"threads": 0}, "threads = 0 of a calibration must be 1 or more"),
        ({"time_limit": -1.0}, "time_limit = -1.0 of a calibration must be above 0"),
        (
            {"start": Parameters(np.zeros(12), np.ones(3))},
            "start has 12 gamma and 3 beta; the problem has 12 destinations and 2 categories",
        ),
    ],
)
def test_limits_that_make_no_sense(made_up, arguments, message):
    with pytest.raises(InputError, match=message):
        calibrate(made_up[0], **{"method": "newton_cg", **arguments})
