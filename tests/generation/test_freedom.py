"""What symmetry leaves free, and which pairs of molecules stand for all others."""

import numpy as np
import pytest
from ase.data import atomic_numbers
from crystal_contacts import contact, smooth_sum, whole_cell
from generation_molecules import argon, from_ase, stored
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.crystal import Molecule
from genarris_fw.generation import occupations
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.freedom import entries, padded, shift_basis, strain_basis, turn_basis
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.space_groups import LATTICE_SYSTEMS, space_group

STRAINS = {"triclinic": 6, "monoclinic": 4, "orthorhombic": 3, "tetragonal": 2, "hexagonal": 2, "cubic": 1}
ROTATIONS_ONLY_ABOUT_ONE_AXIS = {"2", "m", "2/m", "4", "-4", "4/m", "3", "-3", "6", "-6", "6/m"}


def orthonormal(basis: np.ndarray) -> bool:
    products = np.einsum("k...,l...->kl...", basis, basis)
    return bool(np.abs(products.sum(axis=tuple(range(2, products.ndim))) - np.eye(len(basis))).max(initial=0.0) < 1e-12)


@pytest.mark.parametrize("keep_volume", [False, True])
def test_strains_are_those_of_the_lattice_system_in_all_230_groups(keep_volume):
    for number in range(1, 231):
        crystal = space_group(number)
        basis = strain_basis(crystal.turns, keep_volume)
        assert len(basis) == STRAINS[LATTICE_SYSTEMS[crystal.lattice_system]] - keep_volume
        assert orthonormal(basis)
        assert np.abs(basis - basis.transpose(0, 2, 1)).max(initial=0.0) < 1e-12
        for turn in crystal.turns:
            assert np.abs(basis @ turn - turn @ basis).max(initial=0.0) < 1e-9
        if keep_volume:
            assert np.abs(np.trace(basis, axis1=1, axis2=2)).max(initial=0.0) < 1e-12


