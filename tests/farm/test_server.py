"""The embedded server: started, adopted, stopped, killed; always the real mongod."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect
from waiting import wait_until

from genarris_fw.database import disk, mongod, sockets
from genarris_fw.database import server as server_module
from genarris_fw.database.find import find_server
from genarris_fw.database.server import FOLDER, Server
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launch import worker

CACHE = 0.25


@pytest.fixture(autouse=True)
def _needs_mongod() -> None:
    try:
        mongod.find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of a fresh folder, ended by force afterwards."""
    server = Server(tmp_path / "run", cache_gb=CACHE)
    yield server
    if server.running():
        server.stop(force=True)


def pid_of(server: Server) -> int:
    pid = server.status()["pid"]
    assert isinstance(pid, int)
    return pid


def test_use_starts_and_stops(server: Server) -> None:
    assert not server.running()
    with server.use() as uri:
        assert server.running() and server.in_use()
        with MongoClient(uri) as client:
            assert client.get_default_database().name == "genarris"
            client.genarris.things.insert_one({"_id": 1})
    assert not server.running() and not server.in_use()
    assert server.uri == uri
    with server.use() as again, MongoClient(again) as client:
        assert client.genarris.things.count_documents({}) == 1


def test_start_adopts_the_running_one(server: Server) -> None:
    uri = server.start()
    pid = pid_of(server)
    assert Server(server.folder).start() == uri
    assert pid_of(server) == pid
    assert server.stop() and not server.stop()


def test_listens_on_a_private_socket_alone(server: Server) -> None:
    server.start()
    path = server.socket_path
    assert path is not None and len(os.fsencode(path)) <= 107
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.home / "server.json").stat().st_mode) == 0o600
    process = psutil.Process(pid_of(server))
    assert str(path) in {connection.laddr for connection in process.net_connections("unix")}
    assert not process.net_connections("inet")


def test_long_folder_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    server = Server(tmp_path / ("long" * 30), cache_gb=CACHE)
    with server.use() as uri:
        path = server.socket_path
        assert path is not None and not path.is_relative_to(server.home)
        assert len(os.fsencode(path)) <= 107
        for folder in (path.parent, path.parents[1]):  # the user's own, in which nobody else can put another
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert json.loads((server.home / "server.json").read_text())["socket"] == str(path)
    assert not path.parent.exists()
    assert server.uri == uri
    with server.use() as again, MongoClient(again) as client:
        assert again == uri
        client.admin.command("ping")
    assert not path.parent.exists()


def test_a_place_for_sockets_that_is_not_ours_alone_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all, ours = tmp_path / "open", tmp_path / "ours"
    open_to_all.mkdir(mode=0o755)
    monkeypatch.setattr(sockets, "_bases", lambda: iter([open_to_all, ours]))
    path = sockets.elsewhere(tmp_path / "genarris_db")
    assert path.parents[1] == ours and sockets.is_ours_alone(path)
    assert sockets.elsewhere(tmp_path / "genarris_db") == path
    assert sockets.elsewhere(tmp_path / "another" / "genarris_db") != path
    monkeypatch.setattr(sockets, "_base_name", lambda: "ours")
    ours.chmod(0o750)
    assert not sockets.is_ours_alone(path)


def test_a_socket_folder_others_can_enter_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "socket"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert not sockets.usable(folder / "s")
    folder.chmod(0o700)
    assert sockets.usable(folder / "s")
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert not sockets.usable(link / "s")


def test_two_folders_do_not_meet(tmp_path: Path) -> None:
    one, two = (Server(tmp_path / name, cache_gb=CACHE) for name in ("one", "two"))
    with one.use() as first, two.use() as second:
        assert first != second
        with MongoClient(first) as client:
            client.genarris.things.insert_one({})
        with MongoClient(second) as client:
            assert client.genarris.things.count_documents({}) == 0
    assert not one.running() and not two.running()


def test_starts_at_once_start_one(server: Server) -> None:
    program = (
        "from pathlib import Path; from genarris_fw.database.server import Server\n"
        f"server = Server(Path({str(server.folder)!r}), cache_gb={CACHE}); server.start()\n"
        "print(server.status()['pid'])"
    )
    starters = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pids = {int(starter.communicate(timeout=120)[0]) for starter in starters}
    assert pids == {pid_of(server)}


