"""What the compiled kernels need to know of one occupation of a space group by one kind of molecule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw._kernels.generator import Sampler
from genarris_fw._kernels.packing import Packer
from genarris_fw._kernels.press import Press
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation.freedom import (
    SAME_POINT,
    Entries,
    Operations,
    entries,
    padded,
    shift_basis,
    strain_basis,
    turn_basis,
)
from genarris_fw.generation.occupations import Occupation
from genarris_fw.generation.sites import place
from genarris_fw.generation.space_groups import space_group
from genarris_fw.generation.union_of_balls import nearest_uncovered

Floats = NDArray[np.float64]

PRESS_REACH = 10.0  # Å: R of the press, as in Genarris 3's compiled one
LONGEST_PRESSED = 9.0  # Å


class Placement:
    """The sites of one occupation, filled with one kind of molecule.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    occupation : Occupation
        Of one space group.
    cutoffs : (n, n) array
        Smallest allowed intermolecular distances, Å.
    """

    def __init__(self, molecule: Molecule, occupation: Occupation, cutoffs: Floats) -> None:
        self.molecule, self.occupation, self.cutoffs = molecule, occupation, np.asarray(cutoffs, dtype=float)
        if self.cutoffs.shape != (len(molecule), len(molecule)):
            raise InputError(
                f"the cutoff matrix has shape {self.cutoffs.shape}; the molecule has {len(molecule)} atoms"
            )
        crystal = self.crystal = space_group(occupation.space_group)
        self.positions = [next(p for p in crystal.positions if p.letter == s.wyckoff[-1]) for s in occupation.sites]
        placed = [place(molecule, site) for site in occupation.sites]
        self.coordinates = np.concatenate(placed)
        self.starts = np.cumsum([0, *(len(p) for p in placed)])
        self.Z = sum(site.multiplicity for site in occupation.sites)
        # Which operations make the molecules of the cell, part after part.
        self.copies = [crystal.distinct(position.point) for position in self.positions]

    @cached_property
    def sampler(self) -> Sampler:
        """The kernel of the mode ``rejection``."""
        return Sampler(*self._arguments)

    @cached_property
    def packer(self) -> Packer:
        """The kernel of the mode ``packing``."""
        return Packer(*self._arguments)

    def press(self, cutoffs: Floats) -> Press:
        """Return the kernel that presses what was accepted, down to other cutoffs (Å)."""
        points = [position.point for position in self.positions]
        return press_kernel(cutoffs, self.coordinates, self.crystal, points)

    @cached_property
    def seen(self) -> Entries:
        """Which molecules the independent ones are seen from."""
        return entries(self.crystal, [position.point for position in self.positions])

    @cached_property
    def _arguments(self) -> tuple[Any, ...]:
        crystal, sites, positions = self.crystal, self.occupation.sites, self.positions
        points = [position.point for position in positions]
        return (
            rigid_arguments(self.cutoffs, self.coordinates, crystal, points, self.seen, keep_volume=True),
            crystal.number,
            self.occupation.number,
            crystal.lattice_system,
            shortest_translation(self.coordinates[0], self.cutoffs),
            [p.origin for p in positions],
            [padded(p.basis) for p in positions],
            [len(p.basis) for p in positions],
            [site.freedom for site in sites],
            [site.axis for site in sites],
            self.starts,
        )


def rigid_arguments(
    cutoffs: Floats,
    coordinates: Floats,
    operations: Operations,
    points: Sequence[Floats],
    seen: Entries,
    keep_volume: bool,
    tol: float = SAME_POINT,
) -> tuple[Any, ...]:
    """Return the arguments of the kernels' `RigidCrystal`.

    Parameters
    ----------
    cutoffs : (n, n) array
        Å.
    coordinates : (k, n, 3) array
        Molecules about their centres, Å.
    operations : Operations
        The symmetry of the cell.
    points : sequence of (3,) arrays
        Fractional centres of the independent molecules (generic ones of their sites).
    seen : Entries
        Their neighbours.
    keep_volume : bool
        Leave out the strain that changes the volume.
    tol : float
        How far apart fractional points may be to count as the same.
    """
    stabilisers = [operations.turns[operations.stabiliser(point, tol)] for point in points]
    shifts, spins = [shift_basis(turns) for turns in stabilisers], [turn_basis(turns) for turns in stabilisers]
    return (
        cutoffs,
        coordinates,
        seen.first,
        seen.second,
        seen.own,
        operations.rotations[seen.operations],
        operations.translations[seen.operations],
        operations.turns[seen.operations],
        strain_basis(operations.turns, keep_volume),
        [padded(basis) for basis in shifts],
        [len(basis) for basis in shifts],
        [padded(basis) for basis in spins],
        [len(basis) for basis in spins],
    )


def press_kernel(
    cutoffs: Floats, coordinates: Floats, operations: Operations, points: Sequence[Floats], tol: float = SAME_POINT
) -> Press:
    """Return the kernel that presses crystals of this symmetry; the arguments are those of `rigid_arguments`.

    Raises
    ------
    InputError
        Where contacts are to be kept that are as long as the reach of the press.
    """
    if cutoffs.max() > LONGEST_PRESSED:
        raise InputError(
            f"contacts of {cutoffs.max():.1f} Å cannot be kept by the press (it sees up to {PRESS_REACH:g} Å): lower sr"
        )
    seen = entries(operations, points, tol)
    rigid = rigid_arguments(cutoffs, coordinates, operations, points, seen, False, tol)
    return Press(rigid, seen.weights, PRESS_REACH)


def shortest_translation(points: Floats, cutoffs: Floats) -> float:
    """Return a length below which no lattice vector can be: the molecule would overlap its own image.

    Parameters
    ----------
    points : (n, 3) array
        The molecule, Å.
    cutoffs : (n, n) array
        Smallest allowed distances, Å.

    Returns
    -------
    float
        Å; the length of the shortest translation after which all pairs of atoms keep their distance. It does not depend
        on how the molecule is turned.
    """
    return _shortest(np.asarray(points, dtype=float).tobytes(), np.asarray(cutoffs, dtype=float).tobytes())


@lru_cache(maxsize=64)
def _shortest(points: bytes, cutoffs: bytes) -> float:
    """The same of what the arrays hold: on general positions the molecule stands alike in all space groups."""
    atoms = np.frombuffer(points).reshape(-1, 3)
    return nearest_uncovered((atoms[:, None] - atoms).reshape(-1, 3), np.frombuffer(cutoffs))
