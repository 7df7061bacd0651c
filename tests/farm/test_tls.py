"""A database behind TLS: every way to name it works, and what is wrong with a certificate is said in one line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from command import genarris, one_line, start, urea_folder
from mongo_shell import find_mongosh
from pymongo import MongoClient
from two_hosts import Certificates
from waiting import wait_until

from genarris_fw.catalogue import Catalogue
from genarris_fw.database import launchpads
from genarris_fw.database.certificates import absolute_files, explain_tls
from genarris_fw.database.launchpads import launchpad, ping
from genarris_fw.database.mongod import find_mongod
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.heartbeat import Heartbeat


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Encrypted:
    """A mongod that takes TLS alone, and one beside it that knows nothing of it."""

    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder / "tls")
        self.port, self.plain_port = free_port(), free_port()
        self.processes = [
            self._start(folder / "data", self.port, self.certificates.mongod_options()),
            self._start(folder / "plain", self.plain_port, []),
        ]
        for uri in (self.uri(), f"mongodb://127.0.0.1:{self.plain_port}/x"):
            with MongoClient(uri) as client:
                client.admin.command("ping")

    @staticmethod
    def _start(data: Path, port: int, more: list[str]) -> subprocess.Popen:
        data.mkdir()
        return subprocess.Popen(
            [
                *(find_mongod(), "--bind_ip", "127.0.0.1,127.0.0.2", "--nounixsocket", "--port", str(port)),
                *("--dbpath", data, "--logpath", f"{data}.log", "--wiredTigerCacheSizeGB", "0.25", *more),
            ],
            stdout=subprocess.DEVNULL,
        )

    def uri(self, authority: Path | str | None = None, name: str = "genarris", host: str = "127.0.0.1") -> str:
        authority = self.certificates.authority if authority is None else authority
        return f"mongodb://{host}:{self.port}/{name}?tls=true&tlsCAFile={authority}"

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl: not installed")
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    server = Encrypted(tmp_path_factory.mktemp("encrypted"))
    yield server
    server.close()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"serverSelectionTimeoutMS": 700, "connectTimeoutMS": 700}
    monkeypatch.setattr(launchpads, "CLIENT_OPTIONS", launchpads.CLIENT_OPTIONS | short)


def test_commands(encrypted: Encrypted, tmp_path: Path) -> None:
    """A whole run with the authority's file named from the folder of the command, then every command that looks."""
    urea_folder(tmp_path, number=4, groups="[2]", run="tls")
    shutil.copy(encrypted.certificates.authority, tmp_path / "ca.pem")
    given = {"GENARRIS_FW_URI": encrypted.uri("ca.pem", "commands")}
    done = genarris("run", "ui.conf", "--workers", "2", "--quiet", cwd=tmp_path, **given)
    assert done.returncode == 0, done.stderr + done.stdout
    for words in (
        *("status tls", "recover", "retry tls", "check ui.conf", "export tls --pool raw --format cif"),
        *("db backup all.tar.gz", "db restore all.tar.gz --force --yes", "delete tls --yes"),
    ):
        done = genarris(*words.split(), cwd=tmp_path, **given)
        assert done.returncode == 0, (words, done.stderr)


@pytest.mark.parametrize("fields", ["uri", "separate"])
def test_launchpad_file(encrypted: Encrypted, tmp_path: Path, fields: str) -> None:
    """my_launchpad.yaml in both of its forms, for our commands and for plain rlaunch with its heartbeat."""
    name = f"file_{fields}"
    options = f"mongoclient_kwargs: {{tls: true, tlsCAFile: '{encrypted.certificates.authority}'}}\n"
    text = f"uri_mode: true\nhost: '{encrypted.uri(name=name)}'\nname: {name}\n"
    if fields == "separate":
        text = f"host: 127.0.0.1\nport: {encrypted.port}\nname: {name}\n{options}"
    (tmp_path / "my_launchpad.yaml").write_text(text)
    urea_folder(tmp_path, number=4, groups="[2]", run="tls")
    assert genarris("add", "ui.conf", cwd=tmp_path).returncode == 0
    process = start("-l", "my_launchpad.yaml", "rapidfire", "--nlaunches", "0", "--sleep", "1",
                    cwd=tmp_path, program="rlaunch")  # fmt: skip
    output = process.communicate(timeout=120)
    assert '"finished"' in genarris("status", "tls", "--json", cwd=tmp_path).stdout, output


