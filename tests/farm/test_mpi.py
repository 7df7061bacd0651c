"""Replicas of several ranks under real MPI launchers: MPICH (the wheel) and Open MPI (the system's)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from command import environment, one_line, python_path
from killing import TOOLS, Farm
from leases import scaled
from mpi import mpi_launcher

from genarris_fw.errors import EngineError
from genarris_fw.farm.crews.crew import find
from genarris_fw.farm.crews.ranks import ranks_of, replica_of
from genarris_fw.farm.lifeline import Lifeline

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(180)


class Launches:
    """Parallel launches of a farm's run, whose procedures a package of the tests registers."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.processes: list[subprocess.Popen] = []
        package = farm.folder / "packages" / "crews-1.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: crews\nVersion: 1\n")
        entries = "[genarris_fw.procedures]\nSleepy = sleepy:Sleepy\nCrews = crews:Crews\n"
        (package / "entry_points.txt").write_text(entries)
        self.variables = {"PYTHONPATH": python_path(TOOLS, package.parent), "OMP_NUM_THREADS": "1"}

    def add(self, procedure: str = "crews.Crews", **settings: object) -> None:
        self.farm.add(**{"replicas": 2, "steps": 1, "items": 20} | settings)
        self.farm.launchpad.fireworks.update_many(
            {"spec._tasks._fw_name": "{{sleepy.Sleepy}}"}, {"$set": {"spec._tasks.0._fw_name": "{{" + procedure + "}}"}}
        )

    def start(self, prefix: list[str], *words: str, **more: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [*prefix, str(BIN / "genarris-fw"), "rockets", "--uri", self.farm.uri, *words],
            cwd=self.farm.folder,
            env=environment(**self.variables, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def finish(self, *arguments: object, timeout: float = 90, **more: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **more)
        output, errors = process.communicate(timeout=timeout)
        return process.returncode, output, errors

    def leaders(self) -> set[int]:
        owners = self.farm.catalogue.work_items.collection.distinct("done_by")
        return {int(owner.split(":")[-4]) for owner in owners}

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)  # the launcher ends its ranks, wherever they are
                try:
                    process.communicate(timeout=15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def launches(farm: Farm) -> Iterator[Launches]:
    launches = Launches(farm)
    yield launches
    launches.close()


def test_an_error_on_a_crew_rank_is_a_failed_item(launches: Launches) -> None:
    """The item fails with the rank's error, and the crew is there for the next one; MPICH's in `test_mpi_library`."""
    launches.add(seconds=0.02, items=8, broken=(3,), busy=0.1)
    code, output, errors = launches.finish([*mpi_launcher("openmpi"), "-n", "3"], "nap", "--mpi", "--replicas", "1")
    assert code == 0, errors
    assert "run nap: 1 replica, ranks of each: 3" in output
    record = launches.farm.finish(1)
    assert record["state"] == "finished" and record["summaries"]["sleepy_0"]["items"] == 7
    [failure] = launches.farm.catalogue.work_items.failures("nap", "sleepy_0")
    assert failure["key"] == "00003"
    said = f"crews:sum_of_ranks: rank 2 on {socket.gethostname()}: ValueError: number 3 is broken"
    assert failure["error"] == said
    # Every attempt counts the cores and the processors of all three ranks.
    items = list(launches.farm.catalogue.work_items.collection.find({}))
    attempts = [one for item in items for one in ([item] if item["state"] == "done" else []) + item.get("spent", [])]
    assert len(attempts) == 7 + 2 and {one["cores"] for one in attempts} == {3}
    assert all(one["cpu_seconds"] >= 3 * 0.1 - 0.02 for one in attempts)


@pytest.mark.parametrize("library", ["mpich", "openmpi"])
def test_the_heartbeat_beats_during_a_long_call(launches: Launches, library: str) -> None:
    """Its process is started after MPI; nobody takes over what a living leader holds for several lease times."""
    launches.add(seconds=scaled(6.0), items=1, lease_seconds=2.0)
    process = launches.start([*mpi_launcher(library), "-n", "2"], "--mpi", "--replicas", "1")
    launches.farm.holder("gate", done_at_least=0)
    leases, seen = launches.farm.catalogue.leases, 0
    while process.poll() is None:
        assert leases.expired("nap") == []
        seen += bool(leases.holders("nap"))
        time.sleep(0.1)
    assert process.returncode == 0 and seen > 10 * scaled(3.0)  # for more than a lease
    launches.farm.check(launches.farm.finish(1), steps=1, items=1)


def test_without_mpi_every_rank_is_a_replica(launches: Launches) -> None:
    launches.add("sleepy.Sleepy", seconds=0.3, replicas=3)
    code, output, errors = launches.finish([*mpi_launcher("mpich"), "-n", "3"])
    assert code == 0 and "run nap: finished" in output, errors
    launches.farm.check(launches.farm.finish(1), steps=1, items=20)
    assert len(launches.leaders()) > 1


def test_one_process_without_a_launcher(launches: Launches) -> None:
    launches.add(seconds=0.0, items=5)
    code, _, errors = launches.finish([], "--mpi")
    assert code == 0, errors
    launches.farm.check(launches.farm.finish(1), steps=1, items=5)


def test_a_plain_launch_imports_no_mpi(launches: Launches) -> None:
    launches.add("sleepy.Sleepy", seconds=0.0, items=3)
    (launches.farm.folder / "packages" / "mpi4py.py").write_text("raise SystemExit('mpi4py was imported')\n")
    assert launches.finish([])[0] == 0
    launches.farm.check(launches.farm.finish(1), steps=1, items=3)


def processes_of(farm: Farm) -> list[int]:
    """Return the ranks of a farm's launch: the processes that name its database."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if (words := process.info["cmdline"]) and farm.uri in words and "rockets" in words and "python" in words[0]
    ]


def gone(farm: Farm, pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while set(pids) & set(processes_of(farm)):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("library", ["mpich", "openmpi"])
def test_a_killed_leader_ends_the_launch_and_the_next_one_finishes(launches: Launches, library: str) -> None:
    """What launchers do by default: nothing hangs, nothing is lost.

    Both replicas of the next launch do items, each with all its ranks; every item is counted once.
    """
    launches.add(seconds=0.2)
    process = launches.start([*mpi_launcher(library), "-n", "4"], "--mpi")
    gate = launches.farm.holder("gate", done_at_least=3)
    ranks = processes_of(launches.farm)
    assert gate in ranks and len(ranks) == 4
    os.kill(gate, signal.SIGKILL)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert gone(launches.farm, ranks, 5)
    before = launches.leaders()
    code, output, errors = launches.finish([*mpi_launcher(library), "-n", "5"], "--mpi")
    assert code == 0, errors
    assert "run nap: 2 replicas, ranks of each: 2 or 3" in output and "run nap: finished" in output
    launches.farm.check(launches.farm.finish(1), steps=1, items=20)
    assert before <= set(ranks) and len(launches.leaders() - before) == 2
    found = launches.farm.catalogue.structures.collection.find({}, {"struct_id": 1, "properties": 1})
    properties = {int(record["struct_id"][-5:]): record["properties"] for record in found}
    assert {number: kept["total"] for number, kept in properties.items()} == {
        number: kept["ranks"] * number for number, kept in properties.items()
    }
    assert {kept["ranks"] for kept in properties.values()} == {2, 3} and len(properties) == 20


def member_of(leader: int, ranks: list[int]) -> int:
    """Return the rank that follows a leader; launchers start the ranks of a host in their order."""
    return sorted(ranks)[sorted(ranks).index(leader) + 1]


@pytest.mark.parametrize("victim", ["leader", pytest.param("crew", marks=pytest.mark.slow)])
def test_the_other_replica_goes_on(launches: Launches, victim: str) -> None:
    """Where the launcher leaves the other ranks alone: the orphan ends by itself, the other replica finishes."""
    launches.add(seconds=0.3)
    process = launches.start([*mpi_launcher("openmpi"), "--enable-recovery", "-n", "4"], "--mpi")
    gate = launches.farm.holder("gate", done_at_least=3)
    ranks = processes_of(launches.farm)
    pair = [gate, member_of(gate, ranks)]
    os.kill(pair[0 if victim == "leader" else 1], signal.SIGKILL)
    assert gone(launches.farm, pair, 12)
    errors = process.communicate(timeout=90)[1]
    launches.farm.check(launches.farm.finish(1), steps=1, items=20)
    assert "is gone" in errors
    assert set(launches.leaders()) - {gate}
    assert gone(launches.farm, ranks, 1)


@pytest.fixture
def lifelines() -> Iterator[list[Lifeline]]:
    lines = [Lifeline() for _ in range(3)]
    yield lines
    for line in lines:
        line.close()


def tied(lifelines: list[Lifeline]) -> list[Lifeline]:
    leader, *crew = lifelines
    port = leader.listen("secret", ["rank 1 on b", "rank 2 on c"], everywhere=True)
    for line, name in zip(crew, ["rank 1 on b", "rank 2 on c"]):
        line.join("localhost", port, "secret", name, "rank 0 on a")
    for line in lifelines:
        line.wait_until_joined()
        assert line.lost() is None
    return lifelines


def lost(line: Lifeline, seconds: float = 5) -> str | None:
    end = time.monotonic() + seconds
    while line.lost() is None and time.monotonic() < end:
        time.sleep(0.02)
    return line.lost()


def test_a_connection_that_closes_without_farewell_is_a_loss(lifelines: list[Lifeline]) -> None:
    leader, first, second = tied(lifelines)
    first.close()
    assert lost(leader, 0.5) is None
    second._process.kill()
    assert lost(leader) == "rank 2 on c is gone"
    assert lost(second) == "the process that watches over this rank is gone"


def test_the_crew_notices_the_loss_of_its_leader(lifelines: list[Lifeline]) -> None:
    leader, *crew = tied(lifelines)
    leader._process.kill()
    assert [lost(line) for line in crew] == ["rank 0 on a is gone"] * 2


def test_a_stranger_is_not_taken_for_a_rank(lifelines: list[Lifeline]) -> None:
    leader, first, second = lifelines
    port = leader.listen("secret", ["rank 1 on b", "rank 2 on c"], everywhere=False)
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(b"no json\n")
        assert stranger.recv(1) == b""
    with socket.create_connection(("127.0.0.1", port)) as stranger, contextlib.suppress(ConnectionError):
        stranger.sendall(b"x" * 10_000)
        assert stranger.recv(1) == b""
    first.join("127.0.0.1", port, "guessed", "rank 1 on b", "rank 0 on a")
    assert lost(first) == "rank 0 on a is gone"
    assert not leader._joined and leader.lost() is None
    second.join("127.0.0.1", 1, "secret", "rank 2 on c", "rank 0 on a")
    assert "rank 0 on a cannot be reached by TCP (127.0.0.1:1" in str(lost(second))


def test_ranks_are_dealt_out_contiguously() -> None:
    assert ranks_of(3, 8) == [3, 3, 2]
    assert [replica_of(rank, 8, 3) for rank in range(8)] == [0, 0, 0, 1, 1, 1, 2, 2]
    for size in range(1, 20):
        for replicas in range(1, size + 1):
            dealt = [replica_of(rank, size, replicas) for rank in range(size)]
            assert dealt == sorted(dealt)
            assert [dealt.count(i) for i in range(replicas)] == ranks_of(replicas, size)


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (["--replicas", "2"], {}, "--replicas needs --mpi"),
        (["--mpi", "--replicas", "2"], {}, "--replicas 2 is more than the 1 ranks"),
        (["--mpi"], {"MPI4PY_LIBMPI": "/nowhere/libmpi.so"}, "--mpi needs an MPI library"),
        (["--mpi"], {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "3"}, "started 3 processes"),
        (["--mpi", "other"], {}, "no run 'other'"),
    ],
)
def test_refusals(launches: Launches, words: list[str], variables: dict[str, str], said: str) -> None:
    launches.add()
    code, _, errors = launches.finish([], *words, **variables)
    assert code == 2 and said in one_line(errors)


def test_more_replicas_than_ranks_under_a_launcher(launches: Launches) -> None:
    launches.add()
    code, _, errors = launches.finish([*mpi_launcher("mpich"), "-n", "2"], "--mpi", "--replicas", "3")
    assert code == 2 and errors.count("--replicas 3 is more than the 2 ranks") == 1 and "Traceback" not in errors


@pytest.mark.parametrize("library", ["mpich", "openmpi"])
def test_ranks_that_wait_for_a_failed_one_do_not_hang(launches: Launches, library: str) -> None:
    """One rank fails while the others are in a collective operation: the crew ends, and says why."""
    prefix = [*mpi_launcher(library), "-n", "3", sys.executable, str(TOOLS / "crews.py"), "one_waits_in_vain"]
    variables = environment(**launches.variables)
    result = subprocess.run(prefix, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode != 0 and "came back" not in result.stdout
    assert "rank 1 on " in result.stderr and "failed in crews:one_waits_in_vain (ValueError: no)" in result.stderr


@pytest.mark.parametrize("library", ["mpich", "openmpi"])
def test_large_arguments_and_an_idle_crew(launches: Launches, library: str) -> None:
    """A megabyte of arguments arrives; a crew that waits takes next to no processor time."""
    prefix = [*mpi_launcher(library), "-n", "3", sys.executable, str(TOOLS / "crews.py"), "processor_seconds"]
    variables = environment(**launches.variables)
    result = subprocess.run(prefix, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    # Two ranks write at once: their lines may be mixed, their words are whole.
    spent = [float(seconds) for seconds in re.findall(r"at the price of (\d\.\d{3})", result.stdout)]
    assert len(spent) == 2 and max(spent) < 1.0, result.stdout  # of 3 s


@pytest.mark.parametrize(
    "function",
    [
        "os:system",
        "genarris_fw.farm.crews.crew:os",
        "genarris_fw.farm.crews.crew:nothing",
        "genarris_fw.farm.crews.crew:a.b",
    ],
)
def test_functions_that_a_crew_does_not_execute(function: str) -> None:
    with pytest.raises(EngineError, match=function.replace(".", r"\.")):
        find(function)
