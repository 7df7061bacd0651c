"""The sites of an asymmetric unit, as a file has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genarris_fw.crystal.formats.operations import Floats

_MOST_NAMES = 4


@dataclass(frozen=True)
class Sites:
    """Sites: what they are called, where they are, and how much of an atom is there.

    Attributes
    ----------
    labels : list of str
        What errors call them.
    species : list of str
        Element symbols, m of them.
    fractional : (m, 3) ndarray
        Coordinates in lattice vectors.
    rounding : (m, 3) ndarray
        One unit of the last digit of each coordinate; 0 for exact ones.
    occupancies : (m,) ndarray
        1 for whole atoms.
    assemblies, groups : list of str
        Which disordered assembly a site belongs to, and which of its alternative groups; '' for none.
    """

    labels: list[str]
    species: list[str]
    fractional: Floats
    rounding: Floats
    occupancies: Floats
    assemblies: list[str]
    groups: list[str]

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.labels)

    def only(self, chosen: Sequence[int]) -> Sites:
        """Return some of the sites."""
        at = np.array(chosen, dtype=np.intp)
        return Sites(
            [self.labels[i] for i in at],
            [self.species[i] for i in at],
            self.fractional[at],
            self.rounding[at],
            self.occupancies[at],
            [self.assemblies[i] for i in at],
            [self.groups[i] for i in at],
        )


def named(names: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
