"""Folders that were moved or copied, as their user meets them: what goes on where, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from command import genarris, one_line, start, urea_folder
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import launchpad, prepare
from genarris_fw.database.server import Server
from genarris_fw.errors import InputError
from genarris_fw.farm.moving import settle
from genarris_fw.farm.workflow import add_run
from genarris_fw.options import load
from genarris_fw.owner import owner_name

FOUR = (
    "Pygenarris_Structure_Generation",
    "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters",
    "FHI_Aims_Energy_Evaluation",
)
HELD = """
[run_rdf_calc]
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 4
num_of_clusters_tolerance = 2
output_without_success = True
exemplars_output_dir = exemplars
[fhi_aims_energy_evaluation]
engine = ase
calculator = moody:held
output_dir = with_energies
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder called `one` with a run of four steps, named after its folder; the last step can be held up."""
    conf = urea_folder(tmp_path / "one", procedures=FOUR, more=HELD)
    conf.write_text(conf.read_text().replace("run_name = urea\n", ""))
    yield conf.parent
    for place in tmp_path.iterdir():
        if place.is_dir():
            Server(place).stop(force=True)


def in_the_last_step(folder: Path) -> subprocess.Popen:
    """Start the run of a folder and wait until its rockets are at the energies."""
    (folder.parent / "hold").touch()
    process = start("run", "ui.conf", "--workers", "2", "--quiet", cwd=folder, MOODY_HOLD=str(folder.parent / "hold"))
    for _ in range(1200):
        # The clustering is over, and an energy is being computed.
        if (folder / "exemplars").is_dir() and "fhi_aims" in "".join(p.read_text() for p in folder.glob("logs/*.log")):
            return process
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the run does not reach its last step")


def documents(uri: str, collection: str) -> list[dict]:
    with MongoClient(uri) as client:
        return list(client.get_default_database()[collection].find({}))


def test_a_moved_run_goes_on_where_its_ui_conf_is_and_a_copy_is_a_run_of_its_own(folder: Path) -> None:
    """No run_name is given, so that the folder's new name would name another run."""
    one, two, three = (folder.parent / name for name in ("one", "two", "three"))
    process = in_the_last_step(one)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    one.rename(two)
    (seen,) = json.loads(genarris("status", "--json", cwd=two).stdout.replace("\n", "").join("[]"))
    assert seen["folder"] == str(two)
    second = genarris("run", "ui.conf", "--workers", "1", "--quiet", cwd=two)
    assert second.returncode == 0, second.stderr
    moved = [line for line in second.stdout.splitlines() if line.startswith("run 'one' was")]
    assert moved == [f"run 'one' was moved from {one}: it goes on in {two}"]
    assert list((two / "with_energies").iterdir()) and not one.exists()
    with Server(two).use() as uri:
        (record,) = documents(uri, "runs")
        assert str(one) not in json.dumps([record, documents(uri, "artifacts")], default=str)
        assert all(Path(file["path"]).is_file() for file in documents(uri, "artifacts"))
        (begin,) = [firework for firework in documents(uri, "fireworks") if firework["name"] == "begin"]
        assert begin["spec"]["_tasks"][0]["record"]["options"] == record["options"]
    subprocess.run(["cp", "-r", two, three], check=True)
    copied = genarris("pictures", "one", "--pool", "rdf", "--format", "svg", cwd=three)
    assert copied.returncode == 0, copied.stderr
    assert f"note: run 'one' was moved from {two}: it goes on in {three}" in copied.stderr
    result = genarris("run", "ui.conf", cwd=two)
    assert result.returncode == 0 and "nothing to do" in result.stdout and "was moved" not in result.stdout
    for place in (two, three):
        with Server(place).use() as uri:
            assert [record["folder"] for record in documents(uri, "runs")] == [str(place)]


def test_a_copy_of_a_running_folder_and_one_moved_while_it_runs_are_refused(folder: Path) -> None:
    one, two, three = (folder.parent / name for name in ("one", "two", "three"))
    process = in_the_last_step(one)
    try:
        subprocess.run(["cp", "-r", one, two], check=True)
        for words in (("run", "ui.conf"), ("db", "start")):
            result = genarris(*words, cwd=two)
            assert result.returncode == 2
            line = one_line(result.stderr)
            assert f"{two}: a copy of {one}, made while its database was running" in line
        assert Server(one).running() and not Server(two).running()
        os.killpg(process.pid, signal.SIGSTOP)  # it would notice, and end
        one.rename(three)
        result = genarris("run", "ui.conf", cwd=three)
        assert result.returncode == 2
        assert f"{three}: was moved from {one} while other commands use its database" in one_line(result.stderr)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    result = genarris("run", "ui.conf", "--workers", "2", cwd=three)
    assert result.returncode == 0, result.stderr
    assert list((three / "with_energies").iterdir()) and not one.exists()


