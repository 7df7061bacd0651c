"""Workflows that somebody deletes, archives or resets with ``lpad``: no result is lost, and the run goes on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from command import finish, start, urea_folder
from databases import new_database
from fireworks import FWorker
from fireworks.core.rocket_launcher import launch_rocket
from in_process import InProcess
from pymongo.database import Database

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.main import cli
from genarris_fw.errors import GenarrisError, RunFailed
from genarris_fw.farm.fireworks import workflows
from genarris_fw.farm.launch import rockets
from genarris_fw.farm.repair.deleted import restore_deleted_sides
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.retrying import retry_run
from genarris_fw.farm.workflow import add_run
from genarris_fw.options import load

STEPS = ("Pygenarris_Structure_Generation", "Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters")
MORE = "num_replicas = 3\n[run_rdf_calc]\n[affinity_propagation_fixed_clusters]\nnum_of_clusters = 3\n"
RUN = "urea"
TODAY = "TODAY"


def conf_in(folder: Path, more: str = MORE) -> Path:
    return urea_folder(folder, procedures=STEPS, number=8, groups="[2, 4, 14]", more=more)


def lpad(site: InProcess, *words: str) -> None:
    """Call the real ``lpad``."""
    file = site.folder / "my_launchpad.yaml"
    file.write_text(f"host: '{site.uri}'\nname: {site.launchpad.name}\nuri_mode: true\n")
    said = [date.today().isoformat() if word == TODAY else word for word in words]
    done = finish(start("-l", str(file), *said, program="lpad", cwd=site.folder), 60)
    assert done.returncode == 0, done.stdout + done.stderr


def launch_some(number: int):
    def launch(launchpad, run: str) -> None:
        for _ in range(number):
            assert launch_rocket(launchpad, FWorker(query={"spec.run": run}), strm_lvl="CRITICAL")

    return launch


def command(*words: str) -> Any:
    """Call a command in this process; return what click says of it."""
    done = CliRunner().invoke(cli, words)
    assert done.exception is None or isinstance(done.exception, GenarrisError | SystemExit), repr(done.exception)
    return done


def pools(database: Database) -> dict[str, list]:
    """Return what a run has made: of every structure where it is and what it is."""
    about = {"struct_id": 1, "lattice": 1, "positions": 1, "properties": 1, "pools": 1, "_id": 0}
    found = database.structures.find({"run": RUN}, about).sort("struct_id", 1)
    return {record["struct_id"]: [str(record.get(name)) for name in sorted(about)] for record in found}


@pytest.fixture(scope="module")
def undisturbed(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    with new_database(mongod) as uri:
        site = InProcess(uri, tmp_path_factory.mktemp("undisturbed"))
        site.run(conf_in(site.folder).read_text())
        found = pools(site.database)
        site.close()
    assert len(found) >= 8
    return found


@pytest.fixture
def site(database_uri: str, tmp_path: Path):
    site = InProcess(database_uri, tmp_path / "site")
    yield site
    site.close()


@pytest.mark.parametrize(
    ("launches", "words"),
    [
        (1, ("delete_wflows", "-i", "1")),  # begun, nothing planned
        (2, ("archive_wflows", "-i", "1")),  # planned
        (4, ("delete_wflows", "-n", "a name that no workflow has")),  # FireWorks ignores it: everything
        (6, ("reset", "--password", TODAY)),
    ],
)
def test_it_goes_on_from_what_is_done(
    site: InProcess, undisturbed: dict[str, list], launches: int, words: Sequence[str]
) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(launches))
    before = site.database.runs.find_one({"_id": RUN})
    done = list(site.database.work_items.find({"run": RUN, "state": "done"}).sort("_id", 1))
    lpad(site, *words)

    found = json.loads(command("status", RUN, "--json", "--uri", site.uri).output)
    assert (found["state"], found["workflow"]) == ("without workflow", False)
    told = " ".join(command("status", RUN, "--uri", site.uri).output.split())
    assert "its workflow is gone from the LaunchPad (deleted or archived): genarris-fw run ui.conf (or add)" in told
    assert "delete urea" not in told

    after = site.run(conf.read_text())
    assert after["state"] == "finished"
    assert pools(site.database) == undisturbed
    for name, summary in before["summaries"].items():
        assert after["summaries"][name] == summary
        assert after["steps"][name] == before["steps"][name]  # times, too: it was not collected again
    ids = [record["_id"] for record in done]
    assert list(site.database.work_items.find({"_id": {"$in": ids}}).sort("_id", 1)) == done
    recover(site.launchpad, RUN, grace_seconds=0)
    chain = workflows.chain(site.database, RUN)
    assert chain is not None and set(chain.states.values()) == {"COMPLETED"}
    assert site.database.leases.count_documents({"run": RUN, "owner": {"$exists": True}}) == 0


def test_a_finished_run_is_finished(site: InProcess) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text())
    before = pools(site.database)
    lpad(site, "delete_wflows", "-i", "1")
    assert not add_run(site.launchpad, load(conf))
    done = command("run", str(conf), "--uri", site.uri)
    assert done.exit_code == 0, done.output
    assert "run 'urea' is finished: nothing to do" in done.output
    assert "run 'urea' is finished" in command("add", str(conf), "--uri", site.uri).output
    assert workflows.chain(site.database, RUN) is None
    found = json.loads(command("status", RUN, "--json", "--uri", site.uri).output)
    assert (found["state"], found["workflow"]) == ("finished", False)
    assert pools(site.database) == before
    # Other options: what the advice would remove is said.
    conf.write_text(conf.read_text().replace("seed = 7", "seed = 8"))
    refused = command("run", str(conf), "--uri", site.uri)
    assert refused.exit_code != 0
    assert f"genarris-fw delete urea (which removes it with its {len(before)} structures)" in str(refused.exception)


def test_its_sides_come_back(site: InProcess) -> None:
    """Deleted with the chain by their names, or alone."""
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(2))  # begin and plan
    query = {"spec.run": RUN, "name": {"$regex": "side$"}, "state": "READY"}
    sides = site.launchpad.get_fw_ids(query)
    assert len(sides) == 2
    lpad(site, "delete_wflows", "-i", ",".join(map(str, sides)))
    assert site.launchpad.get_fw_ids(query) == []
    assert restore_deleted_sides(site.launchpad, RUN) == 2
    assert restore_deleted_sides(site.launchpad, RUN) == 0
    lpad(site, "delete_wflows", "-n", "all of them")
    site.run(conf.read_text(), launch=launch_some(2))
    assert len(site.launchpad.get_fw_ids(query)) == 2
    assert site.run(conf.read_text())["state"] == "finished"


def test_a_side_that_is_lost_with_its_firework_is_over(site: InProcess) -> None:
    """Its lease would be found expired for ever, and `status` would advise `recover`, which finds no firework."""
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(2))
    [side, _] = sorted(site.launchpad.get_fw_ids({"spec.run": RUN, "name": {"$regex": "side$"}}))
    leases = Catalogue(site.database).leases
    leases.take(RUN, "pygenarris_structure_generation", "side", side, 1, "node:1:1:1:gone", -1)
    lpad(site, "delete_wflows", "-i", str(side))
    recover(site.launchpad, RUN)
    assert leases.expired(RUN) == leases.holders(RUN) == []


def test_failed_items_are_retried_without_a_workflow(site: InProcess) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text())
    wanted = pools(site.database)
    items = site.database.work_items
    item = items.find_one({"run": RUN, "step": "run_rdf_calc"})
    items.update_one({"_id": item["_id"]}, {"$set": {"state": "failed"}})
    lpad(site, "delete_wflows", "-i", "1")
    assert retry_run(site.launchpad, RUN) == (1, "run_rdf_calc")
    assert site.run(conf.read_text())["state"] == "finished"
    assert pools(site.database) == wanted


def test_deleted_while_rockets_are_at_work(farm) -> None:
    """The same workflow, added by plain ``lpad add``, takes the run over; what plain ``rlaunch`` had done counts."""
    farm.add(replicas=2)
    old = [farm.rlaunch("rapidfire", "--nlaunches", "0", "--sleep", "1") for _ in range(2)]
    farm.holder("gate")
    for workflow in list(workflows.of_run(farm.launchpad.db, farm.run)):
        farm.launchpad.delete_wf(workflow.nodes[0])
    farm.add(replicas=2)
    for _ in range(2):
        farm.rlaunch("rapidfire", "--nlaunches", "infinite", "--sleep", "1")
    farm.check(farm.finish())
    for process in old:
        process.wait(timeout=60)


def test_the_command_that_carries_it_out_says_so(site: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(3))
    monkeypatch.setattr(rockets, "LOOK_EVERY", 0.0)

    def deleted(*_: object) -> None:
        workflows.remove(site.database, workflows.chain(site.database, RUN))

    words = "its workflow was deleted or archived .* run the same command again to add it anew"
    with (
        rockets.Rockets(site.launchpad, RUN, site.folder, 0) as watched,
        pytest.raises(RunFailed, match=re.compile(words)),
    ):
        watched.watch(deleted)


def test_a_run_that_somebody_put_to_rest_says_how_it_is_woken(site: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """`defuse_wflows` pauses, in FireWorks 2.1.4."""
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(3))
    lpad(site, "defuse_wflows", "-i", "1")
    site.launchpad.db.fireworks.delete_many({"spec.run": RUN, "name": {"$regex": "side$"}, "state": "READY"})
    monkeypatch.setattr(rockets, "STANDSTILL_SECONDS", -1.0)
    with rockets.Rockets(site.launchpad, RUN, site.folder, 0) as watched, pytest.raises(RunFailed) as stop:
        watched.watch(lambda _: None)
    told = re.search("wake them with `lpad ([^`]*)` and run the same command again", str(stop.value))
    assert told and "PAUSED" in told[1], stop.value
    lpad(site, *shlex.split(told[1]))
    assert site.run(conf.read_text())["state"] == "finished"


def test_workers_that_die_again_and_again(site: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(1))
    monkeypatch.setattr(rockets, "MOST_RESTARTS", 2)
    monkeypatch.setattr(rockets, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(rockets.sys, "executable", "/bin/false")
    words = re.compile(
        "its workers died 3 times, so this command gives up; see why in .*worker-0.log.* it goes on from"
    )
    with rockets.Rockets(site.launchpad, RUN, site.folder, 1) as watched, pytest.raises(RunFailed, match=words):
        watched.watch(lambda _: None)


def test_rockets_do_not_wait_for_ever(site: InProcess) -> None:
    conf = conf_in(site.folder)
    site.run(conf.read_text(), launch=launch_some(2))
    lpad(site, "archive_wflows", "-i", "1")
    done = command("rockets", RUN, "--uri", site.uri, "--dir", str(site.folder))
    assert "its workflow was deleted or archived" in str(done.exception)
    assert "genarris-fw run ui.conf, or add, goes on" in command("recover", RUN, "--no-wait", "--uri", site.uri).output
