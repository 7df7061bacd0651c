"""From the sites of an asymmetric unit to the atoms of a cell.

Images of a site that are one atom are merged, onto the special position that they lie around; atoms that overlap are
refused. Where a file leaves several settings open, the one is taken with which its atoms make a crystal.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.formats.contents import Contents
from genarris_fw.crystal.formats.disorder import occupied
from genarris_fw.crystal.formats.operations import Floats, Operations
from genarris_fw.crystal.formats.sites import Sites, named
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

__all__ = ["Cell", "Sites", "crystal", "expand", "molecule_by_molecule", "occupied"]

ONE_ATOM = 0.01  # Å: images of a site that are nearer are one atom, however many digits it has
_ROUNDING = 0.7  # of the last digit: rounded numbers are wrong by half of it, cut ones (0.666) by more
_FARTHEST = 0.3  # Å: no number of digits merges images that are farther apart
# Two atoms overlap below the sum of these: 0.6 of the covalent radius, at most 0.6 Å. The shortest bonds (N2 1.10, CO
# 1.13, C2H2 1.20 Å) are longer by a quarter.
_OVERLAP, _MOST_OVERLAP = 0.6, 0.6
# And below this with a hydrogen: H2 has 0.74 Å, and X-rays have put hydrogens as near as 0.65 Å to carbon (HAHCOI).
_OVERLAP_WITH_H = 0.5


@dataclass(frozen=True)
class Cell:
    """The atoms of a cell.

    Attributes
    ----------
    fractional : (n, 3) ndarray
        Site after site. The first image of a site is where the file has it (or on its special position); the others
        lie in the cell.
    sites : (n,) ndarray of int
        Which site each atom is an image of.
    notes : tuple of str
        What was merged.
    """

    fractional: Floats
    sites: NDArray[np.intp]
    notes: tuple[str, ...]


def crystal(
    sites: Sites,
    settings: Sequence[tuple[str, Operations]],
    lattice: Floats,
    contents: Contents,
    reading: Reading,
    standard: bool = False,
) -> Structure:
    """Make the crystal of some sites, molecule by molecule where there are molecules.

    Parameters
    ----------
    sites : Sites
        The asymmetric unit.
    settings : sequence of (str, Operations)
        What the symmetry may be, each with its name; the first with which the atoms make a crystal is taken, if it is
        the only one.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å.
    contents : Contents
        What the file says that the cell is made of.
    reading : Reading
        What becomes of disordered atoms; what was done is noted.
    standard : bool, optional
        The first setting is the one of convention: it is taken if its atoms make a crystal of molecules that are alike,
        or no other setting does.

    Returns
    -------
    Structure
        With ``Z`` and ``number_of_atoms_in_molecule`` where all molecules are alike.

    Raises
    ------
    InputError
        For disordered atoms that are to be refused, atoms that overlap, others than are stated, and settings between
        which the atoms do not decide.
    """
    sites = _counting_images(sites, settings, lattice, contents, reading)
    whole = occupied(sites, reading)
    found: dict[str, tuple[Cell, Structure]] = {}
    refused: dict[str, str] = {}
    parted = len(whole) < len(sites) or not np.array_equal(whole.occupancies, sites.occupancies)
    for name, operations in settings:
        try:
            cell = expand(whole, operations, lattice)
            species = [whole.species[i] for i in cell.sites]
            _compare(contents, species, reading, only_noted=parted)
            found[name] = cell, molecule_by_molecule(Structure(lattice, species, cell.fractional @ lattice))
        except InputError as error:
            refused[name] = str(error)
    if not found:
        name, reason = next(iter(refused.items()))
        raise InputError(reason if len(refused) == 1 else f"as {name}, {reason}")
    name = _decided(found, refused, standard)
    for other, reason in refused.items():
        reading.note(f"the space group is {name}: as {other}, {reason.partition('; ')[0]}")
    cell, result = found[name]
    for line in cell.notes:
        reading.note(line)
    return result


def _decided(found: dict[str, tuple[Cell, Structure]], refused: dict[str, str], standard: bool) -> str:
    """Which of several settings is taken: the only one, or the only one whose molecules are all alike."""
    alike = [name for name, (_, structure) in found.items() if "Z" in structure.properties]
    first = next(iter(found))
    if len(found) == 1 or (standard and first in (alike or found) and not refused.get(first)):
        return first
    if len(alike) == 1:
        refused |= {name: "its molecules are not alike" for name in found if name not in alike}
        return alike[0]
    raise InputError(
        f"the space group can be {' or '.join(found)}, and the atoms do not tell which: add the choice to the symbol, "
        "or list the symmetry operations"
    )


def molecule_by_molecule(structure: Structure) -> Structure:
    """Bring the atoms of a crystal molecule after molecule, each whole; one without separate molecules is unchanged."""
    try:
        return whole_molecules(structure)
    except InputError:
        return structure


def expand(sites: Sites, operations: Operations, lattice: Floats) -> Cell:
    """Return the atoms of a cell.

    Parameters
    ----------
    sites : Sites
        Whole atoms.
    operations : Operations
        A group.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å.

    Returns
    -------
    Cell

    Raises
    ------
    InputError
        Where two atoms overlap, or images of one beyond what rounding explains; with their names and distance.
    """
    rotations, translations = operations
    places, order, notes = _onto_special(sites, operations, lattice)
    images = np.einsum("aij,sj->sai", rotations, places) + translations
    images[:, 1:] -= np.floor(images[:, 1:] + 1e-9)
    if (order == 1).all():
        owners = np.repeat(np.arange(len(sites)), len(operations))
        cell = Cell(images.reshape(-1, 3), owners, notes)
    else:
        kept = [_distinct(images[s]) if order[s] > 1 else images[s] for s in range(len(sites))]
        owners = np.repeat(np.arange(len(sites)), [len(one) for one in kept])
        cell = Cell(np.concatenate(kept), owners, notes)
    _refuse_overlaps(sites, cell, lattice)
    return cell


def _onto_special(
    sites: Sites, operations: Operations, lattice: Floats
) -> tuple[Floats, NDArray[np.intp], tuple[str, ...]]:
    """Places of sites, those around a special position moved onto it; the orders of their site symmetries; notes."""
    rotations, translations = operations
    places = sites.fractional.copy()
    nearest = _nearest(sites.rounding, lattice)
    n_sites = len(sites)
    ones = np.ones(n_sites, dtype=np.intp)
    if len(operations) == 1:
        return places, ones, ()
    for _ in range(3):  # a place that has moved may lie on more than was seen from where it was
        apart = np.einsum("aij,sj->sai", rotations, places) + translations - places[:, None]
        cells = np.rint(apart)
        apart -= cells
        lengths = np.sqrt(((apart @ lattice) ** 2).sum(axis=2))
        same = lengths <= nearest[:, None]
        order = same.sum(axis=1)
        moves = (apart * same[:, :, None]).sum(axis=1) / order[:, None]
        if not np.abs(moves).max() > 1e-9:
            break
        places += moves
    if (order == 1).all():
        return places, ones, ()
    still = np.where(same, lengths, 0.0).max(axis=1)
    if (still > 1e-4).any() or (len(operations) % order).any():
        s = int(np.argmax(still))
        raise InputError(
            f"{sites.labels[s]} and its own image are {still[s]:.2f} Å apart: correct its coordinates, or is it "
            "disordered"
        )
    moved = np.sqrt((((places - sites.fractional) @ lattice) ** 2).sum(axis=1))
    far = [s for s in range(n_sites) if moved[s] > 1e-3]
    if not far:
        return places, order, ()
    names = named([sites.labels[s] for s in far])
    note = (
        f"{names} moved onto the special position that it rounds to"
        if len(far) == 1
        else (f"{names} moved onto the special positions that they round to")
    )
    return places, order, (f"{note} (up to {moved.max():.3f} Å)",)


def _nearest(rounding: Floats, lattice: Floats) -> Floats:
    """Å within which the images of a site are one atom: twice what rounding may have moved it by."""
    corners = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]], dtype=float)
    shifts = (_ROUNDING * rounding[:, None] * corners) @ lattice
    farthest = np.sqrt((shifts**2).sum(axis=2)).max(axis=1)
    return np.asarray(np.clip(2.0 * farthest, ONE_ATOM, _FARTHEST))


def _distinct(images: Floats) -> Floats:
    """Leave out the images of a site that are an earlier one, up to lattice vectors."""
    apart = images[:, None] - images
    same = (np.abs(apart - np.rint(apart)) < 1e-6).all(axis=2)
    return np.asarray(images[same.argmax(axis=1) == np.arange(len(images))])


def _refuse_overlaps(sites: Sites, cell: Cell, lattice: Floats) -> None:
    # Only here: it is slow to import.
    from matscipy.neighbours import neighbour_list

    radii = np.minimum(natural_cutoffs(sites.species, _OVERLAP), _MOST_OVERLAP)
    hydrogen = np.array([name == "H" for name in sites.species], dtype=bool)
    radii[hydrogen] = _OVERLAP_WITH_H / 2
    positions = cell.fractional @ lattice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells with much empty space, which only cost time
        first, second, distances = neighbour_list(
            "ijd", positions=positions, cell=lattice, pbc=[True] * 3, cutoff=radii[cell.sites]
        )
    with_hydrogen = hydrogen[cell.sites[first]] | hydrogen[cell.sites[second]]
    near = ~with_hydrogen | (distances < _OVERLAP_WITH_H)
    first, second, distances = first[near], second[near], distances[near]
    if not len(first):
        return
    pairs: dict[tuple[int, int], float] = {}
    for i, j, distance in zip(cell.sites[first].tolist(), cell.sites[second].tolist(), distances.tolist(), strict=True):
        pair = (min(i, j), max(i, j))
        pairs[pair] = min(distance, pairs.get(pair, distance))
    texts = [
        f"{sites.labels[i]} and {'its own image' if i == j else sites.labels[j]} are {distance:.2f} Å apart"
        for (i, j), distance in sorted(pairs.items())
    ]
    raise InputError(
        f"atoms overlap: {named(texts)}; correct the coordinates, the cell or the space group, or leave one part of "
        "what is disordered"
    )


def _counting_images(
    sites: Sites,
    settings: Sequence[tuple[str, Operations]],
    lattice: Floats,
    contents: Contents,
    reading: Reading,
) -> Sites:
    """Make whole what some programs give a part of an atom on a special position: one by the order of its symmetry.

    The formula must say so: one half on an inversion may as well be disorder.
    """
    partial = (sites.occupancies > 0) & (sites.occupancies < 0.51)
    if not partial.any() or contents.formula is None or not contents.Z or len(settings) > 1:
        return sites
    _, order, _ = _onto_special(sites, settings[0][1], lattice)
    if not (np.abs(sites.occupancies * order - 1.0)[partial] < 0.01).all() or any(sites.groups):
        return sites
    whole = replace(sites, occupancies=np.where(partial, 1.0, sites.occupancies))
    number = len(settings[0][1]) // order
    try:
        contents.compare([name for name, n in zip(sites.species, number.tolist(), strict=True) for _ in range(n)])
    except InputError:
        return sites
    names = named([sites.labels[i] for i in np.flatnonzero(partial)])
    reading.note(f"the occupancies of {names} count images on a special position: taken as whole atoms")
    return whole


def _compare(contents: Contents, species: Sequence[str], reading: Reading, only_noted: bool) -> None:
    try:
        contents.compare(species)
    except InputError as error:
        if not only_noted:
            raise
        reading.note(f"of the part that is taken, {error}")
