"""Hydrogens put where neutrons see them."""

import numpy as np
import pytest
from ase.build import molecule as built

from genarris_fw.crystal import Molecule, bonds, short_hydrogens, standard_hydrogens
from genarris_fw.crystal.molecules import order_like


def shortened(name, by):
    """A molecule whose hydrogens are nearer than they were by so much."""
    atoms = built(name)
    one = Molecule(atoms.get_chemical_symbols(), atoms.positions)
    positions = one.positions.copy()
    for pair in bonds(one.species, one.positions):
        for atom, hydrogen in (pair, pair[::-1]):
            if one.species[hydrogen] == "H" and one.species[atom] != "H":
                bond = one.positions[hydrogen] - one.positions[atom]
                positions[hydrogen] -= by * bond / np.linalg.norm(bond)
    return one, Molecule(one.species, positions)


@pytest.mark.parametrize("name", ["CH3CONH2", "CH3OH", "HCOOH"])
def test_they_have_the_standard_lengths_in_the_old_directions(name):
    one, short = shortened(name, 0.12)
    found = standard_hydrogens(short)
    for i, j in bonds(one.species, one.positions):
        length = np.linalg.norm(found.positions[i] - found.positions[j])
        kinds = {one.species[i], one.species[j]}
        if "H" in kinds:
            assert length == pytest.approx({"C": 1.08, "N": 1.01, "O": 0.993}[(kinds - {"H"}).pop()])
    heavy = [k for k, element in enumerate(one.species) if element != "H"]
    assert np.array_equal(found.positions[heavy], one.positions[heavy])
    # The same from any lengths, and again.
    assert np.allclose(found.positions, standard_hydrogens(one).positions)
    assert np.allclose(found.positions, standard_hydrogens(found).positions)


def test_short_ones_are_told():
    one, short = shortened("CH3OH", 0.12)
    assert short_hydrogens(one) == [] == short_hydrogens(standard_hydrogens(short))
    assert [name for name, _ in short_hydrogens(short)] == ["O-H", "C-H", "C-H", "C-H"]
    assert short_hydrogens(short)[0][1] == pytest.approx(0.85, abs=0.01)


def test_hydrogens_of_others_stay():
    one = Molecule(["H", "H"], np.array([[0, 0, 0], [0.6, 0, 0]]))
    assert short_hydrogens(one) == [] and np.array_equal(standard_hydrogens(one).positions, one.positions)
    acid = Molecule(["S", "H", "H"], np.array([[0, 0, 0], [1.2, 0, 0], [0, 1.2, 0]]))
    assert np.array_equal(standard_hydrogens(acid).positions, acid.positions)


@pytest.mark.parametrize("name", ["CH3CONH2", "CH3OH", "HCOOH", "CH3CH2NH2"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_atoms_are_found_whose_hydrogens_are_elsewhere(name, mirrored):
    """Hydrogens 0.35 Å nearer, the atoms in another order, turned: distances differ by more than is allowed."""
    one, short = shortened(name, 0.35)
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn) * (-1 if mirrored else 1)
    mixed = rng.permutation(len(one))
    species = [short.species[k] for k in mixed]
    order = order_like(one.species, one.positions, species, short.positions[mixed] @ turn.T + 3.0)
    heavy = sum(element != "H" for element in one.species)
    if heavy < 3:  # too few to lay one on the other
        assert order is None
        return
    assert sorted(order) == list(range(len(one))) and [species[k] for k in order] == one.species
    found = Molecule(species, short.positions[mixed])
    renamed = [tuple(sorted((order.index(i), order.index(j)))) for i, j in bonds(found.species, found.positions)]
    assert sorted(renamed) == sorted(bonds(one.species, one.positions))


def test_another_molecule_is_not_found():
    formic, _ = shortened("HCOOH", 0.0)
    moved = formic.positions.copy()
    hydrogen = formic.species.index("H")
    moved[hydrogen] += [0.0, 0.0, 1.5]
    assert order_like(formic.species, formic.positions, formic.species, moved) is None
    assert order_like(["C", "O", "O"], formic.positions[:3], ["C", "O", "N"], formic.positions[:3]) is None
