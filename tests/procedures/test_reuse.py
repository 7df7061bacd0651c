"""An engine's result is found again by what was computed, with what, in which version: `reuse = True`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from in_process import WATER, InProcess, waters
from installed_packages import installed
from killing import FORKS, killed_at, live, survives
from tally import Tallied

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.delete import delete_run
from genarris_fw.crystal import Structure
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.retrying import retry_run
from genarris_fw.farm.workflow import add_run
from genarris_fw.options import load
from genarris_fw.views.costs import costs

CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = {run}
retry_delay = 0
max_attempts = 1
engine = ase
calculator = tally
reuse = {reuse}

[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 2
energy_name = single

[run_fhi_aims_batch]
structure_dir = raw
molecule_path = water.in
fmax = 0.01
max_steps = 3
"""
SINGLE, RELAX = '["FHI_Aims_Energy_Evaluation"]', '["Run_FHI_Aims_Batch"]'
BOTH = '["FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]'
STEPS = ("fhi_aims_energy_evaluation", "run_fhi_aims_batch")


class Runs:
    """Runs in one database, each in a folder of its own; the calls of the engine are counted."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder, self.tallied = uri, folder, Tallied(folder)
        self.farms: list[InProcess] = []

    def prepared(self, run: str, pool: Sequence[Structure], uri: str | None = None) -> InProcess:
        """A folder with a pool and a molecule."""
        farm = InProcess(uri or self.uri, self.folder / run)
        self.farms.append(farm)
        farm.write_pool(pool)
        (farm.folder / "water.in").write_text(WATER)
        return farm

    def run(
        self,
        run: str,
        pool: Sequence[Structure],
        procedures: str = SINGLE,
        reuse: bool = True,
        more: str = "",
        version: str = "1.0",
        uri: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Carry out a run; return the engine's calls and the run's document."""
        self.tallied.version = version
        with installed(self.folder / "installed", self.tallied.package):
            farm = self.prepared(run, pool, uri)
            record = farm.run(CONF.format(procedures=procedures, run=run, reuse=reuse) + more)
        assert record["state"] == "finished", record.get("failure")
        return self.tallied.calls(), record

    @property
    def database(self) -> Any:
        return self.farms[0].database

    def close(self) -> None:
        for farm in self.farms:
            farm.close()


@pytest.fixture
def runs(database_uri: str, tmp_path: Path) -> Iterator[Runs]:
    made = Runs(database_uri, tmp_path)
    yield made
    made.close()


def words(record: dict[str, Any]) -> list[str]:
    return [record["summaries"][step]["words"] for step in STEPS if step in record["summaries"]]


def renamed(pool: Sequence[Structure]) -> list[Structure]:
    return [Structure(s.lattice, s.species, s.positions, s.properties, f"other_{s.struct_id}") for s in pool]


def test_a_second_run_calls_no_engine_and_says_whose_results_it_has(runs: Runs) -> None:
    pool = waters(3)
    calls, first = runs.run("first", pool, BOTH, reuse=False)
    assert calls > 6 and words(first) == ["3 evaluated", "3 relaxed, 3 not converged"]
    calls, second = runs.run("second", renamed(pool), BOTH)
    assert calls == 0
    assert words(second) == ["3 evaluated, reused 3 of 3", "3 relaxed, 3 not converged, reused 3 of 3"]
    assert second["summaries"][STEPS[0]]["reused"] == {"number": 3, "of": 3}

    structures = runs.database.structures
    for one in pool:
        before = structures.find_one({"_id": f"first:{one.struct_id}"})["energies"]["single"]
        now = structures.find_one({"_id": f"second:other_{one.struct_id}"})
        item = f"first:{STEPS[0]}:{one.struct_id}"
        assert now["energies"]["single"] == before | {"reused_from": item}
        assert now["properties"]["single_reused_from"] == item
        relaxed = structures.find_one({"run": "first", "parent": one.struct_id})
        again = structures.find_one({"run": "second", "parent": f"other_{one.struct_id}"})
        assert again["geometry"] == relaxed["geometry"]
        item = f"first:{STEPS[1]}:{one.struct_id}"
        assert again["energies"]["energy"] == relaxed["energies"]["energy"] | {"reused_from": item}
        assert again["provenance"]["reused_from"] == again["properties"]["energy_reused_from"] == item
        assert "single_reused_from" in again["properties"]  # that energy is the parent's, with all that is said of it
        assert runs.database.work_items.find_one({"_id": item})["outcome"]["struct_id"] == relaxed["struct_id"]
    # Without reuse nothing is said of it.
    assert not structures.find_one({"run": "first", "properties.single_reused_from": {"$exists": True}})
    account = costs(Catalogue(runs.database), "second")
    assert [stage["reused"] for stage in account["stages"]] == [3, 3]
    assert [stage["reused"] for stage in costs(Catalogue(runs.database), "first")["stages"]] == [None, None]


