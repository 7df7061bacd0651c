"""Which space groups are tried, and how many structures each shall give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.generation.effort import shared
from genarris_fw.generation.space_groups import check_space_group, space_group

# The 20 commonest space groups of the Cambridge Structural Database -> their share of its structures in 0.01 %.
#
# Origin: CCDC, "CSD Space Group Statistics - Space Group Number Ordering", 1 January 2026
# (https://www.ccdc.cam.ac.uk/media/CSD-Space-Group-Statistics-Space-Group-Number-Ordering-2026.pdf).
# The report itself could not be read when this was written. The shares are secondary: rounded from the table in
# NVIDIA's nvalchemi-toolkit (nvalchemi/csp/_data_tables.py), whose documentation names that report as its origin.
# Two more secondary sources agree: the 20 groups and their order are those of the CCDC's "Space Group Frequency
# Ordering" of 1 January 2025 (1,359,039 structures), as quoted in QuantaBricks/Genarris-mc,
# gnrs/cgenarris/src/spg_generation.c; and P 21/c had 404,837 entries, 34 %, in 2024, as quoted by the AFLOW Prototype
# Encyclopedia (aflow.org/prototype-encyclopedia/Tutorials/SpaceGroupDistribution).
# The CSD holds organic and metal-organic crystals alike.
CSD_SHARES: dict[int, int] = {
    14: 3380,  # P 21/c
    2: 2524,  # P -1
    15: 820,  # C 2/c
    19: 698,  # P 21 21 21
    4: 524,  # P 21
    61: 317,  # P b c a
    33: 136,  # P n a 21
    9: 104,  # C c
    1: 102,  # P 1
    62: 99,  # P n m a
    5: 88,  # C 2
    60: 81,  # P b c n
    148: 80,  # R -3
    29: 76,  # P c a 21
    13: 65,  # P 2/c
    12: 51,  # C 2/m
    7: 47,  # P c
    11: 45,  # P 21/m
    18: 41,  # P 21 21 2
    88: 36,  # I 41/a
}


@cache
def sohncke(number: int) -> bool:
    """Tell whether a space group is one of the 65 Sohncke groups: rotations, screws and translations alone.

    Only in these can a crystal be enantiopure: every other group has an operation (inversion, mirror, glide plane or
    rotoinversion) that turns a molecule into its mirror image.

    Raises
    ------
    InputError
        Unless the number is one of 1 to 230.
    """
    return bool((np.linalg.det(space_group(number).rotations) > 0).all())


def choose(wanted: str | Sequence[int], compatible: Sequence[int]) -> list[int]:
    """Return the space groups to try.

    Parameters
    ----------
    wanted : str or sequence of int
        The option ``space_groups``: ``all``; ``chiral``, the Sohncke groups, for enantiopure crystals; ``racemic``, the
        groups with an improper operation; ``csd``, the 20 commonest groups of the Cambridge Structural Database; or
        numbers.
    compatible : sequence of int
        The groups in which the molecule has a site.

    Returns
    -------
    list of int
        In ascending order, each once; empty where no compatible group is wanted.

    Raises
    ------
    InputError
        For another word, or a number that is no space group.
    """
    groups = sorted(set(compatible))
    if not isinstance(wanted, str):
        numbers = {check_space_group(number) for number in wanted}
        return [group for group in groups if group in numbers]
    if wanted == "all":
        return groups
    if wanted == "chiral":
        return [group for group in groups if sohncke(group)]
    if wanted == "racemic":
        return [group for group in groups if not sohncke(group)]
    if wanted == "csd":
        return [group for group in groups if group in CSD_SHARES]
    raise InputError(f"space_groups = {wanted!r}: expected all, chiral, racemic, csd or a list of numbers")


def quotas(wanted: str | Sequence[int], groups: Sequence[int], total: int) -> dict[int, int]:
    """Return how many structures each space group shall give.

    With ``csd``, `total` is shared in proportion to `CSD_SHARES` and kept exactly: every group gets the whole part of
    its share, and the rest goes to the largest fractions (the lower number where two are equal). A group outside the 20
    gets none. With every other choice each group gets the same number, rounded up.

    Parameters
    ----------
    wanted : str or sequence of int
        The option ``space_groups``.
    groups : sequence of int
        The groups to try, as `choose` returns them.
    total : int
        Structures wanted in all.

    Returns
    -------
    dict
        Group -> number, in ascending order of the groups.

    Raises
    ------
    InputError
        For a negative total, or ``csd`` where none of the groups is among the 20.
    """
    numbers = sorted(set(groups))
    if total < 0:
        raise InputError(f"num_structures = {total}: expected a number that is not negative")
    if wanted != "csd":
        return {group: math.ceil(total / len(numbers)) for group in numbers}
    weights = {group: CSD_SHARES.get(group, 0) for group in numbers}
    if not any(weights.values()):
        raise InputError(
            "space_groups = csd: none of the compatible space groups is among the 20 commonest of the Cambridge "
            "Structural Database; expected all or a list of numbers"
        )
    return shared(total, weights)
