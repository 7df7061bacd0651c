"""Examples at the end of every command's help: lines that can be copied."""

from __future__ import annotations

import click

_HEAD = "\b\nExample:\n"
_PROGRAM = "genarris-fw "


def example(*lines: str) -> str:
    """Return the epilog of a command that shows these lines, without the program's name.

    Parameters
    ----------
    *lines : str
        The words of a command, and after ``#`` what they do.
    """
    return _HEAD + "\n".join(f"  {_PROGRAM}{line}" for line in lines)


def examples_of(command: click.Command) -> list[str]:
    """Return the lines that `example` gave a command, without the program's name."""
    lines = (command.epilog or "").partition(_HEAD)[2].splitlines()
    return [line.strip().removeprefix(_PROGRAM) for line in lines]
