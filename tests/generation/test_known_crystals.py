"""Crystals from experiments on special positions, R-centred or cubic: their symmetry is found though it is inexact."""

from __future__ import annotations

import known_crystals
import numpy as np
import pytest
from crystal_contacts import smallest_margin

from genarris_fw.crystal import Structure
from genarris_fw.generation import cutoff_matrix, press_fully
from genarris_fw.generation.asymmetric_unit import asymmetric_unit


def moved(structure: Structure, amount: float) -> Structure:
    """As a relaxation leaves it: every atom somewhat off."""
    moves = np.random.default_rng(3).normal(size=structure.positions.shape)
    moves *= amount / np.linalg.norm(moves, axis=1)[:, None]
    return Structure(structure.lattice, structure.species, structure.positions + moves)


def rounded(structure: Structure) -> Structure:
    """As a file with three decimals gives it, the origin anywhere."""
    assert structure.lattice is not None
    return Structure(structure.lattice, structure.species, (structure.fractional + 0.0003).round(3) @ structure.lattice)


MADE = {"exact": lambda s: s, "relaxed": lambda s: moved(s, 2e-3), "rounded": rounded}


@pytest.mark.parametrize("how", MADE)
@pytest.mark.parametrize("name", known_crystals.names())
def test_known_crystals_can_be_pressed(name, how):
    structure = MADE[how](known_crystals.crystal(name))
    Z = known_crystals.molecules_of(name)
    unit = asymmetric_unit(structure)
    assert len(unit.origin) == Z and len(unit.centres) <= 2
    # Where fewer than three molecules would be independent without it, symmetry that is not quite there is not used.
    if how == "exact" or Z > 4:
        assert (unit.space_group, len(unit.centres)) == (known_crystals.group_of(name), 1)
    result = press_fully(structure, 0.85)
    assert result.converged
    assert 0.6 < result.structure.cell_volume / structure.cell_volume < 0.9
    assert result.structure.properties["spg_before_press"] == unit.space_group
    cutoffs = cutoff_matrix(unit.molecule, 0.85)
    assert smallest_margin(result.structure, cutoffs, cutoffs.max() + 0.3) > 0


def test_the_unit_of_an_inexact_crystal_makes_it_again():
    structure = moved(known_crystals.crystal("trioxane"), 2e-3)
    unit = asymmetric_unit(structure)
    again = unit.structure(unit.lattice, np.eye(3)[None], unit.centres)
    gaps = again.fractional[:, None] - structure.fractional
    gaps = np.linalg.norm((gaps - np.rint(gaps)) @ structure.lattice, axis=2)
    gaps[np.array(again.species)[:, None] != np.array(structure.species)] = np.inf
    assert gaps.min(axis=0).max() < 5e-3 and gaps.min(axis=1).max() < 5e-3
