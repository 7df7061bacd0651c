"""A password that a URI holds is in no log, document, output, workflow file or list of processes."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from bson.json_util import dumps
from command import BIN, environment, genarris, one_line, start, urea_folder
from command_line import call
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo import errors as mongo_errors
from pymongo.uri_parser import parse_uri

from genarris_fw.cli.main import main
from genarris_fw.database.find import Database, find_server
from genarris_fw.database.launchpads import explain
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.redaction import redact
from genarris_fw.errors import DatabaseError, GenarrisError
from genarris_fw.showing import shown

# Marks that need quoting in a URI: neither form may be seen.
PASSWORD = "Zebra:9@quagga/okapi"
SEEN = re.compile("zebra|quagga|okapi", re.IGNORECASE)


class Watch:
    """Reads the command lines of all processes, again and again, while the context lasts."""

    def __enter__(self) -> Watch:
        self.seen: set[str] = set()
        self.looked_at: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._end.wait(0.02):
            for folder in Path("/proc").iterdir():
                if not folder.name.isdigit() or int(folder.name) == os.getpid():
                    continue
                try:
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                self.looked_at.add(words)
                if SEEN.search(words):
                    self.seen.add(words)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


class Secretive:
    """A server that wants the password, which a test may kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        self.socket = folder / "m.sock"
        self.name = f"secret_{secrets.token_hex(3)}"
        self.process = self._start()
        with MongoClient(f"mongodb://{quote_plus(str(self.socket))}/") as client:
            client.admin.command("createUser", "ada", pwd=PASSWORD, roles=["root"])

    def _start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [
                *(find_mongod(), "--auth", "--bind_ip", self.socket, "--nounixsocket"),
                *("--dbpath", self.folder / "data", "--logpath", self.folder / "log"),
                *("--wiredTigerCacheSizeGB", "0.25"),
            ],
            stdout=subprocess.DEVNULL,
        )

    def uri(self, password: str = PASSWORD) -> str:
        where = quote_plus(str(self.socket))
        return f"mongodb://ada:{quote_plus(password)}@{where}/{self.name}?authSource=admin"

    def dump(self) -> dict[str, str]:
        """Return every collection as text."""
        with MongoClient(self.uri()) as client:
            database = client[self.name]
            return {name: dumps(database[name].find()) for name in database.list_collection_names()}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def secretive(guarded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secretive]:
    server = Secretive(tmp_path_factory.mktemp("z") / "db")
    yield server
    server.close()