@given(st.integers(1, 230), st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_every_strain_that_keeps_the_symmetry_is_in_the_basis(number, numbers):
    turns = space_group(number).turns
    strain = np.zeros((3, 3))
    strain[np.triu_indices(3)] = numbers
    strain = strain + strain.T
    symmetric = (turns @ strain @ turns.transpose(0, 2, 1)).mean(axis=0)
    basis = strain_basis(turns, keep_volume=False)
    again = np.einsum("k,kij->ij", np.einsum("kij,ij->k", basis, symmetric), basis)
    assert np.abs(again - symmetric).max() < 1e-9
    sheared = strain_basis(turns, keep_volume=True)
    again = np.einsum("k,kij->ij", np.einsum("kij,ij->k", sheared, symmetric), sheared)
    assert np.abs(again + np.eye(3) * np.trace(symmetric) / 3 - symmetric).max() < 1e-9


def test_shifts_and_turns_on_all_1731_wyckoff_positions():
    for number in range(1, 231):
        crystal = space_group(number)
        for position in crystal.positions:
            turns = crystal.turns[crystal.stabiliser(position.point)]
            shifts, spins = shift_basis(turns), turn_basis(turns)
            # A molecule may move along the free parameters of its position, and only there.
            assert len(shifts) == len(position.basis)
            assert orthonormal(shifts)
            assert np.abs(turns @ shifts.T - shifts.T).max(initial=0.0) < 1e-9
            # An axis of rotation is turned like a vector, and reversed by improper operations.
            symbol = position.site_symmetry.replace(".", "")
            expected = 3 if symbol in ("1", "-1") else int(symbol in ROTATIONS_ONLY_ABOUT_ONE_AXIS)
            assert len(spins) == expected, (number, position.letter, symbol)
            assert orthonormal(spins)
            signed = turns * np.linalg.det(turns)[:, None, None]
            assert np.abs(signed @ spins.T - spins.T).max(initial=0.0) < 1e-9


def test_padding_keeps_the_rows():
    basis = shift_basis(space_group(75).turns)
    assert np.abs(basis) == pytest.approx(np.array([[0, 0, 1]]))
    assert (padded(basis)[:1] == basis).all()
    assert (padded(basis)[1:] == 0).all()
    assert (padded(np.zeros((0, 3))) == 0).all()


def placed(molecule: Molecule, Z: int, group: int, wyckoff: str, volume: float) -> tuple[Placement, Hits]:
    """Random crystals on one occupation, overlapping or not."""
    [occupation] = [o for o in occupations(molecule, Z, 1e-2, [group], True) if o.wyckoff == wyckoff]
    placement = Placement(molecule, occupation, np.full((len(molecule), len(molecule)), 0.05))
    _, *rows = placement.sampler.draw(3, 0, 50, 2, volume, 0.1 * volume)
    assert len(rows[0]) == 2
    return placement, Hits.of(*rows)


# Molecule, Z, group, sites, volume. All lattice systems; general, special and mixed sites; one and two parts; centred
# cells; operations that are their own inverse (inversions, twofold axes, mirrors), that come in pairs (screws, 3-, 4-,
# 6-fold axes), or carry glides; sites where an operation and its inverse make different images (88, 122, 206).
OCCUPIED = [
    ("glycine", 1, 1, "1a", 80.0),
    ("glycine", 2, 1, "1a+1a", 160.0),
    ("glycine", 2, 2, "2i", 160.0),
    ("glycine", 4, 2, "2i+2i", 310.0),
    ("glycine", 4, 4, "2a+2a", 310.0),
    ("glycine", 4, 14, "4e", 310.0),
    ("glycine", 4, 19, "4a", 310.0),
    ("glycine", 4, 33, "4a", 310.0),
    ("glycine", 8, 15, "8f", 620.0),
    ("glycine", 4, 76, "4a", 310.0),
    ("glycine", 4, 81, "4h", 310.0),
    ("glycine", 3, 144, "3a", 235.0),
    ("glycine", 6, 147, "6g", 470.0),
    ("glycine", 6, 169, "6a", 470.0),
    ("glycine", 9, 146, "9b", 700.0),
    ("glycine", 12, 198, "12b", 930.0),
    ("benzene", 3, 2, "1a+2i", 356.0),
    ("benzene", 4, 14, "2a+2d", 474.0),
    ("benzene", 2, 14, "2c", 237.0),
    ("benzene", 4, 61, "4a", 474.0),
    ("benzene", 3, 148, "3b", 356.0),
    ("benzene", 2, 163, "2b", 237.0),
    ("benzene", 2, 194, "2c", 237.0),
    ("benzene", 8, 88, "8c", 948.0),
    ("benzene", 8, 206, "8a", 948.0),
    ("benzene", 4, 198, "4a", 474.0),
    ("benzene", 4, 205, "4b", 474.0),
    ("urea", 2, 113, "2c", 145.0),
    ("urea", 4, 113, "2c+2c", 290.0),
    ("CH4", 2, 215, "1a+1b", 90.0),
    ("CH4", 2, 81, "2g", 90.0),
    ("H2O", 8, 122, "8d", 200.0),
    ("CH4", 4, 216, "4b", 180.0),
    ("C2H4", 4, 12, "2a+2d", 250.0),
    ("Ar", 4, 225, "4a", 150.0),
]


@pytest.mark.parametrize(("name", "Z", "group", "wyckoff", "volume"), OCCUPIED)
def test_the_entries_with_their_weights_are_all_pairs_of_molecules(name, Z, group, wyckoff, volume):
    """A sum over all pairs of molecules of the cell, by a neighbour list, is that over the entries."""
    molecule = argon() if name == "Ar" else stored(name) if name in ("glycine", "benzene", "urea") else from_ase(name)
    placement, hits = placed(molecule, Z, group, wyckoff, volume)
    crystal, radius = placement.crystal, 6.0
    seen = entries(crystal, [position.point for position in placement.positions])
    kinds = np.array([atomic_numbers[name] for name in molecule.species], dtype=float)
    for k in range(len(hits)):
        lattice, centres = hits.lattices[k], hits.centres[k]
        atoms = [
            placement.coordinates[orientation] @ rotation.T
            for orientation, rotation in zip(hits.orientations[k], hits.rotations[k])
        ]
        cell = whole_cell(molecule, crystal, lattice, list(zip(atoms, centres)))
        assert len(cell) == Z * len(molecule)
        widest = 2 * max(np.linalg.norm(part, axis=1).max() for part in atoms) + radius
        reach = np.ceil(widest * np.linalg.norm(np.linalg.inv(lattice), axis=0)).astype(int) + 1
        translations = np.array(list(np.ndindex(*(2 * reach + 1)))) - reach
        total = 0.0
        for first, second, operation, weight, own in zip(
            seen.first, seen.second, seen.operations, seen.weights, seen.own
        ):
            image = atoms[second] @ crystal.turns[operation].T
            offset = crystal.rotations[operation] @ centres[second] + crystal.translations[operation] - centres[first]
            moves = (offset - np.rint(offset) + translations) @ lattice
            near = np.linalg.norm(moves, axis=1) < widest
            if own:  # one of +t and -t
                near &= [tuple(t) > (0, 0, 0) for t in translations.tolist()]
            gaps = np.linalg.norm(image + moves[near, None, None] - atoms[first][:, None], axis=3)
            total += weight * contact(gaps, kinds[:, None], kinds, radius).sum()
        assert total > 0
        assert total == pytest.approx(smooth_sum(cell, len(molecule), radius), rel=1e-9)


def test_the_weights_add_up_to_the_pairs_of_the_cell_on_all_1731_wyckoff_positions():
    """Counted without a cell: M molecules make M (M - 1) / 2 pairs; of each one's own images half are looked at."""
    wrong = []
    for number in range(1, 231):
        crystal = space_group(number)
        for position in crystal.positions:
            seen, M = entries(crystal, [position.point]), position.multiplicity
            pairs = seen.weights[~seen.own].sum()
            if seen.weights[seen.own].tolist() != [M] or abs(pairs - M * (M - 1) / 2) > 1e-9:
                wrong.append((number, f"{M}{position.letter}", pairs, M * (M - 1) / 2))
    assert wrong == []
