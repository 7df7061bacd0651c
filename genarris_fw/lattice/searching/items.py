"""A piece of a search: a range of draws on one site, minimised; what it returns depends on its arguments alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.placement import Placement
from genarris_fw.lattice.energy.minimiser import ENDS
from genarris_fw.lattice.searching.merging import MARGIN, Minimum, Origin, merge
from genarris_fw.lattice.searching.starts import Site

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

# One step of a minimisation costs about as much as looking so often for overlaps: 200 to 340 against 4 to 9
# microseconds (urea with satellites and naphthalene, P21/c, P212121 and Pbca). A fixed number, not a measurement at the
# time: what a search does must not depend on the machine.
LOOKS_PER_STEP = 35.0
OVERLAPPING = "overlapping"  # the reason of draws that never became a starting point
FLAT = "flat cell"


class SiteMinimiser(Protocol):
    """What minimises the crystals of one placement."""

    def minimise_hits(self, hits: Hits) -> tuple[Hits, Floats, Floats, Integers, Integers]:
        """Minimise each crystal, its space group kept.

        Returns
        -------
        hits : Hits
            Where they ended, in the same order.
        energies, gradients : (m,) arrays
            kJ/mol per molecule; kJ/mol/Å.
        steps, status : (m,) arrays
            Counted work, and the number in `ENDS`.
        """


class MinimisesOnSites(Protocol):
    """What a search needs of a model of the energy."""

    def site_minimiser(self, placement: Placement) -> SiteMinimiser:
        """Return what minimises the crystals of a placement."""

    def minimise(self, structure: Structure, break_symmetry: bool = False) -> Settled:
        """Minimise a crystal, into a subgroup where it would otherwise end on a saddle point."""

    def hessian(self, structure: Structure) -> Curvature:
        """Return the curvature of the energy in all rigid-body variables of the cell."""


class Curvature(Protocol):
    """What a model says of the surroundings of a minimum."""

    def modes(self) -> tuple[Floats, Floats]:
        """Return curvatures, the lowest first, and the modes."""

    @property
    def zero(self) -> float:
        """What counts as zero of them."""


class Settled(Protocol):
    """What a model says of one minimised crystal."""

    @property
    def structure(self) -> Structure:
        """Where it ended."""

    @property
    def energy(self) -> float:
        """In kJ/mol per molecule."""

    @property
    def is_minimum(self) -> bool:
        """Whether it converged, and no mode of the cell goes down."""


@dataclass(frozen=True)
class Item:
    """A range of draws.

    Attributes
    ----------
    stratum : str
        Name of the site.
    first, count : int
        Draws first ... first + count - 1.
    threshold : float or None
        Minima more than 0.1 kJ/mol per molecule above this are not returned.
    """

    stratum: str
    first: int
    count: int
    threshold: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Found:
    """What an item gave.

    Attributes
    ----------
    item : Item
    minima : list of Minimum
        Each once, the lowest first; none far above the item's threshold, nor above its own lowest by far more than the
        window.
    minimised : int
        Draws that were minimised.
    work : float
        Counted work, in steps of minimisations.
    failures : dict
        Reason -> number of draws that gave no minimum. Minima above the threshold are no failures.
    """

    item: Item
    minima: list[Minimum]
    minimised: int
    work: float
    failures: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as json and MongoDB take them."""
        return {
            "item": self.item.to_dict(),
            "minima": [one.to_dict() for one in self.minima],
            "minimised": self.minimised,
            "work": self.work,
            "failures": dict(sorted(self.failures.items())),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Found:
        """Make a result of what `to_dict` gave."""
        minima = [Minimum.from_dict(one) for one in record["minima"]]
        return cls(Item(**record["item"]), minima, record["minimised"], record["work"], dict(record["failures"]))


def work(site: Site, minimiser: SiteMinimiser, item: Item, window: float) -> Found:
    """Carry out an item.

    Parameters
    ----------
    site : Site
        The item's.
    minimiser : SiteMinimiser
        Of the site's placement.
    item : Item
    window : float
        kJ/mol per molecule.

    Returns
    -------
    Found
        The same whenever and wherever it is made.
    """
    starts = site.draw(item.first, item.count)
    failures: Counter[str] = Counter()
    if starts.draws > len(starts.hits):
        failures[OVERLAPPING] = starts.draws - len(starts.hits)
    counted = starts.work / LOOKS_PER_STEP
    if not len(starts.hits):
        return Found(item, [], 0, counted, dict(failures))
    ended, energies, _, steps, status = minimiser.minimise_hits(starts.hits)
    failures.update(ENDS[number] for number in status if number)
    good = (status == 0) & np.isfinite(energies)
    minima: list[Minimum] = []
    if good.any():
        limit = float(energies[good].min()) + window
        if item.threshold is not None:
            limit = min(limit, item.threshold)
        rows = np.flatnonzero(good & (energies <= limit + MARGIN))
        described = _minima(site, item.stratum, ended[rows], energies[rows])
        if len(described) < len(rows):
            failures[FLAT] += len(rows) - len(described)
        minima = merge(described)
    return Found(item, minima, len(starts.hits), counted + float(steps.sum()), dict(failures))


def _minima(site: Site, stratum: str, hits: Hits, energies: Floats) -> list[Minimum]:
    """One minimum for each hit, but for those whose cell is so flat that it has no reduced form."""
    Z, equivalent = site.placement.Z, len(site.placement.positions) == 1
    try:
        structures = site.finisher.structures(hits)
    except InputError:
        if len(hits) == 1:
            return []
        return [one for k in range(len(hits)) for one in _minima(site, stratum, hits[k : k + 1], energies[k : k + 1])]
    return [
        Minimum.of(structure, float(energy), Z, Origin(stratum, int(draw)), equivalent)
        for structure, energy, draw in zip(structures, energies, hits.numbers, strict=True)
    ]
