"""Other people's files: a database folder that is not ours alone is refused, and no process but its mongod is ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from command import genarris, one_line, urea_folder
from pymongo import MongoClient

from genarris_fw.database import ownership
from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job.allocation import Allocation
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError
from genarris_fw.owner import owner_name

CACHE = 0.25
SOMEBODY = 65534
COMMANDS = (
    ("status",),
    ("run", "ui.conf"),
    ("rockets",),
    ("recover",),
    ("db", "start"),
    ("db", "stop", "--force"),
    ("db", "status"),
    ("db", "uri"),
)


def give_away(path: Path) -> None:
    os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)


def open_to_all(path: Path) -> None:
    path.chmod(0o777)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder with a database that was used and stopped, as its files look."""
    urea_folder(tmp_path)
    home = tmp_path / "genarris_db"
    for place in (home, home / "data", home / "socket"):
        place.mkdir(mode=0o700)
    for name in ("data/WiredTiger", "server.json", "users.lock", "alive.lock", "start.lock"):
        (home / name).touch(mode=0o600)
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(DatabaseError) as caught:
        Server(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- the folder and what lies in it


@pytest.mark.root
@pytest.mark.parametrize("name", ["", "data", "server.json", "alive.lock", "users.lock", "socket", "mongod.log"])
def test_what_belongs_to_somebody_else(folder: Path, name: str) -> None:
    Server(folder)
    place = folder / "genarris_db" / name
    place.touch()
    give_away(place)
    line = refused(folder)
    assert line.startswith(f"{place}: belongs to ") and ownership.user(SOMEBODY) in line and "chown" in line


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_into(folder: Path, mode: int) -> None:
    home = folder / "genarris_db"
    home.chmod(mode)
    line = refused(folder)
    assert f"mode {mode:04o}" in line and f"chmod go-w {home}" in line
    home.chmod(0o755)
    Server(folder)


def test_files_that_others_can_write_count_where_others_can_enter(folder: Path) -> None:
    record = folder / "genarris_db" / "server.json"
    record.chmod(0o666)
    Server(folder)
    (folder / "genarris_db").chmod(0o755)
    assert f"chmod go-w {record}" in refused(folder)


def test_a_run_folder_in_which_all_can_put_another_database(folder: Path) -> None:
    open_to_all(folder)
    assert f"chmod o-w {folder}" in refused(folder)
    folder.chmod(0o1777)  # as /tmp: what is ours, others cannot move away
    Server(folder)
    folder.chmod(0o2775)  # a group's folder: who may write there may change the ui.conf, too
    Server(folder)


def elsewhere(folder: Path, target: Path) -> None:
    shutil.move(folder / "genarris_db", target)
    (folder / "genarris_db").symlink_to(target)


@pytest.mark.root
def test_links_of_somebody_else(folder: Path) -> None:
    target = folder / "target"
    elsewhere(folder, target)
    Server(folder)
    give_away(folder / "genarris_db")
    assert "this link belongs to" in refused(folder)
    (folder / "genarris_db").unlink()
    between = folder / "between"
    (folder / "genarris_db").symlink_to("between")
    between.symlink_to(target)
    Server(folder)
    give_away(between)
    assert str(between) in refused(folder)


@pytest.mark.root
def test_a_link_to_somebody_elses_folder(folder: Path) -> None:
    target = folder / "target"
    elsewhere(folder, target)
    give_away(target)
    assert refused(folder).startswith(f"{target}: belongs to")


def test_a_link_into_a_folder_of_all(folder: Path) -> None:
    (folder / "scratch").mkdir()
    target = folder / "scratch" / "database"
    elsewhere(folder, target)
    Server(folder)
    open_to_all(folder / "scratch")
    assert f"chmod o-w {folder / 'scratch'}" in refused(folder)
    (folder / "scratch").chmod(0o700)
    open_to_all(target)
    assert f"chmod go-w {target}" in refused(folder)


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "genarris_db").symlink_to("genarris_db")
    assert "genarris_db" in refused(tmp_path)