def test_one_name_from_two_folders_on_one_database(tmp_path: Path, database_uri: str) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    conf, other = urea_folder(first, number=4), urea_folder(second, number=4)
    assert genarris("run", str(conf), "--uri", database_uri, cwd=tmp_path).returncode == 0
    result = genarris("run", str(other), "--uri", database_uri, cwd=tmp_path)
    assert result.returncode == 2
    line = one_line(result.stderr)
    assert f"run 'urea' is carried out in {first}, not in {second}" in line and "run_name" in line
    assert not (second / "raw").exists()
    first.rename(third)
    result = genarris("add", str(third / "ui.conf"), "--uri", database_uri, cwd=tmp_path)
    assert result.returncode == 0 and f"was moved from {first}: it goes on in {third}" in result.stdout
    assert [record["folder"] for record in documents(database_uri, "runs")] == [str(third)]


class Added:
    """A run that was added and begun, but not worked on, with a file of its own and one from elsewhere."""

    def __init__(self, uri: str, folder: Path, **options: object) -> None:
        self.folder = folder
        conf = urea_folder(folder, **options)  # type: ignore[arg-type]
        self.launchpad = launchpad(uri)
        prepare(self.launchpad)
        self.catalogue = Catalogue(self.launchpad.db)
        configuration = load(conf)
        add_run(self.launchpad, configuration)
        self.run = configuration.run_name
        begin = self.launchpad.fireworks.find_one({"name": "begin", "spec.run": self.run})
        self.catalogue.runs.create(self.run, begin["spec"]["_tasks"][0]["record"], begin["fw_id"])
        for path in (folder / "matrix.dat", folder.parent / "elsewhere.dat"):
            path.write_text("1")
            self.catalogue.artifacts.record(self.run, path.name, path)

    def move(self, target: Path) -> Path:
        self.folder.rename(target)
        return target

    def paths(self) -> list[str]:
        return sorted(file["path"] for file in self.launchpad.db.artifacts.find({"run": self.run}))


