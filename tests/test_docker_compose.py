"""docker-compose.yml: what matters in it, its scripts carried out, and the client's own check where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from fireworks import LaunchPad
from mongo_shell import find_mongosh
from pymongo import MongoClient
from ruamel.yaml import YAML

from genarris_fw.database.roles import role

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
# The compose specification's names that are used here; another one is a slip of the pen.
TOP = {"services", "configs", "secrets", "networks", "volumes"}
SERVICE = {
    *("image", "build", "init", "entrypoint", "command", "environment", "configs", "secrets", "tmpfs", "volumes"),
    *("working_dir", "networks", "restart", "healthcheck", "depends_on", "ports"),
}
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period"}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    if not FILE.is_file():
        pytest.skip("no repository around the tests")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text())
    return loaded


def texts(value: Any) -> Iterator[str]:
    """Every string of the file."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield str(name)
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def test_names(whole: dict[str, Any]) -> None:
    assert set(whole) <= TOP and set(whole["services"]) == {"mongo", "worker", "web"}
    for service in whole["services"].values():
        assert set(service) <= SERVICE
        assert ("image" in service) != ("build" in service)
        for name in ("configs", "secrets", "networks"):
            for entry in service.get(name, []):
                assert (entry["source"] if isinstance(entry, dict) else entry) in whole[name], entry
        for name in service.get("depends_on", {}):
            assert name in whole["services"]
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert source.startswith("./") or source in whole["volumes"]


def test_workers_scale(whole: dict[str, Any]) -> None:
    """Nothing that only one container can have; all wait for a healthy database, and all say how they are."""
    worker = whole["services"]["worker"]
    assert not {"container_name", "hostname", "ports"} & set(worker)
    assert worker["depends_on"] == {"mongo": {"condition": "service_healthy"}}
    assert worker["command"][:2] == ["rlaunch", "-l"] and "infinite" in worker["command"]
    for service in whole["services"].values():
        check = service["healthcheck"]
        assert set(check) <= HEALTHCHECK and check["test"][0] == "CMD" and check["retries"] >= 3
        assert service["restart"] == "unless-stopped"


def test_nobody_outside_reaches_the_database(whole: dict[str, Any]) -> None:
    for name, service in whole["services"].items():
        assert ("ports" in service) == (name == "web") and "network_mode" not in service
        assert service["networks"] == (["farm", "outside"] if name == "web" else ["farm"])
    assert whole["networks"] == {"farm": {"internal": True}, "outside": {}}


def test_the_explorer_is_for_this_machine_and_who_has_the_token(whole: dict[str, Any]) -> None:
    web, worker = whole["services"]["web"], whole["services"]["worker"]
    assert web["ports"] == ["127.0.0.1:8600:8600"] and web["build"] == worker["build"]
    words = web["command"]
    assert words[:2] == ["genarris-fw", "web"] and words[words.index("--token-file") + 1] == "/run/secrets/web_token"
    assert "web_token" in web["secrets"] and "web]" in web["build"]["dockerfile_inline"]
    check = web["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"] and compile(check[3], "healthcheck", "exec")


def test_passwords_are_in_files_alone(whole: dict[str, Any]) -> None:
    names = ("root_password", "worker_password", "web_token")
    assert whole["secrets"] == {name: {"file": f"./secrets/{name}"} for name in names}
    mongo, worker = whole["services"]["mongo"], whole["services"]["worker"]
    assert mongo["environment"]["MONGO_INITDB_ROOT_PASSWORD_FILE"] == "/run/secrets/root_password"
    assert "MONGO_INITDB_ROOT_PASSWORD" not in mongo["environment"] and "environment" not in worker
    assert worker["secrets"] == ["worker_password"]  # a worker is not told the administrator's
    for text in texts(whole):
        for found in re.findall(r"mongodb://[^@/\s]*:([^@]*)@", text):
            assert found == "$$(cat /run/secrets/worker_password)"
    # Neither git nor an image sees them.
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()


def test_no_variable_is_left_open(whole: dict[str, Any]) -> None:
    """The client would replace a single dollar by an environment variable that nobody sets."""
    for text in texts(whole):
        assert not re.search(r"(?<!\$)\$(\$\$)*(?!\$)", text), text


def test_entrypoint(whole: dict[str, Any], tmp_path: Path) -> None:
    """The script that the worker starts with makes a launchpad file that FireWorks reads, for nobody else."""
    script = whole["configs"]["entrypoint"]["content"].replace("$$", "$")
    (tmp_path / "worker_password").write_text("0123abcd\n")
    script = script.replace("/run/secrets", str(tmp_path)).replace("/run/farm", str(tmp_path))
    done = subprocess.run(
        [shutil.which("sh") or "/bin/sh", "-c", script, "entrypoint", "printenv", "GENARRIS_FW_URI"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    uri = "mongodb://genarris_worker:0123abcd@mongo:27017/genarris"
    assert done.stdout.strip() == uri
    file = tmp_path / "my_launchpad.yaml"
    assert file.stat().st_mode & 0o077 == 0
    pad = LaunchPad.from_file(str(file))
    assert (pad.host, pad.name, pad.uri_mode) == (uri, "genarris", True)
    assert pad.mongoclient_kwargs == {"serverSelectionTimeoutMS": 600000}
    pad.connection.close()


def test_users_and_healthcheck(whole: dict[str, Any], guarded: str, tmp_path: Path) -> None:
    """The scripts for the Mongo shell, in a real one: the workers' user is made, and then the server is healthy."""
    shell = find_mongosh()
    (tmp_path / "worker_password").write_text("0123abcd\n")

    def here(text: str) -> str:
        return text.replace("/run/secrets", str(tmp_path))

    users = tmp_path / "users.js"
    users.write_text(here(whole["configs"]["users"]["content"]))
    where = f"{quote_plus(guarded)}/genarris"
    administrator = f"mongodb://ada:{quote_plus('p:w@1')}@{where}?authSource=admin"
    words = [here(word) for word in whole["services"]["mongo"]["healthcheck"]["test"][1:]]
    assert words[:2] == ["mongosh", "mongodb://127.0.0.1/genarris"]
    check = [shell, f"mongodb://{where}", *words[2:]]
    assert subprocess.run(check, capture_output=True, timeout=60, check=False).returncode != 0
    with MongoClient(administrator) as client:
        try:
            subprocess.run([shell, administrator, "--quiet", "--norc", users], check=True, timeout=60)
            [made] = client.genarris.command("rolesInfo", "genarris_worker", showPrivileges=True)["roles"]
            printed = role("worker", "genarris")["privileges"][0]
            assert made["privileges"] == [
                {"resource": printed["resource"], "actions": made["privileges"][0]["actions"]}
            ]
            assert set(made["privileges"][0]["actions"]) == set(printed["actions"])
            done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        finally:
            client.genarris.command("dropAllUsersFromDatabase")
            client.genarris.command("dropAllRolesFromDatabase")


def test_the_client_reads_it(tmp_path: Path) -> None:
    """``docker compose config``, where a client with it is installed; the daemon is not asked."""
    for words in (["docker", "compose"], ["docker-compose"]):
        program = shutil.which(words[0])
        if program and subprocess.run([*words, "version"], capture_output=True, check=False).returncode == 0:
            break
    else:
        pytest.skip("no docker compose on this machine")
    shutil.copy(FILE, tmp_path)
    (tmp_path / "secrets").mkdir()
    for name in ("root_password", "worker_password", "web_token"):
        (tmp_path / "secrets" / name).write_text("0123abcd")
    done = subprocess.run(
        [*words, "config", "-q"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "variable is not set" not in done.stderr, done.stderr
