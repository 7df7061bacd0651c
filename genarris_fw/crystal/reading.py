"""How a file is to be read where it leaves a choice, and what its reader had to say."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Literal

from genarris_fw.errors import InputError

Disorder = Literal["refuse", "major"]


class ReadingWarning(UserWarning):
    """Something in a file was left out, or taken in one of several ways; one line, with the path."""


@dataclass
class Reading:
    """Choices for a file, and notes of what was done with it.

    Parameters
    ----------
    disorder : str
        What becomes of atoms whose occupancy is below one: ``refuse`` them, or take the ``major`` part.
    record : int, optional
        Which of several records to read, from 1; all of them by default.
    component : int, optional
        Which of the molecules of a crystal to take as the molecule, from 1.

    Attributes
    ----------
    notes : list of str
        What was left out, corrected or assumed, one line each, without the path.
    left_out : list of str or None
        Where a reader of many puts why one of them cannot be read, to go on with the others; None: it raises.

    Raises
    ------
    InputError
        For a choice that there is not.
    """

    disorder: Disorder = "refuse"
    record: int | None = None
    component: int | None = None
    notes: list[str] = field(default_factory=list)
    left_out: list[str] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be chosen."""
        if self.disorder not in ("refuse", "major"):
            raise InputError(f"disorder = {self.disorder!r}; known: refuse, major")
        for name, number in (("record", self.record), ("component", self.component)):
            if number is not None and number < 1:
                raise InputError(f"{name} = {number}; they are counted from 1")

    def note(self, line: str) -> None:
        """Note something, once."""
        if line not in self.notes:
            self.notes.append(line)

    def leave_out(self, line: str) -> None:
        """Note why one of several structures cannot be read.

        Raises
        ------
        InputError
            With that line, where nobody wants the others alone.
        """
        if self.left_out is None:
            raise InputError(line)
        self.left_out.append(line)

    def warn(self, where: str) -> None:
        """Warn of what was noted: nobody else will say it."""
        for line in self.notes:
            warnings.warn(f"{where}: {line}", ReadingWarning, stacklevel=3)