def test_forked_processes_use_it(server: Server) -> None:
    def work(uri: str) -> None:
        with MongoClient(uri) as client:
            client.genarris.things.insert_one({})

    with server.use() as uri:
        processes = [multiprocessing.get_context("fork").Process(target=work, args=(uri,)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        with MongoClient(uri) as client:
            assert client.genarris.things.count_documents({}) == 2
    assert not server.running()


def test_the_last_user_stops_it(server: Server) -> None:
    other = Server(server.folder, cache_gb=CACHE)
    with server.use():
        with other.use():
            pid = pid_of(server)
        assert pid_of(server) == pid
        with pytest.raises(DatabaseError, match="in use by another program"):
            other.stop()
    assert not server.running()


def test_users_that_leave_together_leave_no_server(server: Server) -> None:
    gate = threading.Barrier(4)

    def user() -> None:
        with Server(server.folder, cache_gb=CACHE).use():
            gate.wait(timeout=180)

    threads = [threading.Thread(target=user) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not server.running()


def test_kept_until_stopped(server: Server) -> None:
    server.start(keep=True)
    with Server(server.folder).use():
        pass
    assert server.running() and server.status()["keep"]
    server.stop()
    with server.use():
        assert not server.status()["keep"]
    assert not server.running()


def test_not_stopped_while_a_plain_client_is_connected(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_PARTING_SECONDS", 0.3)
    with server.use() as uri:
        client = (
            f"import pymongo, sys; client = pymongo.MongoClient({uri!r}); client.admin.command('ping')\n"
            "print(flush=True); sys.stdin.read()"
        )
        pipe = subprocess.PIPE
        program = subprocess.Popen([sys.executable, "-c", client], stdin=pipe, stdout=pipe)
        assert program.stdout is not None
        program.stdout.readline()
    try:
        assert server.running()
        with pytest.raises(DatabaseError, match="in use"):
            server.stop()
    finally:
        program.kill()
        program.communicate()
    wait_until(lambda: server.stop())


def test_connections_of_this_process_are_no_strangers(server: Server) -> None:
    with server.use() as uri:
        client = MongoClient(uri, serverSelectionTimeoutMS=100)
        client.admin.command("ping")
    assert not server.running()
    client.close()


def test_killed_server_keeps_what_was_journaled(server: Server) -> None:
    uri = server.start()
    with MongoClient(uri) as client:
        done = 0
        killer = threading.Thread(target=lambda: os.kill(pid_of(server), signal.SIGKILL))
        with pytest.raises(Exception, match=r"(?i)connection|refused|reset|closed|sock|pipe"):  # noqa: PT012
            while True:
                client.genarris.things.insert_one({"_id": done})
                done += 1
                if done == 100:
                    killer.start()  # while writes go on
    killer.join()
    wait_until(lambda: not server.running())
    assert server.start() == uri
    with MongoClient(uri) as client:
        there = {document["_id"] for document in client.genarris.things.find()}
    assert there >= set(range(done))


def test_start_inside_use_revives_a_killed_server(server: Server) -> None:
    with server.use() as uri:
        os.kill(pid_of(server), signal.SIGKILL)
        wait_until(lambda: not server.running())
        assert server.start() == uri
        with MongoClient(uri) as client:
            client.admin.command("ping")
    assert not server.running()


def test_server_outlives_its_killed_starter_and_is_adopted(server: Server) -> None:
    program = (
        "import sys, time; from pathlib import Path; from genarris_fw.database.server import Server\n"
        f"with Server(Path({str(server.folder)!r}), cache_gb={CACHE}).use() as uri:\n"
        "    print(uri, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert starter.stdout is not None
    uri = starter.stdout.readline().strip()
    pid = pid_of(server)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    wait_until(lambda: not server.in_use())
    assert server.running()
    with server.use() as again:
        assert again == uri and pid_of(server) == pid
    assert not server.running()


def test_starter_killed_before_it_wrote_the_process_down(server: Server) -> None:
    """The worst moment: mongod lives, and nobody noted its process id."""
    uri = server.start()
    pid = pid_of(server)
    file = server.home / "server.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pid": None, "ready": False}))
    other = Server(server.folder)
    assert other.running() and other.start() == uri
    assert pid_of(server) == pid


@pytest.mark.parametrize("damage", ["", "{", "[]"])
def test_lost_record_of_a_running_server(server: Server, damage: str) -> None:
    server.start()
    (server.home / "server.json").write_text(damage)
    with MongoClient(Server(server.folder).start()) as client:
        client.admin.command("ping")


def test_lost_socket_is_replaced(server: Server) -> None:
    uri = server.start()
    pid = pid_of(server)
    with MongoClient(uri) as client:
        client.genarris.things.insert_one({})
    assert server.socket_path is not None
    server.socket_path.unlink()
    with MongoClient(Server(server.folder).start()) as client:
        assert client.genarris.things.count_documents({}) == 1
    assert pid_of(server) != pid


def test_moved_folder(server: Server, tmp_path: Path) -> None:
    with server.use() as uri, MongoClient(uri) as client:
        client.genarris.things.insert_one({})
    moved = Server(server.folder.rename(tmp_path / "moved"), cache_gb=CACHE)
    with moved.use() as uri, MongoClient(uri) as client:
        assert client.genarris.things.count_documents({}) == 1
    assert str(tmp_path / "moved") in moved.status()["folder"]


def test_copied_folder_and_its_original_at_once(server: Server, tmp_path: Path) -> None:
    """Each is a set of its own, whose one member is where it listens."""
    with server.use() as uri, MongoClient(uri) as client:
        client.genarris.things.insert_one({})
    copy = Server(Path(shutil.copytree(server.folder, tmp_path / "copy")), cache_gb=CACHE)
    with server.use() as uri, MongoClient(uri) as one, copy.use() as other_uri, MongoClient(other_uri) as two:
        two.genarris.things.insert_one({})
        assert one.genarris.things.count_documents({}) == 1 and two.genarris.things.count_documents({}) == 2
        assert two.admin.command("hello")["hosts"] == [str(copy.socket_path)]


def test_files_of_a_server_by_itself_are_adopted(server: Server, tmp_path: Path) -> None:
    """As older versions left them."""
    server.make_home()
    command = [mongod.find_mongod(), "--dbpath", server.data, "--logpath", tmp_path / "log", "--nounixsocket"]
    path = tmp_path / "m.sock"
    alone = subprocess.Popen([*command, "--bind_ip", path], stdout=subprocess.DEVNULL)
    wait_until(lambda: sockets.accepts(path))
    with MongoClient(f"mongodb://{quote(str(path), safe='')}/") as client:
        assert "setName" not in client.admin.command("hello")
        client.genarris.things.insert_many([{"_id": n} for n in range(100)])
    alone.terminate()
    alone.wait()
    with server.use() as uri, MongoClient(uri) as client:
        client.genarris.things.insert_one({"_id": 100})
        assert client.genarris.things.count_documents({}) == 101
        assert client.admin.command("hello")["setName"] == mongod.REPLICA_SET


def test_killed_and_started_again_it_takes_writes(server: Server) -> None:
    for round_ in range(3):
        with MongoClient(server.start()) as client:
            assert client.genarris.things.count_documents({}) == round_
            client.genarris.things.insert_one({})
        os.kill(pid_of(server), signal.SIGKILL)
        wait_until(lambda: not server.running())


def test_uri_of_an_older_version_still_works(server: Server) -> None:
    """In the my_launchpad.yaml of `init` it names neither the set nor a direct connection."""
    server.start()
    with MongoClient(f"mongodb://{quote(str(server.socket_path), safe='')}/genarris?journal=true") as client:
        client.genarris.things.insert_one({})


@pytest.mark.parametrize("name", ["Upper Case", "é%41?#@& +'\"", "a:b,c[d]", "Ü" * 120])
def test_folders_with_odd_names(tmp_path: Path, name: str) -> None:
    """By our URI; by that of an older version, after which the driver looks for the set's member; in lower case."""
    server = Server(tmp_path / name, cache_gb=CACHE)
    with server.use() as uri, MongoClient(uri) as client:
        client.genarris.things.insert_one({})
        path = server.socket_path
        assert path is not None and str(path) == str(path).lower()
        own = server.home / "socket" / "mongod.sock"
        assert (path == own) == (not set(name) & set(":,[]") and name == name.lower())
        assert own.exists() == (not set(name) & set(":,[]") and len(os.fsencode(own)) <= 107)
        for socket in {path, own} if own.exists() else {path}:
            with MongoClient(f"mongodb://{quote(str(socket), safe='')}/genarris?journal=true") as older:
                older.genarris.things.insert_one({})
            found = find_server(tmp_path, f"mongodb://{quote(str(socket), safe='')}/genarris").server
            assert found is None or found.home == server.home
        assert find_server(server.folder, uri).server is not None
    assert not path.exists() and not own.exists() and (path == own or not path.parent.exists())


def test_data_elsewhere(server: Server, tmp_path: Path) -> None:
    elsewhere = tmp_path / "scratch"
    with Server(server.folder, data=elsewhere, cache_gb=CACHE).use():
        assert (elsewhere / "data").is_dir()
    with server.use():  # found again without naming it
        assert server.home.resolve() == elsewhere.resolve()
    with pytest.raises(DatabaseError, match="already there"):
        Server(server.folder, data=tmp_path / "third").start()
    elsewhere.rename(tmp_path / "gone")
    with pytest.raises(DatabaseError, match="points to"):
        server.start()


def test_other_host_is_named(server: Server) -> None:
    server.start()
    pid = pid_of(server)
    file = server.home / "server.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"host": "node017"}))
    with pytest.raises(DatabaseError, match="runs on the machine node017"):
        server.start()
    with pytest.raises(DatabaseError, match="node017"):
        server.stop()
    file.write_text(json.dumps(record))
    assert pid_of(server) == pid


def test_error_names_the_log_and_its_last_words(server: Server) -> None:
    server.start()
    server.stop()
    for file in server.data.glob("WiredTiger*"):
        if file.is_file():
            file.write_bytes(b"not a database")
    with pytest.raises(DatabaseError) as caught:
        server.start()
    message = str(caught.value)
    assert str(server.log) in message and "\n" not in message
    assert "startup" not in message.lower() and "WiredTiger" in message
    assert not server.running()


def test_second_server_on_the_same_data(server: Server) -> None:
    server.start()
    rival = Server(server.folder.parent / "rival", cache_gb=CACHE)
    rival.home.mkdir(parents=True)
    rival.data.symlink_to(server.data)
    with pytest.raises(DatabaseError, match=r"DBPathInUse|lock|already running"):
        rival.start()


def test_program_that_cannot_run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho 'error while loading shared libraries: libcurl.so.4' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert mongod.find_mongod() == broken
    with pytest.raises(DatabaseError, match=r"libcurl\.so\.4"):
        server.start()


def test_wheel_without_executable_bits(tmp_path: Path) -> None:
    program = tmp_path / "mongod"
    program.touch(mode=0o644)
    mongod._make_executable(program)
    assert os.access(program, os.X_OK)


def test_no_mongod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mongod, "WHEEL", "no-such-wheel")
    with pytest.raises(DatabaseError, match=r"genarris_fw\[embedded\]"):
        mongod.find_mongod()


def test_little_space_is_an_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(server.folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=12 * 1024**2))
    with pytest.raises(DatabaseError, match=r"only 12 MB are free.*200 MB.*--data"):
        server.start()
    assert not server.running()


