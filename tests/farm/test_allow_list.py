"""Hostile documents: never checked out, never made into objects, and the user is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import encode
from command import genarris, one_line, urea_folder
from fireworks import Firework, FWorker, LaunchPad, PyTask, ScriptTask, Workflow
from fireworks.core.rocket_launcher import launch_rocket
from fireworks.utilities import fw_serializers
from killing import Farm, NoHeartbeat
from sleepy import Sleepy, sleepy_workflow

from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.database.launchpads import prepare
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.farm import allow_list, carry_out
from genarris_fw.farm.sides import add_workflows
from genarris_fw.farm.workflow import build_workflow
from genarris_fw.options import load

RUN = "nap"
TASK = "spec._tasks.0"
ALL = (
    "Relax_Single_Molecule",
    "Estimate_Unit_Cell_Volume",
    "Pygenarris_Structure_Generation",
    "Rigid_Press",
    "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters",
    "FHI_Aims_Energy_Evaluation",
    "Run_FHI_Aims_Batch",
)


@pytest.fixture(autouse=True)
def allowing(monkeypatch: pytest.MonkeyPatch):
    """Sleepy is allowed; what a test does to FireWorks is undone."""
    monkeypatch.setenv(allow_list.VARIABLE, "sleepy.Sleepy")
    monkeypatch.setattr(fw_serializers, "load_object", fw_serializers.load_object)
    monkeypatch.setattr(fw_serializers, "DECODE_MONTY", fw_serializers.DECODE_MONTY)
    allow_list.allowed_tasks.cache_clear()
    yield
    allow_list.allowed_tasks.cache_clear()


@pytest.fixture
def launchpad(database_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    pad = open_launchpad(database_uri)
    prepare(pad)
    yield pad
    pad.connection.close()


def worker() -> FWorker:
    return allow_list.AllowedOnly(query={"spec.run": RUN})


def add(pad: LaunchPad, firework: Firework) -> int:
    """Add a firework of the run as whoever can write the database would."""
    add_workflows(pad, [Workflow([firework], metadata={"run": RUN})])
    return int(pad.fireworks.find_one({}, {"fw_id": 1}, sort=[("fw_id", -1)])["fw_id"])


def change(pad: LaunchPad, fw_id: int, fields: dict[str, Any]) -> None:
    """Change a stored document."""
    pad.fireworks.update_one({"fw_id": fw_id}, {"$set": fields})


def test_the_names_are_those_that_fireworks_writes() -> None:
    registered = [PROCEDURES.load(name) for name in PROCEDURES.names()]
    assert len(registered) >= 12
    assert {task._fw_name for task in registered} <= allow_list.allowed_tasks()
    begin, finish = ("{{" + name + "}}" for name in allow_list.OWN)
    assert {task["_fw_name"] for firework in sleepy_workflow(RUN, Path()).fws
            for task in firework.to_dict()["spec"]["_tasks"]} == {begin, finish, "{{sleepy.Sleepy}}"}  # fmt: skip


def test_all_fireworks_of_a_real_run_are_allowed(launchpad: LaunchPad, tmp_path: Path) -> None:
    more = "".join(f"[{name.lower()}]\nnum_replicas = 2\ncalculator = moody:steady\n" for name in ALL[-2:])
    conf = urea_folder(tmp_path / "urea", procedures=ALL, run=RUN, more=more)
    conf.write_text(conf.read_text().replace("Genarris_master]", "Genarris_master]\nengine = ase"))
    workflow = build_workflow(load(conf), 2)
    add_workflows(launchpad, [workflow])
    number = launchpad.fireworks.count_documents({})
    assert number == len(workflow.fws) > len(ALL)
    assert launchpad.fireworks.count_documents(allow_list.allowed_query()) == number
    assert len(encode(allow_list.allowed_query())) < 16_000  # it travels with every checkout


def test_a_whole_run_with_sides_is_launched(farm: Farm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(carry_out, "Heartbeat", NoHeartbeat)
    farm.add(items=6, seconds=0.0, replicas=3)
    while launch_rocket(farm.launchpad, worker(), strm_lvl="CRITICAL"):
        pass
    farm.check(farm.catalogue.runs.get(RUN), items=6)
    assert allow_list.refused(farm.launchpad, RUN) == []
    # Fireworks that were launched, and may be run again, are still allowed; only the run is asked for in a launch.
    launched = {"launches": {"$ne": []}}
    number = farm.launchpad.fireworks.count_documents(launched)
    assert farm.launchpad.fireworks.count_documents(launched | allow_list.allowed_query()) == number >= 6
    assert farm.launchpad.launches.distinct("fworker.query") == ['{"spec.run": "nap"}']
    assert len(repr(worker().query)) < 500


def touch(path: Path) -> Firework:
    return Firework(PyTask(func="os.system", args=[f"touch {path}"]), spec={"run": RUN, "_priority": 99}, name="evil")


def test_a_hostile_firework_is_never_executed(farm: Farm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same firework does its damage under plain ``rlaunch``: the test can fail."""
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "mark"
    fw_id = add(farm.launchpad, touch(mark))
    assert not launch_rocket(farm.launchpad, worker(), strm_lvl="CRITICAL")
    assert farm.launchpad.fireworks.find_one({"fw_id": fw_id})["state"] == "READY" and not mark.exists()
    [line] = allow_list.refused(farm.launchpad, RUN)
    assert f"firework {fw_id} (evil)" in line and "PyTask" in line and "\n" not in line
    assert allow_list.refused(farm.launchpad, "another") == []
    farm.rlaunch("singleshot").wait()
    assert mark.exists()


