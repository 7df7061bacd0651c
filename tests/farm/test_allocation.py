"""A queue job's own database: its password, its next job, its other nodes, and all ways in which it can be killed.

A second node is a process with another host name; the queue is there as the variables of a job's environment. The
real SLURM is in tests/cluster.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import archives
import psutil
import pytest
from command import finish, genarris, python_path, start_program
from fireworks import FWorker
from killing import TOOLS, Farm
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from waiting import wait_until

from genarris_fw.database.find import find_server
from genarris_fw.database.in_job import allocation
from genarris_fw.database.in_job import data as allocation_data
from genarris_fw.database.in_job.allocation import Job
from genarris_fw.database.in_job.tls import make_certificate
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.restore import restore
from genarris_fw.database.server import FOLDER, Server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.owner import owner_name

PROGRAM = Path(sys.executable).parent / "genarris-fw"
NODE2 = 'hostname node2 && exec "$@"'


class Jobs:
    """Calls of ``genarris-fw db`` as jobs of a queue make them, in one run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / FOLDER
        self.job = 1
        self.environment: dict[str, str] = {}

    def call(
        self, *words: str | Path, code: int = 0, node2: bool = False, job: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name != "GENARRIS_FW_URI"}
        kept |= {"SLURM_JOB_ID": str(self.job)} if job else {}
        kept |= environment
        if node2:
            done = subprocess.run(
                ["unshare", "--uts", "sh", "-c", NODE2, "-", PROGRAM, "db", *words],
                cwd=self.folder, env=kept, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        else:
            started = start_program("genarris-fw", "db", *words, cwd=self.folder, env=kept, new_session=False)
            done = finish(started, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr + self.log()
        assert "Traceback" not in done.stderr + self.log()
        return done

    def start(self, *words: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
        return self.call("start", "--in-allocation", "--host", "127.0.0.1", *words, **how)

    def next(self, *words: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
        self.job += 1
        return self.start(*words, **how)

    @property
    def record(self) -> allocation.Allocation:
        record = allocation.read(self.home)
        assert record is not None, self.log()
        return record

    @property
    def uri(self) -> str:
        return self.record.uri

    @property
    def password(self) -> str:
        return unquote(self.uri.partition("@")[0].rpartition(":")[2])

    @property
    def keeper(self) -> int:
        return int(self.record.keeper.rsplit(":", 4)[1])

    @property
    def mongod(self) -> int:
        """The process of the server; 0 while one begins, and has not yet said its number."""
        return int((Path(self.record.data) / "mongod.lock").read_text() or 0)

    def log(self) -> str:
        file = self.home / "keeper.log"
        return file.read_text() if file.exists() else ""

    def kill(self) -> None:
        """Kill keeper and server at once, as the end of a job may do."""
        keeper, server = self.keeper, self.mongod
        for pid in (keeper, server):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gone(keeper) and gone(server))

    def close(self) -> None:
        record = allocation.read(self.home)
        if record is not None:
            for pid in (int(record.keeper.rsplit(":", 4)[1]), self.mongod if Path(record.data).exists() else 0):
                if pid and not gone(pid):
                    os.kill(pid, signal.SIGKILL)
            (self.home / allocation.RECORD).unlink()
        server = Server(self.folder)
        wait_until(lambda: not server.running() or server.stop(force=True))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    folder = tmp_path / "run"
    folder.mkdir()
    jobs = Jobs(folder)
    yield jobs
    jobs.close()


def insert(uri: str, *numbers: int) -> None:
    with MongoClient(uri) as client:
        client.genarris.things.insert_many({"_id": number} for number in numbers)


def numbers(uri: str) -> list[int]:
    with MongoClient(uri) as client:
        return sorted(document["_id"] for document in client.genarris.things.find())


# ---- what a job is


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({"SLURM_JOB_ID": "17", "JOB_ID": "x"}, Job("17", "SLURM")),
        ({"PBS_JOBID": "18.server"}, Job("18.server", "PBS")),
        ({"JOB_ID": "19", "SGE_TASK_ID": "undefined"}, Job("19", "SGE")),
    ],
)
def test_job_of_each_queue(environment: dict[str, str], job: Job) -> None:
    assert Job.here(environment) == job


@pytest.mark.parametrize("environment", [{}, {"JOB_ID": "5"}])
def test_no_job(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match="this is no job of a queue"):
        Job.here(environment)


def test_options_that_go_together(jobs: Jobs) -> None:
    for words, said in (
        (("--in-allocation",), "no job of a queue"),
        (("--in-allocation", "--backup-every", "5"), "--backup-every needs --data"),
        (("--no-tls",), "go with --in-allocation"),
    ):
        refused = jobs.call("start", *words, job=False, code=2).stderr
        assert said in refused and refused.count("\n") == 1
    assert not jobs.home.exists()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "no..host"])
