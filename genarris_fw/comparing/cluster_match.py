"""How many molecules of a cluster of one crystal lie on molecules of another, and how well: n of N, RMSD_n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import genarris_fw._kernels.cluster_match as kernel
from genarris_fw.clustering.matching import Matching, PreparedCrystal, prepare
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

NO_ANGLE = 180.0  # degrees: every direction is within it


@dataclass(frozen=True)
class Tolerances:
    """How large a cluster is compared, and how far a molecule may be from its counterpart.

    Attributes
    ----------
    molecules : int
        Of the cluster: one and those that touch it closest; 15, 20 or 30 by custom.
    distance : float
        Of distances between the atoms of a molecule and those of the central one, between their centres, and within a
        molecule, as a fraction; of atoms 0.5 Å in any case.
    angle : float
        Of the direction from the central molecule to a molecule, and of its turn, degrees; from 180 on there is none.
    farthest : float
        Of the atoms of one molecule (root mean square), Å.
    mirror_images : bool
        Whether the mirror image of a crystal is the same.

    Raises
    ------
    InputError
        For values outside their range.

    Notes
    -----
    20 % of distances and 20 degrees are the tolerances of COMPACK (Chisholm and Motherwell, J. Appl. Cryst. 38, 228,
    2005). Here, angles are those by which molecules as wholes have to be moved and turned once the clusters lie on each
    other.
    """

    molecules: int = 15
    distance: float = 0.2
    angle: float = 20.0
    farthest: float = math.inf
    mirror_images: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no number of molecules, and tolerances that are negative or none, with an InputError."""
        if isinstance(self.molecules, bool) or not 2 <= self.molecules <= 1000:
            raise InputError(f"molecules is {self.molecules}; give a whole number from 2 to 1000, such as 15")
        for name in ("distance", "angle", "farthest"):
            if not getattr(self, name) > 0:
                raise InputError(f"the tolerance {name} is {getattr(self, name)}; give a number above 0")

    @property
    def matching(self) -> Matching:
        """How a crystal is prepared for this."""
        return Matching(molecules_in_cluster=self.molecules, mirror_images=self.mirror_images)


class Place(NamedTuple):
    """A molecule of a crystal: its number among those of the cell, and the lattice vector that it is moved by, Å."""

    molecule: int
    move: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class ClusterMatch:
    """A cluster of one crystal laid upon another one.

    Attributes
    ----------
    matched, of : int
        How many molecules have a counterpart, of how many.
    rmsd : float
        Root mean square distance of their atoms, Å, without hydrogen where there are four heavier atoms; NaN where
        none has one.
    turn : (3, 3) ndarray
        Turns the second crystal into the place of the first: a point p goes to ``p @ turn.T + move``. Its determinant
        is -1 where it is mirrored.
    move : (3,) ndarray
        Å.
    first : tuple of Place
        The molecules of the cluster, the central one first.
    second : tuple of Place or None
        Their counterparts; None where one has none.
    """

    matched: int
    of: int
    rmsd: float
    turn: Floats
    move: Floats
    first: tuple[Place, ...]
    second: tuple[Place | None, ...]

    @property
    def is_full(self) -> bool:
        """Whether all molecules have a counterpart."""
        return self.matched == self.of

    @property
    def mirrored(self) -> bool:
        """Whether it is the mirror image of the second crystal that lies on the first one."""
        return bool(np.linalg.det(self.turn) < 0)

    def __str__(self) -> str:
        """Return it in words: ``12 of 15, RMSD_12 0.41 Å``."""
        agreement = f", RMSD_{self.matched} {self.rmsd:.2f} Å" if self.matched else ""
        return f"{self.matched} of {self.of}{agreement}"


def match_clusters(
    first: Structure | PreparedCrystal,
    second: Structure | PreparedCrystal,
    tolerances: Tolerances | None = None,
    molecule: Molecule | None = None,
) -> ClusterMatch:
    """Lay clusters of molecules of two crystals upon each other.

    Parameters
    ----------
    first, second : Structure, or what `genarris_fw.clustering.matching.prepare` made of one
        Crystals of the same molecules; atoms in any order, in any cell.
    tolerances : Tolerances, optional
    molecule : Molecule, optional
        The molecule, where it is known: its bonds are those of the crystals.

    Returns
    -------
    ClusterMatch
        The most molecules of a cluster of the first crystal that lie on molecules of the second one, and of these the
        closest. Where the molecules of the first crystal have different surroundings (Z' > 1), the least of the values
        found around each of them.

    Raises
    ------
    InputError
        As of `genarris_fw.clustering.matching.prepare`.

    Notes
    -----
    As of COMPACK (Chisholm and Motherwell, J. Appl. Cryst. 38, 228, 2005), see `Tolerances`. Molecules of other bonds
    do not match.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.comparing import match_clusters
    >>> [urea] = read("examples/urea/urea.cif")
    >>> match = match_clusters(urea, urea)
    >>> match.matched, round(match.rmsd, 3)
    (15, 0.0)
    """
    chosen = tolerances or Tolerances()
    a, b = (prepare(one, chosen.matching, molecule) if isinstance(one, Structure) else one for one in (first, second))
    if a.kinds != b.kinds:
        return ClusterMatch(0, chosen.molecules, math.nan, np.eye(3), np.zeros(3), (), ())
    return min((_around(a, reference, b, chosen) for reference in a.references), key=_closeness)


def _closeness(match: ClusterMatch) -> tuple[int, float]:
    """What is more for closer clusters."""
    return match.matched, -match.rmsd if match.matched else -math.inf


def _around(a: PreparedCrystal, reference: int, b: PreparedCrystal, chosen: Tolerances) -> ClusterMatch:
    """The cluster around one molecule of a crystal laid upon another."""
    index, shift = a.shell(reference, chosen.molecules)
    matched, rmsd, mirrored, turn, move, counterpart, places = kernel.lay(
        a.packing,
        index,
        shift,
        b.packing,
        b.middles,
        *a.orders,
        chosen.distance,
        chosen.angle,
        chosen.farthest,
        chosen.mirror_images,
    )
    first = tuple(_place(number, *vector) for number, vector in zip(index, np.asarray(shift).tolist()))
    second = tuple(
        _place(number, *vector) if number >= 0 else None
        for number, vector in zip(counterpart, np.asarray(places).tolist())
    )
    if not matched:
        return ClusterMatch(0, chosen.molecules, math.nan, np.eye(3), np.zeros(3), first, second)
    # The kernel moves the first crystal, its x of the other sign where it is mirrored.
    there = np.asarray(turn) @ np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    return ClusterMatch(matched, chosen.molecules, rmsd, there.T, -np.asarray(move) @ there, first, second)


def _place(number: int, x: float, y: float, z: float) -> Place:
    return Place(int(number), (x, y, z))
