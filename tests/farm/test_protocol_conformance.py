"""The code's transitions are the model's: random ways through the model, carried out by the catalogue on a real server.

After every step the database is what the model says. Every kind of step is taken, and the ways that go wrong where the
protocol lacks a condition are gone as well.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from explorer import Label, explore, walk
from protocol_model import CONDITIONS, CONFIGURATIONS, ProtocolModel, State, without
from protocol_world import World
from pymongo import MongoClient

from genarris_fw.database.launchpads import database_name

WAYS = 2
FAULTS = ("is killed", "makes it ready again, though it lives", "an item of a living replica waits")


class Curious:
    """Chooses the next step: at random, rather one of a kind that was seldom taken.

    What is one step an item in the model, and one update of the catalogue, goes on at once.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.taken: Counter[str] = Counter()
        self.last: Label = ()
        self.first: list[Label] = []  # the steps to begin with

    def __call__(self, steps: list[tuple[Label, State]]) -> tuple[Label, State]:
        if "releases" in self.last:
            steps = [one for one in steps if one[0][:2] == self.last] or steps
        if self.first:
            steps = [one for one in steps if one[0] == self.first[0]] or self._alike(steps)
            self.first = self.first[1:]
        weights = [(0.2 if label[1] in FAULTS else 1.0) / (1 + self.taken[label[1]]) for label, _ in steps]
        [chosen] = self.random.choices(steps, weights)
        self.last = chosen[0][:2]
        self.taken[chosen[0][1]] += 1
        return chosen

    def _alike(self, steps: list[tuple[Label, State]]) -> list[tuple[Label, State]]:
        """Where the way is that of another model: the same process' same step, or from here on any."""
        same = [one for one in steps if one[0][:2] == self.first[0][:2]]
        self.first = self.first if same else []
        return same or steps


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_the_model_does_is_what_the_catalogue_does(name: str, database_uri: str) -> None:
    one = CONFIGURATIONS[name]
    kinds: dict[str, list[Label]] = {}
    for kills in (0, 1):
        few = replace(one, sides=1, kills=kills, expiries=1 - kills)
        kinds |= explore(ProtocolModel(few, alike=False)).kinds
    model, choose = ProtocolModel(replace(one, kills=2, expiries=4)), Curious(seed=1)
    with MongoClient(database_uri) as client:
        database = client[database_name(database_uri)]
        for way in range(WAYS):
            follow(model, World(database, model, f"run{way}"), choose)
        for kind, way_there in kinds.items():
            if not choose.taken[kind]:
                choose.first = way_there
                follow(model, World(database, model, kind), choose)
    assert set(kinds) <= set(choose.taken)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_where_a_condition_counts_the_catalogue_keeps_it(condition: str, database_uri: str) -> None:
    broken, choose = without(condition), Curious(seed=1)
    choose.first = explore(broken).way
    with MongoClient(database_uri) as client:
        model = ProtocolModel(broken.configuration)
        follow(model, World(client[database_name(database_uri)], model, "run"), choose)


def follow(model: ProtocolModel, world: World, choose: Curious) -> None:
    """Go one way from the first step to the end; print it where the database is not what the model says."""
    said, before = [], model.first()
    try:
        for label, after in walk(model, choose):
            said.append(label)
            world.carry_out(before, label, after)
            world.check(after)
            before = after
    except BaseException:
        print(*said, sep="\n")
        raise
    finally:
        world.close()
    assert model.finished(before)
