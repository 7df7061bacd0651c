"""The relative coordinate descriptor: how the molecules around a molecule lie in its own axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

import genarris_fw._kernels.neighbours as kernel
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.descriptors.amd import nearest_distances
from genarris_fw.descriptors.rcd_descriptor import NEAREST, Environment, RelativeCoordinates
from genarris_fw.descriptors.rcd_frames import MolecularAxes, molecular_axes
from genarris_fw.descriptors.rcd_molecules import molecules_in_order
from genarris_fw.descriptors.rcd_pool import TIE, Views, distance_rows, views
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

MERGED = 1e-6  # distance per pair of neighbours below which two environments are one: about 0.005 Å
MOST = 1000  # neighbours
Descriptor = RelativeCoordinates | Mapping[str, Any]


def rcd(structures: Sequence[Structure], molecule: Molecule, close_picks: int = 16) -> list[RelativeCoordinates]:
    """Describe crystals by their molecules' nearest neighbours.

    Every molecule has right-handed orthonormal axes, made by Gram-Schmidt from two pairs of its atoms: (0, 1) and
    (0, 2) where these are not collinear. Around a molecule, the `close_picks` molecules with the nearest centres of
    mass are found over all periodic images; where others are as far as the last (within 0.001 Å), these too. Of
    each the vector t to its centre of mass in the axes of the one in the middle is kept, and the cosines o between
    the same-named axes of both.

    Parameters
    ----------
    structures : sequence of Structure
        Crystals of one kind of molecule; their atoms may come in any order, wrapped into the cell in any way.
    molecule : Molecule
        The molecule; the order of its atoms decides about the axes.
    close_picks : int
        Number of neighbours.

    Returns
    -------
    list of RelativeCoordinates
        One for each structure; `RelativeCoordinates.to_plain` makes them plain numbers.

    Raises
    ------
    InputError
        For `close_picks` below 1, or a structure that has no cell, is not made of such molecules, or has two
        molecules with one centre.

    Notes
    -----
    The descriptor is that of Genarris (there of the first molecule only), extended where that one depends on the
    choice of the cell, of the first molecule or of the names of equal atoms:

    * All molecules of a cell are described. What surrounds some of them equally, or as mirror images, is kept once,
      with its weight and whether both images occur.
    * Where atoms are equal by the molecule's symmetry (within 0.05 Å), an axis has no name of its own: the cosines
      between all axes are kept, and the molecule's proper operations. A copy whose order of atoms makes it a mirror
      image is renamed where the molecule has an improper operation, else its axes are inverted.
    * The axis of a linear molecule is the line through the two atoms farthest apart. As nothing fixes the other
      two, t holds the component along the axis a, the distance from it, and 0; o the numbers a.b, b.d and
      (a x b).d for the neighbour's axis b and the direction d to it. For an atom t is the distance and o is 0.
    """
    picks = _whole(close_picks, "close_picks")
    axes = molecular_axes(molecule)
    looks = views(axes.form, axes.operations, axes.mirror)
    masses = np.array([atomic_masses[atomic_numbers[name]] for name in molecule.species])
    described = []
    for structure in structures:
        around = _surroundings(structure, molecule, axes, masses / masses.sum(), picks)
        environments = _merged(around, looks, picks)
        described.append(RelativeCoordinates(axes.form, picks, axes.operations, axes.mirror, environments))
    return described


def rcd_difference(
    a: Descriptor,
    b: Descriptor,
    contribution_ratio: float = 1.0,
    select_pairs: int = 4,
    disable_enantiomer: bool = False,
) -> float:
    """Compare two crystals by their relative coordinate descriptors.

    Parameters
    ----------
    a, b : RelativeCoordinates or mapping
        Of crystals of one molecule; a mapping is what `RelativeCoordinates.to_plain` returns.
    contribution_ratio : float
        Weight of the orientations against the places.
    select_pairs : int
        Number P of neighbours that are matched.
    disable_enantiomer : bool
        Tell mirror images apart; by default they are equal.

    Returns
    -------
    float
        0 for equal crystals; without a unit.

    Raises
    ------
    InputError
        For descriptors of different molecules or numbers of neighbours, or an option out of range.

    Notes
    -----
    Two neighbours u and w of two molecules differ by::

        d(u, w) = |t_u - t_w|^2 / (|t_u| |t_w|) + contribution_ratio * |o_u - o_w|^2 / n,

    n being the number of cosines, 3 or, for a symmetric molecule, 9. The P nearest neighbours of the one are matched
    with all of the other: the smallest d is taken, and again, with no neighbour used twice, until P are; where
    others are as far as the last of the nearest (within 0.001 Å), these take part too. The same the other way
    round; the distance of the two environments is the mean of both sums. For a symmetric molecule it is the
    smallest one over its operations: one for the molecule in the middle, with it one for each pair of neighbours.

    Of two crystals, each environment has the distance of the nearest one of the other crystal; this is averaged
    with the weights, and over both directions. Mirror images are allowed for a crystal as a whole: the smaller of
    two such results is taken. An environment that occurs with its mirror image in a crystal is compared as
    whichever is nearer. For one independent molecule and no molecular symmetry that leaves the formula of Genarris.
    """
    pair = [_read(a, "the first descriptor"), _read(b, "the second descriptor")]
    return float(_rows(pair, 0, 1, contribution_ratio, select_pairs, disable_enantiomer)[0, 1])


def rcd_difference_rows(
    descriptors: Sequence[Descriptor],
    first: int,
    last: int,
    contribution_ratio: float = 1.0,
    select_pairs: int = 4,
    disable_enantiomer: bool = False,
) -> NDArray[np.float32]:
    """Compare some crystals of a pool with all.

    Rows that are computed in separate calls with the same descriptors agree to the bit where they meet: the whole
    matrix is symmetric. Several threads can compute rows at once.

    Parameters
    ----------
    descriptors : sequence of RelativeCoordinates or mapping
        Of the pool's n crystals, as in `rcd_difference`.
    first, last : int
        The rows: `first` to `last` - 1.
    contribution_ratio, select_pairs, disable_enantiomer
        As in `rcd_difference`.

    Returns
    -------
    (last - first, n) ndarray of float32
        Row i holds the distances of crystal `first` + i; 0 to itself.

    Raises
    ------
    InputError
        As in `rcd_difference`, or for rows that are not there.
    """
    pool = [_read(one, f"descriptor {i}") for i, one in enumerate(descriptors)]
    for value in (first, last):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InputError(f"rows {first} to {last} of {len(pool)} descriptors; give whole numbers")
    if not 0 <= first <= last <= len(pool):
        raise InputError(f"rows {first} to {last} are not among the {len(pool)} descriptors")
    return _rows(pool, int(first), int(last), contribution_ratio, select_pairs, disable_enantiomer)


def _rows(
    pool: list[RelativeCoordinates], first: int, last: int, ratio: float, select_pairs: int, disable_enantiomer: bool
) -> NDArray[np.float32]:
    pairs = _whole(select_pairs, "select_pairs")
    if isinstance(ratio, bool) or not isinstance(ratio, int | float | np.number) or not 0 <= ratio < 1e6:
        raise InputError(f"contribution_ratio is {ratio}; give a number, 0 or more")
    if not isinstance(disable_enantiomer, bool | np.bool_):
        raise InputError(f"disable_enantiomer is {disable_enantiomer}; give True or False")
    if not pool:
        return np.zeros((0, 0), dtype=np.float32)
    one = pool[0]
    for i, other in enumerate(pool):
        if other.close_picks != one.close_picks:
            raise InputError(
                f"descriptors 0 and {i} have close_picks {one.close_picks} and {other.close_picks}; "
                "calculate them all with the same close_picks"
            )
        if other.form != one.form or other.operations.shape != one.operations.shape or not _same(one, other):
            raise InputError(f"descriptors 0 and {i} are of different molecules; calculate them with the same one")
    if pairs > one.close_picks:
        raise InputError(f"select_pairs is {pairs}, more than the {one.close_picks} neighbours of close_picks")
    looks = views(one.form, one.operations, one.mirror)
    crystals = [other.environments for other in pool]
    return distance_rows(crystals, looks, (first, last), pairs, float(ratio), not disable_enantiomer)


def _same(one: RelativeCoordinates, other: RelativeCoordinates) -> bool:
    if one.operations is other.operations and one.mirror is other.mirror:
        return True
    gaps = np.abs(one.operations - other.operations).max(), np.abs(one.mirror - other.mirror).max()
    return bool(max(gaps) < 1e-6)


def _read(descriptor: Descriptor, where: str) -> RelativeCoordinates:
    if isinstance(descriptor, RelativeCoordinates):
        return descriptor
    return RelativeCoordinates.from_plain(descriptor, where)


def _whole(value: int, option: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= MOST:
        raise InputError(f"{option} is {value}; give a whole number of molecules, 1 to {MOST}")
    return int(value)


def _surroundings(
    structure: Structure, molecule: Molecule, axes: MolecularAxes, shares: Floats, close_picks: int
) -> list[Floats]:
    """What surrounds each molecule of a crystal: rows of t and o by rising distance."""
    name = structure.struct_id or "a structure"
    molecules = molecules_in_order(structure, molecule)
    assert structure.lattice is not None
    centres = np.ascontiguousarray(shares @ molecules)
    try:
        frames = axes.frames(molecules)
        farthest = nearest_distances(structure.lattice, centres, np.arange(len(centres)), close_picks)[:, -1]
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    counts, owners, vectors = _neighbours(structure.lattice, centres, farthest + TIE)
    middles = np.repeat(np.arange(len(centres)), counts)
    distances = np.linalg.norm(vectors, axis=1)
    if distances.min() < NEAREST:
        m = int(middles[distances.argmin()])
        raise InputError(f"{name}: two molecules have one centre of mass (molecule {m + 1}); remove the structure")
    order = np.lexsort((distances, middles))
    rows = _relative(axes, frames[middles[order]], frames[owners[order]], vectors[order], distances[order])
    return np.split(rows, np.cumsum(counts)[:-1])


def _neighbours(lattice: Floats, centres: Floats, radii: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Of each centre the number of neighbours within the radius; then whose images they are, and the vectors."""
    counts = np.empty(len(centres), dtype=np.intp)
    room = 64 * len(centres)
    while True:
        owners, vectors = np.empty(room, dtype=np.intp), np.empty((room, 3))
        found = kernel.neighbours(np.ascontiguousarray(lattice), centres, radii, counts, owners, vectors)
        if found <= room:
            return counts, owners[:found], vectors[:found]
        room = found


