"""Wait until something is so: a test of processes looks at a state that has come, never at one that may be over.

How long is for giving up alone: a machine on which others work may need many times what a quiet one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from command import Started

GIVE_UP_SECONDS = 120.0
PAUSES = (0.01, 0.1)  # the first, and the longest: looking takes a core from what is waited for


def wait_until(
    condition: Callable[[], object], seconds: float = GIVE_UP_SECONDS, said: Callable[[], object] = lambda: ""
) -> None:
    """Wait until a condition holds; when it never does, the test fails with what there is to be said."""
    end, pause = time.monotonic() + seconds, PAUSES[0]
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain: {said()}"
        time.sleep(pause)
        pause = min(1.2 * pause, PAUSES[1])


def events(folder: Path) -> int:
    """Return how much the rockets of a run have logged in its folder."""
    return sum(len(path.read_text().splitlines()) for path in (folder / "logs").glob("*.log"))


def wait_for_events(folder: Path, number: int = 1) -> None:
    """Wait until the rockets of a run have logged so much.

    A rocket that was killed between FireWorks' checkout and its lease is noticed after a minute only.
    """
    wait_until(lambda: events(folder) >= number, said=lambda: f"{events(folder)} events in {folder}/logs")


def kill_after_events(process: Started, folder: Path, number: int) -> bool:
    """Kill a command when its rockets have logged so much more; tell whether it had not come to its end by then."""
    before = events(folder)
    wait_until(lambda: process.poll() is not None or events(folder) >= before + number)
    lived = process.poll() is None
    process.kill()
    process.communicate()
    return lived