def test_foreign_address(jobs: Jobs, host: str) -> None:
    refused = jobs.call("start", "--in-allocation", "--host", host, code=2).stderr
    assert "not an address of this node" in refused and refused.count("\n") == 1
    assert not Server(jobs.folder).running()


# ---- who gets in


def test_only_with_password_and_encrypted(jobs: Jobs) -> None:
    said = jobs.start()
    assert numbers(jobs.uri) == []
    host = jobs.uri.partition("@")[2].partition("/")[0]
    trusted = f"tls=true&tlsCAFile={jobs.home / 'tls.crt'}&serverSelectionTimeoutMS=2000"
    with MongoClient(f"mongodb://{host}/?{trusted}") as client, pytest.raises(OperationFailure, match="requires auth"):
        client.genarris.things.find_one()
    with pytest.raises(PyMongoError, match="Authentication failed"):
        numbers(jobs.uri.replace(jobs.password, "x"))
    with pytest.raises(PyMongoError):
        numbers(f"mongodb://genarris:{jobs.password}@{host}/?authSource=admin&serverSelectionTimeoutMS=1000")
    name, _, port = host.partition(":")
    context = ssl.create_default_context(cafile=jobs.home / "tls.crt")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection((name, int(port))) as plain, context.wrap_socket(plain, server_hostname=name) as safe:
        assert safe.version() in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(OperationFailure), MongoClient(jobs.uri) as client:
        client.admin.command("createUser", "eve", pwd="x", roles=["root"])
    for file in ("allocation.json", "my_launchpad.yaml", "tls.pem"):
        assert stat.S_IMODE((jobs.home / file).stat().st_mode) == 0o600
    shown = said.stdout + said.stderr + jobs.call("status").stdout + jobs.call("status", "--json").stdout
    shown += jobs.call("uri").stdout + jobs.log() + (jobs.home / "mongod.log").read_text()
    for pid in (jobs.keeper, jobs.mongod):
        process = psutil.Process(pid)
        shown += str(process.cmdline()) + str(process.environ())
    assert "127.0.0.1" in shown and jobs.password not in shown
    assert jobs.call("uri", "--show-password").stdout == jobs.uri + "\n"