def _relative(axes: MolecularAxes, own: Floats, other: Floats, vectors: Floats, distances: Floats) -> Floats:
    """Rows of t and o from the axes of pairs of molecules, the vectors between them and their lengths."""
    if not axes.pairs:
        return np.column_stack([distances, np.zeros((len(vectors), 5))])
    if axes.form == "linear":
        a, b, d = own[:, 0], other[:, 0], vectors / distances[:, None]
        along = (a * vectors).sum(axis=1)
        across = np.linalg.norm(vectors - along[:, None] * a, axis=1)
        cosines = [(a * b).sum(axis=1), (b * d).sum(axis=1), (np.cross(a, b) * d).sum(axis=1)]
        return np.column_stack([along, across, np.zeros(len(vectors)), *cosines])
    t = np.einsum("kab,kb->ka", own, vectors)
    if axes.form == "general":
        return np.concatenate([t, np.einsum("kab,kab->ka", own, other)], axis=1)
    return np.concatenate([t, (own @ other.transpose(0, 2, 1)).reshape(-1, 9)], axis=1)


def _merged(around: list[Floats], looks: Views, close_picks: int) -> list[Environment]:
    """The distinct environments of a crystal with their weights, mirror images taken together."""
    alone = [[Environment(1.0, False, rows)] for rows in around]
    left = np.arange(len(around))
    found = []
    while len(left):
        this = int(left[0])
        equal = np.zeros(len(left), dtype=bool)
        equal[0] = True
        both = False
        if len(left) > 1:
            pool = [alone[m] for m in left]
            limit = MERGED * close_picks
            equal = distance_rows(pool, looks, (0, 1), close_picks, 1.0, True)[0] <= limit
            if equal.sum() > 1:
                both = bool((distance_rows(pool, looks, (0, 1), close_picks, 1.0, False)[0][equal] > limit).any())
        found.append(Environment(float(equal.sum() / len(around)), both, around[this]))
        left = left[~equal]
    return found
