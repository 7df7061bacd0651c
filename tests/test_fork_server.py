"""A program that is forked is what it would be if it was executed: number, status, signals, streams, session, files."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import BIN, environment, genarris, start, start_program
from forked import Forked, can_fork
from killing import Farm
from waiting import wait_until


@pytest.fixture
def rocket(database_uri: str, tmp_path: Path) -> Iterator[Forked]:
    """A forked ``rlaunch`` that looks for fireworks for ever."""
    farm = Farm(database_uri, tmp_path)
    process = farm.rlaunch("rapidfire", "--nlaunches", "infinite", "--sleep", "1")
    assert isinstance(process, Forked)
    while "Sleeping" not in farm.outputs():
        assert process.poll() is None, farm.outputs()
        time.sleep(0.02)
    yield process
    farm.close()


def state(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, group, session, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@pytest.mark.parametrize(
    "words", [("--version",), ("nonsense",), ("status", "--json"), ("check", "no.conf"), ("db", "uri"), ("options",)]
)
def test_says_and_returns_what_an_execution_does(database_uri: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    forked, executed = (
        genarris(*words, cwd=tmp_path, truly=truly, GENARRIS_FW_URI=database_uri) for truly in (False, True)
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        executed.returncode,
        executed.stdout,
        executed.stderr,
    )


def test_its_folder_and_its_environment(tmp_path: Path) -> None:
    uri = "mongodb://db.example/other"
    assert genarris("db", "uri", cwd=tmp_path, GENARRIS_FW_URI=uri).stdout == f"{uri}\n"
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "ui.conf").write_text("[Genarris_master]\nstrange = 1\n")
    assert "strange" in genarris("check", "ui.conf", cwd=tmp_path / "here").stderr
    assert "no such file" in genarris("check", "ui.conf", cwd=tmp_path).stderr


def test_it_leads_a_session_and_works_in_its_folder(rocket: Forked, tmp_path: Path) -> None:
    assert os.getsid(rocket.pid) == os.getpgid(rocket.pid) == rocket.pid
    assert Path(f"/proc/{rocket.pid}/cwd").readlink() == tmp_path / "rockets-0"
    assert int(state(rocket.pid)[1]) != os.getpid()  # the one thing that is another: its parent


def test_no_file_of_the_server_is_open(rocket: Forked, tmp_path: Path) -> None:
    """Beside the three streams there are connections to the database alone, which it has made itself."""
    files = {int(file.name): str(file.readlink()) for file in Path(f"/proc/{rocket.pid}/fd").iterdir()}
    output = str(tmp_path / "rockets-0" / "output")
    assert (files.pop(0), files.pop(1), files.pop(2)) == ("/dev/null", output, output)
    executed = Path(tmp_path / "executed")
    executed.mkdir()
    command = [BIN / "rlaunch", "-l", tmp_path / "my_launchpad.yaml", "rapidfire", "--nlaunches", "infinite"]
    with (executed / "output").open("wb") as out:
        other = subprocess.Popen([*command, "--sleep", "1"], cwd=executed, env=environment(), stdout=out, stderr=out)
    try:
        while b"Sleeping" not in (executed / "output").read_bytes():
            assert other.poll() is None
            time.sleep(0.02)
        kinds = [
            {str(file.readlink()).partition(":")[0] for file in Path(f"/proc/{pid}/fd").iterdir()} - {output}
            for pid in (rocket.pid, other.pid)
        ]
        assert kinds[0] == kinds[1] - {str(executed / "output")}
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(rocket: Forked, number: signal.Signals) -> None:
    os.kill(rocket.pid, number)
    assert rocket.wait(60) == rocket.poll() == rocket.returncode == -number
    assert not Path(f"/proc/{rocket.pid}").exists()


def test_an_interrupt_reaches_the_programs_own_handler(tmp_path: Path, rocket: Forked) -> None:
    rocket.send_signal(signal.SIGINT)
    assert rocket.wait(60) == 1
    assert "Interrupted by signal 2" in (tmp_path / "rockets-0" / "output").read_text()


def test_it_is_stopped_and_goes_on(rocket: Forked) -> None:
    os.kill(rocket.pid, signal.SIGSTOP)
    wait_until(lambda: state(rocket.pid)[0] == "T")
    assert rocket.poll() is None  # a stopped process has not ended
    with pytest.raises(subprocess.TimeoutExpired):
        rocket.wait(0.1)
    os.kill(rocket.pid, signal.SIGCONT)
    wait_until(lambda: state(rocket.pid)[0] != "T")
    rocket.kill()
    assert rocket.wait(60) == -signal.SIGKILL


def test_a_group_is_killed_at_once(rocket: Forked) -> None:
    os.killpg(rocket.pid, signal.SIGKILL)
    assert rocket.wait(60) == -signal.SIGKILL


def test_what_is_read_at_the_start_starts_truly(tmp_path: Path) -> None:
    assert can_fork("genarris-fw", tmp_path, environment())
    assert not can_fork("lpad", tmp_path, environment())
    for name in ("PYTHONWARNINGS", "LD_PRELOAD", "LC_ALL", "OMP_NUM_THREADS", "HOME", "FW_CONFIG_FILE"):
        assert not can_fork("genarris-fw", tmp_path, environment(**{name: "other"}))
    (tmp_path / "my_launchpad.yaml").touch()
    assert not can_fork("genarris-fw", tmp_path, environment())


def test_a_line_is_read_as_text(tmp_path: Path) -> None:
    process = start("--version", cwd=tmp_path)
    assert process.stdout.readline().startswith("genarris-fw, version")
    assert process.wait(60) == 0


def test_what_a_test_sets_for_itself_is_none_of_the_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert not can_fork("genarris-fw", tmp_path, environment())


def test_much_output_in_two_pipes(tmp_path: Path) -> None:
    process = start("options", cwd=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.0)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and len(output) > 65536 / 2 and errors == ""


def test_forks_begin_at_once_beside_each_other(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output:
        started = [
            start_program("genarris-fw", "--version", cwd=tmp_path, env=environment(), stdout=output, stderr=output)
            for _ in range(8)
        ]
    assert [process.wait(60) for process in started] == [0] * 8
    assert len({process.pid for process in started}) == 8
    assert (tmp_path / "output").read_text().count("genarris-fw, version") == 8
