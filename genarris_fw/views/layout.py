"""Views that fit their terminal: everything on a wide one, the essential on a narrow one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from genarris_fw.terminals import coloured, redraws

# From so many columns on a terminal is wide.
WIDE = 125
# The columns of what goes into a pipe or a file, when the environment variable COLUMNS says nothing else.
PIPED = 140
# Control characters, and those that change the direction of writing or have no width.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class PlainConsole(Console):
    """A console for names and texts from a database: they are no markup, and none of their characters steers it."""

    def __init__(self, width: int | None = None, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        live = redraws(stream)
        colours: Literal["auto", "standard"] = "auto" if live else "standard"
        super().__init__(
            width=width,
            stderr=stderr,
            markup=False,
            emoji=False,
            force_terminal=live,  # else rich takes FORCE_COLOR for a terminal, and draws bars into a file
            force_interactive=live,
            color_system=colours if coloured(stream) else None,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Give the segments with every character that cannot be seen replaced by one that can."""
        for segment in super().render(renderable, options):
            seen = segment.control or segment.text.replace("\n", "").isprintable()
            yield segment if seen else Segment(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", segment.text), segment.style)


def console(stderr: bool = False) -> Console:
    """Return standard output, or error: a terminal as wide as it is, a pipe or a file wide enough for everything.

    A terminal on which nothing can be drawn anew (``TERM=dumb``) is taken for a pipe.
    """
    found = PlainConsole(stderr=stderr)
    return found if found.is_terminal or os.environ.get("COLUMNS") else PlainConsole(width=PIPED, stderr=stderr)


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
