"""LaunchPads by URI: the errors, the preparation, FireWorks' own programs on them."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from fireworks import Firework, LaunchPad, ScriptTask
from hypothesis import given
from hypothesis import strategies as st
from pymongo.uri_parser import parse_uri

from genarris_fw.database import launchpads
from genarris_fw.database.find import VARIABLE, find_server, read_launchpad_file
from genarris_fw.database.launchpads import (
    build_uri,
    database_name,
    explained,
    launchpad,
    ping,
    prepare,
    with_database,
)
from genarris_fw.database.redaction import redact
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"serverSelectionTimeoutMS": 600, "connectTimeoutMS": 600}
    monkeypatch.setattr(launchpads, "CLIENT_OPTIONS", launchpads.CLIENT_OPTIONS | short)


def add_one(pad: LaunchPad) -> int:
    return next(iter(pad.add_wf(Firework(ScriptTask.from_str("true"), name="one")).values()))


# ---- connecting


def test_launchpad_names_its_database_and_journals(database_uri: str) -> None:
    pad = launchpad(database_uri)
    assert pad.db.name == database_name(database_uri)
    assert pad.db.write_concern.document == {"j": True}
    assert pad.uri_mode


def test_plain_fireworks_launchpad_by_uri(database_uri: str) -> None:
    prepare(launchpad(database_uri))
    pad = LaunchPad(host=database_uri, name=database_name(database_uri), uri_mode=True, strm_lvl="ERROR")
    assert add_one(pad) == 1
    assert pad.db.write_concern.document == {"j": True}  # the URI carries it


def test_nothing_answers(tmp_path: Path) -> None:
    before = time.monotonic()
    with pytest.raises(DatabaseError, match=r"does not answer.*refused.*genarris-fw db start"):
        launchpad("mongodb://127.0.0.1:1/genarris")
    with pytest.raises(DatabaseError, match="does not answer"):
        launchpad(f"mongodb://{quote_plus(str(tmp_path / 'no.sock'))}/genarris")
    assert time.monotonic() - before < 30  # the driver's own patience


def test_a_dead_database_is_an_error_in_seconds() -> None:
    assert launchpads.CONNECT_MS <= 5000


def test_a_patient_uri_is_for_a_server_that_was_there() -> None:
    """A command says within seconds that nothing answers, whatever the rockets' file says about waiting."""
    before = time.monotonic()
    with pytest.raises(DatabaseError, match="does not answer"):
        launchpad("mongodb://127.0.0.1:1/genarris?serverSelectionTimeoutMS=600000")
    assert time.monotonic() - before < 60


def test_what_the_uri_says_counts() -> None:
    options = launchpads.client_options("mongodb://h/d?journal=false&ServerSelectionTimeoutMS=20")
    assert options["journal"] is True and "serverSelectionTimeoutMS" not in options
    assert "connectTimeoutMS" in options


@pytest.mark.parametrize(
    "uri", ["genarris", "http://host/x", "mongodb://", "mongodb://host:99999/x", "mongodb://a:b@c@d/x"]
)
def test_no_uri(uri: str) -> None:
    with pytest.raises(DatabaseError, match="not a MongoDB URI") as caught:
        launchpad(uri)
    assert "\n" not in str(caught.value)


def test_something_else_answers() -> None:
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        with pytest.raises(DatabaseError, match="not a MongoDB server"):
            launchpad(f"mongodb://127.0.0.1:{web.server_address[1]}/genarris")
        web.shutdown()


def test_password(guarded: str) -> None:
    socket = quote_plus(guarded)
    right = f"mongodb://ada:{quote_plus('p:w@1')}@{socket}/genarris?authSource=admin"
    prepare(launchpad(right))
    with pytest.raises(DatabaseError, match="refuses the user name or the password") as caught:
        launchpad(f"mongodb://ada:verysecret@{socket}/genarris?authSource=admin")
    assert "verysecret" not in str(caught.value)
    with pytest.raises(DatabaseError, match="wants a user and a password"):
        launchpad(f"mongodb://{socket}/genarris")


def test_launchpad_file_with_password(guarded: str, tmp_path: Path) -> None:
    file = tmp_path / "my_launchpad.yaml"
    file.write_text(
        f"host: {guarded}\nport: 27017\nname: genarris\nusername: ada\npassword: 'p:w@1'\nauthsource: admin\n"
    )
    database = find_server(tmp_path)
    assert database.origin == str(file) and "p:w@1" not in str(database) and database.server is None
    assert launchpad(database.uri).db.name == "genarris"


# ---- preparing


def test_prepare_makes_plain_adding_work(database_uri: str) -> None:
    pad = launchpad(database_uri)
    with pytest.raises(ValueError, match="next FW id"):
        add_one(pad)
    prepare(pad)
    assert add_one(pad) == 1


