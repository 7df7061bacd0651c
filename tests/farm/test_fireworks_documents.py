"""FireWorks' documents are known in one place, and are read there as FireWorks writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import fireworks
import pytest
from fireworks import FWorker
from killing import Farm
from sleepy import Sleepy

import genarris_fw
from genarris_fw.farm.fireworks import documents, launches, workflows
from genarris_fw.farm.fireworks.names import (
    CHECKED_OUT,
    FINISH,
    READY,
    RESERVED,
    RUNNING,
    chain_metadata,
    name_of,
    path_spec,
    side_metadata,
    side_spec,
)
from genarris_fw.farm.sides import side_workflow

PACKAGE = Path(genarris_fw.__file__).parent
COLLECTIONS = ("fireworks", "workflows", "launches")
# Who else names a collection: the counter and the indexes of a new LaunchPad, the copy of a database, its locks.
BELOW = ("database/held.py", "database/launchpads.py")


def collections_named(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that reach for a collection of FireWorks: ``launchpad.fireworks``, ``database["launches"]``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in COLLECTIONS:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if owner in ("launchpad", "lpad", "pad", "db", "database"):
                yield node.lineno
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in COLLECTIONS:
            yield node.lineno


def test_nobody_else_reaches_for_a_collection_of_fireworks() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent != PACKAGE / "farm/fireworks"
        and (lines := list(collections_named(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert set(found) == set(BELOW), found


@pytest.mark.parametrize(
    "line",
    ["launchpad.fireworks.find({})", "self.launchpad.workflows", 'catalogue.database["launches"]', "site.pad.launches"],
)
def test_who_reaches_is_found(line: str) -> None:
    assert list(collections_named(ast.parse(line))) == [1]


def test_the_package_of_that_name_is_still_the_one_that_is_imported() -> None:
    assert PACKAGE not in Path(fireworks.__file__).parents and hasattr(fireworks, "LaunchPad")


def test_names_and_specs_are_those_of_existing_databases() -> None:
    assert name_of("rcd", "whole") == "rcd" and name_of("rcd", "gate") == "rcd gate"
    assert path_spec("r") == {"run": "r", "_priority": 10, "_add_launchpad_and_fw_id": True}
    assert side_spec("r") == {"run": "r", "_priority": 1, "_add_launchpad_and_fw_id": True}
    assert chain_metadata("r", "abc") == {"run": "r", "options_hash": "abc"}
    assert side_metadata("r", "rcd") == {"run": "r", "side_of": "rcd"}


@pytest.fixture
def farm(database_uri: str, tmp_path: Path) -> Farm:
    farm = Farm(database_uri, tmp_path)
    farm.add(items=2, steps=1)
    return farm


def checked_out(farm: Farm) -> int:
    """Check the first firework out; return its number."""
    firework, _ = farm.launchpad.checkout_fw(FWorker(name="somebody"), str(farm.folder))
    return firework.fw_id


def test_what_is_known_of_a_firework(farm: Farm) -> None:
    database, run = farm.launchpad.db, farm.run
    names = documents.names_of_run(database, run)
    assert sorted(names.values()) == ["begin", "finish", "sleepy_0 gate", "sleepy_0 plan"]
    assert documents.anything_ready(database, run) and documents.anything_alive(database, run)
    assert not documents.anything_ready(database, run, {"name": "finish"})
    assert not documents.anything_ready(database, "another")
    fw_id = checked_out(farm)
    known = documents.known(database, fw_id)
    assert known is not None and (known.name, known.state, known.launch, known.earlier) == ("begin", RUNNING, 1, 0)
    assert known.updated is not None and abs((datetime.now(timezone.utc) - known.updated).total_seconds()) < 600
    assert [one.fw_id for one in documents.checked_out(database, run)] == [fw_id]
    assert not documents.anything_ready(database, run) and documents.anything_alive(database, run)
    assert launches.launch(database, 1) == (RUNNING, "somebody") and RUNNING in CHECKED_OUT
    assert launches.launch(database, 99).state == ""
    farm.launchpad.mark_fizzled(1)
    assert [one.name for one in documents.given_up(database, run)] == ["begin"]
    assert documents.given_up(database, run, [FINISH]) == []
    assert documents.known(database, 99) is None and not documents.is_there(database, 99)


def test_a_moment_that_cannot_be_read_is_none(farm: Farm) -> None:
    fw_id = checked_out(farm)
    farm.launchpad.fireworks.update_one({"fw_id": fw_id}, {"$set": {"updated_on": "yesterday"}})
    known = documents.known(farm.launchpad.db, fw_id)
    assert known is not None and known.updated is None


def test_chain_and_sides(farm: Farm) -> None:
    database, run = farm.launchpad.db, farm.run
    chain = workflows.chain(database, run)
    assert chain is not None and not chain.is_side and not chain.locked and chain.options_hash == "sleepy"
    assert set(chain.nodes) == set(documents.names_of_run(database, run)) == set(chain.states)
    farm.launchpad.add_wf(side_workflow(run, "sleepy_0", Sleepy, {}))
    [side] = workflows.sides(database, run, "sleepy_0")
    assert documents.ready_sides(database, run, "sleepy_0") == [side]
    assert documents.number_of_sides(database, run, "sleepy_0") == 1
    assert sorted(one.is_side for one in workflows.of_run(database, run)) == [False, True]
    assert workflows.chain(database, run) == chain
    assert workflows.with_firework(database, side) == [side] and not workflows.is_orphan(database, side)
    assert documents.archive(database, side) and not documents.archive(database, side)
    assert documents.number_of_sides(database, run, "sleepy_0") == 0
    workflows.remove(database, next(one for one in workflows.of_run(database, run) if one.is_side))
    assert workflows.is_orphan(database, side)
    documents.remove(database, side)
    assert documents.missing(database, [side, *chain.nodes]) == {side}
    assert workflows.runs(database) == [run] and list(workflows.chains_since(database)) == [run]


def test_the_record_that_the_first_firework_carries(farm: Farm) -> None:
    database, run = farm.launchpad.db, farm.run
    record = documents.run_record(database, run)
    assert record["options_hash"] == "sleepy" and record["folder"] == str(farm.folder)
    assert documents.run_record(database, "another") == {} == documents.run_record(database, run, among=[99])
    documents.change_record(database, run, "/elsewhere", {"folder": "/new"})
    assert documents.run_record(database, run)["folder"] == str(farm.folder)
    documents.change_record(database, run, str(farm.folder), {"folder": "/new"})
    assert documents.run_record(database, run)["folder"] == "/new"


def test_a_reservation_and_its_job(farm: Farm) -> None:
    database = farm.launchpad.db
    firework, launch_id = farm.launchpad.reserve_fw(FWorker(), str(farm.folder))
    [reserved] = documents.reserved(database, farm.run)
    assert (reserved.fw_id, reserved.state, reserved.launch) == (firework.fw_id, RESERVED, launch_id)
    assert launches.reservations(database, [launch_id]) == {launch_id: (launch_id, str(farm.folder), None)}
    farm.launchpad.set_reservation_id(launch_id, 4711)
    assert launches.reservations(database, [launch_id, 99])[launch_id].job == "4711"


def test_ready_fireworks_besides_the_allowed_ones(farm: Farm) -> None:
    [begin] = documents.ready_besides(farm.launchpad.db, farm.run, {"name": "another"})
    assert begin["name"] == "begin" and begin["spec"]["run"] == farm.run and begin["state"] == READY
    assert documents.ready_besides(farm.launchpad.db, farm.run, {"name": "begin"}) == []