def test_what_became_of_a_server_that_answers_no_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = server.start()
    os.kill(pid_of(server), signal.SIGKILL)
    error = AutoReconnect("connection refused")
    assert worker.why_gone(uri, server.folder, error) == "the database is gone: connection refused"
    usage = shutil.disk_usage(server.folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=12 * 1024**2))
    with pytest.raises(DatabaseError, match=r"its disk is full \(12 MB are free now\)"):
        server.refuse_end()
    assert "its disk is full" in worker.why_gone(uri, server.folder, error)
    assert worker.why_gone("mongodb://elsewhere:1/", server.folder, error).endswith("connection refused")
    shutil.rmtree(server.folder)
    with pytest.raises(DatabaseError, match="its folder was removed or moved"):
        server.refuse_end()


@pytest.mark.root
def test_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100m", "none", str(small)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(DatabaseError, match=f"{small}.*MB are free"):
            Server(small, cache_gb=CACHE).start()
        assert disk.file_system(small / "genarris_db") == "tmpfs"
        (small / "filler").write_bytes(b"")
        with (small / "filler").open("wb") as filler, pytest.raises(OSError, match="No space"):  # noqa: PT012
            while True:
                filler.write(bytes(1024**2))
        with pytest.raises(DatabaseError):
            Server(small, cache_gb=CACHE).start()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_network_file_system_is_warned_of(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "file_system", lambda _: "nfs4")
    with pytest.warns(UserWarning, match=r"network file system \(nfs4\)"):
        server.start()