def test_prepare_again_changes_nothing(database_uri: str) -> None:
    pad = launchpad(database_uri)
    prepare(pad)
    fw_id = add_one(pad)
    indexes = pad.fireworks.index_information()
    prepare(pad)
    assert pad.fw_id_assigner.count_documents({}) == 1
    assert pad.fireworks.find_one({"fw_id": fw_id}) is not None
    assert pad.fireworks.index_information() == indexes
    assert add_one(pad) == fw_id + 1


def test_prepare_makes_what_reset_makes(database_uri: str) -> None:
    ours, theirs = launchpad(database_uri), launchpad(with_database(database_uri, "reset_twin"))
    try:
        prepare(ours)
        theirs.reset("", require_password=False)
        for name in ("fireworks", "launches", "workflows", "fw_gridfs.files"):
            assert set(ours.db[name].index_information()) == set(theirs.db[name].index_information())
        assert list(ours.fw_id_assigner.find()) == list(theirs.fw_id_assigner.find())
    finally:
        theirs.connection.drop_database("reset_twin")


def test_prepare_at_once(database_uri: str) -> None:
    def prepare_one(_: int) -> None:
        prepare(launchpad(database_uri))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(prepare_one, range(8)))
    pad = launchpad(database_uri)
    assert list(pad.fw_id_assigner.find()) == [{"_id": -1, "next_fw_id": 1, "next_launch_id": 1}]


def test_lost_counter_goes_on_after_the_highest(database_uri: str) -> None:
    pad = launchpad(database_uri)
    prepare(pad)
    for _ in range(3):
        last = add_one(pad)
    pad.fw_id_assigner.delete_many({})
    prepare(pad)
    assert add_one(pad) == last + 1


def test_lpad_and_rlaunch_on_a_virgin_database(tmp_path: Path) -> None:
    server = Server(tmp_path / "run", cache_gb=0.25)
    work = tmp_path / "elsewhere"
    work.mkdir()
    with server.use() as uri:
        prepare(launchpad(uri))
        (work / "pad.yaml").write_text(f"uri_mode: true\nhost: '{uri}'\nname: genarris\n")
        (work / "fw.yaml").write_text(
            "fws:\n- fw_id: -1\n  name: hello\n  spec:\n    _tasks:\n    - _fw_name: ScriptTask\n"
            f"      script: echo done > {work / 'done'}\nlinks: {{}}\nmetadata: {{}}\n"
        )
        environment = os.environ | {"HOME": str(tmp_path)}

        def fireworks(program: str, *words: str) -> str:
            return subprocess.run(
                [PROGRAMS / program, "-l", "pad.yaml", *words],
                cwd=work, env=environment, check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip

        fireworks("lpad", "add", "fw.yaml")
        fireworks("rlaunch", "rapidfire")
        assert (work / "done").exists()
        assert '"COMPLETED"' in fireworks("lpad", "get_wflows")
    assert not server.running()


# ---- a database that breaks


def test_dies_in_the_middle(tmp_path: Path) -> None:
    server = Server(tmp_path, cache_gb=0.25)
    uri = server.start()
    pad = launchpad(uri)
    server.stop()
    with pytest.raises(DatabaseError, match="does not answer"), explained(uri):
        pad.fireworks.find_one()
    with pytest.raises(DatabaseError):
        ping(uri, timeout_ms=200)


# ---- URIs


@given(st.text(min_size=1), st.text(min_size=1))
def test_passwords_are_never_shown(user: str, password: str) -> None:
    hidden = quote_plus(password)
    uri = f"mongodb://{quote_plus(user)}:{hidden}@host.example/db?tls=true"
    assert redact(uri) == f"mongodb://{quote_plus(user)}:***@host.example/db?tls=true"


def test_redact_leaves_the_rest() -> None:
    assert redact("mongodb://host:27017/db") == "mongodb://host:27017/db"
    assert redact("mongodb://h/d?tlsCertificateKeyFilePassword=abc&tls=true").endswith("Password=***&tls=true")


@given(st.text(min_size=1), st.text(min_size=1), st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True))
def test_fields_and_uri_agree(user: str, password: str, name: str) -> None:
    parsed = parse_uri(build_uri("host", 27018, name, user, password, "admin"))
    assert (parsed["username"], parsed["password"]) == (user, password)
    assert parsed["nodelist"] == [("host", 27018)] and parsed["database"] == name
    assert parsed["options"]["authSource"] == "admin"


