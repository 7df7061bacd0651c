"""Hosts on one machine: network namespaces with host names of their own, joined to the database's by a cable each.

The database's host serves a mongod with authentication and TLS; its certificate is signed by an authority that the
test makes. A cable can be pulled out, or lose every packet without a word, and be put back.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import python_path
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from genarris_fw.database.mongod import find_mongod
from genarris_fw.errors import DatabaseError

ADDRESS = "10.213.0.1"  # the database's, the same for all hosts
PORT = 27017
PROGRAMS = ("ip", "unshare", "openssl")
TOOLS = Path(__file__).parent


def need_hosts() -> None:
    """Skip the test where namespaces cannot be made."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        pytest.skip(f"hosts are made with {', '.join(missing)}: not installed")
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    name = f"gfw{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"network namespaces cannot be made here ({made.stderr.strip()}): be root")
    subprocess.run(["ip", "netns", "del", name], check=True)


def run(*words: object) -> str:
    """Run a program that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class Host:
    """A host with a name, processes, and a cable to the database's host."""

    def __init__(self, name: str, number: int, database: Host | None = None) -> None:
        self.name = f"{name}-{secrets.token_hex(3)}"
        self.number = number
        self.here, self.there = f"g{secrets.token_hex(5)}", f"g{secrets.token_hex(5)}"
        self.database = database
        run("ip", "netns", "add", self.name)
        self._ip("link", "set", "lo", "up")
        if database is None:
            self._ip("addr", "add", f"{ADDRESS}/32", "dev", "lo")
            return
        run("ip", "link", "add", self.here, "netns", self.name, "type", "veth",
            "peer", "name", self.there, "netns", database.name)  # fmt: skip
        self._ip("addr", "add", f"10.213.{number}.2/24", "dev", self.here)
        database._ip("addr", "add", f"10.213.{number}.1/24", "dev", self.there)
        database._ip("link", "set", self.there, "up")
        self.plug()

    def _ip(self, *words: str) -> str:
        return run("ip", "-n", self.name, *words)

    def plug(self) -> None:
        """Put the cable in."""
        self._ip("link", "set", self.here, "up")
        self._ip("route", "replace", ADDRESS, "via", f"10.213.{self.number}.1")

    def unplug(self) -> None:
        """Pull the cable out: both ends see it."""
        self._ip("link", "set", self.here, "down")

    def swallow(self) -> None:
        """Lose every packet between the two without telling anybody: they go to a card that is not there."""
        assert self.database is not None
        nobody = "02:00:00:00:00:99"
        self._ip("neigh", "replace", f"10.213.{self.number}.1", "lladdr", nobody, "dev", self.here, "nud", "permanent")
        self.database._ip(
            "neigh", "replace", f"10.213.{self.number}.2", "lladdr", nobody, "dev", self.there, "nud", "permanent"
        )

    def deliver(self) -> None:
        """Let packets through again."""
        assert self.database is not None
        self._ip("neigh", "del", f"10.213.{self.number}.1", "dev", self.here)
        self.database._ip("neigh", "del", f"10.213.{self.number}.2", "dev", self.there)

    def start(self, *words: object, **options: object) -> subprocess.Popen:
        """Start a program on this host."""
        inside = ["ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c",
                  f'hostname {self.name} && exec "$@"', "sh"]  # fmt: skip
        return subprocess.Popen([*inside, *map(str, words)], start_new_session=True, **options)  # type: ignore[call-overload]

    def pids(self) -> list[int]:
        return [int(word) for word in run("ip", "netns", "pids", self.name).split()]

    def kill(self) -> None:
        """End everything on this host without notice."""
        while pids := self.pids():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def remove(self) -> None:
        """Take the host down; its cables go with it."""
        with contextlib.suppress(AssertionError):
            self.kill()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


