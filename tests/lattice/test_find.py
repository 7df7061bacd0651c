"""The experiment found among predicted crystals, ranked and compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from generation_molecules import from_ase, stored
from lattice_toy import Minimised, ToyModel
from shared_data import shared

from genarris_fw.crystal import Molecule, Structure, read
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.errors import InputError
from genarris_fw.generation import generate
from genarris_fw.lattice.searching.finding import find, overlay
from genarris_fw.lattice.searching.search import search


@pytest.fixture(scope="module")
def urea():
    return stored("urea")


@pytest.fixture(scope="module")
def found(urea):
    return search(urea, 2, ToyModel(urea), [2, 4], window=2.0, seed=7, stop="draws", draws=250)


def loosened(structure, factor=1.03):
    """The same packing in a wider cell."""
    molecules = structure.positions.reshape(-1, 8, 3)
    centres = molecules.mean(axis=1, keepdims=True)
    return Structure(structure.lattice * factor, structure.species, (molecules + centres * (factor - 1)).reshape(-1, 3))


def test_an_experiment_that_minimises_to_a_predicted_crystal_is_found_at_its_rank(found):
    for rank in (1, 3, 6):
        target = found.structures[rank - 1]
        match = find(found, loosened(target))
        assert match is not None
        assert match.rank == rank
        above = target.properties["lattice_energy"] - found.structures[0].properties["lattice_energy"]
        assert match.energy_above_lowest == pytest.approx(above)
        assert 0.01 < match.rmsd < 0.6
        assert match.energy == pytest.approx(target.properties["lattice_energy"], abs=0.05)


def test_rank_counts_the_lower_ones_in_any_list(found, urea):
    target = found.structures[2]
    turned = find(found.structures[::-1], loosened(target), model=ToyModel(urea))
    assert turned is not None
    assert turned.rank == 3
    assert turned.index == len(found.structures) - 3


def test_another_crystal_is_not_found(found, urea):
    other = generate(urea, 4, 19, 1, 320.0, 10.0, seed=4, mode="packing").structures[0]
    assert find(found, other) is None
    assert find([], other, model=ToyModel(urea)) is None


def test_an_experiment_of_another_composition_is_one_clear_line(found):
    benzene = generate(stored("benzene"), 2, 4, 1, 300.0, 10.0, seed=1, mode="packing").structures[0]
    with pytest.raises(InputError, match=r"of C6H6, the predicted ones are of CH4N2O"):
        find(found, benzene)


def test_a_model_and_energies_are_asked_for(found):
    bare = Structure(found.structures[0].lattice, found.structures[0].species, found.structures[0].positions)
    with pytest.raises(InputError, match="model"):
        find(found.structures, bare)
    with pytest.raises(InputError, match="lattice_energy"):
        find([bare], bare, model=ToyModel(stored("urea")))


@pytest.mark.parametrize("name", ["benzene", "acetic_acid", "urea"])
def test_overlay_agrees_with_an_independent_program(name):
    oxtalign = pytest.importorskip("oxtalign")
    crystal = whole_molecules(read(shared(f"crystals/{name}.cif"))[0])
    random = np.random.default_rng(1)
    strain = np.eye(3) + np.diag([0.03, -0.02, 0.015])
    size = crystal.properties["number_of_atoms_in_molecule"]
    molecules = crystal.positions.reshape(-1, size, 3)
    centres = molecules.mean(axis=1, keepdims=True)
    positions = molecules - centres + centres @ strain + random.normal(scale=0.02, size=molecules.shape)
    changed = Structure(crystal.lattice @ strain, crystal.species, positions.reshape(-1, 3))
    theirs = oxtalign.compare(
        *(oxtalign.from_arrays(one.species, one.fractional, cell=one.lattice) for one in (crystal, changed)), n=15
    )
    assert theirs.n_matched == 15
    assert overlay(changed, crystal, 15) == pytest.approx(theirs.rmsd_n, abs=0.01)


def test_crystals_without_a_common_packing_have_no_overlay(urea):
    one, other = (
        generate(urea, 4, group, 1, 300.0, 1.0, seed=group, mode="packing").structures[0] for group in (14, 19)
    )
    rmsd = overlay(one, other, 15)
    assert math.isnan(rmsd) or rmsd > 0.5


class Still:
    """A model whose crystals are all minima."""

    def __init__(self, energy):
        self.energy = energy

    def minimise(self, structure, break_symmetry=False):
        return Minimised(structure, self.energy)


def test_a_linear_molecule_is_found_by_its_distances():
    molecule = from_ase("CO2")
    crystal = generate(molecule, 4, 205, 1, 180.0, 5.0, seed=1, mode="rejection").structures[0]
    crystal.properties["lattice_energy"] = -27.0
    lower = crystal.copy()
    lower.positions = crystal.positions * 1.05
    lower.lattice = crystal.lattice * 1.05
    lower.properties["lattice_energy"] = -27.1
    match = find([lower, crystal], Structure(crystal.lattice, crystal.species, crystal.positions), model=Still(-27.0))
    assert match is not None
    assert match.rank == 2
    assert match.rmsd == pytest.approx(0.0, abs=1e-3)


def test_the_overlay_of_a_nearly_unchanged_crystal_of_linear_molecules_is_small():
    molecule = from_ase("CO2")
    crystal = generate(molecule, 4, 205, 1, 180.0, 5.0, seed=1, mode="rejection").structures[0]
    moved = Structure(
        crystal.lattice, crystal.species,
        crystal.positions + np.random.default_rng(2).normal(scale=0.01, size=crystal.positions.shape),
    )  # fmt: skip
    assert overlay(crystal, moved, 15) < 0.05


def test_molecules_that_differ_have_no_overlay(urea):
    one = generate(urea, 2, 4, 1, 160.0, 1.0, seed=1, mode="packing").structures[0]
    other = generate(Molecule(["Ar"], [[0, 0, 0]]), 2, 2, 1, 90.0, 1.0, seed=1).structures[0]
    assert math.isnan(overlay(one, other))
