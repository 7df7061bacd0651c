"""Waits: on a terminal a bar with rate and time left that is drawn in place, else a line now and then.

Both go to standard error: standard output is for results. A wait that is over soon shows nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from genarris_fw.showing import printable
from genarris_fw.telling import Told
from genarris_fw.terminals import redraws
from genarris_fw.views.wording import duration, rate

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

# A bar appears after so many seconds, the first line, and then one line in so many.
SECONDS_UNSEEN, SECONDS_PER_LINE = 1.0, 20.0
# The rate is that of the last so many seconds.
SECONDS_OF_RATE = 30.0
REDRAWN_PER_SECOND = 5
BAR_WIDTH = 30


class Pace:
    """How far something is, and how quickly it goes on.

    Parameters
    ----------
    what : str
        What is being done.
    clock : callable, optional
        Seconds; another one in tests.
    """

    def __init__(self, what: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.what, self.done, self.of = what, 0, 0
        self._clock = clock
        self._begun = clock()
        self._seen: deque[tuple[float, int]] = deque()

    def told(self, what: str, done: int, of: int) -> None:
        """Take note; something else than before begins anew."""
        now = self._clock()
        if what != self.what or done < self.done:
            self.what, self._begun = what, now
            self._seen.clear()
        self.done, self.of = done, of
        if not self._seen or now - self._seen[-1][0] > SECONDS_OF_RATE / 100:
            self._seen.append((now, done))
        while now - self._seen[0][0] > SECONDS_OF_RATE:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """How many a second; None while that is not known."""
        if not self._seen:
            return None
        since, before = self._seen[0]
        seconds = self._clock() - since
        return (self.done - before) / seconds if seconds > 0 and self.done > before else None

    @property
    def left(self) -> float | None:
        """How many seconds are left; None where that is not known."""
        pace = self.rate
        return (self.of - self.done) / pace if pace and self.of else None

    def numbers(self) -> str:
        """Return what is done, of how much, the rate, and the time left, or the time so far."""
        words = [f"{self.done} of {self.of}" if self.of else str(self.done) if self.done else ""]
        words += [rate(self.rate), f"{duration(self.left)} left" if self.left is not None else ""]
        if self.left is None:
            words.append(duration(self._clock() - self._begun))
        return ", ".join(filter(None, words))


@contextmanager
def waiting(what: str = "") -> Iterator[Told]:
    """Show how far something is that may take a while.

    Parameters
    ----------
    what : str, optional
        What is being done from the beginning. Without it nothing is shown, and no thread runs, before something is
        told: for work that forks first.

    Yields
    ------
    callable
        To be told how far it is (`genarris_fw.telling.Told`), as often as one likes.
    """
    shown: _Bar | _Lines = _Bar() if redraws(sys.stderr) else _Lines()
    try:
        if what:
            shown.told(what, 0, 0)
        yield shown.told
    finally:
        shown.end()


class _Lines:
    """A line now and then, of what tells how far it is."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._due = time.monotonic() + SECONDS_PER_LINE

    def told(self, what: str, done: int, of: int) -> None:
        """Take note, and write a line when one is due."""
        self._pace.told(what, done, of)
        if done and time.monotonic() > self._due:
            self._due = time.monotonic() + SECONDS_PER_LINE
            print(printable(f"{what}: {self._pace.numbers()}"), file=sys.stderr, flush=True)  # noqa: T201

    def end(self) -> None:
        """Nothing is left to be done."""


class _Bar:
    """A bar on a terminal, drawn in place by a thread, and gone at the end."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._lock = threading.RLock()  # rich asks for the bar as it is made
        self._timer: threading.Timer | None = None
        self._live: Live | None = None
        self._over = False

    def told(self, what: str, done: int, of: int) -> None:
        """Take note."""
        with self._lock:
            self._pace.told(what, done, of)
        if self._timer is None:
            self._timer = threading.Timer(SECONDS_UNSEEN, self._show)
            self._timer.daemon = True
            self._timer.start()

    def _show(self) -> None:
        from rich.live import Live

        from genarris_fw.views.layout import console

        with self._lock:
            if self._over:
                return
            self._live = Live(
                get_renderable=self._drawn,
                console=console(stderr=True),
                refresh_per_second=REDRAWN_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
        self._live.start()

    def _drawn(self) -> RenderableType:
        with self._lock:
            return bar(self._pace.what, self._pace.done, self._pace.of, self._pace.numbers())

    def end(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._over = True
        if self._timer is not None:
            self._timer.cancel()
            with suppress(RuntimeError):
                self._timer.join()
        if self._live is not None:
            self._live.stop()


def bar(what: str, done: int, of: int, numbers: str) -> RenderableType:
    """Return one line: what is done, a bar of how far it is (moving where `of` is 0), and numbers in words."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(max_width=BAR_WIDTH)  # on a narrow terminal it is the first to shrink
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True)
    percent = f"{100 * done // of:3d} %" if of else ""
    drawn = ProgressBar(total=of or None, completed=done, pulse=not of)
    line.add_row(Text(printable(what)), drawn, percent, Text(numbers, "dim"))
    return line