def moved(pool: Sequence[Structure], by: float) -> list[Structure]:
    first = pool[0].copy()
    first.positions[0, 0] += by
    return [first, *pool[1:]]


def wider(pool: Sequence[Structure], by: float) -> list[Structure]:
    first = pool[0].copy()
    assert first.lattice is not None
    first.lattice[2, 2] += by
    return [first, *pool[1:]]


def test_what_differs_is_computed(runs: Runs) -> None:
    pool = waters(2)
    assert runs.run("first", pool)[0] == 2
    assert runs.run("moved", moved(pool, 1e-9))[0] == 1
    assert runs.run("wider", wider(pool, 1e-9))[0] == 1
    stated = pool[0].copy()
    stated.properties["initial_moments"] = [1.0, None, None, None, None, None]
    assert runs.run("stated", [stated, pool[1]])[0] == 1
    assert runs.run("set", pool, more='calculator_settings = {"epsilon": 0.02}\n')[0] == 2
    assert runs.run("version", pool, version="1.1")[0] == 2
    # What is known of a structure otherwise does not count, nor how a relaxation would be carried out.
    other = [Structure(s.lattice, s.species, s.positions, {"spg": 99}, s.struct_id) for s in pool]
    calls, record = runs.run("same", other, more="smax = 0.2\n")
    assert (calls, words(record)) == (0, ["2 evaluated, reused 2 of 2"])


def test_a_relaxation_is_another_one_with_other_conditions_to_stop(runs: Runs) -> None:
    pool = waters(1)
    calls, _ = runs.run("first", pool, RELAX)
    assert calls > 1
    assert runs.run("again", pool, RELAX)[0] == 0
    # A single point is no relaxation, nor the other way round.
    assert runs.run("single", pool, SINGLE)[0] == 1
    text = CONF.replace("max_steps = 3", "max_steps = 4")
    assert text != CONF
    with installed(runs.folder / "installed", runs.tallied.package):
        farm = runs.prepared("longer", pool)
        assert farm.run(text.format(procedures=RELAX, run="longer", reuse=True))["state"] == "finished"
    assert runs.tallied.calls() > calls


def test_another_database_has_none(runs: Runs, databases) -> None:
    pool = waters(1)
    assert runs.run("first", pool)[0] == 1
    assert runs.run("first_there", pool, uri=databases())[0] == 1


def test_only_where_it_is_asked_for(runs: Runs) -> None:
    pool = waters(2)
    runs.run("first", pool)
    calls, record = runs.run("second", pool, reuse=False)
    assert (calls, words(record)) == (2, ["2 evaluated"])
    # The first one that computed it is named, whoever computed it again.
    runs.run("third", pool)
    found = runs.database.structures.find_one({"run": "third"})["energies"]["single"]["reused_from"]
    assert found.startswith("first:")


def test_a_failure_is_computed_again(runs: Runs) -> None:
    pool = waters(2)
    smaller = Structure(pool[1].lattice, ["O", "H", "H"], pool[1].positions[:3], {"Z": 1}, "smaller")
    runs.tallied.refused = 3
    calls, record = runs.run("first", [pool[0], smaller])
    assert (calls, record["failed_items"]) == (2, 1)
    assert runs.database.engine_results.count_documents({}) == 1
    shutil.rmtree(runs.folder / "installed")
    runs.tallied.refused = 0
    calls, record = runs.run("second", [pool[0], smaller])
    assert (calls, record["failed_items"], words(record)) == (1, 0, ["2 evaluated, reused 1 of 2"])


