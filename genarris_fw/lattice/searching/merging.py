"""Minima of all space groups, settings and cells, each once, with how often every part of a search met it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw.clustering.matching import Matching, match, prepare
from genarris_fw.crystal.structure import Structure
from genarris_fw.descriptors.amd import amd_of_rows
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

NEIGHBOURS = 100  # of the average minimum distances
# kJ/mol per molecule: where minima are left out by their energy, those a little higher are kept, so that no minimum
# near the limit loses some of its hits.
MARGIN = 0.1
EQUAL = 1e-4  # kJ/mol per molecule: minimisations that end in one minimum differ by less

_COMPARISON = Matching(hydrogens=True)


class Origin(NamedTuple):
    """The draw that led to a minimum: the stratum's name and the number of the draw there."""

    stratum: str
    draw: int


@dataclass(frozen=True)
class Alike:
    """How far apart two minimisations that ended in one minimum may have stopped.

    Attributes
    ----------
    energy : float
        kJ/mol per molecule.
    density : float
        As a fraction.
    amd : float
        Of every average minimum distance, Å.
    sure : float
        The fraction of the tolerances of energy and distances below which nothing else is asked; above it the crystals
        are superposed.
    """

    energy: float = 0.1
    density: float = 0.01
    amd: float = 0.03
    sure: float = 0.3