def test_plain_fireworks_reaches_it_and_tells_no_password(jobs: Jobs) -> None:
    jobs.start()
    lpad = [PROGRAM.parent / "lpad", "-l", jobs.home / "my_launchpad.yaml", "get_fws", "-d", "count"]
    done = subprocess.run(lpad, cwd=jobs.folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert find_server(jobs.home).uri.partition("?")[0] == jobs.uri.partition("?")[0]  # ours reads that file as well
    file = jobs.home / "my_launchpad.yaml"
    fields = json.loads(file.read_text())
    fields["mongoclient_kwargs"]["serverSelectionTimeoutMS"] = 500
    file.write_text(json.dumps(fields | {"port": 1}))
    done = subprocess.run(lpad, cwd=jobs.folder, capture_output=True, text=True, check=False)
    assert "not able to connect" in done.stderr and jobs.password not in done.stdout + done.stderr


def test_without_encryption(jobs: Jobs) -> None:
    jobs.start("--no-tls")
    assert "tls" not in jobs.uri and not (jobs.home / "tls.crt").exists()
    assert numbers(jobs.uri) == []
    with pytest.raises(OperationFailure):
        numbers(jobs.uri.replace(f"genarris:{jobs.password}@", ""))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the certificate is judged by openssl: not installed")
@pytest.mark.parametrize(
    ("address", "option"),
    [("10.1.2.3", "-verify_ip"), ("2001:db8::7", "-verify_ip"), ("node7.cluster", "-verify_hostname")],
)
def test_the_certificate_as_openssl_sees_it(tmp_path: Path, address: str, option: str) -> None:
    make_certificate(tmp_path, address)
    judge = ["openssl", "verify", "-x509_strict", "-CAfile", tmp_path / "tls.crt"]
    for asked in ((option, address), ("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1")):
        done = subprocess.run([*judge, *asked, tmp_path / "tls.pem"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    stranger = [*judge, "-verify_hostname", "node8.cluster", tmp_path / "tls.pem"]
    assert subprocess.run(stranger, capture_output=True, check=False).returncode != 0
    about = subprocess.check_output(["openssl", "x509", "-noout", "-text", "-in", tmp_path / "tls.crt"], text=True)
    assert "prime256v1" in about and "CA:TRUE" in about
    for seconds, code in ((0, 0), (365 * 86400, 0), (367 * 86400, 1)):
        check = ["openssl", "x509", "-checkend", str(seconds), "-noout", "-in", tmp_path / "tls.crt"]
        assert subprocess.run(check, capture_output=True, check=False).returncode == code
    key = ["openssl", "pkey", "-in", tmp_path / "tls.pem", "-pubout"]
    assert subprocess.check_output(key) == subprocess.check_output(
        ["openssl", "x509", "-pubkey", "-noout", "-in", tmp_path / "tls.crt"]
    )
    assert stat.S_IMODE((tmp_path / "tls.pem").stat().st_mode) == 0o600


# ---- one job after the other


def test_second_start_adopts(jobs: Jobs) -> None:
    jobs.start()
    first = jobs.record
    jobs.start()
    assert jobs.record == first
    assert json.loads(jobs.call("status", "--json").stdout)["job"] == "1"
    assert "job 1 on" in jobs.next(code=2).stderr


def test_next_job_resumes_with_another_password(jobs: Jobs) -> None:
    jobs.start()
    insert(jobs.uri, 1)
    first = jobs.password
    assert "stopped" in jobs.call("stop").stdout
    assert not (jobs.home / "allocation.json").exists() and not (jobs.home / "tls.pem").exists()
    with Server(jobs.folder).use() as uri:  # without a job, as on a login node
        assert numbers(uri) == [1]
        insert(uri, 2)
    jobs.next()
    assert numbers(jobs.uri) == [1, 2] and jobs.password != first


def test_killed_job_loses_nothing(jobs: Jobs) -> None:
    jobs.start()
    done = 200
    with MongoClient(jobs.uri) as client:
        for number in range(done):
            client.genarris.things.insert_one({"_id": number})
        jobs.kill()
    jobs.next()
    assert numbers(jobs.uri) == list(range(done))
    # And where no job follows, the folder's own server goes on with it.
    jobs.kill()
    with Server(jobs.folder).use() as uri:
        assert len(numbers(uri)) == done


def test_server_that_falls_over_is_started_again(jobs: Jobs) -> None:
    jobs.start()
    uri, before = jobs.uri, jobs.mongod
    insert(uri, 1)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: jobs.mongod not in (0, before))
    assert numbers(uri) == [1] and jobs.uri == uri


def test_server_ends_with_its_keeper(jobs: Jobs) -> None:
    jobs.start()
    server = jobs.mongod
    os.kill(jobs.keeper, signal.SIGKILL)
    wait_until(lambda: gone(server))
    assert jobs.call("status").stdout.startswith("database     not running")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGUSR1])
def test_signals_of_the_queue_end_it(jobs: Jobs, sign: signal.Signals) -> None:
    jobs.start()
    server = jobs.mongod
    os.kill(jobs.keeper, sign)
    wait_until(lambda: gone(server) and jobs.log().endswith("ended\n"))
    assert not (jobs.home / "allocation.json").exists()


