"""Z': known crystals, supercells, and spglib, which finds pure translations by another way."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import Structure
from genarris_fw.crystal.z_prime import is_centred, point_operations, pure_translations, translations_of_many, z_prime
from genarris_fw.errors import InputError


@pytest.mark.parametrize(
    ("number", "Z", "translations", "expected"),
    [
        (14, 4, 1, 1.0),  # P21/c, four molecules on general positions
        (14, 2, 1, 0.5),  # naphthalene: on centres of inversion
        (113, 2, 1, 0.25),  # urea
        (19, 8, 1, 2.0),
        (15, 8, 2, 1.0),  # C2/c in its conventional cell
        (15, 4, 1, 1.0),  # and in its primitive one
        (230, 96, 2, 1.0),
        (2, 4, 2, 1.0),  # a doubled cell of P-1
    ],
)
def test_known_crystals(number: int, Z: int, translations: int, expected: float) -> None:
    assert z_prime(number, Z, translations) == expected


def test_every_group_has_as_many_operations_as_spglib_says() -> None:
    types = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]
    halls = {one.number: hall for hall, one in reversed(list(enumerate(types, 1)))}
    for number, hall in halls.items():
        rotations = spglib.get_symmetry_from_database(hall)["rotations"]
        order = len({rotation.tobytes() for rotation in rotations})
        assert point_operations(number) == order, number
        assert is_centred(number) == (len(rotations) > order), number


@pytest.mark.parametrize("number", [0, 231, -3])
def test_no_space_group(number: int) -> None:
    with pytest.raises(InputError, match="no space group"):
        z_prime(number, 4)


def crystal(seed: int, times: tuple[int, int, int], centring: list[list[float]], noise: float = 0.0) -> Structure:
    """A primitive cell of four different atoms without symmetry, centred, then repeated along its axes."""
    rng = np.random.default_rng(seed)
    lattice = np.diag(rng.uniform(6, 9, 3)) + np.tril(rng.uniform(-1, 1, (3, 3)), -1)
    places = rng.uniform(0, 1, (4, 3))
    species = ["C", "N", "O", "S"]
    shifts = np.array([[0.0, 0.0, 0.0], *centring])
    places = np.concatenate([places + shift for shift in shifts])
    species = species * len(shifts)
    cells = np.array([[i, j, k] for i in range(times[0]) for j in range(times[1]) for k in range(times[2])])
    places = np.concatenate([places + cell for cell in cells]) / np.array(times)
    species = species * len(cells)
    lattice = np.diag(times) @ lattice
    order = rng.permutation(len(species))
    positions = places[order] @ lattice + noise * rng.normal(size=(len(species), 3))
    return Structure(lattice, [species[k] for k in order], positions, {}, "made-up")


CENTRINGS = {
    1: [],
    2: [[0.5, 0.5, 0.0]],
    3: [[2 / 3, 1 / 3, 1 / 3], [1 / 3, 2 / 3, 2 / 3]],
    4: [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]],
}


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    times=st.sampled_from([(1, 1, 1), (2, 1, 1), (1, 3, 1), (2, 2, 1)]),
    centring=st.sampled_from(sorted(CENTRINGS)),
)
def test_translations_are_those_that_made_the_cell_and_those_that_spglib_finds(seed, times, centring) -> None:
    made = crystal(seed, times, CENTRINGS[centring], noise=0.005)
    found = pure_translations(made)
    elements = [["C", "N", "O", "S"].index(name) for name in made.species]
    cell = (made.lattice, made.positions @ np.linalg.inv(made.lattice), elements)
    assert found == centring * int(np.prod(times))
    assert found == len(made) // len(spglib.find_primitive(cell, symprec=0.1)[2])


def test_many_at_once_are_as_one_by_one() -> None:
    one, other = crystal(1, (1, 1, 1), CENTRINGS[2]), crystal(1, (1, 1, 1), CENTRINGS[2])
    moved = Structure(other.lattice, other.species, other.positions.copy(), {}, "moved")
    moved.positions[3] += 1.0
    positions, lattices = np.array([one.positions, moved.positions]), np.array([one.lattice, moved.lattice])
    assert translations_of_many(one.species, lattices, positions).tolist() == [2, 1]
    assert translations_of_many(one.species, lattices[:0], positions[:0]).tolist() == []


def test_a_molecule_has_no_translations() -> None:
    with pytest.raises(InputError, match="no crystal"):
        pure_translations(Structure(None, ["C"], np.zeros((1, 3)), {}, "alone"))


def test_atoms_on_others_of_another_kind_are_no_translation() -> None:
    half = np.array([0.5, 0.5, 0.0])
    one, two, three = np.random.default_rng(5).uniform(0, 1, (3, 3))
    places = np.array([one, one + half, two, three, two + half, three + half])
    alike = Structure(np.eye(3) * 9, ["C", "C", "N", "N", "N", "N"], places * 9, {}, "alike")
    apart = Structure(np.eye(3) * 9, ["C", "C", "N", "N", "O", "O"], places * 9, {}, "apart")
    assert (pure_translations(alike), pure_translations(apart)) == (2, 1)
