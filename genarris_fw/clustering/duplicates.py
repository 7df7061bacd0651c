"""Duplicates in a pool: pairs that may be, by their fingerprints; those that are, by comparison; who survives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

import genarris_fw._kernels.close_pairs as kernel
from genarris_fw.clustering.fingerprints import Fingerprint, fingerprint
from genarris_fw.clustering.matching import Matching, checked_pairs, match, prepare
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]

ROUNDING = 1e-9  # Å, and as a fraction of a volume: so far equal numbers may differ
SAMPLE = 2000  # fingerprints that the order of the columns is made from


@dataclass(frozen=True)
class Windows:
    """How far the fingerprints of duplicates may differ: these are conditions of their own.

    Noise of 0.02 Å in every coordinate changes the average minimum distances by up to 0.04 Å and the pointwise ones by
    up to 0.07 Å. What changes them more is strain: with the defaults, packings that differ in density by more than 5 %
    are not duplicates, however close their clusters. Wider windows give many more candidates: twice as wide, up to
    three quarters of all pairs of a pool of small molecules.

    Attributes
    ----------
    volume_tolerance : float
        Of the volume per molecule, as a fraction of it.
    amd_tolerance : float
        Of every average minimum distance, Å. Moving all atoms by no more than e changes these by no more than 2 e, and
        random moves by much less.
    pdd_tolerance : float
        Of every pointwise distance, averaged over the atoms of one sort, Å; the same holds.

    Raises
    ------
    InputError
        For values that are negative or not finite.
    """

    volume_tolerance: float = 0.05
    amd_tolerance: float = 0.12
    pdd_tolerance: float = 0.3

    def __post_init__(self) -> None:
        """Refuse negative tolerances, and what is no number, with an InputError."""
        for name in ("volume_tolerance", "amd_tolerance", "pdd_tolerance"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise InputError(f"{name} is {value}; give a number, 0 or more")


@dataclass(frozen=True)
class Duplicates:
    """What was found in a pool of n structures.

    Attributes
    ----------
    survivors : (n,) ndarray of int
        For each structure the row of the one that stands for it; its own row where it survives.
    rmsd : (n,) ndarray
        Distance of each duplicate from its survivor, Å; NaN for survivors.
    candidates : int
        Pairs that the fingerprints could not tell apart.
    compared : int
        Pairs of them that were compared.
    """

    survivors: Rows
    rmsd: Floats
    candidates: int
    compared: int

    @property
    def kept(self) -> list[int]:
        """The rows of the survivors, ascending."""
        return [row for row, survivor in enumerate(self.survivors.tolist()) if survivor == row]


def candidates(fingerprints: Sequence[Fingerprint], windows: Windows | None = None) -> Rows:
    """Find the pairs of crystals that may be duplicates.

    Parameters
    ----------
    fingerprints : sequence of Fingerprint
        Of n crystals.
    windows : Windows, optional

    Returns
    -------
    (m, 2) ndarray of int
        Pairs i < j, sorted: all that are of one compound and differ in no number by more than its window.
    """
    chosen = windows or Windows()
    compounds: dict[str, list[int]] = {}
    for i, one in enumerate(fingerprints):
        compounds.setdefault(one.compound, []).append(i)
    found = [np.empty((0, 2), dtype=np.intp)]
    for members in compounds.values():
        if len(members) < 2:
            continue
        rows = _scaled([fingerprints[i] for i in members], chosen)
        rows = rows[:, _telling_order(rows)]
        order = np.argsort(rows[:, 0], kind="stable")
        pairs = kernel.close_pairs(np.ascontiguousarray(rows[order]))
        found.append(np.sort(np.array(members)[order[pairs]], axis=1))
    together = np.concatenate(found)
    return together[np.lexsort(together.T[::-1])]


def _scaled(fingerprints: Sequence[Fingerprint], windows: Windows) -> Floats:
    """Fingerprints of one compound as rows in which every window is 1 wide."""
    rows = np.array([[math.log(one.volume), *one.amd, *one.pdd.ravel()] for one in fingerprints])
    amd, pdd = fingerprints[0].amd.size, fingerprints[0].pdd.size
    rows[:, 0] /= math.log1p(windows.volume_tolerance) + ROUNDING
    rows[:, 1 : 1 + amd] /= windows.amd_tolerance + ROUNDING
    rows[:, 1 + amd : 1 + amd + pdd] /= windows.pdd_tolerance + ROUNDING
    return rows


def _telling_order(rows: Floats) -> Rows:
    """Columns, each chosen as the one that the chosen ones tell least about (QR with pivoting)."""
    # Only here: it is slow to import.
    from scipy.linalg import qr

    sample = rows[:: -(-len(rows) // SAMPLE)]
    return np.asarray(qr(sample - sample.mean(axis=0), mode="r", pivoting=True)[1], dtype=np.intp)


def resolve(n: int, pairs: ArrayLike, energies: Sequence[float | None] | Floats | None = None) -> Rows:
    """Choose the survivors among duplicates.

    Structures are looked at in order of energy, the lowest first; those without energy follow, in the order given. One
    that matches a survivor is its duplicate (of several, the first in that order); any other survives. So each
    duplicate matches its survivor itself, and what matches nothing but another duplicate survives.

    Parameters
    ----------
    n : int
        Number of structures.
    pairs : (m, 2) array_like of int
        Pairs of rows that match.
    energies : sequence of float or None, optional
        Of each structure, per molecule, in any unit; None or NaN where there is none.

    Returns
    -------
    (n,) ndarray of int
        For each structure the row of its survivor; its own row where it survives.

    Raises
    ------
    InputError
        For pairs of other structures, or energies that are infinite or not n.
    """
    partners = _partners(n, checked_pairs(pairs, n))
    survivors = np.arange(n)
    _walk(ranking(n, energies), partners, survivors, lambda i, j: True)
    return survivors


def ranking(n: int, energies: Sequence[float | None] | Floats | None = None) -> Rows:
    """Return the order in which `resolve` looks at n structures."""
    if energies is None:
        return np.arange(n)
    try:
        values = np.array([math.nan if value is None else value for value in energies], dtype=float)
    except (TypeError, ValueError):
        raise InputError("energies are not numbers; give one per structure, or None where there is none") from None
    if values.shape != (n,):
        raise InputError(f"there are {n} structures, but energies have the shape {values.shape}; give one each")
    if np.isinf(values).any():
        raise InputError(f"the energy of structure {int(np.isinf(values).argmax()) + 1} is infinite")
    return np.argsort(values, kind="stable")  # NaN comes last


def find_duplicates(
    structures: Sequence[Structure],
    energies: Sequence[float | None] | Floats | None = None,
    windows: Windows | None = None,
    comparison: Matching | None = None,
    threads: int = 1,
    molecule: Molecule | None = None,
) -> Duplicates:
    """Find the duplicates in a pool.

    Only pairs of a structure and a survivor are compared, and no more of them once a structure is a duplicate: the
    survivors are those that `resolve` would choose if all candidates were compared.

    Parameters
    ----------
    structures : sequence of Structure
        Crystals; different compounds are never duplicates.
    energies : sequence of float or None, optional
        As in `resolve`.
    windows : Windows, optional
        How far fingerprints may differ, with either method.
    comparison : Matching, optional
        How candidates are compared.
    threads : int, optional
    molecule : Molecule, optional
        The molecule of the pool, where it is known: its bonds are those of the crystals.

    Returns
    -------
    Duplicates

    Raises
    ------
    InputError
        For a structure that cannot be compared (see `fingerprint` and `prepare`), or energies of another number.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.clustering import find_duplicates
    >>> [urea] = read("examples/urea/urea.cif")
    >>> find_duplicates([urea, urea.copy()], energies=[-1.0, -2.0]).kept
    [1]
    """
    chosen = comparison or Matching()
    order = ranking(len(structures), energies)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        pairs = candidates(list(pool.map(lambda one: fingerprint(one, molecule), structures)), windows)
        survivors, rmsd = np.arange(len(structures)), np.full(len(structures), math.nan)
        partners = _partners(len(structures), pairs)
        compared = pool.map(
            lambda group: _resolve_group(structures, group, partners, survivors, rmsd, chosen, molecule),
            groups(order, pairs),
        )
        return Duplicates(survivors, rmsd, len(pairs), sum(compared))


def groups(order: ArrayLike, pairs: Rows) -> list[Rows]:
    """Divide structures into groups that pairs hold together: work that can be done apart.

    Parameters
    ----------
    order : (n,) array_like of int
        All structures, in the order to be kept within the groups.
    pairs : (m, 2) ndarray of int

    Returns
    -------
    list of ndarray of int
        Groups of at least two, the largest first.
    """
    # Only here: it is slow to import.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.asarray(order, dtype=np.intp)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(rows)))
    label = connected_components(links, directed=False)[1][rows]
    sorted_rows = rows[np.argsort(label, kind="stable")]
    found = np.split(sorted_rows, np.cumsum(np.bincount(label))[:-1]) if len(rows) else []
    return sorted((group for group in found if len(group) > 1), key=len, reverse=True)


def _resolve_group(
    structures: Sequence[Structure],
    group: Rows,
    partners: list[Rows],
    survivors: Rows,
    rmsd: Floats,
    comparison: Matching,
    molecule: Molecule | None,
) -> int:
    """Find the survivors of one group; returns how many pairs were compared."""
    ready = {i: prepare(structures[i], comparison, molecule) for i in group.tolist()}
    compared = 0

    def same(i: int, j: int) -> bool:
        nonlocal compared
        compared += 1
        found = match(ready[j], ready[i], comparison)
        if found is None or (comparison.method == "rmsd" and found > comparison.rmsd_tolerance):
            return False
        rmsd[i] = found
        return True

    _walk(group, partners, survivors, same)
    return compared


def _walk(order: Rows, partners: list[Rows], survivors: Rows, same: Callable[[int, int], bool]) -> None:
    """Give each structure its survivor; `same` is asked about a structure and earlier survivors, in order."""
    place = {int(i): k for k, i in enumerate(order)}
    for i in map(int, order):
        earlier = [int(j) for j in partners[i] if place[int(j)] < place[i] and survivors[j] == j]
        for j in sorted(earlier, key=place.__getitem__):
            if same(i, j):
                survivors[i] = j
                break


def _partners(n: int, pairs: Rows) -> list[Rows]:
    """The structures paired with each structure."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    return np.split(both[:, 1], np.cumsum(np.bincount(both[:, 0], minlength=n))[:-1]) if n else []
