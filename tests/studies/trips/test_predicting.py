"""A calibrated model applied to other totals, other costs and new zones."""

from dataclasses import replace

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.made_up import made_up_problem
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.model.predicting import Scenario, predict
from genarris_fw.studies.trips.model.trips import Parameters, residuals, trips


@pytest.fixture(scope="module")
def model():
    return made_up_problem(12, 3, 1.0, (0.5, 1.5), seed=1)


def balanced(costs, beta, origins, destinations, sweeps=3000):
    """The trips by Furness' method on the whole array: an implementation of its own."""
    found = np.exp(-beta[:, None, None] * costs)
    for _ in range(sweeps):
        found *= (destinations / found.sum(axis=(0, 1)))[None, None, :]
        found *= (origins / found.sum(axis=2))[:, :, None]
    return found


def test_the_same_totals_and_costs_give_the_same_trips(model):
    problem, parameters = model
    scenario = Scenario(problem.costs, problem.origins, problem.destinations)
    found = predict(parameters, problem.names, scenario)
    assert found.sweeps == 0
    assert np.allclose(trips(found.problem, found.parameters), trips(problem, parameters), rtol=1e-9)
    assert np.allclose(found.problem.mean_costs, problem.mean_costs, rtol=1e-9)


def test_other_totals_are_kept_and_the_odds_stay(model):
    problem, parameters = model
    random = np.random.default_rng(2)
    origins = problem.origins * random.uniform(0.5, 2.0, problem.origins.shape)
    destinations = problem.destinations * random.uniform(0.5, 2.0, problem.destinations.shape)
    destinations *= origins.sum() / destinations.sum()
    found = predict(parameters, problem.names, Scenario(problem.costs, origins, destinations), tolerance=1e-11)
    assert max(residuals(found.problem, found.parameters).values()) < 1e-10
    predicted = trips(found.problem, found.parameters)
    assert np.allclose(predicted, balanced(problem.costs, parameters.beta, origins, destinations), rtol=1e-8)


def test_a_road_takes_trips_to_where_it_leads(model):
    problem, parameters = model
    costs = problem.costs.copy()
    costs[:, 3, 7] /= 4
    before = trips(problem, parameters)
    after = predict(parameters, problem.names, Scenario(costs, problem.origins, problem.destinations))
    assert (trips(after.problem, after.parameters)[:, 3, 7] > before[:, 3, 7]).all()
    assert np.allclose(after.problem.destinations, problem.destinations)
    free = predict(parameters, problem.names, Scenario(costs, problem.origins))  # nobody fixes who arrives
    logit = np.exp(parameters.gamma - parameters.beta[:, None, None] * costs)
    logit *= (problem.origins / logit.sum(axis=2))[:, :, None]
    assert free.sweeps == 0 and np.allclose(trips(free.problem, free.parameters), logit, rtol=1e-10)
    assert np.allclose(free.problem.destinations, logit.sum(axis=(0, 1)))
    assert free.problem.destinations[7] > problem.destinations[7]


def test_zones_and_categories_are_known_by_their_names(model):
    problem, parameters = model
    order = np.random.default_rng(3).permutation(12)
    names = Names(("2",), tuple(f"home {o}" for o in range(12)), tuple(problem.names.destinations[d] for d in order))
    scenario = Scenario(problem.costs[1:2][:, :, order], problem.origins[1:2], names=names)
    found = predict(parameters, problem.names, scenario)
    assert np.allclose(trips(found.problem, found.parameters), trips(problem, parameters)[1:2][:, :, order], rtol=1e-10)
    assert found.problem.names == names


def test_a_new_zone_is_balanced(model):
    problem, parameters = model
    random = np.random.default_rng(4)
    costs = random.uniform(1.0, 5.0, (3, 13, 13))
    costs[:, :12, :12] = problem.costs
    origins = np.concatenate([problem.origins, random.uniform(100, 200, (3, 1))], axis=1)
    destinations = np.append(problem.destinations, origins[:, 12].sum())
    found = predict(parameters, problem.names, Scenario(costs, origins, destinations))
    assert np.allclose(
        trips(found.problem, found.parameters), balanced(costs, parameters.beta, origins, destinations), rtol=1e-6
    )
    with pytest.raises(InputError, match="destination 13 was not calibrated: give the trips to the destinations"):
        predict(parameters, problem.names, Scenario(costs, origins))


def test_far_destinations_are_reached_all_the_same():
    """Costs so far apart that the exponentials of all origins to one destination are 0 in double precision."""
    costs = np.array([[[1.0, 2.0, 9000.0], [2.0, 1.0, 9001.0]]])
    origins, destinations = np.array([[60.0, 40.0]]), np.array([50.0, 40.0, 10.0])
    found = predict(Parameters(np.zeros(3), np.ones(1)), Names.numbers(1, 2, 3), Scenario(costs, origins, destinations))
    near = costs - [0.0, 0.0, 9000.0]  # a constant of a destination is lost in B
    assert np.allclose(trips(found.problem, found.parameters), balanced(near, np.ones(1), origins, destinations))


def test_forbidden_pairs_stay_empty(model):
    problem, parameters = model
    allowed = np.ones(problem.costs.shape, bool)
    allowed[:, range(12), range(12)] = False
    scenario = Scenario(problem.costs, problem.origins, problem.destinations, allowed)
    found = predict(parameters, problem.names, scenario)
    predicted = trips(found.problem, found.parameters)
    assert not predicted[~allowed].any()
    assert np.allclose(predicted.sum(axis=(0, 1)), problem.destinations)


def test_what_cannot_be_predicted(model):
    problem, parameters = model
    names = replace(problem.names, categories=("1", "2", "old"))
    with pytest.raises(InputError, match=r"category old was not calibrated.* known are 1, 2, 3"):
        predict(parameters, problem.names, Scenario(problem.costs, problem.origins, names=names))
    with pytest.raises(InputError, match="add up"):
        predict(parameters, problem.names, Scenario(problem.costs, problem.origins, 2 * problem.destinations))
    with pytest.raises(InputError, match="origins of shape"):
        predict(parameters, problem.names, Scenario(problem.costs, problem.origins[:, :5]))
    allowed = np.ones((1, 2, 2), bool)
    allowed[0, 1, 1] = False  # only the first origin, with 1 trip, may go to the second destination, where 5 end
    scenario = Scenario(np.ones((1, 2, 2)), np.array([[1.0, 9.0]]), np.array([5.0, 5.0]), allowed)
    two = Parameters(np.zeros(2), np.ones(1))
    with pytest.raises(InputError, match=r"destination \d: 5 trips cannot be had, .* after 50 sweeps"):
        predict(two, Names.numbers(1, 2, 2), scenario, max_sweeps=50)
