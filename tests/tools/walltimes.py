"""Walltimes that end when a test wants it."""

from __future__ import annotations

from genarris_fw.walltime import Walltime


class EndsAfter(Walltime):
    """A walltime that is over after so many questions."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self.questions = questions

    def ending(self) -> bool:
        self.questions -= 1
        if self.questions < 0:
            self.told = True
        return super().ending()
