"""What a procedure asks a queue for gets into the job script, and what has a category is done by its rockets."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from command import start
from fireworks import Firework, Workflow
from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter
from killing import Farm, expected
from ruamel.yaml import YAML
from sleepy import Sleepy, sleepy_workflow
from ui_conf import ROBUST, generation, resolve

from genarris_fw.declaring.door import OPTIONS
from genarris_fw.farm.launch.launcher_files import EXAMPLE, launcher_files
from genarris_fw.farm.resources import clock, inherited_spec, queue_spec, queue_type_of, replica_cores, spec_of
from genarris_fw.farm.sides import add_sides, add_workflows, side_firework
from genarris_fw.farm.workflow import build_workflow

ASKED = {"walltime": 2 * 86400, "memory": 4001, "queue": "long", "account": "me", "category": "dear"}
# What stands in the job script of a replica with four cores.
LINES = {
    "SLURM": {
        *("--nodes=1", "--ntasks=1", "--ntasks-per-node=1", "--cpus-per-task=4", "--time=48:00:00"),
        *("--partition=long", "--account=me", "--mem=4001M"),
    },
    "PBS": {"-l nodes=1:ppn=4", "-l walltime=48:00:00", "-q long", "-A me", "-l pmem=1001mb"},
    "SGE": {"-q long", "-A me", "-pe smp 4", "-l h_rt=48:00:00", "-l h_vmem=1001M"},
}
MARKS = {"SLURM": "#SBATCH ", "PBS": "#PBS ", "SGE": "#$ "}
OF_THE_JOB = ("--job-name", "--output", "--error", "--signal", "-N ", "-o ", "-e ", "-S ", "-notify")


def adapter(kind: str, folder: Path) -> CommonAdapter:
    """Return the adapter that ``genarris-fw init`` writes, with words that the user has put in besides."""
    files = launcher_files(EXAMPLE, kind.lower())
    record = YAML(typ="safe").load(files["my_qadapter_reserve.yaml"])
    if kind == "SLURM":
        record |= {"ntasks": 16, "mem_per_cpu": "1G"}
    elif kind == "PBS":
        record["mppwidth"] = 16
    else:
        (folder / "sge_template.txt").write_text(files["sge_template.txt"])
        record["_fw_template_file"] = str(folder / "sge_template.txt")
    return CommonAdapter.from_dict(record)


def asked_for(script: str, kind: str) -> set[str]:
    lines = {line.removeprefix(MARKS[kind]) for line in script.splitlines() if line.startswith(MARKS[kind])}
    return {line for line in lines if not line.startswith(OF_THE_JOB)}


@pytest.mark.parametrize("kind", LINES)
def test_job_script(kind, tmp_path) -> None:
    found = adapter(kind, tmp_path)
    found.update(queue_spec(ASKED, 4, kind))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no word that the template does not have
        script = found.get_script_str(str(tmp_path))
    assert asked_for(script, kind) == LINES[kind]


@pytest.mark.parametrize("kind", LINES)
def test_job_script_where_the_kind_of_queue_was_not_known(kind, tmp_path) -> None:
    found = adapter(kind, tmp_path)
    found.update(queue_spec(ASKED, 4))
    with pytest.warns(UserWarning, match="not present in template"):
        script = found.get_script_str(str(tmp_path))
    assert asked_for(script, kind) == LINES[kind]


@pytest.mark.parametrize("kind", [*LINES, None])
def test_what_is_not_given_is_left_to_the_adapter(kind, tmp_path) -> None:
    assert queue_spec({"walltime": None, "queue": None}, None, kind) == {}
    assert spec_of({"category": "cheap"}, None, kind) == {"_category": "cheap"}
    assert spec_of({"queue": "q"}, None, kind) == {"_queueadapter": {"queue": "q"}}
    if kind:
        found, before = adapter(kind, tmp_path), adapter(kind, tmp_path).get_script_str(str(tmp_path))
        found.update(queue_spec({"walltime": 60}, None, kind))
        changed = asked_for(found.get_script_str(str(tmp_path)), kind) ^ asked_for(before, kind)
        assert changed and all("00:01:00" in line or "24:00:00" in line for line in changed)


def test_times_as_every_queue_reads_them() -> None:
    assert [clock(seconds) for seconds in (1, 3599, 3600, 360001)] == ["00:00:01", "00:59:59", "01:00:00", "100:00:01"]


def test_memory_of_a_replica_by_the_core() -> None:
    assert queue_spec({"memory": 4001}, None, "PBS") == {"pmem": "4001mb"}
    assert queue_spec({"memory": 4001}, 4, "PBS")["pmem"] == "1001mb"


@pytest.mark.parametrize(
    ("procedure", "given", "cores"),
    [
        ("Run_Rdf_Calc", {}, None),
        ("Run_Rdf_Calc", {"num_cores": 56}, 56),
        ("Run_Rdf_Calc", {"num_cores": 56, "num_replicas": 4}, 14),
        ("Run_Rdf_Calc", {"num_cores": 2, "num_replicas": 4}, 1),
        ("Run_Rdf_Calc", {"num_replicas": 4}, None),
        ("Run_Rdf_Calc", {"omp_num_threads": 3, "num_replicas": 4}, 3),
        ("Run_Rdf_Calc", {"num_cores": 4, "num_replicas": 4, "omp_num_threads": 2}, 2),
        # The manual's example: 56 ranks of two threads are 28 replicas here.
        ("Pygenarris_Structure_Generation", {"num_cores": 56, "omp_num_threads": 2}, 2),
        ("Pygenarris_Structure_Generation", {"num_cores": 56}, 1),
        ("Pygenarris_Structure_Generation", {"num_cores": 1, "omp_num_threads": 2}, 2),
    ],
)
def test_a_replicas_share_of_the_cores(procedure, given, cores) -> None:
    defaults = {"num_cores": None, "num_replicas": 1, "omp_num_threads": 1}
    origins = {name: "ui.conf line 9" if name in given else "default" for name in defaults}
    options = OPTIONS.load(procedure).resolved(defaults | given)
    assert replica_cores(options, origins) == cores


# ---- in the workflow


def fireworks_of(workflow: Workflow) -> dict[str, Firework]:
    return {firework.name: firework for firework in workflow.fws}


def test_a_workflow_asks_for_nothing_that_was_not_given(tmp_path) -> None:
    workflow = build_workflow(resolve(tmp_path, ROBUST))
    assert not [fw.name for fw in workflow.fws if {"_queueadapter", "_category"} & set(fw.spec)]


def test_every_firework_of_a_step_asks_for_it(tmp_path) -> None:
    (tmp_path / "my_qadapter.yaml").write_text("_fw_name: CommonAdapter\n_fw_q_type: SLURM\n")
    more = "walltime = 4 h\nnum_cores = 8\nnum_replicas = 2\ncategory = dear\n"
    workflow = build_workflow(resolve(tmp_path, generation(more, master="account = me\nwalltime = 1 h")))
    workflow.to_file(str(tmp_path / "workflow.yaml"), f_format="yaml")
    read = fireworks_of(Workflow.from_file(str(tmp_path / "workflow.yaml")))
    found = {name: firework.spec for name, firework in read.items()}
    for name in ("begin", "finish"):
        assert found[name]["_queueadapter"] == {"walltime": "01:00:00", "account": "me"}
        assert "_category" not in found[name]
    for role in ("plan", "gate"):
        spec = found[f"pygenarris_structure_generation {role}"]
        assert spec["_category"] == "dear"
        assert spec["_queueadapter"] == {
            **{"walltime": "04:00:00", "account": "me"},
            **{"nodes": 1, "ntasks": 1, "ntasks_per_node": 1, "cpus_per_task": 4},
        }


def test_the_kind_of_queue_is_the_folders(tmp_path) -> None:
    assert queue_type_of(tmp_path) is None
    for text, kind in {
        "_fw_q_type: PBS\n": "PBS",
        "_fw_q_type: 3\n": None,
        "- a list\n": None,
        "{ broken": None,
        "[[]]: null\n_fw_q_type: PBS\n": None,
        "[" * 5000: None,
        "": None,
    }.items():
        (tmp_path / "my_qadapter.yaml").write_text(text)
        assert queue_type_of(tmp_path) == kind, text


# ---- in the database


def categorised(farm: Farm, step: str, extra: dict, **settings: object) -> None:
    """Add a sleepy run, one step of which asks for something."""
    workflow = sleepy_workflow(farm.run, farm.folder, **settings)
    for firework in workflow.fws:
        if firework.name.startswith(step):
            firework.spec |= extra
    add_workflows(farm.launchpad, [workflow])


def test_sides_ask_for_what_the_plan_asks_for_now(farm) -> None:
    categorised(farm, "sleepy_0", spec_of(ASKED, 4, "SLURM"))
    plan = farm.launchpad.fireworks.find_one({"name": "sleepy_0 plan"}, {"fw_id": 1})["fw_id"]
    farm.launchpad.update_spec([plan], {"_queueadapter.queue": "short"}, mongo=False)
    task = Sleepy(run=farm.run, step="sleepy_0", role="plan")
    task.fw_id = plan
    assert add_sides(farm.launchpad, task, 2) == 2
    sides = [record["spec"] for record in farm.launchpad.fireworks.find({"name": "sleepy_0 side"})]
    expected = queue_spec(ASKED | {"queue": "short"}, 4, "SLURM")
    assert [(spec["_category"], spec["_queueadapter"]) for spec in sides] == [("dear", expected)] * 2
    # Those whose fireworks were lost with a killed plan too.
    farm.launchpad.fireworks.delete_many({"name": "sleepy_0 side"})
    assert add_sides(farm.launchpad, task, 2) == 0
    sides = list(farm.launchpad.fireworks.find({"name": "sleepy_0 side"}))
    assert [side["spec"]["_queueadapter"] for side in sides] == [expected] * 2
    # A successor asks for the same, and has the priority and the run of a side.
    successor = side_firework(farm.run, "sleepy_0", Sleepy, inherited_spec(farm.launchpad, sides[0]["fw_id"]))
    old = {key: value for key, value in sides[0]["spec"].items() if key != "_tasks"}
    assert successor.name == "sleepy_0 side"
    assert {key: value for key, value in successor.spec.items() if key != "_tasks"} == old


def test_inherited_spec_of_nothing(farm) -> None:
    assert inherited_spec(farm.launchpad, None) == inherited_spec(farm.launchpad, 10**6) == {}


@pytest.mark.parametrize("kind", LINES)
def test_qlaunch_in_reservation_mode_submits_it(farm, kind) -> None:
    """FireWorks reserves the firework, writes the script and submits it: here to a command that only keeps it."""
    categorised(farm, "begin", spec_of(ASKED, 4, kind))
    submit = farm.folder / "submit"
    submit.write_text(f'#!/bin/sh\ncp "$1" {farm.folder}/job.sh && echo "Submitted batch job 7"\n')
    submit.chmod(0o755)
    record = adapter(kind, farm.folder).to_dict() | {"_q_commands_override": {"submit_cmd": str(submit)}}
    with (farm.folder / "my_qadapter.yaml").open("w") as file:
        YAML(typ="safe").dump(record, file)
    words = ("-l", str(farm.config), "-q", "my_qadapter.yaml", "-r", "singleshot")
    output, errors = start(*words, program="qlaunch", cwd=farm.folder).communicate(timeout=180)
    assert "Warning" not in errors, output + errors
    script = (farm.folder / "job.sh").read_text()
    reserved = farm.launchpad.fireworks.find_one({"state": "RESERVED"})
    assert reserved["name"] == "begin" and f" singleshot --fw_id {reserved['fw_id']}" in script
    assert asked_for(script, kind) == LINES[kind]


def test_a_category_is_worked_on_by_its_rockets_only(farm) -> None:
    """Two rockets of the category 'cheap' and one that takes only what has none."""
    categorised(farm, "sleepy_0", spec_of({"category": "cheap"}), items=40, replicas=3)
    farm.hold()
    names = []
    for number, category in enumerate(("cheap", "cheap", "__none__")):
        names.append(f"{category}-{number}")
        worker = farm.folder / f"my_fworker_{number}.yaml"
        worker.write_text(f"name: {names[-1]}\ncategory: {category}\nquery: '{{}}'\nenv: {{}}\n")
        farm.rlaunch("-w", str(worker), "rapidfire", "--nlaunches", "infinite", "--sleep", "1")
    farm.at_work(2)
    farm.let_go()
    assert farm.finish()["summaries"] == {"sleepy_0": expected(40), "sleepy_1": expected(40)}
    done_by: dict[str, set[str]] = {}
    for launch in farm.launchpad.launches.find({}, {"fw_id": 1, "fworker.name": 1}):
        name = farm.launchpad.fireworks.find_one({"fw_id": launch["fw_id"]}, {"name": 1})["name"]
        done_by.setdefault(name, set()).add(launch["fworker"]["name"])
    cheap = {name for name in done_by if name.startswith("sleepy_0")}
    assert cheap == {"sleepy_0 plan", "sleepy_0 gate", "sleepy_0 side"}
    assert set.union(*(done_by.pop(name) for name in cheap)) == {"cheap-0", "cheap-1"}
    assert {"begin", "sleepy_1 plan", "sleepy_1 gate", "finish"} <= set(done_by)
    assert set.union(*done_by.values()) == {"__none__-2"}
