"""A package with a potential that leaves a line in a file each time that it computes: calls of an engine, counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from installed_packages import Package

# A well about each atom that the cell's edges must not leave: steep enough to relax in some steps.
MODULE = """
from pathlib import Path

from ase.calculators.lj import LennardJones

CALLS = Path({calls!r})


class Tally(LennardJones):
    def calculate(self, *about, **more):
        with CALLS.open("a") as file:
            file.write("one\\n")
        if len(self.atoms if not about else about[0]) == {refused}:
            raise ValueError("not this one")
        super().calculate(*about, **more)


def tally(**settings):
    return Tally(**({{"sigma": 1.0, "epsilon": 0.01, "rc": 4.0}} | settings))
"""


@dataclass
class Tallied:
    """The package in a version, and the calls of all its versions.

    Parameters
    ----------
    folder : Path
        Where the calls are counted.
    version : str, optional
        The package's.
    refused : int, optional
        Structures of so many atoms fail.
    """

    folder: Path
    version: str = "1.0"
    refused: int = 0

    @property
    def package(self) -> Package:
        """What pip would install; with `installed` of `installed_packages` in this process, by `write` for others."""
        text = MODULE.format(calls=str(self.folder / "calls"), refused=self.refused)
        points = {"genarris_fw.potentials": {"tally": "tally_potential:tally"}}
        return Package("tally_potential", {"tally_potential.py": text}, points, self.version, interface="1")

    def calls(self) -> int:
        """Return how often it was called since this was asked last."""
        file = self.folder / "calls"
        number = len(file.read_text().split()) if file.exists() else 0
        file.unlink(missing_ok=True)
        return number