@pytest.mark.parametrize(
    ("host", "nodes"),
    [
        ("db.example", [("db.example", 27017)]),
        ("db.example:1234", [("db.example", 1234)]),
        ("::1", [("::1", 27017)]),
        ("/tmp/a b.sock", [("/tmp/a b.sock", None)]),
    ],
)
def test_hosts(host: str, nodes: list[tuple[str, int | None]]) -> None:
    assert parse_uri(build_uri(host))["nodelist"] == nodes


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://h",
        "mongodb://h/",
        "mongodb://h/old",
        "mongodb://u:p@h1:1,h2:2/old?replicaSet=r",
        "mongodb://h/?tls=true",
    ],
)
def test_with_database(uri: str) -> None:
    before, after = parse_uri(uri), parse_uri(with_database(uri, "new"))
    assert after["database"] == "new"
    for key in ("nodelist", "username", "password", "options"):
        assert after[key] == before[key]


# ---- which database


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, cwd = tmp_path / "run", tmp_path / "cwd"
    for folder in (here, cwd):
        folder.mkdir()
    monkeypatch.chdir(cwd)
    assert find_server(here).server is not None
    (cwd / "my_launchpad.yaml").write_text("host: cwd.example\nname: a\n")
    assert find_server(here).uri == "mongodb://cwd.example:27017/a"
    (here / "my_launchpad.yaml").write_text("uri_mode: true\nhost: mongodb://run.example/x\nname: b\n")
    assert find_server(here).uri == "mongodb://run.example/b"
    monkeypatch.setenv(VARIABLE, "mongodb://variable.example/c")
    assert find_server(here).uri == "mongodb://variable.example/c"
    database = find_server(here, "mongodb://option.example/d")
    assert database.uri == "mongodb://option.example/d" and database.name == "d"
    with database.use() as uri:
        assert uri == database.uri
    assert not any(folder.name == "genarris_db" for folder in tmp_path.rglob("*"))


def test_finding_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(find_server(tmp_path)).startswith("the embedded server")
    assert list(tmp_path.iterdir()) == []


def test_uri_of_an_embedded_server_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = Server(tmp_path / "run", cache_gb=0.25)
    with server.use():
        pass
    address = with_database(server.uri, "other")
    for folder in (server.folder, tmp_path):
        database = find_server(folder, address)
        assert database.server is not None and not database.server.running()
        with database.use() as uri:
            assert database_name(uri) == "other" == launchpad(uri).db.name
            assert server.running()
        assert not server.running()


def test_options_of_a_launchpad_file(tmp_path: Path) -> None:
    file = tmp_path / "my_launchpad.yaml"
    file.write_text("host: h\nname: n\nmongoclient_kwargs:\n  tls: true\n  tlsCAFile: /a b\n  odd: {}\n")
    assert read_launchpad_file(file) == "mongodb://h:27017/n?tls=true&tlsCAFile=%2Fa+b"
    file.write_text("uri_mode: true\nhost: mongodb://h/n?tls=false\nmongoclient_kwargs: {tls: true}\n")
    assert read_launchpad_file(file) == "mongodb://h/n?tls=false"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: cannot be read"),
        ("- a\n- b\n", "not a launchpad file"),
        ("uri_mode: true\n", "uri_mode without a host"),
        ("\x00", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        ("host: h\nport: abc\n", "port is not a whole number from 1 to 65535"),
        ("host: h\nport: 70000\n", "port is not"),
        ("host: h\nport: true\n", "port is not"),
        ("host: h\nport: [1]\n", "port is not"),
        ("host: h\nport: 2001-99-99\n", "cannot be read"),
        ("host: [h]\n", "host is not a text"),
        ("host: h\nusername: ada\npassword: 0123\n", "password is not a text: write it in quotes"),
        ("host: h\nusername: {a: b}\n", "username is not a text"),
        ("host: h\nname: 5\n", "name is not a text"),
        ("host: h\nmongoclient_kwargs: tls\n", "below mongoclient_kwargs"),
        ("host: h\nmongoclient_kwargs: {tsl: true}\n", "option 1 after the ? is none that pymongo knows"),
        ("uri_mode: true\nhost: nowhere\n", "not a MongoDB URI"),
        ("host: h\nname: a/b\n", "not a MongoDB URI"),
    ],
)
def test_bad_launchpad_file(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "my_launchpad.yaml"
    file.write_text(text)
    with pytest.raises(DatabaseError) as caught:
        find_server(tmp_path)
    assert str(caught.value).startswith(str(file)) and words in str(caught.value) and "\n" not in str(caught.value)


def test_a_launchpad_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "my_launchpad.yaml"
    os.mkfifo(file)
    with pytest.raises(DatabaseError, match="no ordinary file"):
        find_server(tmp_path)
    file.unlink()
    with file.open("wb") as stream:
        stream.truncate(5 * 2**30)
    with pytest.raises(DatabaseError, match="bytes are more than"):
        find_server(tmp_path)
