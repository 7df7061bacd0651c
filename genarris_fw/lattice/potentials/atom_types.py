"""What an atom is in its molecule, in the words that a potential's file uses for its types.

Each atom is of several kinds, the most particular first, the element last. A type of a potential says of which kinds
its atoms are; an atom is of the type that names the first of its kinds that any type names. The kinds are:

===============================  =======================================================================================
``C``                            the element
``C with 3 neighbours``          so many bonded atoms
``N with 2 hydrogens``           so many bonded hydrogens
``H on N``                       a hydrogen by what it is bonded to
``H of water``                   on an oxygen that carries two hydrogens and nothing else
``H of carboxyl``                on an oxygen of a carbon that carries another oxygen, with no other neighbour
``H of hydroxyl``                on any other oxygen
``O of water``                   an oxygen that carries two hydrogens and nothing else
===============================  =======================================================================================

These are the distinctions that W99 makes (Williams, J. Comput. Chem. 2001, 22, 1154, and NEIGHCRYS, which labels atoms
for DMACRYS), put as words.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from genarris_fw.crystal.bonds import bonds
from genarris_fw.crystal.structure import Molecule

SPECIAL_KINDS = ("H of carboxyl", "H of hydroxyl", "H of water", "O of water")
_GRAMMAR = re.compile(r"([A-Z][a-z]?)(?: with ([0-9]) (neighbour|hydrogen)(s?)| on ([A-Z][a-z]?))?")


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The atoms of a molecule and what they are bonded to.

    Attributes
    ----------
    species : tuple of str
        Element symbols, n of them.
    neighbours : tuple of tuple of int
        The bonded atoms of each, the closest first.
    """

    species: tuple[str, ...]
    neighbours: tuple[tuple[int, ...], ...]

    def hydrogens(self, i: int) -> int:
        """Return how many hydrogens atom `i` carries."""
        return sum(self.species[j] == "H" for j in self.neighbours[i])

    def kinds(self, i: int) -> tuple[str, ...]:
        """Return the kinds of atom `i`, the most particular first, the element last."""
        element = self.species[i]
        special = self._of_hydrogen(i) if element == "H" else ("O of water",) if self._is_water(i) else ()
        counted = [_counted(element, len(self.neighbours[i]), "neighbour")]
        if element != "H":
            counted.append(_counted(element, self.hydrogens(i), "hydrogen"))
        return (*special, *counted, element)

    def describe(self, i: int) -> str:
        """Return atom `i` in words: ``atom 3 (N, bonded to C, H and H)``; atoms are counted from 1."""
        around = Counter(self.species[j] for j in self.neighbours[i])
        listed = [symbol for symbol in sorted(around) for _ in range(around[symbol])]
        if not listed:
            return f"atom {i + 1} ({self.species[i]}, bonded to nothing)"
        words = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
        return f"atom {i + 1} ({self.species[i]}, bonded to {words})"

    def _of_hydrogen(self, i: int) -> tuple[str, ...]:
        if not self.neighbours[i]:
            return ()
        partner = self.neighbours[i][0]
        on = f"H on {self.species[partner]}"
        if self.species[partner] != "O":
            return (on,)
        if self._is_water(partner):
            return ("H of water", on)
        return ("H of carboxyl" if self._is_acid(partner) else "H of hydroxyl", on)

    def _is_water(self, i: int) -> bool:
        return self.species[i] == "O" and len(self.neighbours[i]) == 2 and self.hydrogens(i) == 2

    def _is_acid(self, oxygen: int) -> bool:
        """Whether the carbon of an oxygen with a hydrogen carries another oxygen, with no other neighbour."""
        return any(
            self.species[other] == "O" and len(self.neighbours[other]) == 1
            for carbon in self.neighbours[oxygen]
            if self.species[carbon] == "C"
            for other in self.neighbours[carbon]
        )


def surroundings(molecule: Molecule) -> Surroundings:
    """Find what each atom of a molecule is bonded to.

    Parameters
    ----------
    molecule : Molecule
        n atoms; bonds are found as by `genarris_fw.crystal.bonds.bonds`.

    Returns
    -------
    Surroundings
        Its n atoms.
    """
    around: list[list[tuple[float, int]]] = [[] for _ in molecule.species]
    for i, j in bonds(molecule.species, molecule.positions):
        distance = float(np.linalg.norm(molecule.positions[i] - molecule.positions[j]))
        around[i].append((distance, j))
        around[j].append((distance, i))
    return Surroundings(tuple(molecule.species), tuple(tuple(j for _, j in sorted(near)) for near in around))


def is_kind(text: str) -> bool:
    """Tell whether a text is one of the kinds of this module."""
    if text in SPECIAL_KINDS:
        return True
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        return False
    element, count, _, plural, partner = found.groups()
    if count is not None and (count == "1") == bool(plural):
        return False
    if partner is not None and not (element == "H" and _is_element(partner)):
        return False
    return _is_element(element)


def element_of(kind: str) -> str:
    """Return the element symbol of a kind."""
    return kind.split(" ", 1)[0]


def _is_element(symbol: str) -> bool:
    return symbol in atomic_numbers and symbol != "X"  # X is ASE's name for no element


def _counted(element: str, count: int, what: str) -> str:
    return f"{element} with {count} {what}{'' if count == 1 else 's'}"
