"""Which Wyckoff positions a molecule can occupy, and how it can be turned there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.point_groups import PointGroup, point_group
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError
from genarris_fw.generation.space_groups import candidates, space_group

Floats = NDArray[np.float64]

LARGEST_MULTIPLICITY = 192
# How a molecule may still turn on a site.
ANY_ROTATION, SPIN, FIXED = 0, 1, 2
_SAME = 0.05  # two operations of a point group differ by more than this in some matrix element
_PARALLEL = 0.999  # cosine; other axes of a point group are at least 15 degrees apart
_Z_AXIS = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Site:
    """A Wyckoff position that Z molecules fill, each on its site symmetry.

    Attributes
    ----------
    space_group : int
        1 to 230.
    wyckoff : str
        Multiplicity and letter, such as ``2i``.
    site_symmetry : str
        Hermann-Mauguin symbol of the site's point group.
    freedom : int
        What is left of the rotation: `ANY_ROTATION`, `SPIN` (about `axis`) or `FIXED`.
    axis : (3,) array
        Cartesian unit vector of the spin.
    orientations : (k, 3, 3) array
        Rotations that bring the molecule, as given, onto the site; all inequivalent ones. With `SPIN` those that put
        different directions along the axis, so that choosing one uniformly and then a uniform angle is uniform over
        all allowed orientations.
    operations : (s, 3, 3) array
        The site's operations, Cartesian.
    parameters : int
        How many coordinates of the centre are free.
    deformation : float
        How far an atom must be moved at most to make the molecule exactly symmetric on the site, Å.
    """

    space_group: int
    wyckoff: str
    site_symmetry: str
    freedom: int = field(default=ANY_ROTATION, compare=False, repr=False)
    axis: Floats = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]), compare=False, repr=False)
    orientations: Floats = field(default_factory=lambda: np.eye(3)[None], compare=False, repr=False)
    operations: Floats = field(default_factory=lambda: np.eye(3)[None], compare=False, repr=False)
    parameters: int = field(default=3, compare=False, repr=False)
    deformation: float = field(default=0.0, compare=False, repr=False)

    @property
    def multiplicity(self) -> int:
        """Molecules in the conventional cell."""
        return int(self.wyckoff[:-1])


def check_Z(Z: int) -> int:
    """Return Z, the number of molecules in the cell.

    Raises
    ------
    InputError
        Unless it is a whole number from 1 to 192.
    """
    if isinstance(Z, bool) or int(Z) != Z or not 1 <= Z <= LARGEST_MULTIPLICITY:
        raise InputError(f"Z = {Z}: the number of molecules in the cell must be between 1 and {LARGEST_MULTIPLICITY}")
    return int(Z)


def compatible_sites(
    molecule: Molecule, Z: int, tol: float = 1e-2, space_groups: Collection[int] | None = None
) -> list[Site]:
    """Return every Wyckoff position that Z molecules can fill.

    A position qualifies when its multiplicity in the conventional cell is Z and its site symmetry is, in some
    orientation, a subgroup of the molecule's point group.

    Parameters
    ----------
    molecule : Molecule
        The molecule.
    Z : int
        Molecules in the conventional cell.
    tol : float
        Å; how far the molecule may be from symmetric.
    space_groups : collection of int, optional
        Look only at these; all 230 by default.

    Returns
    -------
    list of Site
        By space group and letter; empty when no group offers a site.

    Raises
    ------
    InputError
        For Z outside 1 to 192, a tolerance that is not positive, or a molecule without atoms.

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> from genarris_fw.generation import compatible_sites
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> sites = compatible_sites(molecule, Z=2, space_groups=[113])
    >>> [(site.space_group, site.wyckoff) for site in sites]
    [(113, '2c')]
    """
    group = point_group(molecule, tol)
    found = []
    known: dict[bytes, tuple[tuple[int, Floats, Floats], float] | None] = {}
    for number, letter in candidates(check_Z(Z)):
        if space_groups is not None and number not in space_groups:
            continue
        crystal = space_group(number)
        position = next(p for p in crystal.positions if p.letter == letter)
        operations = crystal.turns[crystal.stabiliser(position.point)]
        key = np.rint(operations * 1e6).astype(np.int64).tobytes()
        if key not in known:
            placing = orientations(operations, group)
            known[key] = None if placing is None else (placing, deformation(molecule, operations, placing[2]))
        fitting = known[key]
        if fitting is not None:
            placing, moved = fitting
            free = len(position.basis)
            found.append(Site(number, f"{Z}{letter}", position.site_symmetry, *placing, operations, free, moved))
    return found


def orientations(operations: Floats, group: PointGroup) -> tuple[int, Floats, Floats] | None:
    """Find the rotations that make all operations of a site symmetry operations of a molecule.

    Parameters
    ----------
    operations : (s, 3, 3) array
        The site symmetry group, Cartesian.
    group : PointGroup
        The molecule's.

    Returns
    -------
    (freedom, axis, (k, 3, 3) rotations) or None
        As in `Site`; None when the site symmetry is no subgroup of the molecule's in any orientation.
    """
    if group.schoenflies == "Kh":  # an atom looks the same from everywhere
        return FIXED, _Z_AXIS, np.eye(3)[None]
    site, molecule = _Operations.of(operations), _Operations.of(group.operations)
    turning = sorted(np.flatnonzero(site.has_axis).tolist(), key=lambda k: (site.traces[k], k))
    if not turning:
        fits = _contained(operations, group.operations, np.eye(3))
        return (ANY_ROTATION, _Z_AXIS, np.eye(3)[None]) if fits else None
    first = turning[0]
    u = site.axes[first]
    second = next((k for k in turning if abs(u @ site.axes[k]) < _PARALLEL), None)
    rotations: list[Floats] = []
    if second is None:
        for v in molecule.directions_like(site, first):
            rotation = _frame(u) @ _frame(v).T
            if _contained(operations, group.operations, rotation):
                rotations.append(rotation)
        return (SPIN, u, np.array(rotations)) if rotations else None
    w = site.axes[second]
    proper = group.operations[molecule.determinants > 0]
    others = molecule.directions_like(site, second)
    for v in molecule.directions_like(site, first):
        for t in others:
            if abs(v @ t - u @ w) > _SAME:
                continue
            rotation = _frame(u, w) @ _frame(v, t).T
            known = any((np.abs(rotation @ proper - r).max(axis=(1, 2)) < _SAME).any() for r in rotations)
            if not known and _contained(operations, group.operations, rotation):
                rotations.append(rotation)
    return (FIXED, _Z_AXIS, np.array(rotations)) if rotations else None


@dataclass(frozen=True, eq=False)
class _Operations:
    """Orthogonal matrices with what tells their kinds apart."""

    traces: Floats
    determinants: Floats
    axes: Floats  # unit vectors along rotation axes and mirror normals; nothing of use for 1 and -1
    has_axis: NDArray[np.bool_]

    @classmethod
    def of(cls, matrices: Floats) -> _Operations:
        determinants = np.sign(np.linalg.det(matrices))
        rotations = matrices * determinants[:, None, None]
        axes = np.linalg.eigh(rotations + rotations.transpose(0, 2, 1))[1][:, :, -1]
        traces = np.trace(matrices, axis1=1, axis2=2)
        return cls(traces, determinants, axes, traces * determinants < 3 - 1e-3)

    def directions_like(self, site: _Operations, k: int) -> list[Floats]:
        """Return both directions of every axis of the same kind (angle, proper or not) as operation k of a site."""
        alike = (np.abs(self.traces - site.traces[k]) < _SAME) & (self.determinants == site.determinants[k])
        found: list[Floats] = []
        for axis in self.axes[alike & self.has_axis]:
            if not any(abs(axis @ v) > _PARALLEL for v in found):
                found += [axis, -axis]
        return found


def _cross(a: Floats, b: Floats) -> Floats:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _frame(first: Floats, second: Floats | None = None) -> Floats:
    """Orthonormal right-handed columns: along the first unit vector, in the plane with the second, across."""
    if second is None:
        second = np.eye(3)[np.argmin(np.abs(first))]
    z = _cross(first, second)
    z = z / np.sqrt(z @ z)
    return np.column_stack([first, _cross(z, first), z])


def _contained(operations: Floats, elements: Floats, rotation: Floats) -> bool:
    """Tell whether every operation, turned back by `rotation`, is among the elements."""
    turned = rotation.T @ operations @ rotation
    return bool((np.abs(turned[:, None] - elements).max(axis=(2, 3)).min(axis=1) < _SAME).all())


def deformation(molecule: Molecule, operations: Floats, rotations: Floats) -> float:
    """Return how far, in Å, an atom is moved at most when the molecule is made exactly symmetric on a site."""
    placed = symmetrised(molecule, operations, rotations)
    centred = molecule.positions - molecule.positions.mean(axis=0)
    moved = placed - centred @ rotations.transpose(0, 2, 1)
    return float(np.linalg.norm(moved, axis=2).max())


def place(molecule: Molecule, site: Site) -> Floats:
    """Return the molecule in every orientation of a site, made exactly symmetric there.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    site : Site
        One of the molecule's `compatible_sites`.

    Returns
    -------
    (k, n, 3) array
        Positions about the centre (the mean of all positions), Å, averaged over the site's operations.
    """
    return symmetrised(molecule, site.operations, site.orientations)


def symmetrised(molecule: Molecule, operations: Floats, rotations: Floats) -> Floats:
    """Return the molecule turned by each rotation and averaged over the (s, 3, 3) operations: (k, n, 3), Å."""
    given = (np.ascontiguousarray(x, dtype=float).tobytes() for x in (molecule.positions, operations, rotations))
    return _symmetrised(tuple(molecule.species), *given).copy()


@lru_cache(maxsize=256)
def _symmetrised(species: tuple[str, ...], *held: bytes) -> Floats:
    """The same of what the arrays hold: a molecule lies alike on many sites of many space groups."""
    positions, *matrices = (np.frombuffer(one).reshape(-1, 3) for one in held)
    operations, rotations = (one.reshape(-1, 3, 3) for one in matrices)
    centred = positions - positions.mean(axis=0)
    turned = centred @ rotations.transpose(0, 2, 1)
    if len(operations) == 1:
        return np.asarray(turned)
    kinds = np.unique(species, return_inverse=True)[1]
    other = np.where(kinds[:, None] == kinds, 0.0, np.inf)
    placed = []
    for points in turned:
        total = np.zeros_like(points)
        for operation in operations:
            images = points @ operation.T
            partner = (np.linalg.norm(images[:, None] - points, axis=2) + other).argmin(axis=1)
            total[partner] += images
        placed.append(total / len(operations))
    return np.array(placed)