def test_mounts_are_read_with_their_longest_match(tmp_path: Path) -> None:
    assert disk.file_system(Path("/proc/self")) == "proc"
    assert disk.file_system(tmp_path) not in ("", "proc")


def test_status_is_plain_and_changes_nothing(tmp_path: Path) -> None:
    status = Server(tmp_path).status()
    assert json.loads(json.dumps(status)) == status
    assert not status["running"] and status["pid"] is None
    assert not (tmp_path / FOLDER).exists()


def test_interrupt_does_not_reach_the_server(server: Server) -> None:
    server.start()
    assert os.getsid(pid_of(server)) == pid_of(server) != os.getsid(0)


def test_server_may_open_many_files(server: Server) -> None:
    server.start()
    soft, hard = psutil.Process(pid_of(server)).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard


def test_last_words(tmp_path: Path) -> None:
    log, console = tmp_path / "log", tmp_path / "console"
    assert mongod.last_words(log, console) == "nothing"
    console.write_text("cannot open shared object\n")
    assert mongod.last_words(log, console) == "cannot open shared object"
    entries = [
        {"s": "W", "msg": "Soft rlimits too low", "tags": ["startupWarnings"]},
        {"s": "E", "msg": "WiredTiger error", "attr": {"error": 28, "message": "No space left\non device"}},
        {"s": "F", "msg": "\n\n***aborting after fassert() failure\n\n"},
        {"s": "I", "msg": "Now exiting"},
    ]
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + "no json\n")
    assert "No space left on device" in mongod.last_words(log, console)


def test_host_name_is_recorded(server: Server) -> None:
    server.start()
    assert server.status()["host"] == socket.gethostname()