def sleepy(**more: Any) -> Firework:
    spec = {"run": RUN, "_priority": 10, "_add_launchpad_and_fw_id": True} | more
    return Firework(Sleepy(run=RUN, step="sleepy_0", role="side"), spec=spec, name="sleepy_0 side")


BAD_SPECS: dict[str, dict[str, Any]] = {
    "_background_tasks": {"_background_tasks": [{"_fw_name": "BackgroundTask", "tasks": []}]},
    "_dupefinder": {"_dupefinder": {"_fw_name": "DupeFinderExact"}},
    "_trackers": {"_trackers": [{"filename": "/etc/passwd", "nlines": 25}]},
    "_files_in": {"_files_in": {"a": "/root/.bashrc"}, "_files_prev": {"a": "/tmp/evil"}},
    "_launch_dir": {"_launch_dir": "/root/evil"},
    "_recovery": {"_recovery": {"_prev_dir": "/", "_mode": "cp", "_task_n": 0}},
    "@class": {"@module": "os", "@class": "system"},
    "_fw_name": {"_fw_name": "{{os.system}}"},
    "innocent": {"innocent": {"_fw_name": "{{subprocess.Popen}}"}},
    "_queueadapter.a": {"_queueadapter": {"a": {"@module": "os", "@class": "system"}}},
    "_priority": {"_priority": {"_fw_name": "{{os.system}}"}},
}


@pytest.mark.parametrize("kind", BAD_SPECS)
def test_a_spec_that_names_code_or_files(launchpad: LaunchPad, kind: str) -> None:
    fw_id = add(launchpad, sleepy())
    assert launchpad.fireworks.count_documents(allow_list.allowed_query()) == 1
    change(launchpad, fw_id, {f"spec.{key}": value for key, value in BAD_SPECS[kind].items()})
    assert launchpad.checkout_fw(worker(), ".") == (None, None)
    [line] = allow_list.refused(launchpad, RUN)
    assert kind in line and str(fw_id) in line


BAD_TASKS: dict[str, dict[str, Any]] = {
    "{{os.system}}": {f"{TASK}._fw_name": "{{os.system}}"},
    "ScriptTask": {f"{TASK}._fw_name": "ScriptTask"},
    "genarris_fw.database.server.Server": {f"{TASK}._fw_name": "{{genarris_fw.database.server.Server}}"},
    "Procedure": {f"{TASK}._fw_name": "{{genarris_fw.procedures.kit.base.Procedure}}"},
    "PyTask": {"spec._tasks.1": {"_fw_name": "PyTask", "func": "os.system", "args": ["true"]}},
    "step": {f"{TASK}.step": {"_fw_name": "{{os.system}}"}},
    "record.steps": {f"{TASK}.record": {"steps": {"a": {"@module": "os", "@class": "system"}}}},
    "rows": {f"{TASK}.record": {"rows": [[{"_fw_name": "{{os.system}}"}]]}},
    "record.options.steps.0.options.x": {
        f"{TASK}.record": {"options": {"steps": [{"options": {"x": {"_fw_name": "{{os.system}}"}}}]}}
    },
    "name": {"name": {"_fw_name": "{{os.system}}"}},
    "launches": {"launches": [{"_fw_name": "{{os.system}}"}]},
    "no Firetasks": {"spec._tasks": []},
}


@pytest.mark.parametrize("kind", BAD_TASKS)
def test_a_document_that_names_code(launchpad: LaunchPad, kind: str) -> None:
    fw_id = add(launchpad, sleepy())
    change(launchpad, fw_id, BAD_TASKS[kind])
    assert launchpad.checkout_fw(worker(), ".") == (None, None)
    [line] = allow_list.refused(launchpad, RUN)
    assert kind in line and str(fw_id) in line and "\n" not in line


