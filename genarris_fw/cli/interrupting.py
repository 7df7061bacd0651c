"""Ctrl-C: every command ends in order, says by which words it goes on, and has the exit code 130."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from genarris_fw.showing import could_be_uri, printable

PROGRAM = "genarris-fw"
MOST_HEARD = 2
GOES_ON, BEGINS_AGAIN = "it goes on with", "nothing of it was kept; it begins again with"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a command that does not simply go on by the same words.

    Parameters
    ----------
    how : str
        `GOES_ON` or `BEGINS_AGAIN`.
    more : str
        A word to be added, where it is not there.
    """

    def __init__(self, how: str, more: str = "") -> None:
        super().__init__(how)
        self.how, self.more = how, more


@contextmanager
def when_interrupted(how: str = GOES_ON, more: str = "") -> Iterator[None]:
    """Inside the ``with``, have Ctrl-C say how the command goes on; arguments as of `Interrupted`."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        raise Interrupted(how, more) from None


def told(error: BaseException, words: Sequence[str]) -> str:
    """Return the line about a command that was interrupted: the words by which it goes on, without a password."""
    if isinstance(error, click.Abort) and error.__cause__ is not None:  # click's word for Ctrl-C
        error = error.__cause__
    how, more = (error.how, error.more) if isinstance(error, Interrupted) else (GOES_ON, "")
    added = [more] if more and more not in words else []
    said = [_without_uri(word) for word in [*words, *added]]
    return f"interrupted; {how}: {printable(shlex.join([PROGRAM, *said]))}"


def _without_uri(word: str) -> str:
    option, _, value = word.partition("=")
    if not could_be_uri(word):
        return word
    return f"{option}=URI" if option.startswith("--") and value else "URI"


class Presses:
    """What Ctrl-C does: the first ends a command in order, the second at once, further ones nothing.

    So no more than two exceptions have to be reckoned with, the second one wherever the first is dealt with.
    """

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take note, and raise KeyboardInterrupt."""
        self.number += 1
        if self.number <= MOST_HEARD:
            raise KeyboardInterrupt


def hear() -> None:
    """Have Ctrl-C do what `Presses` says, in a process that is not to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, Presses())


def from_now_on_unheard() -> None:
    """Ignore further Ctrl-C: what is left to be done is the end of the process, which a traceback would spoil."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