def test_ends_with_the_job_script(jobs: Jobs) -> None:
    words = [PROGRAM, "db", "start", "--in-allocation", "--host", "127.0.0.1"]
    script = subprocess.Popen(
        ["sh", "-c", '"$@" && read line', "-", *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        cwd=jobs.folder, env=os.environ | {"SLURM_JOB_ID": "1"}, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: (jobs.home / "allocation.json").exists())
    server = jobs.mongod
    assert numbers(jobs.uri) == []
    time.sleep(3 * allocation.BEAT_SECONDS / 2)
    assert not gone(server)
    script.communicate(b"\n")
    wait_until(lambda: gone(server) and not (jobs.home / "allocation.json").exists())
    assert "the job script is over" in jobs.log()


# ---- other nodes


@pytest.mark.root
def test_other_node_uses_and_stops_it(jobs: Jobs) -> None:
    jobs.start()
    server = jobs.mongod
    status = json.loads(jobs.call("status", "--json", node2=True).stdout)
    assert status["ready"] and status["pid"] == server and status["host"] != "node2"
    assert jobs.call("uri", "--show-password", node2=True).stdout == jobs.uri + "\n"
    jobs.call("backup", "all.tar.gz", node2=True)
    jobs.call("start", node2=True)  # adopts it as well
    assert jobs.mongod == server
    assert "stopped" in jobs.call("stop", node2=True).stdout
    assert gone(server) and "asked to end" in jobs.log()


@pytest.mark.root
def test_other_node_takes_over_from_a_killed_one(jobs: Jobs) -> None:
    """No scheduler tells here: the beat that stands still does."""
    jobs.start()
    insert(jobs.uri, 1)
    jobs.kill()
    jobs.next(node2=True)
    assert jobs.record.host == "node2" and numbers(jobs.uri) == [1]


@pytest.mark.root
def test_live_but_unreachable_is_not_taken_over(jobs: Jobs) -> None:
    jobs.start()
    os.kill(jobs.mongod, signal.SIGSTOP)
    try:
        refused = jobs.next(node2=True, code=2).stderr
    finally:
        os.kill(jobs.mongod, signal.SIGCONT)
    assert "job 1 on" in refused and "cannot be reached from node2" in refused and refused.count("\n") == 1
    wait_until(lambda: numbers(jobs.uri) == [])


def test_one_that_was_replaced_goes_at_once(jobs: Jobs) -> None:
    jobs.start()
    server, keeper, text = jobs.mongod, jobs.keeper, (jobs.home / "allocation.json").read_text()
    allocation.write_private(jobs.home / "allocation.json", text.replace(jobs.record.keeper, "node9:1:1:0:x"))
    wait_until(lambda: gone(server) and gone(keeper))
    assert "replaced by the database in job" in jobs.log()


def test_commands_find_it_through_the_old_socket(jobs: Jobs) -> None:
    """A my_launchpad.yaml of `genarris-fw init` names the socket on the login node."""
    with Server(jobs.folder).use() as uri:
        (jobs.folder / "my_launchpad.yaml").write_text(f"uri_mode: true\nhost: '{uri}'\nname: genarris\n")
    jobs.start()
    assert find_server(jobs.folder).uri == jobs.uri != uri
    with find_server(jobs.folder).use() as used:
        assert used == jobs.uri


# ---- files on the node's own disk


@pytest.mark.parametrize("leased", [True, False])
def test_what_a_killed_job_held_is_free_for_the_next(jobs: Jobs, leased: bool) -> None:
    """With a lease that lasts, or just checked out: rockets of plain rlaunch would wait for it for ever."""
    jobs.start()
    farm = Farm(jobs.uri, jobs.folder)
    farm.add(items=1, steps=1)
    begin, launch_id = farm.launchpad.checkout_fw(FWorker(name="elsewhere"), str(jobs.folder))
    if leased:
        owner = f"elsewhere{owner_name(begin.fw_id)}"
        farm.catalogue.leases.take(farm.run, "begin", "whole", begin.fw_id, launch_id, owner, 3600)
    farm.close()
    jobs.kill()
    said = jobs.next().stdout
    farm = Farm(jobs.uri, jobs.folder)
    assert farm.launchpad.get_fw_by_id(begin.fw_id).state == "READY", said
    farm.close()


def test_backups_bring_it_to_the_next_node(jobs: Jobs, tmp_path: Path) -> None:
    with Server(jobs.folder).use() as uri:
        insert(uri, 0)
    said = jobs.start("--data", tmp_path / "disk1")
    assert "restored from" in said.stderr and numbers(jobs.uri) == [0]
    assert Path(jobs.record.data).is_relative_to(tmp_path / "disk1")
    insert(jobs.uri, 1)
    jobs.call("stop")
    assert list((tmp_path / "disk1").iterdir()) == []
    jobs.next("--data", tmp_path / "disk2")
    assert numbers(jobs.uri) == [0, 1]
    insert(jobs.uri, 2)
    jobs.call("stop")
    assert [file.name for file in allocation_data.backups(jobs.home)] == ["000003.tar.gz", "000002.tar.gz"]
    with Server(jobs.folder).use() as uri:  # no job: the newest archive becomes the folder's data
        assert numbers(uri) == [0, 1, 2]
        insert(uri, 3)
    jobs.next()
    assert numbers(jobs.uri) == [0, 1, 2, 3] and Path(jobs.record.data) == jobs.home / "data"
    jobs.call("stop")
    jobs.next("--data", tmp_path / "disk3")
    assert numbers(jobs.uri) == [0, 1, 2, 3]


def test_last_backup_has_all_even_after_a_crash(jobs: Jobs, tmp_path: Path) -> None:
    """mongod is killed while the keeper ends: what it had acknowledged is in its log alone."""
    jobs.start("--data", tmp_path / "disk")
    insert(jobs.uri, *range(2000))
    keeper, server = jobs.keeper, jobs.mongod
    os.kill(server, signal.SIGKILL)
    os.kill(keeper, signal.SIGTERM)
    wait_until(lambda: gone(keeper))
    jobs.next("--data", tmp_path / "disk")
    assert numbers(jobs.uri) == list(range(2000))


def test_damaged_backup_is_left_out(jobs: Jobs, tmp_path: Path) -> None:
    for number in range(2):
        jobs.next("--data", tmp_path / "disk")
        insert(jobs.uri, number)
        jobs.call("stop")
    newest, before = allocation_data.backups(jobs.home)
    newest.write_bytes(newest.read_bytes()[:-100])
    said = jobs.next("--data", tmp_path / "disk")
    assert "left out" in said.stderr and f"restored from {before}" in said.stderr
    assert numbers(jobs.uri) == [0]
    jobs.kill()
    for file in allocation_data.backups(jobs.home):
        file.write_bytes(b"")
    refused = jobs.next("--data", tmp_path / "disk", code=2).stderr
    assert "no backup is whole" in refused and refused.count("\n") == 1
    with pytest.raises(DatabaseError, match="no backup is whole"):
        Server(jobs.folder).start()


def test_backup_is_of_one_moment(jobs: Jobs, tmp_path: Path, database_uri: str) -> None:
    """`a` is written before `c` and read long before it: reads that follow each other would find more in `c`."""
    jobs.start("--data", tmp_path / "disk")
    with MongoClient(jobs.uri) as client:
        client.genarris.b.insert_many({"large": bytes(10**6)} for _ in range(50))
    program = (
        f"import pymongo; base = pymongo.MongoClient({jobs.uri!r}).genarris; n = 0\n"
        "while True:\n"
        "    base.a.insert_one({'_id': n}); base.c.insert_one({'_id': n}); n += 1"
    )
    writer = subprocess.Popen([sys.executable, "-c", program])
    try:
        with MongoClient(jobs.uri) as client:
            wait_until(lambda: client.genarris.c.estimated_document_count() > 100)
        file = allocation_data.add_backup(jobs.home, jobs.uri, tmp_path)
    finally:
        writer.kill()
        writer.wait()
    restore(database_uri, file)
    with MongoClient(database_uri) as client:
        base = client.get_default_database()
        a, c = (base[name].count_documents({}) for name in "ac")
    assert c > 100 and a - c in (0, 1)


def done_in_newest_backup(home: Path) -> int:
    """Return how many items are done in the backup that the next job would take."""
    with suppress(FileNotFoundError):  # a newer one has just taken its place
        for file in allocation_data.backups(home)[:1]:
            return sum(item["state"] == "done" for item in archives.documents(file).get("work_items", []))
    return 0


def test_killed_job_costs_an_interval_of_work(jobs: Jobs, tmp_path: Path) -> None:
    """Backed up while rockets work, killed, restored elsewhere: the run ends with the undisturbed result."""
    jobs.start("--data", tmp_path / "disk1", "--backup-every", "0.03")
    farm = Farm(jobs.uri, jobs.folder)
    farm.add(seconds=0.1)
    farm.hold()
    for _ in range(3):
        farm.rlaunch()
    wait_until(lambda: done_in_newest_backup(jobs.home) > 0)
    jobs.kill()
    farm.close()
    farm.let_go()
    assert 1 <= len(allocation_data.backups(jobs.home)) <= 2
    said = jobs.next("--data", tmp_path / "disk2", PYTHONPATH=python_path(TOOLS))
    assert "restored from" in said.stderr
    for place in jobs.folder.glob("rockets-*"):
        shutil.rmtree(place)
    farm = Farm(jobs.uri, jobs.folder)
    done = farm.catalogue.work_items.counts("nap", "sleepy_0")["done"]
    assert 0 < done < 60
    try:
        for _ in range(3):
            farm.rlaunch()
        end = time.monotonic() + 300
        while (farm.catalogue.runs.find("nap") or {}).get("state") != "finished":
            assert time.monotonic() < end, farm.outputs()
            assert genarris("recover", "--dir", str(jobs.folder), cwd=tmp_path).returncode == 0
            time.sleep(1)
            if all(process.poll() is not None for process in farm.processes):
                farm.rlaunch()
        farm.check(farm.finish())
    finally:
        farm.close()
