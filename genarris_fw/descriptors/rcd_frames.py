"""A molecule's own axes: how they turn when its atoms, being equal, are named in another way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.point_groups import point_group, symmetrize
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

FORMS = ("general", "symmetric", "linear")
TOLERANCE = 0.05  # Å; how exactly a molecule must be symmetric for its atoms to be equal
OBLIQUE = 0.1  # sine of the angle between two pairs of atoms that are far from collinear
Z_MIRROR = np.diag([1.0, 1.0, -1.0])


@dataclass(frozen=True, eq=False)
class MolecularAxes:
    """The axes of a molecule and the operations that rename its atoms.

    Attributes
    ----------
    form : str
        ``general`` for a molecule whose atoms can be named in one way only, ``symmetric`` for one with equal
        atoms, ``linear`` for atoms on one line. A single atom is ``general``.
    pairs : list of (int, int)
        Axis 1 goes along the first pair of atoms, axis 2 in the plane of both, axis 3 across. A linear molecule
        has one pair, an atom none.
    operations : (m, 3, 3) ndarray
        The proper operations in the molecule's own axes; the identity first.
    mirror : (3, 3) ndarray
        What the components of a vector in the molecule's axes become when the whole crystal is mirrored.
    own : (3, 3) ndarray or None
        Rows are the axes of a symmetric molecule itself, where its atoms are at `reference`.
    reference : (n, 3) ndarray or None
        Positions about their mean of a symmetric molecule, exactly symmetric.
    planar : bool
        Whether mirror images of a symmetric molecule are copies that are only turned.
    """

    form: str
    pairs: list[tuple[int, int]]
    operations: Floats
    mirror: Floats
    own: Floats | None = None
    reference: Floats | None = None
    planar: bool = False

    def frames(self, molecules: Floats) -> Floats:
        """Return the axes of some copies of the molecule.

        Those of a symmetric molecule are carried over from the molecule by the best superposition (Kabsch 1976), so
        that a copy that is a little deformed has the same axes whichever of its equal atoms is named first.

        Parameters
        ----------
        molecules : (Z, n, 3) ndarray
            Positions in Å.

        Returns
        -------
        (Z, 3, 3) ndarray
            Rows are right-handed orthonormal axes. Of a linear molecule the first row alone has a meaning, of an
            atom none.

        Raises
        ------
        InputError
            Where the atoms that give the axes lie on one line in a copy.
        """
        if not self.pairs:
            return np.tile(np.eye(3), (len(molecules), 1, 1))
        if self.reference is None or self.own is None:
            return _gram_schmidt(molecules, self.pairs)
        about = molecules - molecules.mean(axis=1, keepdims=True)
        u, _, vt = np.linalg.svd(np.swapaxes(about, 1, 2) @ self.reference)
        signs = np.sign(np.linalg.det(u @ vt))
        if self.planar:
            u[:, :, 2] *= signs[:, None]
        frames = np.asarray(self.own @ np.swapaxes(u @ vt, 1, 2))
        if not self.planar:
            # A mirror image has left-handed axes. Its atoms are renamed where that makes it the molecule again; that
            # of a chiral molecule is inverted, which looks the same from all of the equivalent axes.
            frames[signs < 0] = self.mirror @ frames[signs < 0]
        return frames


def molecular_axes(molecule: Molecule) -> MolecularAxes:
    """Choose the axes of a molecule and find in which ways its atoms can be named.

    The first pair of atoms is (0, 1), the second one (0, 2), or where that is nearly collinear the first (0, j)
    that is not; where all are, the one that is least so. A linear molecule has one axis, along the pair of
    atoms farthest apart.

    Parameters
    ----------
    molecule : Molecule
        The molecule of n atoms, in the order in which the crystals are to be described.

    Returns
    -------
    MolecularAxes

    Raises
    ------
    InputError
        For a molecule without atoms or with two atoms in one place.
    """
    group = point_group(molecule, TOLERANCE)
    identity = np.eye(3)[None]
    if len(molecule) == 1:
        return MolecularAxes("general", [], identity, Z_MIRROR)
    points = molecule.positions
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    if apart[np.triu_indices(len(points), 1)].min() < 1e-3:
        raise InputError(f"the molecule {molecule.formula} has two atoms in one place; correct its positions")
    if group.infinite:
        i, j = np.unravel_index(apart.argmax(), apart.shape)
        reversals = np.stack([np.eye(3), np.diag([-1.0, 1.0, -1.0])])
        operations = reversals if group.schoenflies == "D∞h" else identity
        return MolecularAxes("linear", [(int(i), int(j))], operations, Z_MIRROR)
    pairs = [(0, 1), (0, _second_axis(points))]
    if len(np.unique(group.permutations, axis=0)) == 1:
        return MolecularAxes("general", pairs, identity, Z_MIRROR)
    reference = symmetrize(molecule, group).positions - group.centre
    own = _gram_schmidt(reference[None], pairs)[0]
    operations = own @ group.operations @ own.T
    improper = np.linalg.det(operations) < 0
    mirror = operations[improper][0].T if improper.any() else -np.eye(3)
    planar = bool((group.permutations[improper] == np.arange(len(molecule))).all(axis=1).any())
    return MolecularAxes("symmetric", pairs, operations[~improper], mirror, own, reference, planar)


def _second_axis(points: Floats) -> int:
    """The atom j by which (0, 1) and (0, j) span the axes."""
    rays = points[1:] - points[0]
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    sines = np.linalg.norm(np.cross(rays[0], rays), axis=1)
    oblique = np.flatnonzero(sines >= OBLIQUE)
    return 1 + int(oblique[0] if len(oblique) else sines.argmax())


def _gram_schmidt(molecules: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """Right-handed axes from the differences of one or two pairs of atoms."""
    first = molecules[:, pairs[0][0]] - molecules[:, pairs[0][1]]
    if len(pairs) == 1:
        second = np.eye(3)[np.abs(first).argmin(axis=1)]
    else:
        second = molecules[:, pairs[1][0]] - molecules[:, pairs[1][1]]
    with np.errstate(all="ignore"):
        first = first / np.linalg.norm(first, axis=1)[:, None]
        third = np.cross(first, second)
        third = third / np.linalg.norm(third, axis=1)[:, None]
    frames = np.stack([first, np.cross(third, first), third], axis=1)
    if not np.isfinite(frames).all():
        raise InputError(f"atoms {pairs} of a molecule lie on one line and give no axes; remove the structure")
    return frames