class Certificates:
    """An authority and a server's certificate in a folder, and an authority that signed nothing."""

    def __init__(self, folder: Path, address: str = ADDRESS) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.authority, self.stranger, self.server = folder / "ca.pem", folder / "other-ca.pem", folder / "server.pem"
        for file, name in ((self.authority, "genarris test"), (self.stranger, "somebody else")):
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", f"/CN={name}", "-keyout", file.with_suffix(".key"), "-out", file)  # fmt: skip
        key, request, certificate = (folder / f"server.{ending}" for ending in ("key", "csr", "crt"))
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=database", "-keyout", key, "-out", request)  # fmt: skip
        extensions = folder / "extensions"
        extensions.write_text(f"subjectAltName=IP:{address},IP:127.0.0.1,DNS:localhost\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.authority, "-CAkey",
            self.authority.with_suffix(".key"), "-CAcreateserial", "-days", "2", "-extfile", extensions,
            "-out", certificate)  # fmt: skip
        self.server.write_text(key.read_text() + certificate.read_text())
        self.server.chmod(0o600)

    def mongod_options(self) -> list[str]:
        """Return what makes a mongod accept TLS alone; a client shows no certificate, it has a password."""
        return [
            *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(self.server)),
            *("--tlsCAFile", str(self.authority), "--tlsAllowConnectionsWithoutCertificates"),
        ]


class Site:
    """The database's host, and hosts for workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates = Certificates(folder / "tls")
        self.password = secrets.token_hex(16)
        self.hosts: list[Host] = []
        self.database = self._add(Host("database", 0))
        data, self.socket = folder / "data", folder / "m.sock"
        data.mkdir()
        self.mongod = self.database.start(
            *(find_mongod(), "--auth", "--bind_ip", f"{ADDRESS},{self.socket}", "--nounixsocket", "--port", PORT),
            *("--dbpath", data, "--logpath", folder / "mongod.log", "--wiredTigerCacheSizeGB", "0.25"),
            *("--networkMessageCompressors", "disabled", *self.certificates.mongod_options()),
            stdout=subprocess.DEVNULL,
        )
        self._make_user()

    def _add(self, host: Host) -> Host:
        self.hosts.append(host)
        return host

    def host(self, name: str) -> Host:
        """Return a new host with a cable to the database's."""
        return self._add(Host(name, len(self.hosts), self.database))

    @property
    def tls(self) -> str:
        """The options of a URI with which the server is believed."""
        return f"tls=true&tlsCAFile={self.certificates.authority}"

    def uri(self, name: str = "genarris", options: str = "") -> str:
        """Return the URI that hosts use."""
        return f"mongodb://ada:{self.password}@{ADDRESS}:{PORT}/{name}?authSource=admin&{options or self.tls}"

    def socket_uri(self, name: str = "genarris") -> str:
        """Return the URI that the test uses: a file, which no cable leads to."""
        path = str(self.socket).replace("/", "%2F")
        return f"mongodb://ada:{self.password}@{path}/{name}?authSource=admin&{self.socket_tls}"

    socket_tls = "tls=true&tlsAllowInvalidHostnames=true&tlsAllowInvalidCertificates=true"

    def _make_user(self) -> None:
        path = str(self.socket).replace("/", "%2F")
        end = time.monotonic() + 120
        while True:
            try:
                with MongoClient(f"mongodb://{path}/?{self.socket_tls}", serverSelectionTimeoutMS=1000) as client:
                    client.admin.command("createUser", "ada", pwd=self.password, roles=["root"])
                return
            except PyMongoError:
                assert time.monotonic() < end and self.mongod.poll() is None, (self.folder / "mongod.log").read_text()
                time.sleep(0.1)

    def close(self) -> None:
        for host in reversed(self.hosts):
            host.remove()
        self.mongod.wait()


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A site that is taken down at the end, whatever happens."""
    need_hosts()
    made = None
    try:
        made = Site(folder)
        yield made
    finally:
        if made is not None:
            made.close()


def rlaunch(host: Host, launchpad_file: Path, place: Path, *words: str) -> subprocess.Popen:
    """Start a plain ``rlaunch rapidfire`` on a host, its output in its folder."""
    place.mkdir()
    arguments = words or ("rapidfire", "--nlaunches", "infinite", "--sleep", "1")
    return host.start(
        *(Path(sys.executable).parent / "rlaunch", "-l", launchpad_file, *arguments),
        cwd=place,
        env={**os.environ, "PYTHONPATH": python_path(TOOLS)},
        stdout=(place / "output").open("wb"),
        stderr=subprocess.STDOUT,
    )
