"""Waits: the numbers, and what a terminal, a dumb one and a pipe show of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import environment
from terminal import Terminal

from genarris_fw.views.waiting import Pace

# A wait that is over when the file that it is given is there: nothing depends on how quick the machine is.
SCRIPT = """
import sys, time
from pathlib import Path
from genarris_fw.views import waiting
waiting.SECONDS_PER_LINE = 0.0
with waiting.waiting("starting") as told:
    sign = Path(sys.argv[1])
    while not (sign / "halfway").exists():
        time.sleep(0.01)
    told("writing \\x1b[31mcif", 10, 40)
    while not (sign / "over").exists():
        time.sleep(0.01)
        told("writing \\x1b[31mcif", 20, 40)
print("done")
"""


def test_rate_and_time_left() -> None:
    now = [100.0]
    pace = Pace("x", lambda: now[0])
    assert (pace.rate, pace.left, pace.numbers()) == (None, None, "0.0 s")
    pace.told("writing", 0, 1000)
    now[0] += 10
    pace.told("writing", 100, 1000)
    assert (pace.rate, pace.left) == (10.0, 90.0)
    assert pace.numbers() == "100 of 1000, 10/s, 1 min 30 s left"
    for _ in range(40):  # five times as quick for 40 s: the rate is that of the last 30 s
        now[0] += 1
        pace.told("writing", pace.done + 15, 1000)
    assert pace.rate == pytest.approx(15.0) and pace.left == pytest.approx((1000 - 700) / 15)
    pace.told("reading", 5, 0)  # something else, of unknown length
    now[0] += 3
    assert pace.numbers() == "5, 3.0 s" and pace.left is None


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "wait.py"
    path.write_text(SCRIPT)
    return path


def test_drawn_in_place_and_gone_at_the_end(script: Path, tmp_path: Path) -> None:
    with Terminal(sys.executable, script, tmp_path, cwd=tmp_path) as terminal:
        terminal.expect(r"starting ━+ +\\d\\.\\d s".replace("\\\\", "\\"))
        (tmp_path / "halfway").touch()
        terminal.expect(r"writing \\x1b\[31mcif ━+.* +50 % 20 of 40, .*/s, .* s left")
        (tmp_path / "over").touch()
        assert terminal.end() == 0
    # Nothing of it stays, and the cursor is seen again.
    assert terminal.raw.endswith("\r\n\x1b[?25h\r\x1b[1A\x1b[2Kdone\r\n") and terminal.raw.count("\n") == 2

    assert "\x1b[31m" not in terminal.raw  # what is told steers no terminal


@pytest.mark.parametrize("dumb", [True, False])
def test_without_a_terminal_there_are_lines(script: Path, tmp_path: Path, dumb: bool) -> None:
    (tmp_path / "halfway").touch()
    if dumb:
        with Terminal(sys.executable, script, tmp_path, cwd=tmp_path, env={"TERM": "dumb"}) as terminal:
            terminal.expect(r"writing .*cif: 20 of 40, ")
            (tmp_path / "over").touch()
            assert terminal.end() == 0
        said = terminal.raw
    else:
        (tmp_path / "over").touch()
        env = environment(FORCE_COLOR="1")
        done = subprocess.run([sys.executable, script, tmp_path], env=env, capture_output=True, text=True, check=True)
        assert done.stdout == "done\n"
        said = done.stderr
        assert "10 of 40" in said
    assert "\x1b" not in said and "━" not in said
