"""Standard errors by simulation, and statistics of the fit by hand."""

import math

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.methods.calibration import calibrate
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, trips
from genarris_fw.studies.trips.statistics.fit import fit_statistics
from genarris_fw.studies.trips.statistics.standard_errors import standard_errors


@pytest.fixture(scope="module")
def made_up():
    return made_up_problem(8, 2, 1.5, (0.3, 0.6), 0)


def of_observed(costs, observed):
    """Return the problem whose totals are those of observed trips."""
    origins = observed.sum(axis=2)
    return TripProblem(
        costs, origins, observed.sum(axis=(0, 1)), (costs * observed).sum(axis=(1, 2)) / origins.sum(axis=1)
    )


def drawn(problem, true, random):
    origins = problem.origins.round().astype(int)
    shares = trips(problem, true) / problem.origins[:, :, None]
    return random.multinomial(origins, shares).astype(float)


def test_errors_are_those_of_drawn_trips(made_up):
    """400 draws of all trips, each calibrated; the standard deviation of 400 is known to 3.5 %."""
    problem, true = made_up
    random = np.random.default_rng(1)
    betas, gammas = [], []
    for _ in range(400):
        found = calibrate(of_observed(problem.costs, drawn(problem, true, random)), "newton_cg", start=true).parameters
        betas.append(found.beta)
        gammas.append(found.gamma)
    errors = standard_errors(problem, true)
    np.testing.assert_allclose(errors.beta, np.std(betas, axis=0), rtol=0.1)
    np.testing.assert_allclose(errors.gamma[1:], np.std(gammas, axis=0)[1:], rtol=0.1)
    assert errors.gamma[0] == 0.0


def test_errors_go_with_the_root_of_the_trips(made_up):
    problem, true = made_up
    tenfold = TripProblem(problem.costs, 100 * problem.origins, 100 * problem.destinations, problem.mean_costs)
    once, many = standard_errors(problem, true), standard_errors(tenfold, true)
    np.testing.assert_allclose(many.beta, once.beta / 10, rtol=1e-9)
    np.testing.assert_allclose(many.covariance, once.covariance / 100, rtol=1e-7, atol=1e-12)


def test_a_logit_of_two_choices_by_hand():
    """Of two choices p = 1 / (1 + exp(-(gamma - beta (c_2 - c_1)))), and the information on it is O p (1 - p)."""
    costs = np.array([[[1.0, 1.0]], [[1.0, 3.0]]])
    parameters = Parameters(np.array([0.0, 0.4]), np.array([0.5, 0.5]))
    origins = np.array([[100.0], [300.0]])
    model = origins[:, :, None] * np.exp(parameters.gamma - 0.5 * costs)
    model /= np.exp(parameters.gamma - 0.5 * costs).sum(axis=2, keepdims=True)
    with pytest.raises(InputError, match="category 1: from each origin all destinations cost the same"):
        standard_errors(of_observed(costs, model), parameters)
    # The same by one category with two origins: the first gives gamma, the second gamma - 2 beta.
    one = of_observed(costs.reshape(1, 2, 2), model.reshape(1, 2, 2))
    information = (model[:, 0, 0] * model[:, 0, 1] / origins[:, 0]).tolist()
    errors = standard_errors(one, Parameters(parameters.gamma, parameters.beta[:1]))
    assert errors.gamma[1] == pytest.approx(information[0] ** -0.5)
    assert errors.beta[0] == pytest.approx(0.5 * (1 / information[0] + 1 / information[1]) ** 0.5)
    assert errors.t_beta[0] == pytest.approx(0.5 / errors.beta[0])
    assert errors.t_gamma[1] == pytest.approx(0.4 / errors.gamma[1])
    assert math.isnan(errors.t_gamma[0])


