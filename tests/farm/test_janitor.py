"""Nothing outlives its command: what a killed command leaves ends by itself, and nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from command import start, urea_folder
from waiting import wait_until

from genarris_fw.database import disk, janitor
from genarris_fw.database import server as server_module
from genarris_fw.database.server import Server

CACHE = 0.25
LINGER = 0.5
USER = """\
import sys
from pathlib import Path
from genarris_fw.database import janitor
from genarris_fw.database.server import Server
janitor.LINGER_SECONDS = 0.5
with Server(Path(sys.argv[1]), cache_gb=0.25).use() as uri:
    print(uri, flush=True)
    sys.stdin.read()
"""
CLIENT = """\
import sys
from pymongo import MongoClient
client = MongoClient(sys.argv[1])
client.admin.command("ping")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "run", cache_gb=CACHE)
    yield server
    if server.running():
        server.stop(force=True)


def program(text: str, *words: str) -> tuple[subprocess.Popen, str]:
    """Start a Python program; return it, and the first line that it writes."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", text, *words], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def killed_user(server: Server) -> str:
    """Use the server in a process that is killed; return the URI."""
    user, uri = program(USER, str(server.folder))
    kill(user)
    return uri


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that name a folder, or are in it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if process.pid != os.getpid() and (str(folder) in words or str(folder) in process.cwd()):
                found.append(words)
    return found


def test_the_server_of_a_killed_command_ends(server: Server) -> None:
    killed_user(server)
    wait_until(lambda: not processes_of(server.folder))  # the janitor neither
    assert not server.running() and json.loads((server.home / "server.json").read_text()).get("pid") is None


def test_a_command_that_follows_at_once_uses_it_and_the_next_killed_one_leaves_nothing_either(server: Server) -> None:
    killed_user(server)
    follower, _ = program(USER, str(server.folder))
    time.sleep(3 * LINGER)
    assert server.running() and server.in_use()
    kill(follower)
    wait_until(lambda: not processes_of(server.folder))


def test_a_plain_client_does_not_lose_it(server: Server) -> None:
    user, uri = program(USER, str(server.folder))
    client, _ = program(CLIENT, uri)
    kill(user)
    time.sleep(3 * LINGER)
    assert server.running()
    kill(client)
    wait_until(lambda: not processes_of(server.folder))


def test_a_killed_janitor_is_replaced_by_whoever_leaves_the_server_to_others(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that ends while somebody else is connected cannot end the server, and nobody else would."""
    monkeypatch.setattr(janitor, "LINGER_SECONDS", LINGER)
    monkeypatch.setattr(server_module, "_PARTING_SECONDS", 0.1)
    with server.use() as uri:
        client, _ = program(CLIENT, uri)
        [first] = janitors(server)
        first.kill()
        first.wait()
    assert server.stays() is not None and "while other programs use it, and ends some seconds after" in server.stays()
    wait_until(lambda: len(janitors(server)) == 1)
    kill(client)
    wait_until(lambda: not processes_of(server.folder))
    assert server.stays() is None


def test_two_janitors_are_one_too_many(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "_FORMER_SECONDS", 0.0)
    with server.use():
        wait_until(lambda: disk.is_locked(server.home / "janitor.lock"))
        assert not janitor._is_the_only_one(server.home)


def janitors(server: Server) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(server.home) in process.cmdline() and "genarris_fw.database.janitor" in process.cmdline():
                found.append(process)
    return found


def test_a_kept_one_stays_without_a_janitor(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "LINGER_SECONDS", LINGER)
    server.start()
    wait_until(lambda: not any("janitor" in words for words in processes_of(server.folder)))
    assert server.running() and "`genarris-fw db stop` ends it" in str(server.stays())
    killed_user(server)
    wait_until(lambda: not any("janitor" in words for words in processes_of(server.folder)))
    assert server.running()


def test_one_that_waits_for_its_turn_is_in_nobodys_way(server: Server) -> None:
    """It would stop the server, which another command is about to start anew."""
    killed_user(server)
    pid = server.status()["pid"]
    with disk.locked(server.home / "start.lock"):
        wait_until(server.in_use)  # by the janitor
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not disk.is_locked(server.home / "alive.lock", shared=True))
    wait_until(lambda: not processes_of(server.folder))


def remove(folder: Path) -> None:
    """Remove a folder in which a server still writes files."""

    def is_gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(is_gone)


@pytest.mark.parametrize("change", [remove, lambda folder: folder.rename(folder.with_name("moved"))])
def test_the_folder_is_moved_or_removed(server: Server, change: Callable[[Path], object]) -> None:
    user, _ = program(USER, str(server.folder))
    change(server.folder)
    [mongod] = [process for process in psutil.process_iter() if is_mongod_of(process, server)]
    kill(user)
    wait_until(lambda: not mongod.is_running() or mongod.status() == psutil.STATUS_ZOMBIE)
    wait_until(lambda: not processes_of(server.folder))


def is_mongod_of(process: psutil.Process, server: Server) -> bool:
    try:
        return str(server.data) in process.cmdline()
    except psutil.Error:
        return False


def test_a_command_killed_as_its_workers_begin(tmp_path: Path) -> None:
    """The worst moment: its workers have not yet asked to be told of its end."""
    conf = urea_folder(tmp_path, number=400, sr=1.02, attempts=3_000_000)
    command = start("run", str(conf), "--workers", "2", cwd=tmp_path)
    place = tmp_path / ".genarris_fw" / "worker-1.log"
    wait_until(place.exists)
    kill(command)
    wait_until(lambda: not processes_of(tmp_path))
    # Had a worker lived on, it would have finished the run.
    assert not list((tmp_path / "raw").glob("*"))


def test_a_worker_whose_command_is_gone_does_nothing() -> None:
    message = {"parent": os.getpid() + 1, "launchpad": {}, "run": "nap", "name": "worker-0", "place": "/nowhere"}
    command = [sys.executable, "-m", "genarris_fw.farm.launch.worker"]
    result = subprocess.run(command, input=json.dumps(message) + "\n", capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "the command that started this worker is gone\n"
