"""The published FHI-aims results that a cluster is verified with, and how a control file differs from theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from genarris_fw.crystal import Structure
from genarris_fw.engines.aims.control import Control


@dataclass(frozen=True)
class Case:
    """One published calculation.

    Attributes
    ----------
    name : str
        Of the structure in the tutorial.
    control : str
        The tutorial's name of its control file.
    relax : bool
        A relaxation; else a single point.
    molecules : int
        Per cell.
    structure : Structure
        The input.
    energy : float
        eV per cell (a molecule: eV), of the last geometry.
    tolerance : float
        eV; a calculation that differs by more disagrees.
    seconds : float
        Wall time that it took.
    """

    name: str
    control: str
    relax: bool
    molecules: int
    structure: Structure
    energy: float
    tolerance: float
    seconds: float


@dataclass(frozen=True)
class Published:
    """A set of published calculations.

    Attributes
    ----------
    source : str
        Where they come from.
    version : str
        Of FHI-aims.
    tasks : int
        How many MPI tasks they ran on.
    controls : mapping
        Control file -> its general keywords and their values; the blocks of the species are FHI-aims' own.
    implied : mapping
        What that version of FHI-aims took, with a warning, where a control file does not say it.
    cases : tuple of Case
        The calculations.
    """

    source: str
    version: str
    tasks: int
    controls: Mapping[str, Mapping[str, str]]
    implied: Mapping[str, str]
    cases: tuple[Case, ...]


@cache
def published() -> Published:
    """Return the calculations of the benzene tutorial of Genarris 2.0."""
    record = json.loads(files("genarris_fw.trials").joinpath("published_benzene.json").read_text(encoding="utf-8"))
    cases = []
    for entry in record["cases"]:
        structure = Structure(entry["lattice"], entry["species"], entry["positions"], struct_id=entry["name"])
        of_case = ("name", "control", "relax", "molecules", "energy", "tolerance", "seconds")
        cases.append(Case(structure=structure, **{name: entry[name] for name in of_case}))
    of_all = ("source", "version", "tasks", "controls", "implied")
    return Published(cases=tuple(cases), **{name: record[name] for name in of_all})


def other_settings(text: str, control: str) -> tuple[list[str], list[str]]:
    """Compare a control file with a published one, in everything that an energy depends on but the species.

    Parameters
    ----------
    text : str
        Of the control file.
    control : str
        Name of the published one.

    Returns
    -------
    more, lacking : list of str
        Lines that only the given one has, and lines that only the published one has; both written in one way.
    """
    about, given = published(), Control(text)
    wanted = dict(about.controls[control])
    implied = {name: value for name, value in about.implied.items() if name not in wanted}
    ours = _lines(given)
    theirs = _lines(Control("\n".join(f"{name} {value}" for name, value in wanted.items())))
    allowed = _lines(Control("\n".join(f"{name} {value}" for name, value in implied.items())))
    return sorted(ours - theirs - allowed), sorted(theirs - ours)


def _lines(control: Control) -> set[str]:
    """The lines that say something of the energy, but for the blocks of the species."""
    of_species = {line for name in control.species for line in control.block(name).splitlines()}
    return {line.strip() for line in control.canonical.splitlines() if line not in of_species and line.strip()}
