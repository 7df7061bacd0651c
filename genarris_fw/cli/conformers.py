"""What ``genarris-fw predict`` finds for each conformer of a molecule, ranked together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule, Structure
    from genarris_fw.lattice.searching.finding import Match
    from genarris_fw.lattice.searching.search import Search


@dataclass(frozen=True, eq=False)
class Searched:
    """A conformer and its crystals.

    Attributes
    ----------
    number : int
        Its record in the file, from 1.
    relative : float
        Energy of the molecule above that of the lowest conformer, kJ/mol; 0 where no energies are known.
    found : Search
        Its crystals.
    again : list of float or None
        Energies by the second potential, kJ/mol; NaN where it has no such minimum.
    match : Match or None
        The experiment among its crystals.
    """

    number: int
    relative: float
    found: Search
    again: list[float] | None
    match: Match | None


@dataclass(frozen=True, eq=False)
class Ranked:
    """A crystal among those of all conformers.

    Attributes
    ----------
    structure : Structure
    total, above : float
        Lattice energy and relative energy of the conformer, kJ/mol; the same above the lowest crystal.
    second : float or None
        As `above`, by the second potential.
    conformer : int
        Record of the conformer, from 1.
    index : int
        Of the crystal among those of its conformer.
    """

    structure: Structure
    total: float
    above: float
    second: float | None
    conformer: int
    index: int


def ranked(conformers: Sequence[Searched]) -> list[Ranked]:
    """Return the crystals of all conformers by lattice energy and energy of the conformer, the lowest first."""
    rows = []
    for one in conformers:
        for index, structure in enumerate(one.found.structures):
            again = math.nan if one.again is None else one.again[index] + one.relative
            rows.append((structure.properties["lattice_energy"] + one.relative, again, one.number, index, structure))
    rows.sort(key=lambda row: (row[0], row[2], row[3]))
    other = min((row[1] for row in rows if math.isfinite(row[1])), default=math.nan)
    return [
        Ranked(
            structure,
            total,
            total - rows[0][0],
            again - other if math.isfinite(again) else None,
            number,
            index,
        )
        for total, again, number, index, structure in rows
    ]


def nearest_match(conformers: Sequence[Searched]) -> tuple[Searched, Match] | None:
    """Return the conformer whose crystal agrees best with the experiment, and how."""
    found = [(one, one.match) for one in conformers if one.match is not None]
    return min(found, key=lambda pair: _distance(pair[1]), default=None)


def _distance(match: Match) -> float:
    return math.inf if math.isnan(match.rmsd) else match.rmsd


def together(conformers: Sequence[Searched]) -> dict[str, Any]:
    """Return what the searches come to: completeness, draws, failures, and why they ended."""
    low, estimate, high = (sum(one.found.completeness[k] for one in conformers) for k in range(3))
    failures: Counter[str] = Counter()
    for one in conformers:
        failures.update(one.found.failures)
    return {
        "seen": sum(len(one.found.structures) for one in conformers),
        "low": low,
        "estimate": estimate,
        "high": high,
        "draws": sum(one.found.draws for one in conformers),
        "ended": ", ".join(sorted({one.found.reason for one in conformers})),
        "failures": dict(failures),
    }


def chosen(molecules: Sequence[Molecule], most: int, first: int = 1) -> tuple[list[tuple[int, Molecule]], str]:
    """Return the conformers that are searched, with their records, and what to say of those that are not.

    Parameters
    ----------
    molecules : sequence of Molecule
        In the order of their file.
    most : int
        How many at most: those of lowest energy, where energies are known.
    first : int, optional
        The record of the first.
    """
    numbered = list(enumerate(molecules, start=first))
    if len(numbered) <= most:
        return numbered, ""
    known = all("relative_energy" in one.properties for one in molecules)
    if known:
        numbered.sort(key=lambda pair: (pair[1].properties["relative_energy"], pair[0]))
    which = "of lowest energy" if known else "in the file"
    said = f"the first {most} of {len(numbered)} conformers {which} are searched: --conformers {len(numbered)} for all"
    return numbered[:most], said
