"""The progress of a live run: on a terminal a table that renews itself in place with a bar, else a line per change."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live

from genarris_fw.views.layout import console as standard_output
from genarris_fw.views.status import render
from genarris_fw.views.waiting import bar
from genarris_fw.views.wording import duration, rate

# Without a terminal a running step gives a line at most this often, and only when more is done.
SECONDS_PER_LINE = 20.0


class Progress:
    """Shows `status` again and again while a run is carried out.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to; standard output by default.
    quiet : bool, optional
        Show nothing.

    Examples
    --------
    >>> with Progress() as progress:  # doctest: +SKIP
    ...     progress.update(status(catalogue, "urea"))
    """

    def __init__(self, console: Console | None = None, quiet: bool = False) -> None:
        self.console = console or standard_output()
        self.quiet = quiet
        self._live: Live | None = None
        self._states: dict[str, str] = {}
        self._done: dict[str, int] = {}
        self._spoke = float("-inf")

    def __enter__(self) -> Progress:
        """Begin the live table, where standard output is a terminal."""
        if self.console.is_terminal and not self.quiet:
            beginning = bar("waiting for the first rocket", 0, 0, "")
            self._live = Live(beginning, console=self.console, auto_refresh=False, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the live table."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    def update(self, found: dict[str, Any]) -> None:
        """Show a new `status`."""
        if self.quiet:
            return
        if self._live is not None:
            self._live.update(Group(render(found), *map(_bar, _at_work(found))), refresh=True)
            return
        for step in found["steps"]:
            line = self._line(step)
            if line:
                self._spoke = time.monotonic()
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _line(self, step: dict[str, Any]) -> str | None:
        """Return what is new of a step, None when that is nothing worth a line."""
        name, state = step["name"], step["state"]
        changed = state != self._states.get(name, "waiting")
        self._states[name] = state
        grown = step["done"] > self._done.get(name, 0) and state == "running"
        if not changed and not (grown and time.monotonic() - self._spoke > SECONDS_PER_LINE):
            return None
        self._done[name] = step["done"]
        parts = [f"{name}: {state}"]
        if state == "finished":
            parts[0] += f" in {duration(step['seconds'])}"
            if step["result"]:
                parts.append(step["result"])
        elif step["done"]:
            parts.append(f"{step['done']} of {step['done'] + step['waiting'] + step['running']} items done")
            if step["time_left"]:
                parts.append(f"{duration(step['time_left'])} left")
        if step["failed"]:
            parts.append(f"{step['failed']} failed")
        if step["lost"]:
            parts.append(f"{step['lost']} lost to dead replicas")
        return ", ".join(parts)


def _at_work(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that have work items and are not over."""
    return [step for step in found["steps"] if step["state"] == "running" and _items(step)]


def _items(step: dict[str, Any]) -> int:
    return sum(step[state] for state in ("waiting", "running", "done", "failed"))


def _bar(step: dict[str, Any]) -> RenderableType:
    """Return how far a step is."""
    left = f"{duration(step['time_left'])} left" if step["time_left"] is not None else ""
    over = step["done"] + step["failed"]
    numbers = ", ".join(filter(None, [f"{over} of {_items(step)}", rate(step["rate"]), left]))
    return bar(step["name"], over, _items(step), numbers)