def test_data_for_all_is_refused_before_it_is_linked(tmp_path: Path) -> None:
    place = tmp_path / "database"
    place.mkdir()
    open_to_all(place)
    with pytest.raises(DatabaseError, match=f"chmod go-w {place}"):
        Server(tmp_path / "run", data=place).start()
    assert not os.path.lexists(tmp_path / "run" / "genarris_db")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_says_so_in_one_line(folder: Path, words: tuple[str, ...]) -> None:
    open_to_all(folder / "genarris_db")
    place = () if words[0] == "run" else ("--dir", str(folder))
    result = genarris(*words, *place, cwd=folder)
    assert result.returncode == 2
    assert one_line(result.stderr).startswith(f"genarris-fw: {folder}/genarris_db: others can write there")


# ---- sockets and processes that a file names


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "run", cache_gb=CACHE)
    server.start()
    yield server
    if server.running():
        server.stop(force=True)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen]:
    """A process whose number stands where it has no business."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def write_down(server: Server, **fields: object) -> None:
    file = server.home / "server.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize("stop", [Server.stop, lambda server: server.end_unused(os.open(server.users_lock, os.O_RDWR))])
def test_a_wrong_process_id_is_not_signalled(
    server: Server, bystander: subprocess.Popen, stop: Callable[[Server], object]
) -> None:
    write_down(server, pid=bystander.pid, keep=False)
    (server.data / "mongod.lock").write_text(f"{bystander.pid}\n")
    stop(server)
    assert not server.running()
    assert bystander.poll() is None


def test_a_lock_that_no_server_of_ours_holds(server: Server, bystander: subprocess.Popen) -> None:
    """The lock of the database is held by a process that is no mongod: none is signalled, and the line says so."""
    server.stop()
    write_down(server, pid=bystander.pid)
    lock = server.home / "alive.lock"
    holder = subprocess.Popen(["flock", str(lock), "sleep", "600"], start_new_session=True)
    try:
        while not server.running():
            assert holder.poll() is None
        with pytest.raises(DatabaseError, match="end it by hand"):
            server.stop()
        assert bystander.poll() is None and holder.poll() is None
    finally:
        os.killpg(holder.pid, 9)
        holder.wait()


def elsewhere_for_sockets() -> Path:
    return Path(tempfile.mkdtemp(prefix="genarris_fw_test_", dir="/tmp"))


@pytest.mark.parametrize("theirs", [open_to_all, pytest.param(give_away, marks=pytest.mark.root)])
def test_a_socket_in_a_folder_of_others_is_not_connected_to(server: Server, theirs: Callable[[Path], None]) -> None:
    place = elsewhere_for_sockets()
    try:
        theirs(place)
        with socket.socket(socket.AF_UNIX) as trap:
            trap.bind(str(place / "mongod.sock"))
            trap.listen()
            trap.setblocking(False)
            write_down(
                server,
                socket=str(place / "mongod.sock"),
                uri=f"mongodb://{quote(str(place / 'mongod.sock'), safe='')}/",
            )
            uri = Server(server.folder, cache_gb=CACHE).start()  # ends the server, and starts one with a socket of ours
            with MongoClient(uri) as client:
                client.admin.command("ping")
            with pytest.raises(BlockingIOError):
                trap.accept()
        assert str(place) not in (server.home / "server.json").read_text()
    finally:
        shutil.rmtree(place)


def test_the_keeper_of_a_job_is_signalled_only_where_it_is_one(
    tmp_path: Path, bystander: subprocess.Popen, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(")")[2].split()[19]
    host, _, _, *rest = owner_name(0).rsplit(":", 4)
    keeper = ":".join((host, str(bystander.pid), start, *rest))
    uri = "mongodb://genarris:secret@127.0.0.1:9/genarris?serverSelectionTimeoutMS=100"
    record = Allocation(uri, host, "1", "SLURM", keeper, str(tmp_path), None, "now", "6.0.5")
    allocation.write(tmp_path, record)
    monkeypatch.setattr(allocation, "ANSWER_MS", 100)
    with pytest.raises(DatabaseError, match="did not end"):
        allocation.stop(tmp_path, record, timeout=0.2)
    assert bystander.poll() is None
