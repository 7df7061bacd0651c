"""The made-up city of the example."""

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.city import made_up_city
from genarris_fw.studies.trips.model.feasibility import require_feasible
from genarris_fw.studies.trips.model.identification import require_identified
from genarris_fw.studies.trips.model.trips import residuals


def test_a_city_is_a_problem_with_known_parameters():
    city = made_up_city(40, seed=3)
    problem = city.problem
    assert problem.called.categories == ("low income", "middle income", "high income")
    assert max(residuals(problem, city.parameters).values()) < 1e-12
    require_feasible(problem, exactly=False)
    require_identified(problem)
    assert (problem.origins == np.round(problem.origins)).all() and problem.origins.min() >= 1
    # Nowhere is nearer than one's own zone, and a way is as long back.
    own = problem.costs[:, range(40), range(40)]
    assert (own[:, :, None] <= problem.costs).all() and own.min() > 0
    assert problem.costs == pytest.approx(problem.costs.transpose(0, 2, 1))
    # The centre draws more trips than the edge.
    distance = np.hypot(*city.places.T)
    assert problem.destinations[distance < 7].mean() > 2 * problem.destinations[distance > 12].mean()


def test_a_city_is_the_same_from_the_same_seed():
    one, again, other = (made_up_city(10, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.problem.costs, again.problem.costs)
    assert not np.array_equal(one.problem.costs, other.problem.costs)


@pytest.mark.parametrize(
    ("values", "message"), [((1, 0), "zones = 1"), ((5, -1), "seed = -1"), ((10**6, 0), "costs of a city of 1000000")]
)
def test_a_city_that_cannot_be(values, message):
    with pytest.raises(InputError, match=message):
        made_up_city(*values)
