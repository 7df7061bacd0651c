"""Ranges of draws of one space group: what they accept, in the order of the draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.finishing import Finisher, Hits
from genarris_fw.generation.occupations import Occupation
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.press import press_hits
from genarris_fw.generation.volume import union_volume

MODES = ("rejection", "packing")
# Draws per call of a kernel, so that signals are seen a few times a second.
CALL_DRAWS = {"rejection": 1 << 17, "packing": 1 << 11}
CALL_ACCEPTED = 512
LARGEST_NORMAL = 12.2  # standard deviations; the kernel's normal numbers stay below


@dataclass(frozen=True)
class Sampling:
    """What a draw depends on besides its number.

    Attributes
    ----------
    mode : str
        ``rejection`` or ``packing``.
    seed : int
        0 to 2**64 - 1.
    volume_mean, volume_std : float
        Of the conventional cell, Å3.
    """

    mode: str
    seed: int
    volume_mean: float
    volume_std: float


@dataclass(frozen=True)
class Accepted:
    """A draw without overlaps: its number, the occupation it used, the crystal, and the group's attempts up to it."""

    draw: int
    occupation: Occupation
    structure: Structure
    attempts: int


class Group:
    """All occupations of one space group, ready to draw from.

    The group's draws go round its occupations: draw 0 of each, then draw 1 of each, and so on.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    occupations : sequence of Occupation
        Of one space group; at least one.
    cutoffs : (n, n) array
        Smallest allowed intermolecular distances, Å.
    confirm : bool
        Ask spglib for the space group of every structure (see `Finisher`).
    press_cutoffs : (n, n) array, optional
        Press what is accepted down to these distances, Å.
    """

    def __init__(
        self,
        molecule: Molecule,
        occupations: Sequence[Occupation],
        cutoffs: NDArray[np.float64],
        confirm: bool = False,
        press_cutoffs: NDArray[np.float64] | None = None,
    ) -> None:
        if len({occupation.space_group for occupation in occupations}) != 1:
            raise InputError("a group's occupations belong to one space group, and there must be one at least")
        self.placements = [Placement(molecule, occupation, cutoffs) for occupation in occupations]
        self.finishers = [Finisher(placement, confirm) for placement in self.placements]
        self.press_cutoffs = press_cutoffs

    def __len__(self) -> int:
        """Return the number of sites that are drawn from."""
        return len(self.placements)

    def hopeless(self, sampling: Sampling) -> bool:
        """Tell whether no packing fits, because balls that may not overlap take more than all of the volume."""
        volume = sampling.volume_mean + LARGEST_NORMAL * sampling.volume_std
        return volume < self._least_volume

    @cached_property
    def _least_volume(self) -> float:
        """A volume of the cell below which there is no packing, Å3."""
        return self.placements[0].Z * least_volume(self.placements[0])

    def draw(
        self, sampling: Sampling, first: int, count: int, quota: int, only: int | None = None, threads: int = 1
    ) -> tuple[list[Accepted], int]:
        """Make draws first ... first + count - 1 of every occupation (or of number `only`).

        Returns
        -------
        accepted : list of Accepted
            At most `quota`, those with the lowest numbers, in order.
        draws : int
            How many were made, of all occupations together, up to the one that filled the quota.
        """
        if first < 0 or first + max(count, 0) >= 2**63:
            raise InputError(f"draws {first} + {count}: draw numbers go from 0 to 2**63 - 1")
        members = range(len(self)) if only is None else [only]
        if quota <= 0 or count <= 0:
            return [], 0
        if self.hopeless(sampling):
            return [], count * len(members)
        found = [self._hits(member, sampling, first, count, quota, threads) for member in members]
        order = sorted((int(n), k, row) for k, hits in enumerate(found) for row, n in enumerate(hits.numbers))[:quota]
        made: dict[tuple[int, int], Structure] = {}
        for k, hits in enumerate(found):
            rows = [row for _, which, row in order if which == k]
            chosen = hits[rows]
            if self.press_cutoffs is not None:
                chosen = press_hits(self.placements[members[k]], chosen, self.press_cutoffs)
            for row, structure in zip(rows, self.finishers[members[k]].structures(chosen), strict=True):
                made[k, row] = structure
        accepted = [
            Accepted(
                number,
                self.placements[members[k]].occupation,
                made[k, row],
                number * len(self) + members[k] + 1,
            )
            for number, k, row in order
        ]
        if len(order) < quota:
            return accepted, count * len(members)
        number, k, _ = order[-1]
        return accepted, (number - first) * len(members) + k + 1

    def _hits(self, member: int, sampling: Sampling, first: int, count: int, quota: int, threads: int) -> Hits:
        """Draw in one occupation, on some threads: parts of the range, put together again."""
        shares = [first + count * k // threads for k in range(threads + 1)]
        if threads == 1:
            parts = [list(self._calls(member, sampling, first, count, quota))]
        else:
            with ThreadPoolExecutor(threads) as pool:
                jobs = [
                    pool.submit(lambda a, b: list(self._calls(member, sampling, a, b - a, quota)), a, b)
                    for a, b in pairwise(shares)
                ]
                parts = [job.result() for job in jobs]
        rows = [np.concatenate(columns) for columns in zip(*[call for part in parts for call in part], strict=True)]
        return Hits.of(*rows)[:quota]

    def _calls(
        self, member: int, sampling: Sampling, first: int, count: int, quota: int
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        kernel = getattr(self.placements[member], "packer" if sampling.mode == "packing" else "sampler")
        made = found = 0
        while made < count and found < quota:
            some = min(count - made, CALL_DRAWS[sampling.mode])
            used, *rows = kernel.draw(
                sampling.seed,
                first + made,
                some,
                min(quota - found, CALL_ACCEPTED),
                sampling.volume_mean,
                sampling.volume_std,
            )
            made, found = made + used, found + len(rows[0])
            yield tuple(rows[:3])


def least_volume(placement: Placement) -> float:
    """Return a volume per molecule, in Å3, below which there is no packing without overlap."""
    radii = np.diag(placement.cutoffs) / 2
    for _ in range(len(radii)):
        excess = radii[:, None] + radii - placement.cutoffs
        worst = np.unravel_index(excess.argmax(), excess.shape)
        if excess[worst] <= 1e-12:
            break
        smaller = worst[int(radii[worst[1]] < radii[worst[0]])]
        radii[smaller] -= excess[worst]
    # An atom stays away from the same atom of all other molecules: spheres fill at most pi / sqrt(18) of space.
    spheres = float(np.diag(placement.cutoffs).max()) ** 3 / math.sqrt(2.0)
    balls = 0.99 * union_volume(placement.coordinates[0], np.maximum(radii, 0.0), spacing=0.1)
    return max(spheres, balls)