def test_killed_while_it_is_brought_to_its_new_folder(
    tmp_path: Path, database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next command does it again, also where the new folder lies within the old one."""
    run = Added(database_uri, tmp_path / "one")
    run.move(tmp_path / "aside")
    (tmp_path / "one").mkdir()
    (tmp_path / "aside").rename(tmp_path / "one" / "inner")
    configuration = load(tmp_path / "one" / "inner" / "ui.conf")
    with monkeypatch.context() as patch:
        collection = type(run.launchpad.fireworks)
        write = collection.update_one
        calls: list[str] = []

        def killed(self, *words, **more):
            calls.append(self.name)
            if self.name == "runs":
                raise KeyboardInterrupt
            return write(self, *words, **more)

        patch.setattr(collection, "update_one", killed)
        with pytest.raises(KeyboardInterrupt):
            settle(run.launchpad, configuration, own=False)
        assert calls == ["workflows", "fireworks", "runs"]
    assert settle(run.launchpad, configuration, own=False) is not None
    assert settle(run.launchpad, configuration, own=False) is None
    inner = str(tmp_path / "one" / "inner")
    assert run.paths() == sorted([f"{inner}/matrix.dat", str(tmp_path / "elsewhere.dat")])
    record = run.catalogue.runs.get("urea")
    (step,) = record["options"]["steps"]
    assert record["folder"] == record["options"]["folder"] == inner
    assert (step["options"]["output_dir"], step["options"]["output_pool"]) == (f"{inner}/raw", "raw")
    assert step["options"]["molecule_path"] == f"{inner}/urea.in"
    assert not add_run(run.launchpad, configuration)


def test_rockets_that_still_work_in_the_old_folder(tmp_path: Path, database_uri: str) -> None:
    run = Added(database_uri, tmp_path / "one")
    conf = run.move(tmp_path / "two") / "ui.conf"
    token = run.catalogue.leases.take("urea", "a_step", "gate", 7, 1, owner_name(7), 60.0)
    with pytest.raises(InputError, match=r"moved from \S+one to \S+two, but 1 rockets still work .*a_step gate"):
        settle(run.launchpad, load(conf), own=False)
    assert run.catalogue.runs.get("urea")["folder"] == str(tmp_path / "one")
    run.catalogue.leases.release("urea:a_step:gate", token)
    assert settle(run.launchpad, load(conf), own=False) is not None


def test_files_of_fireworks_that_name_the_old_folder(tmp_path: Path, database_uri: str) -> None:
    run = Added(database_uri, tmp_path / "one")
    old = quote(str(tmp_path / "one"), safe="")
    texts = {
        "my_launchpad.yaml": f"host: mongodb://{old}%2Fgenarris_db%2Fsocket%2Fmongod.sock/genarris",
        "my_fworker.yaml": f"# {tmp_path}/one_more",
        "job.sh": f"cd {tmp_path}/one",
    }
    for name, text in texts.items():
        (tmp_path / "one" / name).write_text(text)
    line = settle(run.launchpad, load(run.move(tmp_path / "two") / "ui.conf"), own=False)
    assert line and line.endswith("; my_launchpad.yaml, job.sh still name the old folder: genarris-fw init --force")


@pytest.mark.parametrize(
    ("left", "refused"), [("", True), ("run_name = urea", True), ("broken", True), ("other", False)]
)
def test_what_lies_where_the_run_was(tmp_path: Path, database_uri: str, left: str, refused: bool) -> None:
    """A ui.conf of the same run makes it a second folder, that of another run does not."""
    run = Added(database_uri, tmp_path / "one")
    conf = load(run.move(tmp_path / "two") / "ui.conf")
    old = urea_folder(tmp_path / "one", run="urea" if left != "other" else "another")
    if left == "broken":
        old.write_text("not a ui.conf")
    elif not left:
        old.write_text(old.read_text().replace("run_name = urea\n", ""))
    if refused:
        with pytest.raises(InputError, match=f"carried out in {tmp_path}/one, not in {tmp_path}/two"):
            settle(run.launchpad, conf, own=False)
    assert (settle(run.launchpad, conf, own=refused) or "").startswith("run 'urea' was moved")


def test_inputs_outside_the_folder_stay_or_are_where_ui_conf_finds_them(tmp_path: Path, database_uri: str) -> None:
    """An absolute path stays, though it is another one relative to the folder; one that climbs out has moved along."""
    for place in ("given", "old/beside"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "s.json").write_text("{}")
    more = f"[run_rdf_calc]\nstructure_dir = {tmp_path}/given\n[rcd_calculation]\nstructure_dir = ../beside\n"
    procedures = ("Run_Rdf_Calc", "RCD_Calculation")
    run = Added(database_uri, tmp_path / "old" / "one", procedures=procedures, more=more)
    (tmp_path / "new").mkdir()
    conf = run.move(tmp_path / "new" / "one") / "ui.conf"
    (tmp_path / "old" / "beside").rename(tmp_path / "new" / "beside")
    assert settle(run.launchpad, load(conf), own=False) is not None
    steps = run.catalogue.runs.get("urea")["options"]["steps"]
    assert [step["options"]["import_folder"] for step in steps] == [f"{tmp_path}/given", f"{tmp_path}/new/beside"]
    assert not add_run(run.launchpad, load(conf))


def test_of_two_runs_that_it_may_be_none_is_chosen(tmp_path: Path, database_uri: str) -> None:
    for name in ("one", "two"):
        Added(database_uri, tmp_path / name, run=name)
        conf = tmp_path / name / "ui.conf"
        conf.write_text(conf.read_text().replace(f"run_name = {name}\n", ""))
    pad = launchpad(database_uri)
    unnamed = {"$unset": {"spec._tasks.0.record.options.master_origins.run_name": ""}}
    pad.fireworks.update_many({"name": "begin"}, unnamed)
    for name in ("one", "two"):
        (tmp_path / name).rename(tmp_path / f"moved_{name}")
    with pytest.raises(InputError, match="may be any of one, two: write its run_name"):
        settle(pad, load(tmp_path / "moved_one" / "ui.conf"), own=False)


def test_another_machines_run_is_not_taken_for_one_that_was_moved(tmp_path: Path, database_uri: str) -> None:
    """Of a folder that this machine does not see nobody knows whether it was moved: another name is another run."""
    run = Added(database_uri, tmp_path / "there" / "one")
    unnamed = {"$unset": {"spec._tasks.0.record.options.master_origins.run_name": ""}}
    run.launchpad.fireworks.update_many({"name": "begin"}, unnamed)
    (tmp_path / "there").rename(tmp_path / "here")
    conf = tmp_path / "here" / "one" / "ui.conf"
    conf.write_text(conf.read_text().replace("run_name = urea\n", ""))
    (tmp_path / "here" / "one").rename(tmp_path / "here" / "two")
    configuration = load(tmp_path / "here" / "two" / "ui.conf")
    assert settle(run.launchpad, configuration, own=False) is None and configuration.run_name == "two"


def test_another_name_of_the_same_folder_is_no_move(tmp_path: Path, database_uri: str) -> None:
    run = Added(database_uri, tmp_path / "one")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert settle(run.launchpad, load(tmp_path / "link" / "ui.conf"), own=False) is None
    assert run.catalogue.runs.get("urea")["folder"] == str(tmp_path / "one")