def test_what_was_computed_by_a_deleted_run_is_not_found(runs: Runs) -> None:
    pool = waters(1)
    runs.run("first", pool)
    _, second = runs.run("second", pool)
    assert second["summaries"][STEPS[0]]["reused"]["number"] == 1
    farm = runs.farms[0]
    removed = delete_run(farm.launchpad, Catalogue(farm.database), "first")
    assert removed["engine_results"] == 1
    # What the second run has of it stays, and says whose it was.
    assert runs.database.structures.find_one({"run": "second"})["energies"]["single"]["reused_from"].startswith(
        "first:"
    )
    assert runs.run("third", pool)[0] == 1


def test_a_step_that_is_made_anew_finds_its_own(runs: Runs) -> None:
    """After `retry` the later steps begin again; what their items had computed is there."""
    pool = waters(2)
    smaller = Structure(pool[1].lattice, ["O", "H", "H"], pool[1].positions[:3], {"Z": 1}, "smaller")
    runs.tallied.refused = 3
    calls, record = runs.run("run", [*pool, smaller], BOTH)
    assert record["failed_items"] == 2
    shutil.rmtree(runs.folder / "installed")
    runs.tallied.refused = 0
    farm = runs.farms[0]
    retry_run(farm.launchpad, "run")
    kept = list(runs.database.engine_results.find({"step": STEPS[1]}))
    assert len(kept) == 2 and all(one["settled"] for one in kept)
    with installed(runs.folder / "installed", runs.tallied.package):
        launch(farm, "run")
    record = runs.database.runs.find_one({"_id": "run"})
    assert record["state"] == "finished" and record["summaries"][STEPS[1]]["reused"] == {"number": 2, "of": 3}
    assert 2 <= runs.tallied.calls() < calls


def launch(farm: InProcess, run: str) -> None:
    """Launch a run's fireworks in a process of its own, to the end."""
    about = SimpleNamespace(uri=farm.uri, run=run, folder=farm.folder, outputs=lambda: "")
    recover(farm.launchpad, run, grace_seconds=0)
    assert survives("launch", about, 10**6)


AT = {
    "before the result": "genarris_fw.catalogue.engine_results:EngineResults.write",
    "before the commit": "genarris_fw.catalogue.work_items:WorkItems.commit",
}
WHILE_REUSING = {
    "before it looks": "genarris_fw.catalogue.engine_results:EngineResults.find",
    "before the energies": "genarris_fw.catalogue.structures:Structures.set_fields",
    "before the commit": "genarris_fw.catalogue.work_items:WorkItems.commit",
}


def prepared(runs: Runs, run: str, pool: Sequence[Structure], reuse: bool) -> InProcess:
    """Add a run of single points, which rockets are to carry out."""
    farm = runs.prepared(run, pool)
    conf = farm.folder / "ui.conf"
    conf.write_text(CONF.format(procedures=SINGLE, run=run, reuse=reuse))
    add_run(farm.launchpad, load(conf))
    return farm


def killed(runs: Runs, run: str, pool: Sequence[Structure], function: str, reuse: bool) -> InProcess:
    """Begin a run with a rocket that dies where a function is called; return its folder and database."""
    farm = prepared(runs, run, pool, reuse)
    assert killed_at(function, farm.uri, run, farm.folder)
    return farm