@dataclass(frozen=True, eq=False)
class Minimum:
    """A minimum of the lattice energy.

    Attributes
    ----------
    structure : Structure
        Molecule after molecule.
    energy : float
        kJ/mol per molecule.
    volume : float
        Å3 per molecule.
    amd : (100,) array
        Average minimum distances, Å.
    origin : Origin
        The draw that led to `structure`.
    hits : dict
        Name of a stratum -> how many of its draws ended here.
    """

    structure: Structure
    energy: float
    volume: float
    amd: Floats
    origin: Origin
    hits: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, structure: Structure, energy: float, molecules: int, origin: Origin, equivalent: bool) -> Minimum:
        """Describe a minimum that one draw led to.

        Parameters
        ----------
        structure : Structure
            Molecule after molecule.
        energy : float
            kJ/mol per molecule.
        molecules : int
            In the cell.
        origin : Origin
        equivalent : bool
            Whether symmetry makes all molecules of the first: then it is looked from this one alone.
        """
        assert structure.lattice is not None
        seen_from = np.arange(len(structure) // molecules if equivalent else len(structure))
        distances = amd_of_rows(structure.lattice, structure.positions, seen_from, NEIGHBOURS)
        return cls(structure, energy, structure.cell_volume / molecules, distances, origin, {origin.stratum: 1})

    @property
    def molecules(self) -> int:
        """How many the cell of the structure holds."""
        return round(self.structure.cell_volume / self.volume)

    @property
    def total(self) -> int:
        """How many draws ended here."""
        return sum(self.hits.values())

    @property
    def home(self) -> str:
        """The stratum that met it most often; of several the first by name."""
        return min(self.hits, key=lambda name: (-self.hits[name], name))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as json and MongoDB take them.

        Of the structure, what a search knows: a Genarris record, which is read leniently, takes ten times as long.
        """
        one = self.structure
        return {
            "structure": {
                "lattice": one.cell.tolist(),
                "species": one.species,
                "positions": one.positions.ravel().tolist(),
                "properties": one.properties,
                "struct_id": one.struct_id,
            },
            "energy": self.energy,
            "volume": self.volume,
            "amd": self.amd.tolist(),
            "origin": list(self.origin),
            "hits": dict(sorted(self.hits.items())),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Minimum:
        """Make a minimum of what `to_dict` gave."""
        return cls(
            Structure(**record["structure"]),
            float(record["energy"]),
            float(record["volume"]),
            np.array(record["amd"], dtype=float),
            Origin(*record["origin"]),
            {str(name): int(count) for name, count in record["hits"].items()},
        )


def merge(minima: Iterable[Minimum], window: float | None = None, alike: Alike | None = None) -> list[Minimum]:
    """Make minima that are one into one; their hits are added.

    Parameters
    ----------
    minima : iterable of Minimum
        Of one molecule, in any order; those of earlier merges among them.
    window : float, optional
        Leave out what lies more than this above the lowest, kJ/mol per molecule.
    alike : Alike, optional
        When two are one.

    Returns
    -------
    list of Minimum
        The lowest first. Of several that are one, the structure is that with the fewest molecules in its cell, of these
        the lowest, and of equally low ones that of the earliest draw. The result does not depend on the order of
        `minima`.

    Raises
    ------
    InputError
        For an energy, volume or distance that is no number.

    Notes
    -----
    In the order of their energies, each is compared with the lower ones that are different: by energy, density and
    average minimum distances, and where these are close but not equal, by superposing clusters of 20 molecules
    (`genarris_fw.clustering.matching`). Neither depends on cell, setting or space group, so that a minimum found in a
    group, in its subgroups and in larger cells is one.
    """
    tolerance = alike or Alike()
    given = sorted(minima, key=_rank)
    if not all(np.isfinite([one.energy, one.volume]).all() and np.isfinite(one.amd).all() for one in given):
        raise InputError("the energy, volume or a distance of a minimum is not finite")
    if window is not None and given:
        given = [one for one in given if one.energy <= given[0].energy + window]
    finder = _Finder(len(given), tolerance)
    groups: list[list[Minimum]] = []
    for one in given:
        known = finder.find(one)
        if known is None:
            finder.add(one)
            groups.append([one])
        else:
            groups[known].append(one)
    return sorted((_united(group) for group in groups), key=_rank)


def _rank(one: Minimum) -> tuple[float, float, Origin]:
    return one.energy, one.volume, one.origin


def _united(group: Sequence[Minimum]) -> Minimum:
    if len(group) == 1:
        return group[0]
    fewest = min(len(one.structure) for one in group)
    small = [one for one in group if len(one.structure) == fewest]
    lowest = min(one.energy for one in small)
    # Which of two equal energies is the lower one is rounding.
    equal = [one for one in small if one.energy <= lowest + EQUAL]
    chosen = min(equal, key=lambda one: (one.origin.draw, one.origin.stratum, one.energy))
    hits: Counter[str] = Counter()
    for one in group:
        hits.update(one.hits)
    return Minimum(chosen.structure, chosen.energy, chosen.volume, chosen.amd, chosen.origin, dict(hits))


class _Finder:
    """The different minima met so far, in the order of their energies."""

    def __init__(self, capacity: int, alike: Alike) -> None:
        self.alike, self.known, self.ready = alike, list[Minimum](), dict[int, Any]()
        self.energies, self.volumes = np.empty(capacity), np.empty(capacity)
        self.amds = np.empty((capacity, NEIGHBOURS))

    def add(self, one: Minimum) -> None:
        k = len(self.known)
        self.energies[k], self.volumes[k], self.amds[k] = one.energy, one.volume, one.amd
        self.known.append(one)

    def find(self, one: Minimum) -> int | None:
        """The known minimum that this is, the nearest by its distances; None where it is new."""
        alike, count = self.alike, len(self.known)
        # Energies rise: only the last ones can be close.
        first = int(np.searchsorted(self.energies[:count], one.energy - alike.energy))
        if first == count:
            return None
        gaps = np.abs(self.amds[first:count] - one.amd).max(axis=1)
        close = gaps <= alike.amd
        close &= np.abs(self.volumes[first:count] - one.volume) <= alike.density * one.volume
        for row in sorted(np.flatnonzero(close).tolist(), key=lambda k: (gaps[k], k)):
            k = first + row
            surely = gaps[row] <= alike.sure * alike.amd
            if (surely and one.energy - self.energies[k] <= alike.sure * alike.energy) or self._superposed(k, one):
                return k
        return None

    def _superposed(self, k: int, one: Minimum) -> bool:
        if k not in self.ready:
            self.ready[k] = prepare(self.known[k].structure, _COMPARISON)
        found = match(self.ready[k], one.structure, _COMPARISON)
        return found is not None and found <= _COMPARISON.rmsd_tolerance
