"""Starting points of a search: draws on one site of one space group, overlaps removed where that can be done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule
from genarris_fw.generation.contacts import cutoff_matrix
from genarris_fw.generation.draws import CALL_ACCEPTED, CALL_DRAWS, LARGEST_NORMAL, least_volume
from genarris_fw.generation.finishing import Finisher, Hits
from genarris_fw.generation.modes import DRAWS_PER_EVALUATION
from genarris_fw.generation.occupations import Occupation
from genarris_fw.generation.placement import Placement

CONTACTS = 0.85  # of the van der Waals distances, which starting points keep
SPREAD = 0.1  # of the volume, standard deviation


@dataclass(frozen=True, eq=False)
class Starts:
    """What a range of draws gave.

    Attributes
    ----------
    hits : Hits
        Draws without overlaps.
    draws : int
        How many were made.
    work : float
        Counted work: arrangements whose overlaps were looked at. A draw by rejection counts as an eighth.
    """

    hits: Hits
    draws: int
    work: float


class _Finisher(Finisher):
    """Makes structures without asking for their space group: minima that turn out to be one need it once."""

    def _space_groups(self, hits: Hits, lattices: NDArray[np.float64], positions: NDArray[np.float64]) -> list[int]:
        return [self.placement.occupation.space_group] * len(hits)


class Site:
    """One site of one space group, ready to be drawn from.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    occupation : Occupation
        Of one space group.
    volume : float
        Of the molecule in a crystal, Å3; the volume of a draw's cell is normal about Z times that, by a tenth.
    seed : int
        0 to 2**64 - 1.
    cutoffs : (n, n) array, optional
        The distances that starting points keep (`cutoffs_of`), where they are known.
    """

    def __init__(
        self,
        molecule: Molecule,
        occupation: Occupation,
        volume: float,
        seed: int,
        cutoffs: NDArray[np.float64] | None = None,
    ) -> None:
        self.placement = Placement(molecule, occupation, cutoffs_of(molecule) if cutoffs is None else cutoffs)
        self.mean, self.seed = self.placement.Z * volume, seed

    @cached_property
    def finisher(self) -> Finisher:
        """What makes structures of hits; their property ``spg`` is the group drawn in, not yet that of the crystal."""
        # What tells where a larger space group is possible is not asked for here.
        return _Finisher(self.placement, every=True)

    @cached_property
    def mode(self) -> str:
        """``packing``, or ``rejection`` where symmetry leaves nothing to move at constant volume."""
        return "packing" if self.placement.packer.variables else "rejection"

    def draw(self, first: int, count: int) -> Starts:
        """Make draws first ... first + count - 1; the same ones whenever and wherever they are made."""
        arguments = self.mean, self.mean * SPREAD
        rows, made, work = [], 0, 0.0
        while made < count:
            some = min(count - made, CALL_DRAWS[self.mode])
            if self.mode == "packing":
                used, *found, looked_at = self.placement.packer.draw(
                    self.seed, first + made, some, CALL_ACCEPTED, *arguments
                )
                work += looked_at
            else:
                used, *found = self.placement.sampler.draw(self.seed, first + made, some, CALL_ACCEPTED, *arguments)[:4]
                work += used / DRAWS_PER_EVALUATION
            rows.append(found)
            made += used
        if not rows:
            return Starts(_none(len(self.placement.positions)), count, work)
        numbers, orientations, geometry = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        return Starts(Hits.of(numbers, orientations, geometry), count, work)


def cutoffs_of(molecule: Molecule) -> NDArray[np.float64]:
    """Return the distances between atoms of different molecules that starting points keep: (n, n), Å."""
    return cutoff_matrix(molecule, CONTACTS)


def hopeless(site: Site) -> bool:
    """Tell whether no draw can be without overlaps: balls that may not overlap take more than all of the volume.

    One answer for all sites of a molecule, since the volume is that of one molecule.
    """
    return site.mean * (1.0 + LARGEST_NORMAL * SPREAD) < site.placement.Z * least_volume(site.placement)


def _none(parts: int) -> Hits:
    return Hits.of(np.empty(0, np.int64), np.empty((0, parts), np.intc), np.empty((0, 9 + 12 * parts)))
