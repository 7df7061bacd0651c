"""A crystal as it is drawn: whole molecules wherever the cell is cut, bonds, hydrogen bonds, cells."""

import itertools
import json
from pathlib import Path

import known_crystals
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import Structure, read
from genarris_fw.errors import InputError
from genarris_fw.views.drawn_crystal import drawn_crystal, for_chemiscope, hydrogen_bonds, whole_crystal

UREA = read(Path(__file__).parents[2] / "examples" / "urea" / "urea.cif")[0]
NAMES = known_crystals.names()


def wrapped(structure: Structure, moved: np.ndarray) -> Structure:
    """The same crystal, its atoms moved together and each put anywhere among its images near the cell."""
    places = structure.fractional + moved
    other = structure.copy()
    other.positions = (places - np.floor(places)) @ structure.lattice
    other.properties.pop("number_of_atoms_in_molecule", None)
    return other


def distances(drawn: dict) -> list[list[float]]:
    """Of every molecule the distances between its atoms, in an order that no numbering changes."""
    positions, molecules = np.array(drawn["atoms"]["position"]), np.array(drawn["atoms"]["molecule"])
    found = []
    for number in range(drawn["molecules"]):
        those = positions[molecules == number]
        found.append(sorted(np.linalg.norm(those[:, None] - those, axis=2).ravel().round(3).tolist()))
    return sorted(found)


@given(st.sampled_from(NAMES), st.tuples(*[st.floats(-1, 1)] * 3))
@settings(max_examples=25)
def test_molecules_are_whole_wherever_the_cell_is_cut(name: str, moved: tuple[float, float, float]) -> None:
    crystal = known_crystals.crystal(name)
    drawn = drawn_crystal(wrapped(crystal, np.array(moved)), with_hydrogen_bonds=False)
    assert drawn["molecules"] == known_crystals.molecules_of(name)
    positions, molecules = np.array(drawn["atoms"]["position"]), np.array(drawn["atoms"]["molecule"])
    bonds = np.array(drawn["bonds"])
    assert (np.linalg.norm(positions[bonds[:, 0]] - positions[bonds[:, 1]], axis=1) < 1.9).all()
    assert (molecules[bonds[:, 0]] == molecules[bonds[:, 1]]).all()
    for number in range(drawn["molecules"]):  # whole, and its centre in the cell
        centre = (positions[molecules == number] @ np.linalg.inv(crystal.lattice)).mean(axis=0)
        assert ((centre > -1e-4) & (centre < 1 + 1e-4)).all()
    np.testing.assert_allclose(
        distances(drawn), distances(drawn_crystal(crystal, with_hydrogen_bonds=False)), atol=0.003
    )


def by_hand(structure: Structure) -> list[tuple[float, float]]:
    """Hydrogen bonds of a crystal, by going through all atoms of 125 cells: lengths and angles."""
    cells = np.array(list(itertools.product(range(-2, 3), repeat=3))) @ structure.lattice
    species = np.array(structure.species)
    polar = (structure.positions[np.isin(species, ["N", "O"])][:, None] + cells).reshape(-1, 3)
    found = []
    for hydrogen in structure.positions[species == "H"]:
        apart = np.linalg.norm(polar - hydrogen, axis=1)
        donor = polar[np.argmin(apart)]
        if apart.min() > 1.2:
            continue
        for k in np.flatnonzero((apart < 2.5) & (apart > apart.min())):
            one, other = donor - hydrogen, polar[k] - hydrogen
            angle = np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
            if angle > 120:
                found.append((round(float(apart[k]), 3), round(float(angle), 1)))
    return sorted(found)


def test_hydrogen_bonds_of_urea() -> None:
    found = hydrogen_bonds(whole_crystal(UREA))
    seen = sorted(zip(found.lengths.round(3).tolist(), found.angles.round(1).tolist(), strict=True))
    assert seen == by_hand(UREA)
    # Each oxygen of urea accepts four, which is rare and what its crystal is known for.
    assert np.bincount(found.acceptors).tolist().count(4) == 2
    assert found.lengths == pytest.approx([1.969, 1.969, 2.045, 2.045] * 2, abs=0.001)


@given(st.sampled_from(NAMES), st.tuples(*[st.floats(-1, 1)] * 3))
@settings(max_examples=15)
def test_hydrogen_bonds_know_no_cell(name: str, moved: tuple[float, float, float]) -> None:
    crystal = known_crystals.crystal(name)
    found = hydrogen_bonds(whole_crystal(wrapped(crystal, np.array(moved))))
    expected = by_hand(crystal)
    assert len(found.lengths) == len(expected)
    np.testing.assert_allclose(sorted(found.lengths), [one for one, _ in expected], atol=0.002)


def test_hydrogen_bonds_end_at_atoms_or_at_ghosts() -> None:
    for replicas in ((1, 1, 1), (2, 1, 3)):
        drawn = drawn_crystal(UREA, replicas=replicas)
        positions = np.array(drawn["atoms"]["position"] + drawn["ghosts"]["position"])
        assert len(drawn["hydrogen_bonds"]) == 8 * np.prod(replicas)
        for start, end, length, _ in drawn["hydrogen_bonds"]:
            assert np.linalg.norm(positions[start] - positions[end]) == pytest.approx(length, abs=1e-3)
        assert set(drawn["ghosts"]["element"]) == {"O"}
        assert len({tuple(place) for place in drawn["ghosts"]["position"]}) == len(drawn["ghosts"]["position"])


def test_cells_beside_each_other() -> None:
    one, six = drawn_crystal(UREA), drawn_crystal(UREA, replicas=(1, 2, 3))
    assert len(six["atoms"]["element"]) == 96 and len(six["bonds"]) == 6 * len(one["bonds"])
    first = np.array(one["atoms"]["position"])
    for copy, cell in enumerate(itertools.product(range(1), range(2), range(3))):
        there = np.array(six["atoms"]["position"])[np.array(six["atoms"]["copy"]) == copy]
        np.testing.assert_allclose(there, first + np.array(cell) @ UREA.lattice, atol=2e-5)
    assert json.loads(json.dumps(six)) == six  # plain values
    with pytest.raises(InputError, match="too many to draw"):
        drawn_crystal(UREA, replicas=(20, 20, 20))


def test_a_molecule_and_a_network() -> None:
    water = Structure(None, ["O", "H", "H"], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], {}, "w")
    drawn = drawn_crystal(water, replicas=(2, 2, 2))
    assert drawn["cell"] is None and drawn["parameters"] is None and len(drawn["atoms"]["element"]) == 3
    assert drawn["hydrogen_bonds"] == [] and "cell" not in for_chemiscope(water)
    diamond = Structure(np.eye(3) * 1.78 @ np.ones((3, 3)) - 1.78 * np.eye(3), ["C", "C"], [[0, 0, 0], [0.89] * 3])
    drawn = drawn_crystal(diamond)
    assert drawn["remarks"] == ["bonds run from cell to cell without end: atoms are drawn where they are"]
    assert drawn["bonds"] == [[0, 1]]


def test_for_chemiscope() -> None:
    shown = for_chemiscope(wrapped(UREA, np.array([0.3, 0.4, 0.6])))
    assert shown["size"] == 16 and shown["names"] == UREA.species and len(shown["cell"]) == 9
    places = np.column_stack([shown[axis] for axis in "xyz"])
    whole = whole_crystal(wrapped(UREA, np.array([0.3, 0.4, 0.6])))
    np.testing.assert_allclose(places, whole.structure.positions, atol=1e-5)