def leaks(folder: Path) -> list[str]:
    """Names of the files, below a folder, that hold the password; my_launchpad.yaml is where the user wrote it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "my_launchpad.yaml"]
    assert files
    return [str(path) for path in files if SEEN.search(path.read_bytes().decode(errors="replace"))]


def test_a_whole_run(secretive: Secretive, tmp_path: Path) -> None:
    """``run``, then ``add`` and plain ``rlaunch``: nothing that is left behind or said holds the password."""
    said = {}
    folder = tmp_path / "run"
    more = "verbose = TRUE\n"  # every event is logged
    urea_folder(folder, number=4, groups="[2, 4]", more=more)
    given = {"GENARRIS_FW_URI": secretive.uri()}
    with Watch() as watch:
        said["run"] = genarris("run", "ui.conf", "--workers", "2", cwd=folder, **given)
        urea_folder(folder, run="second", number=4, groups="[2]", more=more)
        said["yaml"] = genarris("add", "ui.conf", "--yaml", "workflow.yaml", cwd=folder, **given)
        said["add"] = genarris("add", "ui.conf", cwd=folder, **given)
        pad = folder / "my_launchpad.yaml"
        pad.touch(mode=0o600)
        pad.write_text(f"uri_mode: true\nhost: '{secretive.uri()}'\nname: {secretive.name}\n")
        process = start("-l", "my_launchpad.yaml", "rapidfire", "--nlaunches", "0", "--sleep", "1",
                        cwd=folder, program="rlaunch")  # fmt: skip
        said["rlaunch"] = subprocess.CompletedProcess("rlaunch", 0, *process.communicate(timeout=120))
        for words in ("status urea --json", "db uri", "db status", "check ui.conf", "recover", "init --force"):
            said[words] = genarris(*words.split(), cwd=folder, **given)
    for what, done in said.items():
        assert done.returncode == 0, (what, done.stderr)
        assert not SEEN.search(done.stdout + done.stderr), what
    assert any("heartbeat" in words for words in watch.looked_at) and any("rlaunch" in w for w in watch.looked_at)
    assert watch.seen == set()
    assert leaks(folder) == []
    collections = secretive.dump()
    assert {"fireworks", "launches", "workflows", "runs", "structures", "work_items"} <= set(collections)
    assert json.loads(collections["runs"])[0]["state"] == "finished"
    assert [name for name, text in collections.items() if SEEN.search(text)] == []
    assert not SEEN.search((secretive.folder / "log").read_text())


def test_the_server_goes_in_the_middle(secretive: Secretive, tmp_path: Path) -> None:
    """What is said and written when everything fails."""
    folder = tmp_path / "run"
    urea_folder(folder, number=500, attempts=2_000_000, more="verbose = TRUE\n")
    process = subprocess.Popen(
        [BIN / "genarris-fw", "--debug", "run", "ui.conf", "--workers", "2"],
        cwd=folder, env=environment(GENARRIS_FW_URI=secretive.uri(), GENARRIS_FW_PATIENCE="5"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with MongoClient(secretive.uri()) as client:
        end = time.monotonic() + 60
        while client[secretive.name].work_items.find_one({"state": "done"}) is None:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.1)
    secretive.close()
    try:
        output, errors = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    # --debug: the traceback is wanted, with every error that led to the last one.
    assert process.returncode != 0 and "Traceback" in errors
    assert not SEEN.search(output + errors)
    assert leaks(folder) == []


def test_a_wrong_password(secretive: Secretive, tmp_path: Path) -> None:
    urea_folder(tmp_path)
    wrong = secretive.uri("okapi-is-wrong")
    for words in (("status",), ("run", "ui.conf"), ("add", "ui.conf"), ("recover",), ("db", "backup", "x.tar.gz")):
        done = genarris(*words, cwd=tmp_path, GENARRIS_FW_URI=wrong)
        line = one_line(done.stderr)
        assert done.returncode == 2 and "refuses the user name or the password" in line, words
        assert not SEEN.search(line + done.stdout), words
        traced = genarris("--debug", *words, cwd=tmp_path, GENARRIS_FW_URI=wrong)
        assert not SEEN.search(traced.stderr + traced.stdout), words
    assert leaks(tmp_path) == []


# Secrets of marked words, with whatever a password may hold between them.
WORDS = st.sampled_from(["zebra", "Quagga", "okapi"])
BETWEEN = st.sampled_from(
    [*"@/?#:%&=;,+ '!$*[]{}\\\"\n", "", "12", "%40", "%2F", "@host/", "?tls=", ":1@", "é", "\x1b[31m"]
)
SECRETS = st.lists(st.tuples(BETWEEN, WORDS), min_size=1, max_size=3).map(lambda parts: "".join(map("".join, parts)))
NO_HOST = "mongodb://worker:{}"  # with an @ in the password what follows it is a host, for all anybody knows
# What people write, right and wrong; a host, a user beside a password and a database are no secrets.
SPELLINGS = [
    "mongodb://worker:{}@h.example/db",
    "mongodb://worker:{}@h1:27017,h2:27018/db?replicaSet=r&tls=true",
    "mongodb+srv://worker:{}@h.example/db",
    "mongodb://:{}@h",
    "mongodb://{}@h/db?authMechanism=MONGODB-X509",
    "mongodb://{}:@h",
    "mongodb://worker:{}@%2Ftmp%2Fm.sock/db",
    "mongodb://h/db?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{}",
    "mongodb://h/db?AuthMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:{}",
    "mongodb://h/db?tls=true&tlsCertificateKeyFilePassword={}",
    "mongodb://h/db?tls=true;TLSCERTIFICATEKEYFILEPASSWORD={}",
    "mongodb://h/db?password={}",
    "mongodb://h/db?%70assword={}",
    "mongodb://h/db?{}",
    "mongodb://h/db?{}=1",
    "worker:{}@h",
    "worker:{}@h:27017/db",
    "mongodb:///worker:{}@h/db",
    "mongodb//worker:{}@h/db",
    "mongodb:/worker:{}@h/db",
    "mongodb:worker:{}@h/db",
    "mongo://worker:{}@h/db",
    "https://worker:{}@h/db",
    "MongoDB://worker:{}@h/db",
    " mongodb://worker:{}@h/db",
    NO_HOST,
    "mongodb://worker@h:{}",
    "mongodb://worker:{}@",
    "mongodb://h1,worker:{}@h2/db",
    "mongodb://worker:12{}@h/db",
    "mongodb://h/worker:{}@h2",
    "mongodb://worker:{0}@h1:{0}@h2/db",
]
QUOTINGS = st.sampled_from([str, quote_plus, quote, lambda text: quote(text, safe="")])


@st.composite
def uris(draw: st.DrawFn) -> str:
    spelling, secret, quoting = draw(st.sampled_from(SPELLINGS)), draw(SECRETS), draw(QUOTINGS)
    return spelling.format(quoting(secret.replace("@", "") if spelling == NO_HOST else secret))


# my_launchpad.yaml with it, and with faults at which a reader of YAML repeats the line.
FILES = [
    "uri_mode: true\nhost: {quoted}\n",
    "uri_mode: true\nhost: {quoted}\nname: other\n",
    "host: {quoted}\nport: 27017\nname: n\n",
    "host: h\nport: {quoted}\n",
    "uri_mode: true\nhost: {plain}\n  bad: [{plain}\n",
    "host: h\npassword: *{plain}\n",
    "host: h\npassword: {plain}\npassword: {plain}\n",
    "host: h\nusername: u\npassword: [{quoted}]\n",
]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uri=uris(), file=st.sampled_from(FILES))
@example(uri="mongodb://worker:12/zebra@h/db", file=FILES[0])
@example(uri="mongodb://worker:12?zebra@h/db", file=FILES[0])
@example(uri="mongodb://worker:12?tls=zebra@h/db", file=FILES[0])
@example(uri="mongodb://worker:12?appName=zebra@h/db", file=FILES[0])
@example(uri="mongodb://h/a%3Azebra%40h", file=FILES[0])
def test_no_spelling_of_a_uri_shows_its_secret(
    uri: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a message, nor what leads to it, nor what is shown of a URI that is accepted."""
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    said = [redact(uri), redact(redact(uri)), shown(uri)]
    (tmp_path / "my_launchpad.yaml").write_text(file.format(quoted=json.dumps(uri), plain=uri))
    said += _said(lambda: find_server(tmp_path)) + _said(lambda: find_server(tmp_path, uri))
    assert not [line for line in said if SEEN.search(line)], uri


