"""``genarris-fw init``, the launcher files, and the job scripts that FireWorks makes of them."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fireworks import FWorker, LaunchPad
from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter
from ruamel.yaml import YAML

from genarris_fw.database.find import find_server
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launch.launcher_files import EXAMPLE, QUEUES, example_files, launcher_files
from genarris_fw.farm.resources import queue_spec

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
GOLDEN = Path(__file__).parents[1] / "data" / "job_scripts"


def load(text: str) -> dict:
    return YAML(typ="safe", pure=True).load(text)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    folder = tmp_path / "a run's folder"  # names that must be quoted
    folder.mkdir()
    yield folder
    Server(folder).stop(force=True)


def call(folder: Path, *words: str | Path, program: str = "genarris-fw", code: int = 0, **environment: str):
    kept = {name: value for name, value in os.environ.items() if name != "GENARRIS_FW_URI"}
    done = subprocess.run(
        [PROGRAMS / program, *words],
        cwd=folder, env=kept | {"HOME": str(folder)} | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def test_fireworks_works_with_the_files(folder: Path) -> None:
    call(folder, "init", "--queue", "none")
    assert not Server(folder).running()
    pad = load((folder / "my_launchpad.yaml").read_text())
    assert pad["host"] == Server(folder).uri and pad["name"] == "genarris" and pad["uri_mode"] is True
    assert stat.S_IMODE((folder / "my_launchpad.yaml").stat().st_mode) == 0o600
    database = find_server(folder)
    assert database.server is not None and database.origin.endswith("my_launchpad.yaml")
    with database.use():
        call(folder, "add_scripts", "echo hello > said", "-n", "hello", program="lpad")
        call(folder, "rapidfire", program="rlaunch")  # finds its files in the folder
        assert '"COMPLETED"' in call(folder, "get_wflows", program="lpad").stdout
        assert LaunchPad.from_file(str(folder / "my_launchpad.yaml")).workflows.count_documents({}) == 1


def test_the_database_of_another_folder(folder: Path, tmp_path: Path) -> None:
    """It is named, but the jobs of this folder neither start nor stop it, nor a second one here."""
    with Server(folder).use() as uri:
        other = tmp_path / "other"
        call(folder, "init", "--queue", "slurm", "--uri", uri, "--dir", other)
    assert load((other / "my_launchpad.yaml").read_text())["host"] == uri
    assert not any("genarris-fw db" in file.read_text() for file in other.iterdir() if file.is_file())
    assert not (other / "genarris_db").exists()


def test_refuses_to_overwrite(folder: Path) -> None:
    call(folder, "init", "--queue", "slurm")
    (folder / "my_fworker.yaml").write_text("name: mine\n")
    refused = call(folder, "init", "--queue", "slurm", code=2)
    assert "my_fworker.yaml" in refused.stderr and "--force" in refused.stderr and refused.stderr.count("\n") == 1
    assert (folder / "my_fworker.yaml").read_text() == "name: mine\n"
    call(folder, "init", "--queue", "slurm", "--force")
    assert (folder / "my_fworker.yaml").read_text() != "name: mine\n"


def test_given_database_and_no_password(folder: Path) -> None:
    uri = "mongodb://ada:secret@127.0.0.1:1/theirs?authSource=admin&serverSelectionTimeoutMS=100"
    done = call(folder, "init", "--queue", "pbs", "--uri", uri)
    assert "not prepared" in done.stderr and "secret" not in done.stderr + done.stdout
    assert all("secret" not in file.read_text() for file in folder.iterdir() if file.is_file())
    pad = load((folder / "my_launchpad.yaml").read_text())
    assert pad["host"].startswith("mongodb://ada@127.0.0.1:1/theirs?") and pad["name"] == "theirs"
    assert not (folder / "genarris_db").exists()


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("path", ["/plain/run", "/it's a: #run"])
def test_files_are_well_formed(queue: str, embedded: bool, path: str, tmp_path: Path) -> None:
    place = replace(EXAMPLE, folder=path, embedded=embedded)
    files = launcher_files(place, queue)
    assert set(files) == {"FW_config.yaml", "my_launchpad.yaml", "my_fworker.yaml", "job.sh"} | (
        {"my_qadapter.yaml", "my_qadapter_reserve.yaml"} if queue != "none" else set()
    ) | ({"sge_template.txt"} if queue == "sge" else set())
    assert load(files["FW_config.yaml"])["CONFIG_FILE_DIR"] == path
    assert FWorker.from_format(files["my_fworker.yaml"], "yaml").name == place.host
    script = tmp_path / "job.sh"
    script.write_text(files["job.sh"])
    subprocess.run(["bash", "-n", script], check=True)
    assert ("db start" in files["job.sh"]) is embedded
    assert not any(re.search("@[A-Z_]+@", text) for text in files.values())
    if queue == "none":
        return
    for name in ("my_qadapter.yaml", "my_qadapter_reserve.yaml"):
        script.write_text(job_script(files, name, tmp_path))
        subprocess.run(["bash", "-n", script], check=True)
        text = script.read_text()
        assert "rlaunch -c" in text and "genarris-fw recover" in text and ("db start" in text) is embedded


def job_script(files: dict[str, str], name: str, tmp_path: Path, **overrides: object) -> str:
    """Return the job script that FireWorks itself makes of an adapter; a field that it does not take is an error."""
    (tmp_path / "sge_template.txt").write_text(files.get("sge_template.txt", ""))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adapter = CommonAdapter.from_format(files[name], "yaml")
        if adapter.template_file.endswith("sge_template.txt"):
            assert adapter.template_file == f"{load(files['FW_config.yaml'])['CONFIG_FILE_DIR']}/sge_template.txt"
            adapter.template_file = str(tmp_path / "sge_template.txt")
        adapter.update(overrides)
        return adapter.get_script_str("/path/to/launch")


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if queue != "none"])
def test_golden_job_scripts(queue: str, tmp_path: Path) -> None:
    """One allocation of many rockets, and one job for a firework that asks for its own time, memory and queue."""
    files = launcher_files(EXAMPLE, queue)
    assert job_script(files, "my_qadapter.yaml", tmp_path) == (GOLDEN / f"{queue}.sh").read_text()
    asked = {"walltime": 2 * 3600, "memory": 8000, "queue": "long", "account": "chemistry"}
    made = job_script(files, "my_qadapter_reserve.yaml", tmp_path, **queue_spec(asked, 4, queue.upper()))
    assert made == (GOLDEN / f"{queue}_reserve.sh").read_text()


def test_job_script_runs(folder: Path) -> None:
    """The job without a queue, carried out: the database is started, rockets run, it is stopped."""
    call(folder, "init", "--queue", "none")
    with Server(folder).use():
        call(folder, "add_scripts", "echo hello > said", "-n", "hello", program="lpad")
    done = subprocess.run(
        ["bash", folder / "job.sh"],
        cwd="/", env=os.environ | {"ROCKETS": "2", "HOME": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list(folder.glob("launches/**/said"))) == 1
    assert not Server(folder).running()


def test_launchers_show_the_templates() -> None:
    launchers = REPOSITORY / "launchers"
    if not launchers.is_dir():
        pytest.skip("no repository around the tests")
    shown = {file.name: file.read_text() for file in launchers.iterdir() if file.suffix in (".yaml", ".sh", ".txt")}
    assert shown == example_files(), "write them again with genarris_fw.farm.launch.launcher_files.example_files"
