"""An owner's name tells a living process from a dead one, and from another one of the same number."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from genarris_fw.owner import cpu_seconds, host_of, is_alive, is_dead, owner_name, user_name

NAME = "from genarris_fw.owner import owner_name; print(owner_name(7), flush=True); input()"


def test_through_the_life_of_a_process() -> None:
    process = subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert name.split(":")[1] == str(process.pid)
    assert (is_alive(name), is_dead(name)) == (True, False)
    os.kill(process.pid, signal.SIGSTOP)
    assert (is_alive(name), is_dead(name)) == (True, False)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie does no work any more
    assert (is_alive(name), is_dead(name)) == (False, True)
    process.wait()
    assert (is_alive(name), is_dead(name)) == (False, True)


def test_another_process_of_the_same_number() -> None:
    host, pid, start, *rest = owner_name(1).rsplit(":", 4)
    earlier = ":".join((host, pid, str(int(start) - 1), *rest))
    assert (is_alive(earlier), is_dead(earlier)) == (False, True)


def test_of_other_hosts_nothing_is_certain() -> None:
    elsewhere = "elsewhere:" + owner_name(1).rsplit(":", 4)[1] + ":1:1:abcd"
    assert (is_alive(elsewhere), is_dead(elsewhere)) == (False, False)
    assert (is_alive("no owner"), is_dead("no owner")) == (False, False)


def test_a_clock_that_is_set_changes_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What psutil takes for the start of the machine moves with the clock; the name must not."""
    name = owner_name(1)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: 0.0)
    assert psutil.Process().create_time() < 10**9
    assert owner_name(1).split(":")[:3] == name.split(":")[:3]
    assert (is_alive(name), is_dead(name)) == (True, False)


def test_its_start_is_counted_in_ticks_since_boot() -> None:
    ticks = int(owner_name(1).split(":")[2])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < ticks <= uptime * os.sysconf("SC_CLK_TCK")


def test_the_host_of_an_owner() -> None:
    assert host_of("node:with:colons:1:2:3:x") == "node:with:colons"


def test_the_user_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_name() == psutil.Process().username()
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 3)  # a container may run under a number without a name
    assert user_name() == str(2**31 - 3)


def test_the_processors_time_is_that_of_the_process_and_the_children_it_has_waited_for() -> None:
    before, process = cpu_seconds(), psutil.Process()
    subprocess.run([sys.executable, "-c", "while __import__('time').process_time() < 0.2: pass"], check=True)
    used = process.cpu_times()
    assert cpu_seconds() - before >= 0.2
    # psutil's come in clock ticks of 10 ms, of four kinds.
    assert cpu_seconds() == pytest.approx(sum(used[:4]), abs=0.1)