def _said(find: Callable[[], Database]) -> list[str]:
    """What is said of a database, or of the error where there is none, with every error that led to it."""
    try:
        database = find()
    except DatabaseError as error:
        assert "\n" not in str(error)
        return ["".join(traceback.format_exception(error))]
    uri = database.uri
    found = [str(database), redact(uri), database.origin]
    for kind in (mongo_errors.ConfigurationError, mongo_errors.ServerSelectionTimeoutError):
        found += [explain(kind(f"{word} is wrong"), uri) for word in ("the option", _secret_of(uri))]
    return found


def _secret_of(uri: str) -> str:
    """What the driver might repeat of an accepted URI: the password, or a hidden option's value."""
    parts = parse_uri(uri.replace("+srv", ""), validate=False)
    return f"{parts['password'] or parts['username']} {parts['options'].get('authmechanismproperties')}"


MALFORMED = [
    "worker:zebra@host",
    "mongodb:///worker:zebra@host/db",
    "mongodb//worker:zebra@host/db",
    "mongodb://worker:ze bra/quagga@okapi@host/db",
    "mongodb://worker:12/zebra@host",
    "mongodb://h/db?password=zebra",
    "mongodb://h/db?authMechanismProperties=zebra",
    "mongodb://h/db?connectTimeoutMS=zebra",
]


@pytest.mark.parametrize("uri", MALFORMED)
def test_no_command_shows_it(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option, the variable, the file; in the wrong place; in ui.conf."""
    monkeypatch.chdir(tmp_path)
    conf = urea_folder(tmp_path)
    lines = []
    for words in (
        ["status", "--json"],
        ["run", conf, "--quiet"],
        ["add", conf],
        ["check", conf, "--json"],
        ["recover"],
    ):
        lines.append(call(capsys, *words, "--uri", uri))
        lines.append(call(capsys, *words, f"--uri={uri}"))
    monkeypatch.setenv("GENARRIS_FW_URI", uri)
    others = (["status"], ["db", "uri"], ["db", "status", "--json"], ["db", "backup", "x.tar.gz"], ["init"])
    lines += [call(capsys, *words) for words in others]
    with pytest.raises((SystemExit, GenarrisError)) as caught:
        main(["--debug", "status"])
    assert not SEEN.search("".join(traceback.format_exception(caught.value)))
    monkeypatch.delenv("GENARRIS_FW_URI")
    for words in (["status", uri], ["run", uri], ["--url", uri], ["export", "r", "--pool", uri], [uri], ["db", uri],
                  ["import", uri, "--run", "r"], ["run", conf, "--workers", uri], ["options", uri]):  # fmt: skip
        found = call(capsys, *words)
        assert found.code == 2, words
        lines.append(found)
    for option in (f"run_name = {uri}", f"uri = {uri}", f"engine = {uri}", f"seed = 1 # {uri}", uri, f"[{uri}]"):
        conf.write_text(f"[Genarris_master]\nprocedures = ['Run_Rdf_Calc']\n{option}\n")
        lines.append(call(capsys, "check", conf))
    for found in lines:
        assert not SEEN.search(found.out + found.err), found
        assert "Traceback" not in found.err and "unexpected" not in found.err
