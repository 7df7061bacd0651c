"""A known crystal predicted: search and comparison with a potential and charges."""

from __future__ import annotations

import numpy as np
import pytest
from generation_molecules import stored
from shared_data import shared

from genarris_fw.crystal import Molecule, Structure, read, symmetrize
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.lattice import Electrostatics, Model, Potential, find, search

# e, on hydrogen, with the opposite on carbon: Williams and Starr, Comput. Chem. 1, 173 (1977).
CHARGE = 0.153


def benzene_model(molecule: Molecule) -> Model:
    charges = [CHARGE if name == "H" else -CHARGE for name in molecule.species]
    return Model(molecule, Potential("FIT"), Electrostatics(molecule.positions, np.array(charges)))


@pytest.fixture(scope="module")
def found():
    molecule = symmetrize(stored("benzene"), tol=0.03)
    return search(molecule, 4, benzene_model(molecule), [14, 61], window=6.0, stop="draws", draws=150, seed=1)


def test_benzene_is_found_in_its_group_and_is_the_lowest_of_it(found):
    crystal = whole_molecules(read(shared("crystals/benzene.cif"))[0])
    match = find(found, crystal)
    assert match is not None
    assert match.rank == 1
    assert match.rmsd < 0.4
    assert found.structures[0].properties["spg"] == 61
    assert found.structures[0].properties["site_symmetry_group"] == "-1"


def test_every_minimum_is_one_of_the_model_however_its_symmetry_is_broken(found):
    for one in found.structures[:3]:
        random = np.random.default_rng(1)
        places = one.positions.reshape(-1, 12, 3)
        moved = places + random.normal(scale=0.02, size=(len(places), 1, 3))
        pushed = Structure(one.lattice, one.species, moved.reshape(-1, 3), {"number_of_atoms_in_molecule": 12})
        again = found.model.minimise(pushed)
        assert again.is_minimum
        assert again.energy == pytest.approx(one.properties["lattice_energy"], abs=0.02)