@pytest.mark.parametrize("function", AT.values(), ids=AT)
def test_killed_while_it_computes(runs: Runs, function: str) -> None:
    """What was not committed is not found; afterwards there is a result of each item, of the claim that counts."""
    with installed(runs.folder / "installed", runs.tallied.package):
        farm = killed(runs, "run", waters(3), function, reuse=True)
        results = Catalogue(farm.database).engine_results
        left = list(runs.database.engine_results.find())
        assert len(left) == (1 if function == AT["before the commit"] else 0)  # it claims one item at first
        assert [results.find(one["digest"]) for one in left] == [None] * len(left)
        launch(farm, "run")
    assert runs.tallied.calls() == 4  # the killed rocket's call was for nothing
    assert runs.database.runs.find_one({"_id": "run"})["summaries"][STEPS[0]]["reused"] == {"number": 0, "of": 3}
    done = {item["_id"]: item["token"] for item in runs.database.work_items.find({"state": "done"})}
    assert len(done) == 3 and {one["_id"]: one["token"] for one in runs.database.engine_results.find()} == done


@pytest.mark.parametrize("function", WHILE_REUSING.values(), ids=WHILE_REUSING)
def test_killed_while_it_reuses(runs: Runs, function: str) -> None:
    pool = waters(3)
    assert runs.run("first", pool)[0] == 3
    with installed(runs.folder / "installed", runs.tallied.package):
        launch(killed(runs, "second", pool, function, reuse=True), "second")
    assert runs.tallied.calls() == 0
    assert runs.database.runs.find_one({"_id": "second"})["summaries"][STEPS[0]]["reused"] == {"number": 3, "of": 3}
    assert {one["run"] for one in runs.database.engine_results.find()} == {"first"}


def test_a_result_counts_when_its_item_is_done_under_its_token(runs: Runs) -> None:
    runs.run("first", waters(1))
    catalogue = Catalogue(runs.database)
    [result] = runs.database.engine_results.find()
    assert catalogue.engine_results.find(result["digest"])["_id"] == result["_id"]
    for change in ({"state": "leased"}, {"state": "waiting"}, {"state": "failed"}, {"token": result["token"] + 1}):
        before = runs.database.work_items.find_one({"_id": result["_id"]})
        runs.database.work_items.update_one({"_id": result["_id"]}, {"$set": change})
        assert catalogue.engine_results.find(result["digest"]) is None
        runs.database.work_items.replace_one({"_id": result["_id"]}, before)
    # One of an older token, of a rocket that woke up, changes nothing.
    late = {name: value for name, value in result.items() if name not in ("_id", "run", "step", "token")}
    catalogue.engine_results.write("first", STEPS[0], [(late | {"energy": 1e9}, "water_0000", result["token"] - 1)])
    assert list(runs.database.engine_results.find()) == [result]


def test_two_runs_that_computed_the_same(runs: Runs) -> None:
    """Each has its own result; what is deleted with one of them is there by the other."""
    pool = waters(1)
    runs.run("first", pool)
    runs.run("second", pool, reuse=False)
    first, second = runs.database.engine_results.find().sort("computed", 1)
    assert first["digest"] == second["digest"] and first["_id"] != second["_id"]
    farm = runs.farms[0]
    delete_run(farm.launchpad, Catalogue(farm.database), "first")
    assert runs.run("third", pool)[0] == 0
    assert np.isclose(first["energy"], second["energy"])


def test_two_runs_at_a_time(runs: Runs) -> None:
    """Of each structure one or both compute it; neither fails, and what was not computed was there."""
    pool, names = waters(8), ("one", "other")
    with installed(runs.folder / "installed", runs.tallied.package):
        farms = [prepared(runs, name, pool, reuse=True) for name in names]
        both = [
            FORKS.Process(target=live, args=("launch", runs.uri, name, str(farm.folder), 10**6, False))
            for name, farm in zip(names, farms)
        ]
        for process in both:
            process.start()
        for process in both:
            process.join()
    assert [process.exitcode for process in both] == [0, 0]
    records = [runs.database.runs.find_one({"_id": name}) for name in names]
    assert [(record["state"], record["failed_items"]) for record in records] == [("finished", 0)] * 2
    reused = sum(record["summaries"][STEPS[0]]["reused"]["number"] for record in records)
    assert runs.tallied.calls() == runs.database.engine_results.count_documents({}) == 16 - reused
    assert len(runs.database.engine_results.distinct("digest")) == 8
