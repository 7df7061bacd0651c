"""Views that fit their terminal: everything on a wide one, the essential on a narrow one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

# From so many columns on a terminal is wide.
WIDE = 125
# The columns of what goes into a pipe or a file, when the environment variable COLUMNS says nothing else.
PIPED = 140


def console() -> Console:
    """Return standard output: a terminal as wide as it is, a pipe or a file wide enough for everything."""
    found = Console()
    return found if found.is_terminal or os.environ.get("COLUMNS") else Console(width=PIPED)


@dataclass(frozen=True)
class ByWidth:
    """Something that is laid out only when the terminal's width is known.

    Parameters
    ----------
    layout : callable
        Given True for a wide terminal, returns what is shown.
    """

    layout: Callable[[bool], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the layout for the width at hand; called by rich."""
        yield self.layout(options.max_width >= WIDE)