def test_the_others_of_the_run_go_on(launchpad: LaunchPad, tmp_path: Path) -> None:
    add(launchpad, Firework(ScriptTask.from_str(f"touch {tmp_path}/mark"), spec={"run": RUN, "_priority": 1000}))
    good = add(launchpad, sleepy())
    firework, _ = launchpad.checkout_fw(worker(), str(tmp_path))
    assert firework.fw_id == good


BOMB = """
from pathlib import Path
from fireworks import FiretaskBase, explicit_serialize
Path({mark!r}).touch()
@explicit_serialize
class Bomb(FiretaskBase):
    def run_task(self, spec): pass
"""


@pytest.mark.parametrize("how", ["firework", "launch", "monty"])
def test_nothing_is_made_from_a_document(
    launchpad: LaunchPad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A module that does its damage when it is imported: FireWorks alone would, our processes do not."""
    monkeypatch.syspath_prepend(str(tmp_path))
    # As in a process of which nobody has asked anything: another test may have.
    load = fw_serializers.load_object
    monkeypatch.setattr(fw_serializers, "load_object", getattr(load, "__wrapped__", load))
    monkeypatch.setattr(fw_serializers, "DECODE_MONTY", True)
    fw_id = add(launchpad, sleepy())
    _, launch_id = launchpad.checkout_fw(worker(), str(tmp_path))

    def read(name: str) -> Path:
        mark = tmp_path / f"{name}.mark"
        (tmp_path / f"{name}.py").write_text(BOMB.format(mark=str(mark)))
        bomb: dict[str, Any] = {"_fw_name": f"{{{{{name}.Bomb}}}}"}
        if how == "monty":
            bomb = {"@module": name, "@class": "Bomb"}
        if how == "launch":
            action = {"stored_data": {"x": bomb}, "exit": False, "update_spec": {}, "mod_spec": [], "additions": []}
            launchpad.launches.update_one(
                {"launch_id": launch_id}, {"$set": {"action": action | {"detours": [], "defuse_children": False}}}
            )
        else:
            change(launchpad, fw_id, {"spec.innocent": bomb})
        try:
            launchpad.get_fw_by_id(fw_id)
        except RunFailed as error:
            assert f"{name}.Bomb" in str(error)
        return mark

    assert read(f"bomb_{how}_plain").exists()
    allow_list.enforce()
    allow_list.enforce()
    assert not read(f"bomb_{how}_fenced").exists()


def test_allowed_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(allow_list.VARIABLE, "one.Task, package.two.Task")
    allow_list.allowed_tasks.cache_clear()
    assert {"{{one.Task}}", "{{package.two.Task}}"} <= allow_list.allowed_tasks()
    assert "{{sleepy.Sleepy}}" not in allow_list.allowed_tasks()
    monkeypatch.setenv(allow_list.VARIABLE, "PyTask")
    allow_list.allowed_tasks.cache_clear()
    with pytest.raises(InputError, match=r"'PyTask' is no module\.Class"):
        allow_list.allowed_tasks()


def test_the_command_says_what_it_does_not_execute(database_uri: str, launchpad: LaunchPad, tmp_path: Path) -> None:
    """A hostile firework beside a run: one line tells of it at once; without it the same command goes on."""
    conf = urea_folder(tmp_path / "urea", run=RUN)
    words = ("run", str(conf), "--workers", "1", "--uri", database_uri)
    assert genarris("add", str(conf), "--uri", database_uri, cwd=tmp_path).returncode == 0
    mark = tmp_path / "mark"
    fw_id = add(launchpad, touch(mark))
    result = genarris(*words, cwd=tmp_path, timeout=180)
    assert result.returncode != 0
    line = one_line(result.stderr)
    assert f"firework {fw_id} (evil)" in line and "PyTask is not a registered procedure" in line
    launchpad.fireworks.update_one({"fw_id": fw_id}, {"$set": {"state": "ARCHIVED"}})
    result = genarris(*words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert launchpad.db["runs"].find_one({"_id": RUN})["state"] == "finished" and not mark.exists()


def test_rockets_go_on_beside_a_hostile_firework(database_uri: str, launchpad: LaunchPad, tmp_path: Path) -> None:
    conf = urea_folder(tmp_path / "urea", run=RUN)
    assert genarris("add", str(conf), "--uri", database_uri, cwd=tmp_path).returncode == 0
    mark = tmp_path / "mark"
    fw_id = add(launchpad, touch(mark))
    result = genarris("rockets", RUN, "--uri", database_uri, cwd=tmp_path, timeout=180)
    assert result.returncode == 0, result.stderr
    assert launchpad.db["runs"].find_one({"_id": RUN})["state"] == "finished" and not mark.exists()
    assert launchpad.fireworks.find_one({"fw_id": fw_id})["state"] == "READY"