def test_heartbeat(encrypted: Encrypted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process works in another folder, and still finds the authority's file."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(encrypted.certificates.authority, tmp_path / "ca.pem")
    pad = launchpad(encrypted.uri("ca.pem", "beats"))
    leases = Catalogue(pad.db).leases
    leases.take("run", "step", "gate", 1, 1, "me", 2.0)

    def expires() -> datetime:
        [lease] = leases.holders("run")
        return lease["expires"]

    first = expires()
    with Heartbeat(pad.to_dict(), "me", 2.0):
        wait_until(lambda: expires() > first)
        second = expires()
        wait_until(lambda: expires() > second)
    wait_until(lambda: len(leases.expired("run")) == 1)
    pad.connection.close()


def test_shell(encrypted: Encrypted, tmp_path: Path) -> None:
    shell = find_mongosh()
    words = ("db", "shell", "--uri", encrypted.uri(), "--quiet", "--norc", "--eval", "print(db.getName() + 7 * 6)")
    done = genarris(*words, cwd=tmp_path, PATH=f"{Path(shell).parent}:{os.environ['PATH']}")
    assert done.returncode == 0 and "genarris42" in done.stdout, done.stderr


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("stranger", r"certificate is not trusted \(.+\): name the authority .*tlsCAFile"),
        ("no authority", r"certificate is not trusted .*tlsCAFile"),
        ("another name", r"certificate is not trusted \(.*mismatch.*\): use the host name"),
        ("no TLS", r"connection closed\): where it wants TLS, add tls=true&tlsCAFile"),
        ("TLS there is none", "does not speak TLS: leave out tls=true"),
        ("no such file", r"none\.pem cannot be read \(No such file or directory\): correct tlsCAFile"),
        ("nonsense", r"nonsense\.pem holds no certificate: correct tlsCAFile"),
    ],
)
def test_what_is_wrong_is_said(encrypted: Encrypted, tmp_path: Path, what: str, says: str) -> None:
    plain = f"mongodb://127.0.0.1:{encrypted.plain_port}/x"
    (tmp_path / "nonsense.pem").write_text("nonsense")
    uri = {
        "stranger": encrypted.uri(encrypted.certificates.stranger),
        "no authority": encrypted.uri().partition("&tlsCAFile")[0],
        "another name": encrypted.uri(host="127.0.0.2"),
        "no TLS": encrypted.uri().partition("?")[0],
        "TLS there is none": f"{plain}?tls=true&tlsCAFile={encrypted.certificates.authority}",
        "no such file": encrypted.uri(tmp_path / "none.pem"),
        "nonsense": encrypted.uri(tmp_path / "nonsense.pem"),
    }[what]
    for call in (launchpad, lambda address: ping(address, timeout_ms=700)):
        with pytest.raises(DatabaseError, match=says) as caught:
            call(uri)
        assert "\n" not in str(caught.value)


def test_a_wrong_authority_on_the_command_line(encrypted: Encrypted, tmp_path: Path) -> None:
    done = genarris("status", "--uri", encrypted.uri(encrypted.certificates.stranger), cwd=tmp_path)
    assert done.returncode == 2 and "certificate is not trusted" in one_line(done.stderr)


def test_files_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uri = "mongodb://u:p%40ca.pem@h/d?tls=true&tlsCAFile=my+ca.pem&tlscertificatekeyfile=/etc/key&appname=x"
    assert absolute_files(uri) == (
        f"mongodb://u:p%40ca.pem@h/d?tls=true&tlsCAFile={tmp_path}/my%20ca.pem&tlscertificatekeyfile=/etc/key&appname=x"
    )
    assert absolute_files("mongodb://h/d") == "mongodb://h/d"


def test_a_server_that_hangs_up_on_the_handshake_speaks_no_tls() -> None:
    text = "SSL handshake failed: host:27017: TLS/SSL connection has been closed (EOF) (_ssl.c:992)"
    explained = explain_tls(text, "mongodb://host:27017/x?tls=true")
    assert explained is not None and explained[0] == "the server does not speak TLS"
    assert explain_tls(text, "mongodb://host:27017/x") is None
