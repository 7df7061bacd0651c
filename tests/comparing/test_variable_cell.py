"""Crystals whose cells differ, and are alike once they do not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_crystals import crystal, names

from genarris_fw.clustering.matching import match
from genarris_fw.comparing.powder import pattern, reduced, similarity
from genarris_fw.comparing.variable_cell import fitting_cells, variable_cell_fit, variable_cell_similarity
from genarris_fw.crystal import Structure


def strained(structure: Structure, strain: np.ndarray) -> Structure:
    """The crystal in a deformed cell, fractional coordinates kept."""
    deformed = np.eye(3) + (strain + strain.T) / 2
    return Structure(structure.cell @ deformed, structure.species, structure.positions @ deformed)


@given(name=st.sampled_from(names()), seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_a_strained_crystal_is_the_same_though_its_pattern_is_not(name: str, seed: int) -> None:
    structure, rng = crystal(name), np.random.default_rng(seed)
    other = strained(structure, rng.uniform(-0.04, 0.04, (3, 3)))
    shear = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]])
    other = Structure(shear @ other.cell, other.species, other.positions)
    assert variable_cell_similarity(structure, other) == pytest.approx(1.0, abs=1e-6)
    assert variable_cell_similarity(other, structure) == pytest.approx(1.0, abs=1e-6)
    fit = variable_cell_fit(structure, other)
    assert similarity(pattern(structure), pattern(fit.structure)) == pytest.approx(fit.similarity, abs=1e-9)
    assert match(structure, fit.structure) == pytest.approx(0.0, abs=1e-3)


def test_it_is_at_least_what_the_patterns_say_and_other_crystals_stay_other_ones() -> None:
    for one, other in itertools.permutations([crystal(name) for name in names()[:4]], 2):
        plain, found = similarity(pattern(one), pattern(other)), variable_cell_similarity(one, other)
        assert plain <= found < 0.97
    one = crystal("trioxane")
    strange = Structure(one.cell, ["S", *one.species[1:]], one.positions)
    assert variable_cell_similarity(one, strange) == similarity(pattern(one), pattern(strange))


def test_a_multiple_of_the_primitive_cell_fits() -> None:
    structure = crystal("trioxane")
    other = strained(structure, np.diag([0.03, 0.03, -0.03]))
    shifts = [np.zeros(3), other.cell[2]]
    double = Structure(
        np.diag([1, 1, 2]) @ other.cell, other.species * 2, np.concatenate([other.positions + s for s in shifts])
    )
    assert variable_cell_similarity(structure, double) == pytest.approx(1.0, abs=1e-6)


def test_beyond_the_tolerances_no_cell_fits() -> None:
    cell = np.diag([5.0, 6.0, 7.0])
    assert len(list(fitting_cells(cell, cell, 0.05, 5.0))) == 4  # of eight signs, those of one hand
    assert not list(fitting_cells(cell, cell * 1.4, 0.3, 20.0))
    assert not list(
        fitting_cells(np.diag([10.0, 6.0, 7.0]), cell, 0.05, 5.0)
    )  # two cells side by side are not primitive
    leaning = np.array([[5.0, 0, 0], [0, 6.0, 0], [2.5, 0, np.sqrt(49.0 - 6.25)]])  # by 20.9 degrees
    assert not list(fitting_cells(cell, leaning, 0.05, 20.0))
    assert list(fitting_cells(cell, leaning, 0.05, 22.0))


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_cells_that_fit_are_all_there_are(seed: int) -> None:
    """Against every triple of vectors of a large box."""
    rng = np.random.default_rng(seed)
    lattice = reduced(np.diag(rng.uniform(4, 7, 3)) + rng.uniform(-1.5, 1.5, (3, 3)))
    cell = lattice * rng.uniform(0.9, 1.1)
    lengths, angles = 0.2, 15.0

    def measures(rows: np.ndarray) -> np.ndarray:
        a, b, c = rows
        pairs = [(b, c), (a, c), (a, b)]
        cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in pairs]
        return np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))

    wanted = np.linalg.norm(cell, axis=1)
    vectors = [np.array(n) @ lattice for n in itertools.product(range(-3, 4), repeat=3)]
    near = [[v for v in vectors if abs(np.linalg.norm(v) - length) <= lengths * length] for length in wanted]
    expected = [
        rows
        for rows in map(np.array, itertools.product(*near))
        if np.abs(measures(rows) - measures(cell)).max() <= angles
        and abs(abs(np.linalg.det(rows)) - abs(np.linalg.det(lattice))) < 1e-6 * abs(np.linalg.det(lattice))
    ]
    found = list(fitting_cells(cell, lattice, lengths, angles))
    everything = {tuple(np.round(sign * rows, 5).ravel() + 0.0) for rows in found for sign in (1, -1)}
    assert everything == {tuple(np.round(rows, 5).ravel() + 0.0) for rows in expected}
