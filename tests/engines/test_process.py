"""Running programs: limits, watching, and that nothing of them is left, whatever happens to us."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from ending import EndsWhen, says_something
from mpi import mpiexec

from genarris_fw.engines.base import Context
from genarris_fw.engines.programs import process
from genarris_fw.engines.programs.process import Limits, run

PYTHON = sys.executable
QUICK = Limits(grace=0.5)


def script(folder: Path, text: str) -> list[str]:
    path = folder / "program.py"
    path.write_text(text)
    return [PYTHON, "-S", str(path)]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def pid_in(path: Path) -> int:
    assert wait_for(lambda: path.exists() and path.read_text().strip().isdigit())
    return int(path.read_text())


def test_output_errors_and_status(tmp_path):
    ended = run(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path, "o", Context())
    assert (ended.status, ended.stopped) == (3, None)
    assert ((tmp_path / "o").read_text(), (tmp_path / "o.err").read_text()) == ("out\n", "err\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, 137), (signal.SIGSEGV, 139), (signal.SIGTERM, 143)])
def test_the_status_of_a_program_ended_by_a_signal(tmp_path, number, status):
    command = script(tmp_path, f"import os; os.kill(os.getpid(), {int(number)})")
    assert run(command, tmp_path, "o", Context()).status == status


def test_programs_that_cannot_be_started(tmp_path):
    plain, strange = tmp_path / "plain", tmp_path / "strange"
    plain.write_text("no program\n")
    strange.write_bytes(b"\x00\x01 no format that can be executed")
    strange.chmod(0o755)
    found = [run([str(name)], tmp_path, "o", Context()).status for name in (tmp_path / "absent", plain, strange)]
    assert found == [127, 126, 126]
    said = (tmp_path / "o.err").read_text()
    assert "absent: No such file" in said and "plain: Permission denied" in said


def test_a_python_that_knows_no_pidfd(tmp_path, monkeypatch):
    """As conda builds it; and Linux before 5.3."""
    text = Path(process.minder.__file__).read_text()
    old = tmp_path / "minder.py"
    old.write_text(
        text.replace("import os\n", "import os\n\nif hasattr(os, 'pidfd_open'):\n    del os.pidfd_open\n", 1)
    )
    monkeypatch.setattr(process.minder, "__file__", str(old))
    ended = run(["sh", "-c", "echo out; exit 3"], tmp_path, "o", Context(), QUICK)
    assert (ended.status, ended.stopped, (tmp_path / "o").read_text()) == (3, None, "out\n")
    command = script(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    ended = run(command, tmp_path, "pid", EndsWhen(so=says_something(tmp_path / "pid")), QUICK)
    assert ended.stopped == "deadline" and not alive(pid_in(tmp_path / "pid"))


def test_what_a_program_is_given(tmp_path):
    command = script(
        tmp_path,
        "import os, json, resource, signal, sys\n"
        "print(json.dumps([os.getcwd(), os.getsid(0) != int(sys.argv[1]), os.environ['GREETING'], sys.stdin.read(),\n"
        "  resource.getrlimit(resource.RLIMIT_STACK), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL]))",
    )
    run([*command, str(os.getsid(0))], tmp_path, "o", Context(), environment={"GREETING": "hello"})
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    assert json.loads((tmp_path / "o").read_text()) == [str(tmp_path), True, "hello", "", [hard, hard], True]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_the_warnings_of_queues_are_ignored(tmp_path, number):
    command = script(tmp_path, f"import os; os.kill(os.getpid(), {int(number)}); print('alive', flush=True)")
    assert run(command, tmp_path, "o", Context()).status == 0
    assert (tmp_path / "o").read_text() == "alive\n"


def test_the_deadline(tmp_path):
    command, context = ["sh", "-c", "echo begun; exec sleep 600"], EndsWhen(so=says_something(tmp_path / "o"))
    ended = run(command, tmp_path, "o", context, Limits(grace=30.0))
    assert (ended.status, ended.stopped) == (143, "deadline")
    assert ended.seconds < 300.0
    assert run(command, tmp_path, "o", Context(deadline=time.time() + 1.0), QUICK).stopped == "deadline"


def test_a_stop_ends_a_program_that_ignores_sigterm(tmp_path):
    command = script(
        tmp_path,
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open('pid', 'w').write(str(os.getpid())); time.sleep(60)",
    )
    began = (tmp_path / "pid").exists
    ended = run(command, tmp_path, "o", Context(should_stop=began), QUICK)
    assert (ended.status, ended.stopped) == (137, "stopped")
    assert not alive(pid_in(tmp_path / "pid"))


def test_a_program_may_end_in_its_own_way_within_the_grace(tmp_path):
    command = script(
        tmp_path,
        "import signal, sys, time\n"
        "def end(*_):\n    open('farewell', 'w').write('written')\n    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, end); open('begun', 'w').close(); time.sleep(60)",
    )
    ended = run(command, tmp_path, "o", Context(should_stop=(tmp_path / "begun").exists), Limits(grace=20.0))
    assert (ended.status, ended.stopped) == (5, "stopped")
    assert (tmp_path / "farewell").read_text() == "written"


GRANDCHILD = """
import os, signal, subprocess, sys, time
child = '''
import os, signal, time
if {daemon}: os.setsid()
if {deaf}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("grandchild", "w").write(str(os.getpid()))
time.sleep(60)
'''
subprocess.Popen([sys.executable, "-S", "-c", child])
while not os.path.exists("grandchild") or not open("grandchild").read(): time.sleep(0.02)
{then}
"""


@pytest.mark.parametrize("daemon", [False, True])
@pytest.mark.parametrize("deaf", [False, True])
def test_nothing_is_left_of_a_program_that_has_ended(tmp_path, daemon, deaf):
    ended = run(script(tmp_path, GRANDCHILD.format(daemon=daemon, deaf=deaf, then="")), tmp_path, "o", Context(), QUICK)
    assert (ended.status, ended.stopped) == (0, None)
    assert not alive(pid_in(tmp_path / "grandchild"))


@pytest.mark.parametrize("daemon", [False, True])
def test_nothing_is_left_of_a_program_that_is_stopped(tmp_path, daemon):
    command = script(tmp_path, GRANDCHILD.format(daemon=daemon, deaf=True, then="time.sleep(60)"))
    ended = run(command, tmp_path, "o", Context(should_stop=(tmp_path / "grandchild").exists), QUICK)
    assert ended.stopped == "stopped"
    assert not alive(pid_in(tmp_path / "grandchild"))


@pytest.mark.parametrize("deaf", [False, True])
def test_nothing_is_left_when_we_are_killed(tmp_path, deaf):
    command = script(tmp_path, GRANDCHILD.format(daemon=True, deaf=deaf, then="time.sleep(60)"))
    us = (
        "import sys; from pathlib import Path; from genarris_fw.engines.base import Context\n"
        "from genarris_fw.engines.programs.process import Limits, run\n"
        "run(sys.argv[2:], Path(sys.argv[1]), 'o', Context(), Limits(grace=0.5))"
    )
    killed = subprocess.Popen([PYTHON, "-c", us, str(tmp_path), *command])
    grandchild = pid_in(tmp_path / "grandchild")
    killed.kill()
    killed.wait()
    assert wait_for(lambda: not alive(grandchild))


def test_a_silent_program_hangs(tmp_path):
    ended = run(["sleep", "60"], tmp_path, "o", Context(), Limits(silence=0.6, grace=0.5))
    assert ended.stopped == "silent"


def test_a_program_that_writes_now_and_then_does_not_hang(tmp_path):
    command = script(tmp_path, "import time\nfor i in range(24):\n    print(i, flush=True)\n    time.sleep(0.25)")
    ended = run(command, tmp_path, "o", Context(), Limits(silence=5.0, grace=0.5))
    assert (ended.status, ended.stopped) == (0, None)


def test_one_file_without_end(tmp_path):
    ended = run(["yes"], tmp_path, "o", Context(), Limits(gigabytes=0.002, grace=0.5))
    assert ended.stopped == "size" or ended.status == 128 + signal.SIGXFSZ
    assert (tmp_path / "o").stat().st_size <= 2_000_000


def test_many_files_without_end(tmp_path):
    command = script(
        tmp_path,
        "import itertools, time\n"
        "for i in itertools.count():\n    open(f'file{i}', 'w').write('x' * 100_000)\n    time.sleep(0.01)",
    )
    ended = run(command, tmp_path, "o", Context(), Limits(gigabytes=0.002, grace=0.5))
    assert ended.stopped == "size"


def test_look_is_called_and_may_fail(tmp_path):
    def look():
        raise ValueError("from look")

    with pytest.raises(ValueError, match="from look"):
        run(
            script(tmp_path, GRANDCHILD.format(daemon=True, deaf=True, then="time.sleep(60)")),
            tmp_path,
            "o",
            Context(),
            QUICK,
            look=lambda: (tmp_path / "grandchild").exists() and look(),
        )
    assert not alive(pid_in(tmp_path / "grandchild"))


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_rank_may_start_an_mpi_program_of_its_own(tmp_path, ranks):
    launcher = [mpiexec(), "-n", str(ranks)] if ranks > 1 else []
    inner = "from mpi4py.MPI import COMM_WORLD as c; ranks = c.gather(c.rank); c.rank or print(ranks)"
    us = (
        "import sys; from pathlib import Path; from genarris_fw.engines.base import Context\n"
        "from genarris_fw.engines.programs.process import run\n"
        "sys.exit(run(sys.argv[2:], Path(sys.argv[1]), 'o', Context()).status)"
    )
    outer = [mpiexec(), "-n", "1", PYTHON, "-c", us, str(tmp_path)]
    done = subprocess.run([*outer, *launcher, PYTHON, "-c", inner], timeout=180, check=False)
    assert done.returncode == 0, (tmp_path / "o.err").read_text()
    assert (tmp_path / "o").read_text() == ("[0, 1]\n" if launcher else "[0]\n")


def test_variables_of_our_rank_are_not_passed_on(monkeypatch, tmp_path):
    monkeypatch.setenv("PMI_RANK", "7")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    run(["env"], tmp_path, "o", Context())
    names = {line.partition("=")[0] for line in (tmp_path / "o").read_text().splitlines()}
    assert "SLURM_JOB_ID" in names and not any(name.startswith(process.OF_OUR_RANK) for name in names)
