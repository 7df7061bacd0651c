"""Shared fixtures: one real MongoDB server for the session, a fresh database on it for each test."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import quote_plus

import failures
import pytest
from databases import new_database
from distribution import Alongside, be_nice, distribute
from hypothesis import settings
from left_behind import RUN, left_behind, mark_session, share
from needs import mark_needs, skip_without
from pymongo import MongoClient
from xdist.remote import Producer

from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError

# The same examples every time, so that a failure is one of the change at hand; HYPOTHESIS_PROFILE=searching looks
# for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
# The one program that no package of Debian 12 brings in the version needed.
NOT_TO_BE_HAD = "no docker compose on this machine"
# In a background job SIGINT is ignored, and would be by everything that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The tests' own procedures: our rockets execute registered ones alone.
os.environ.setdefault("GENARRIS_FW_ALLOW", "sleepy.Sleepy moody.Moody")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
mark_session()


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Fail where a process outlives the tests that started it; set up first, so this comes last."""
    yield
    if left := left_behind():
        pytest.fail("left running by the tests (now killed):\n" + "\n".join(left), pytrace=False)


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    """Take back what a test's code sets: an engine that computes here says how many threads it takes."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with what it needs, before tests are selected by markers, and group and order them."""
    for item in items:
        mark_needs(item)
    distribute(items)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Alongside | None:
    """Hand the tests out as `distribution` says."""
    return Alongside(config, log) if config.option.dist == "loadgroup" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what cannot run here; let what computes step back behind what watches clocks."""
    skip_without(item)
    be_nice(item)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a real server, one for all workers of a test run: the first starts it, it ends after the last."""
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.getbasetemp() / "mongod"
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parents[1] / "mongod"
        share(folder)
    folder.mkdir(exist_ok=True)
    with Server(folder, cache_gb=0.5).use() as uri:
        yield uri


@pytest.fixture
def databases(mongod: str) -> Iterator[Callable[[], str]]:
    """What makes an empty database and returns its URI; all of them are dropped after the test."""
    with ExitStack() as made:
        yield lambda: made.enter_context(new_database(mongod))


@pytest.fixture
def database_uri(databases: Callable[[], str]) -> str:
    """The URI of an empty database, dropped after the test."""
    return databases()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a server that wants a password; the user is `ada`, the password `p:w@1`."""
    folder = tmp_path_factory.mktemp("auth")
    (folder / "data").mkdir()
    path = folder / "m.sock"
    process = subprocess.Popen(
        [
            *(find_mongod(), "--auth", "--bind_ip", path, "--nounixsocket", "--dbpath", folder / "data"),
            *("--logpath", folder / "log", "--wiredTigerCacheSizeGB", "0.25"),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        with MongoClient(f"mongodb://{quote_plus(str(path))}/") as client:
            client.admin.command("createUser", "ada", pwd="p:w@1", roles=["root"])
        yield str(path)
    finally:
        process.terminate()
        process.wait()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forget what failed in the run before."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        failures.begin(session.config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where a process outlives the whole run, and where a test is skipped though GENARRIS_FW_NO_SKIP=1."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    faults = []
    if session.config.pluginmanager.has_plugin("dsession") and (left := left_behind(variable=RUN)):
        print("\nleft running by the test run (now killed):", *left, sep="\n")
        faults += left
    if os.environ.get("GENARRIS_FW_NO_SKIP") == "1" and reporter is not None:
        reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
        faults += [f"skipped: {reason}" for reason in reasons if NOT_TO_BE_HAD not in reason]
    if faults:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if reporter is not None and "PYTEST_XDIST_WORKER" not in os.environ:
        failures.finish(session.config, reporter, int(exitstatus), faults)