def test_memory_is_asked_for_before_it_is_taken(made_up, monkeypatch):
    monkeypatch.setattr("genarris_fw.studies.trips.statistics.standard_errors.memory_here", lambda: 1000)
    with pytest.raises(InputError, match="standard errors of 8 destinations need"):
        standard_errors(*made_up)


def test_statistics_of_the_fit(made_up):
    problem, true = made_up
    observed = drawn(problem, true, np.random.default_rng(2))
    problem = of_observed(problem.costs, observed)
    parameters = calibrate(problem, "newton_cg").parameters
    found = fit_statistics(problem, parameters, observed, threads=2)
    model = trips(problem, parameters)
    p = model / problem.origins[:, :, None]
    likelihood = (observed * np.log(p)).sum()
    null = observed.sum() * math.log(1 / 8)
    assert found["estimated"] == 9
    assert found["log_likelihood"] == pytest.approx(likelihood)
    assert found["null_log_likelihood"] == pytest.approx(null)
    assert found["rho2"] == pytest.approx(1 - likelihood / null)
    assert found["rho2_adjusted"] == pytest.approx(1 - (likelihood - 9) / null)
    assert found["likelihood_ratio"] == pytest.approx(2 * (likelihood - null))
    assert found["aic"] == pytest.approx(18 - 2 * likelihood)
    assert found["bic"] == pytest.approx(9 * math.log(observed.sum()) - 2 * likelihood)
    assert found["chi2"] == pytest.approx(((observed - model) ** 2 / model).sum())
    some = observed > 0
    assert found["deviance"] == pytest.approx(2 * (observed[some] * np.log((observed / model)[some])).sum(), rel=1e-5)
    assert found["degrees_of_freedom"] == 2 * 8 * 8 - 2 * 8 - 9
    assert found["srmse"] == pytest.approx(np.sqrt(np.mean((observed - model) ** 2)) / observed.mean())
    assert found["r2"] == pytest.approx(np.corrcoef(observed.ravel(), model.ravel())[0, 1] ** 2)
    assert found["common_part"] == pytest.approx(np.minimum(observed, model).sum() / observed.sum())


def test_chi2_of_a_true_model_is_near_its_degrees_of_freedom(made_up):
    problem, true = made_up
    observed = drawn(problem, true, np.random.default_rng(3))
    problem = of_observed(problem.costs, observed)
    found = fit_statistics(problem, calibrate(problem, "newton_cg").parameters, observed)
    assert abs(found["chi2"] - found["degrees_of_freedom"]) < 3 * math.sqrt(2 * found["degrees_of_freedom"])


def test_forbidden_pairs_are_no_choices(made_up):
    problem, true = made_up
    allowed = np.ones_like(problem.costs, dtype=bool)
    allowed[:, 1, 2] = False
    observed = np.where(allowed, 5.0, 0.0)
    origins = observed.sum(axis=2)
    means = (problem.costs * observed).sum(axis=(1, 2)) / origins.sum(axis=1)
    other = TripProblem(problem.costs.copy(), origins, observed.sum(axis=(0, 1)), means, allowed)
    found = fit_statistics(other, true, observed)
    assert found["null_log_likelihood"] == pytest.approx(-(14 * 40 * math.log(8) + 2 * 35 * math.log(7)))
    assert found["degrees_of_freedom"] == 126 - 16 - 9
    observed[0, 1, 2] = 1.0
    with pytest.raises(InputError, match="1 observed trips of category 1 from 2 to 3 go between a forbidden pair"):
        fit_statistics(other, true, observed)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_observed_trips_that_are_none(made_up, bad):
    problem, true = made_up
    observed = np.ones_like(problem.costs)
    observed[1, 2, 3] = bad
    with pytest.raises(InputError, match="observed trips of category 2 from 3 to 4 must be 0 or more"):
        fit_statistics(problem, true, observed)
    with pytest.raises(InputError, match=r"observed trips have the shape \(2, 8\), the problem's costs \(2, 8, 8\)"):
        fit_statistics(problem, true, observed[0, :2])
