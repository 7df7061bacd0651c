"""Supercells: wide enough, as small as can be, and holding each cell once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.engines.supercell import (
    image_shifts,
    mean_over_copies,
    perpendicular_widths,
    repeated_positions,
    smallest_repeats,
    smallest_supercell,
    wide_enough,
)
from genarris_fw.errors import InputError

lattices = st.builds(
    lambda lengths, tilts: np.array([[lengths[0], 0, 0], [tilts[0], lengths[1], 0], [tilts[1], tilts[2], lengths[2]]]),
    st.tuples(*[st.floats(3.5, 12)] * 3),
    st.tuples(*[st.floats(-4, 4)] * 3),
)
unimodular = st.sampled_from(
    [
        np.array(m)
        for m in (
            [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
            [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
            [[1, 0, 0], [-1, 1, 2], [0, 0, 1]],
            [[1, 2, -1], [0, 1, 3], [0, 0, 1]],
            [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
        )
    ]
)


def test_widths_are_distances_between_faces():
    lattice = np.array([[5.0, 0, 0], [2.0, 4.0, 0], [1.0, -1.0, 6.0]])
    volume = abs(np.linalg.det(lattice))
    areas = [np.linalg.norm(np.cross(lattice[i - 2], lattice[i - 1])) for i in range(3)]
    assert perpendicular_widths(lattice) == pytest.approx([volume / area for area in areas])


@given(lattices, st.floats(5, 11))
@settings(max_examples=60, deadline=None)
def test_repeats_are_enough_and_none_too_many(lattice, width):
    repeats = smallest_repeats(lattice, width)
    assert wide_enough(lattice, np.diag(repeats), width)
    for axis in range(3):
        if repeats[axis] > 1:
            fewer = np.array(repeats)
            fewer[axis] -= 1
            assert not wide_enough(lattice, np.diag(fewer), width)


@given(lattices, unimodular, st.floats(5, 9))
@settings(max_examples=30, deadline=None)
def test_smallest_supercell_depends_on_the_lattice_alone(lattice, change, width):
    supercell = smallest_supercell(lattice, width)
    other = smallest_supercell(change @ lattice, width)
    assert wide_enough(lattice, supercell, width)
    copies = abs(round(np.linalg.det(supercell)))
    assert copies <= np.prod(smallest_repeats(lattice, width))
    assert copies == abs(round(np.linalg.det(other)))
    widths, others = (perpendicular_widths(m @ cell) for m, cell in ((supercell, lattice), (other, change @ lattice)))
    assert widths.min() == pytest.approx(others.min(), rel=1e-4)


def test_smallest_supercell_against_trying_all_small_matrices():
    lattice = np.array([[6.81, 0, 0], [0, 7.39, 0], [0, 0, 9.42]])
    entries = range(-1, 2)
    fewest = min(
        round(abs(np.linalg.det(matrix)))
        for flat in itertools.product(entries, repeat=9)
        if abs(np.linalg.det(matrix := np.array(flat).reshape(3, 3))) > 0.5
        and (perpendicular_widths(matrix @ lattice) >= 9.0).all()
    )
    assert abs(round(np.linalg.det(smallest_supercell(lattice, 9.0)))) == fewest == 2


@given(st.lists(st.integers(-3, 3), min_size=9, max_size=9))
@settings(max_examples=100, deadline=None)
def test_each_cell_of_the_supercell_comes_once(entries):
    matrix = np.array(entries).reshape(3, 3)
    copies = abs(round(np.linalg.det(matrix)))
    if copies == 0:
        return
    shifts = image_shifts(matrix)
    assert len(shifts) == copies
    assert not shifts[0].any()
    inside = {tuple(np.round(row % 1.0, 6) % 1.0) for row in shifts @ np.linalg.inv(matrix)}
    assert len(inside) == copies


def test_copies_are_shifted_cells_and_means_come_back():
    lattice = np.array([[4.0, 0, 0], [1.0, 5.0, 0], [0, 0, 6.0]])
    positions = np.array([[0.1, 0.2, 0.3], [1.0, 1.0, 1.0]])
    many = repeated_positions(lattice, positions, np.diag([2, 1, 3]))
    assert many.shape == (12, 3)
    assert np.allclose(many[:2], positions)
    fractions = (many.reshape(6, 2, 3) - positions) @ np.linalg.inv(lattice)
    assert np.allclose(fractions, np.round(fractions))
    assert np.allclose(mean_over_copies(many - np.tile(positions, (6, 1)) + 1.0, 6).shape, (2, 3))
    assert np.allclose(mean_over_copies(np.tile(positions, (6, 1)), 6), positions)


def test_a_width_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="positive"):
        smallest_repeats(np.eye(3), 0.0)
