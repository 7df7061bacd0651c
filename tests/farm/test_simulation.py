"""The model of the farm obeys what any such model must: every item once, Little's law, its limits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from farm_model import Costs, Setting, Simulation, saturation

FREE = Costs(**dict.fromkeys(vars(Costs()), 0.0))


def test_every_item_is_done_once_whatever_is_killed() -> None:
    setting = Setting(replicas=20, items=3000, seconds=1.0, kills=60.0, lease=10.0, restart=5.0, start=1.0)
    simulation = Simulation(setting, seed=1)
    result = simulation.run()
    assert set(simulation.times_done) == {1}
    assert result.done == 3000
    assert result.kills > 10
    assert result.lost > 10


def test_leases_that_a_slow_database_does_not_renew_are_lost_and_nothing_counts_twice() -> None:
    costs = Costs(renew=0.2)  # 20 replicas ask for it as fast as they can: a commit waits about as long as a lease
    setting = Setting(replicas=20, items=400, seconds=1.0, lease=5.0, start=1.0, slots=1, until=5000.0, costs=costs)
    simulation = Simulation(setting, seed=1)
    result = simulation.run()
    assert result.lost > 0
    assert result.in_vain > 0
    assert set(simulation.times_done) == {1}


def test_nothing_is_lost_without_kills() -> None:
    result = Simulation(Setting(replicas=50, items=5000, seconds=1.0)).run()
    assert (result.lost, result.in_vain, result.kills) == (0, 0, 0)


def test_with_a_database_that_costs_nothing_the_makespan_is_the_ideal_one() -> None:
    setting = Setting(replicas=10, items=2000, seconds=1.0, sigma=0.0, start=0.0, network=0.0, journal=0.0, costs=FREE)
    assert Simulation(setting).run().makespan == pytest.approx(200.0, rel=0.01)
    costly = Setting(**{**vars(setting), "costs": Costs(claim=0.5), "network": 0.01})
    assert Simulation(costly).run().makespan > 210.0


def test_the_makespan_tends_to_the_ideal_as_the_costs_do() -> None:
    def makespan(scale: float) -> float:
        costs = Costs(**{name: scale * value for name, value in vars(Costs()).items()})
        setting = Setting(replicas=200, items=20_000, seconds=0.1, sigma=0.0, start=0.0, network=0.0, journal=0.0)
        return Simulation(Setting(**{**vars(setting), "costs": costs})).run().makespan

    slow, faster, fast = (makespan(scale) for scale in (20.0, 2.0, 0.02))
    assert slow > faster > fast
    assert fast == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize(("replicas", "busy"), [(50, False), (700, True)])  # with room, and saturated
def test_littles_law(replicas: int, busy: bool) -> None:
    result = Simulation(Setting(replicas=replicas, items=600_000, seconds=0.1, start=1.0, operations=60_000)).run()
    assert (result.database > 0.95) == busy
    assert result.waiting == pytest.approx(result.arrivals * result.stay, rel=0.05)


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_saturated_it_does_as_much_as_its_slots_can(slots: int) -> None:
    costs = Costs(**{**vars(FREE), "claim_item": 0.001})
    setting = Setting(replicas=200, items=10**6, seconds=0.0, slots=slots, start=0.0, operations=20_000, costs=costs)
    result = Simulation(setting).run()
    assert result.throughput == pytest.approx(slots / 0.001, rel=0.05)
    assert result.database > 0.95


def test_the_utilisation_is_the_arrivals_times_the_service() -> None:
    costs = Costs(**{**vars(FREE), "claim": 0.01, "commit": 0.01})
    setting = Setting(replicas=40, items=10**6, seconds=10.0, until=1500.0, warm_up=100.0, costs=costs)
    result = Simulation(setting).run()
    assert result.database < 0.5
    # A claim and a commit for every item: 40 replicas x 2 in 10 s, 10 ms each, on 2 slots.
    assert result.database == pytest.approx(40 * 2 / 10 * 0.01 / 2, rel=0.1)


def test_the_formula_of_saturation_says_where_the_events_saturate() -> None:
    limit = saturation(1.0, 2, Costs())
    beyond = Setting(replicas=int(3 * limit), seconds=1.0, items=10**6, warm_up=20.0, until=60.0, start=5.0)
    assert Simulation(beyond).run().throughput < 1.2 * limit
    below = Setting(**{**vars(beyond), "replicas": int(0.5 * limit)})
    assert Simulation(below).run().throughput == pytest.approx(0.5 * limit, rel=0.05)
