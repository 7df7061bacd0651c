"""Kinds of molecules, told by elements and bonds: the same kind in the same order of atoms, whatever the crystal."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

MOST_ORDERS = 20_000
FEWEST_HEAVY = (
    4  # molecules of fewer heavy atoms are compared with their hydrogens: they are points, lines or triangles
)

Bonds = tuple[tuple[int, int], ...]
_lock = threading.Lock()
_known: dict[str, list[Kind]] = {}


@dataclass(frozen=True, eq=False)
class Kind:
    """A molecule as a graph: what has the same elements and bonds is one kind, conformers and mirror images too.

    Attributes
    ----------
    name : str
        Formula and a hash of the graph; the same on every machine.
    species : tuple of str
        Elements of the n atoms.
    neighbours : tuple of tuple of int
        The atoms bonded to each atom.
    colours : tuple of str
        A hash of the surroundings of each atom in the graph: equal for atoms that a symmetry of the graph exchanges.
    """

    name: str
    species: tuple[str, ...]
    neighbours: tuple[tuple[int, ...], ...]
    colours: tuple[str, ...]
    _orders: dict[bool, NDArray[np.intc]] = field(default_factory=dict, repr=False)

    def compared(self, hydrogens: bool) -> list[int]:
        """Tell which atoms are superposed: all, or the heavy ones where there are at least four.

        Parameters
        ----------
        hydrogens : bool

        Returns
        -------
        list of int
        """
        heavy = [i for i, name in enumerate(self.species) if name != "H"]
        return list(range(len(self.species))) if hydrogens or len(heavy) < FEWEST_HEAVY else heavy

    def orders(self, hydrogens: bool) -> NDArray[np.intc]:
        """List the orders of the compared atoms that keep elements and bonds.

        Parameters
        ----------
        hydrogens : bool

        Returns
        -------
        (m, a) ndarray of int
            Row by row a permutation of 0 ... a - 1, a being the number of compared atoms.

        Raises
        ------
        InputError
            Where there are too many to be tried.
        """
        if hydrogens not in self._orders:
            atoms = self.compared(hydrogens)
            place = {atom: k for k, atom in enumerate(atoms)}
            neighbours = [[place[j] for j in self.neighbours[i] if j in place] for i in atoms]
            colours = [self.colours[i] for i in atoms]
            found = list(islice(isomorphisms(neighbours, colours, neighbours, colours), MOST_ORDERS + 1))
            if len(found) > MOST_ORDERS:
                advice = (
                    "leave its hydrogens out (hydrogens = False)" if hydrogens else "use method = structure_matcher"
                )
                raise InputError(f"{self.name} can be laid upon itself in more than {MOST_ORDERS} ways; {advice}")
            self._orders[hydrogens] = np.array(found, dtype=np.intc)
        return self._orders[hydrogens]


@lru_cache(maxsize=10_000)
def kind_of(species: tuple[str, ...], bonds: Bonds) -> tuple[Kind, tuple[int, ...]]:
    """Find the kind of a molecule.

    Parameters
    ----------
    species : tuple of str
        Elements, n of them, in any order.
    bonds : tuple of (int, int)
        Pairs of bonded atoms; they hold the molecule together.

    Returns
    -------
    kind : Kind
        One object for all molecules of the kind.
    order : tuple of int
        The atom of the molecule that is each atom of the kind.
    """
    neighbours: list[list[int]] = [[] for _ in species]
    for i, j in bonds:
        neighbours[i].append(j)
        neighbours[j].append(i)
    colours = refined_colours(species, neighbours)
    name = f"{_formula(species)}-{_hash(sorted(colours))[:12]}"
    with _lock:
        for known in _known.setdefault(name, []):
            order = next(isomorphisms(known.neighbours, known.colours, neighbours, colours), None)
            if order is not None:
                return known, order
        new = Kind(name, species, tuple(map(tuple, neighbours)), tuple(colours))
        _known[name].append(new)
    return new, tuple(range(len(species)))


def refined_colours(species: Sequence[str], neighbours: Sequence[Sequence[int]]) -> list[str]:
    """Colour the atoms of a graph by their elements, then by the colours around them until nothing more differs.

    Parameters
    ----------
    species : sequence of str
    neighbours : sequence of sequence of int

    Returns
    -------
    list of str
        Hashes, the same on every machine and for every order of the atoms.

    Notes
    -----
    The refinement of B. Yu. Weisfeiler and A. A. Leman, Nauchno-Tekhn. Inform. Ser. 2, 9, 12 (1968).
    """
    colours, told_apart = list(species), len(set(species))
    while True:
        colours = [_hash([own, *sorted(colours[j] for j in around)]) for own, around in zip(colours, neighbours)]
        now = len(set(colours))
        if now == told_apart:
            return colours
        told_apart = now


def isomorphisms(
    neighbours: Sequence[Sequence[int]],
    colours: Sequence[str],
    other_neighbours: Sequence[Sequence[int]],
    other_colours: Sequence[str],
) -> Iterator[tuple[int, ...]]:
    """Go through the ways to lay one coloured graph upon another of as many bonds.

    Parameters
    ----------
    neighbours, other_neighbours : sequence of sequence of int
        The atoms bonded to each atom.
    colours, other_colours : sequence of str

    Yields
    ------
    tuple of int
        The atom of the other graph that each atom falls upon.
    """
    # networkx takes 2.4 to 9 times as long for 10,000 molecules (benchmarks/isomorphism.py: aspirin 2.1 s
    # here, 5.1 s by its VF2++, 11.4 s by its VF2), and 9 to 30 times for all ways onto itself.
    n = len(colours)
    bonded = [set(around) for around in other_neighbours]
    walk, parent = _walk(neighbours)
    done = [[j for j in neighbours[atom] if j in walk[:k]] for k, atom in enumerate(walk)]
    image = [-1] * n
    used: set[int] = set()

    def choices(k: int) -> list[int]:
        atom = walk[k]
        near = range(n) if parent[k] < 0 else other_neighbours[image[parent[k]]]
        return [
            j
            for j in near
            if j not in used and other_colours[j] == colours[atom] and all(j in bonded[image[i]] for i in done[k])
        ]

    waiting = [choices(0)]
    while waiting:
        k = len(waiting) - 1
        used.discard(image[walk[k]])
        image[walk[k]] = -1
        if not waiting[k]:
            waiting.pop()
            continue
        image[walk[k]] = waiting[k].pop()
        used.add(image[walk[k]])
        if k + 1 < n:
            waiting.append(choices(k + 1))
        else:
            yield tuple(image)


def _walk(neighbours: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Atoms in an order in which each but the first of a piece is bonded to an earlier one, and that one (or -1)."""
    walk: list[int] = []
    parent: list[int] = []
    seen: set[int] = set()
    for start in range(len(neighbours)):
        if start in seen:
            continue
        seen.add(start)
        k = len(walk)
        walk.append(start)
        parent.append(-1)
        while k < len(walk):
            for j in neighbours[walk[k]]:
                if j not in seen:
                    seen.add(j)
                    walk.append(j)
                    parent.append(walk[k])
            k += 1
    return walk, parent


def _hash(parts: Sequence[str]) -> str:
    return hashlib.blake2b(" ".join(parts).encode(), digest_size=8).hexdigest()


def _formula(species: Sequence[str]) -> str:
    """Formula in the order of Hill."""
    names = sorted(set(species))
    if "C" in names:
        names.sort(key=lambda name: (name not in ("C", "H"), name))
    counts = [species.count(name) for name in names]
    return "".join(f"{name}{count if count > 1 else ''}" for name, count in zip(names, counts))
