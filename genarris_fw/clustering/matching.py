"""Whether two crystals are one: clusters of their molecules laid upon each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import genarris_fw._kernels.matching as kernel
from genarris_fw.clustering.fingerprints import Molecules, molecules_of
from genarris_fw.clustering.kinds import Kind
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.descriptors.amd import nearest_distances
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

METHODS = ("rmsd", "structure_matcher")
MOLECULE_TOLERANCE = 1.0  # Å; how far a molecule may be from its counterpart (root mean square), as is customary
# Å, of the average minimum distances seen from one molecule:
ALIKE = 0.1  # what differs by less has one sort of surroundings
EQUIVALENT = 0.01  # what differs by less is equivalent by symmetry
SURROUNDINGS = 50  # neighbours of each atom


@dataclass(frozen=True)
class Matching:
    """How two crystals are compared, and when they count as one.

    Attributes
    ----------
    method : str
        ``rmsd``: clusters of molecules are superposed. ``structure_matcher``: pymatgen's StructureMatcher.
    rmsd_tolerance : float
        Duplicates have a lower root mean square distance of their atoms than this, Å (``rmsd``).
    molecules_in_cluster : int
        Molecules that are superposed: one and those that touch it closest, 15 to 30 by custom (``rmsd``).
    mirror_images : bool
        Whether mirror images of each other are duplicates: their energies are equal.
    hydrogens : bool
        Whether hydrogen atoms are superposed too. Custom leaves them out; in molecules of fewer than four heavy atoms
        they count in any case. How many are bonded to an atom always does.
    ltol, stol, angle_tol : float
        Tolerances of lengths (fraction), sites (fraction of the mean free length per atom) and angles (degrees) of
        StructureMatcher; the defaults are those of Genarris 3, and loose.

    Raises
    ------
    InputError
        For values outside their range.

    Notes
    -----
    Noise of 0.02 Å in every coordinate makes a distance of 0.035 Å, and no copy with such noise was seen beyond 0.05 Å;
    crystals that are one by custom lie within 0.2 to 0.3 Å of each other. Twenty molecules are one and its first shell
    (12 to 16 neighbours), and some beyond it, without which stackings of the same layers could not be told apart.
    """

    method: str = "rmsd"
    rmsd_tolerance: float = 0.25
    molecules_in_cluster: int = 20
    mirror_images: bool = True
    hydrogens: bool = False
    ltol: float = 0.5
    stol: float = 0.5
    angle_tol: float = 10.0

    def __post_init__(self) -> None:
        """Refuse an unknown method, negative tolerances, and what is no number, with an InputError."""
        if self.method not in METHODS:
            raise InputError(f"duplicates by method {self.method!r} are not available; use {' or '.join(METHODS)}")
        for name in ("rmsd_tolerance", "ltol", "stol", "angle_tol"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise InputError(f"{name} is {value}; give a number, 0 or more")
        count = self.molecules_in_cluster
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 2 <= count <= 1000:
            raise InputError(f"molecules_in_cluster is {count}; give a whole number from 2 to 1000, such as 20")
        if self.method == "structure_matcher" and not self.mirror_images:
            raise InputError("structure_matcher cannot tell mirror images apart; use method = rmsd")


@dataclass(frozen=True, eq=False)
class PreparedCrystal:
    """A crystal ready to be compared; what does not depend on the other crystal is done once.

    Attributes
    ----------
    packing : Packing
        The molecules, as the kernel takes them.
    kinds : tuple of Kind
        Different kinds of molecules, by name.
    references : list of int
        Molecules of the largest kind, one of each sort of surroundings: one where all are equivalent by symmetry.
    middles : (m,) ndarray of int
        Molecules of that kind that the references of another crystal are laid upon: one of those that are equivalent,
        or all where mirror images are told apart.
    orders : tuple
        The orders of atoms of every kind, as the kernel takes them.
    """

    packing: Any
    kinds: tuple[Kind, ...]
    references: list[int]
    middles: NDArray[np.intp]
    orders: tuple[NDArray[np.intc], NDArray[np.intp], NDArray[np.intp]]
    _shells: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False)

    def shell(self, reference: int, count: int) -> Any:
        """Return the molecules around one molecule (see the kernel's `Packing.shell`), found once."""
        if (reference, count) not in self._shells:
            self._shells[reference, count] = self.packing.shell(reference, count)
        return self._shells[reference, count]


def prepare(
    structure: Structure,
    comparison: Matching | None = None,
    molecule: Molecule | None = None,
    surroundings: bool = True,
) -> Any:
    """Prepare a crystal for `match`.

    Parameters
    ----------
    structure : Structure
        A crystal of separate molecules; its atoms may come in any order and in any cell.
    comparison : Matching, optional
    molecule : Molecule, optional
        The molecule, where it is known: its bonds are those of the crystal.
    surroundings : bool
        Whether molecules are told apart by their surroundings. That takes longer than laying one cluster upon all of
        them; without it all are `middles`, and none is a reference.

    Returns
    -------
    Prepared, or a structure of pymatgen
        According to the method of the comparison.

    Raises
    ------
    InputError
        For a molecule, a crystal without atoms, one with bonds from cell to cell without end, one so symmetric that it
        cannot be compared, or where pymatgen is needed and missing.
    """
    chosen = comparison or Matching()
    if chosen.method == "structure_matcher":
        return _for_pymatgen(structure, chosen.hydrogens)
    crystal = molecules_of(structure, molecule)
    kinds = tuple(sorted(set(crystal.kinds), key=lambda kind: kind.name))
    atoms = [[rows[k] for k in kind.compared(chosen.hydrogens)] for kind, rows in zip(crystal.kinds, crystal.atoms)]
    whole = centred(crystal, chosen.hydrogens)
    packing = kernel.Packing(
        crystal.lattice,
        whole[np.concatenate(atoms)],
        np.cumsum([0, *map(len, atoms)], dtype=np.intp),
        np.array([kinds.index(kind) for kind in crystal.kinds], dtype=np.intp),
    )
    largest = max(kinds, key=lambda kind: (len(kind.compared(chosen.hydrogens)), kind.name))
    candidates = np.array([m for m, kind in enumerate(crystal.kinds) if kind is largest], dtype=np.intp)
    if not surroundings:
        return PreparedCrystal(packing, kinds, [], candidates, _all_orders(kinds, chosen.hydrogens))
    seen = _surroundings(crystal, candidates)
    middles = candidates[_different(seen, EQUIVALENT)] if chosen.mirror_images else candidates
    references = candidates[_different(seen, ALIKE)].tolist()
    return PreparedCrystal(packing, kinds, references, middles, _all_orders(kinds, chosen.hydrogens))


def centred(crystal: Molecules, hydrogens: bool = False) -> Floats:
    """Return the positions of all atoms, (n, 3), Å, where `prepare` puts them: molecules whole, centres in the cell.

    The centre of a molecule is that of the atoms that are compared.
    """
    centres = np.array(
        [
            crystal.positions[[rows[k] for k in kind.compared(hydrogens)]].mean(axis=0)
            for kind, rows in zip(crystal.kinds, crystal.atoms)
        ]
    )
    moves = np.floor(centres @ np.linalg.inv(crystal.lattice)) @ crystal.lattice
    positions = crystal.positions.copy()
    for rows, move in zip(crystal.atoms, moves):
        positions[rows] -= move
    return positions


def _surroundings(crystal: Molecules, chosen: NDArray[np.intp]) -> Floats:
    """Average minimum distances seen from the atoms of each of some molecules of one kind."""
    rows = np.concatenate([crystal.atoms[m] for m in chosen])
    distances = nearest_distances(crystal.lattice, crystal.positions, rows, SURROUNDINGS)
    return np.asarray(distances.reshape(len(chosen), -1, SURROUNDINGS).mean(axis=1))


def _different(vectors: Floats, tolerance: float) -> list[int]:
    """Rows of which none lies within the tolerance of an earlier one of them."""
    chosen: list[int] = []
    for k, vector in enumerate(vectors):
        if all(np.abs(vector - vectors[j]).max() > tolerance for j in chosen):
            chosen.append(k)
    return chosen


@lru_cache(maxsize=1000)
def _all_orders(
    kinds: tuple[Kind, ...], hydrogens: bool
) -> tuple[NDArray[np.intc], NDArray[np.intp], NDArray[np.intp]]:
    """The orders of atoms of all kinds in one row, where each kind begins, and how many each has."""
    orders = [kind.orders(hydrogens) for kind in kinds]
    sizes = [rows.size for rows in orders]
    return (
        np.concatenate([rows.ravel() for rows in orders]),
        np.array([0, *np.cumsum(sizes)[:-1]], dtype=np.intp),
        np.array([len(rows) for rows in orders], dtype=np.intp),
    )


def match(a: Structure | Any, b: Structure | Any, comparison: Matching | None = None) -> float | None:
    """Compare two crystals.

    Parameters
    ----------
    a, b : Structure, or what `prepare` made of one
        Crystals.
    comparison : Matching, optional

    Returns
    -------
    float or None
        Root mean square distance in Å of the atoms of the superposed clusters (of all atoms of the cells, for
        ``structure_matcher``); None where a molecule of the cluster has no counterpart within 1 Å. Where the molecules
        of a crystal have different surroundings (Z' > 1), the largest of the values found from each of them.

    Raises
    ------
    InputError
        As in `prepare`.

    Notes
    -----
    The idea of superposing clusters is that of COMPACK (Chisholm and Motherwell, J. Appl. Cryst. 38, 228, 2005).
    """
    chosen = comparison or Matching()
    first, second = (prepare(one, chosen) if isinstance(one, Structure) else one for one in (a, b))
    if chosen.method == "structure_matcher":
        return _match_by_pymatgen(first, second, chosen)
    if first.kinds != second.kinds:
        return None
    # Every sort of surroundings of the crystal that has more of them must be found in the other.
    if len(second.references) > len(first.references):
        first, second = second, first
    worst = 0.0
    for reference in first.references:
        index, shift = first.shell(reference, chosen.molecules_in_cluster)
        found = kernel.superpose(
            first.packing,
            index,
            shift,
            second.packing,
            second.middles,
            *first.orders,
            MOLECULE_TOLERANCE,
            chosen.mirror_images,
        )
        if not math.isfinite(found):
            return None
        worst = max(worst, found)
    return worst


def match_pairs(
    structures: Sequence[Structure], pairs: ArrayLike, comparison: Matching | None = None, threads: int = 1
) -> Floats:
    """Compare pairs of crystals; each crystal is prepared once.

    Parameters
    ----------
    structures : sequence of Structure
        Crystals.
    pairs : (m, 2) array_like of int
        Rows of `structures`.
    comparison : Matching, optional
    threads : int, optional

    Returns
    -------
    (m,) ndarray
        What `match` gives, Å; NaN in place of None.

    Raises
    ------
    InputError
        As in `prepare`, and for pairs of other structures.
    """
    chosen = comparison or Matching()
    rows = checked_pairs(pairs, len(structures))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        needed = np.unique(rows)
        ready = dict(zip(needed.tolist(), pool.map(lambda i: prepare(structures[i], chosen), needed)))
        found = pool.map(lambda pair: match(ready[pair[0]], ready[pair[1]], chosen), rows.tolist())
        return np.array([math.nan if rmsd is None else rmsd for rmsd in found], dtype=float)


def checked_pairs(pairs: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return (m, 2) pairs of rows of n structures; InputError where they are none."""
    rows = np.asarray(pairs)
    if rows.size == 0:
        return np.empty((0, 2), dtype=np.intp)
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
        raise InputError(f"pairs of shape {rows.shape} are not pairs of rows of {n} structures")
    return rows.astype(np.intp)


def _for_pymatgen(structure: Structure, hydrogens: bool) -> Any:
    try:
        from pymatgen.core.structure import Structure as PymatgenStructure
    except ImportError:
        raise InputError(
            "method = structure_matcher needs pymatgen, which is not installed; pip install pymatgen, or use rmsd"
        ) from None
    if structure.lattice is None or len(structure) == 0:
        raise InputError(f"{structure.struct_id or 'a structure'} is no crystal with atoms: it cannot be compared")
    kept = [i for i, name in enumerate(structure.species) if hydrogens or name != "H"] or range(len(structure))
    names = [structure.species[i] for i in kept]
    return PymatgenStructure(structure.lattice, names, structure.positions[list(kept)], coords_are_cartesian=True)


def _match_by_pymatgen(a: Any, b: Any, chosen: Matching) -> float | None:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher(chosen.ltol, chosen.stol, chosen.angle_tol, primitive_cell=True, scale=False)
    found = matcher.get_rms_dist(a, b)
    # It comes in units of the mean free length per atom.
    return None if found is None else float(found[0] * (a.volume * b.volume / len(a) / len(b)) ** (1 / 6))
