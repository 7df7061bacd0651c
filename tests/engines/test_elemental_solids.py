"""Which crystals have a WIEN2k reference."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from ase.collections import dcdft

from genarris_fw.crystal import Structure
from genarris_fw.energetics.elemental_solids import phase, reference_of
from genarris_fw.energetics.equation_of_state import wien2k
from genarris_fw.errors import InputError


@pytest.mark.parametrize("element", ["Al", "Si", "Na", "C", "Mg", "Se", "B", "Ga"])
def test_the_projects_own_crystals_in_any_description(element):
    atoms = dcdft[element]
    assert reference_of(Structure.from_ase(atoms)) == wien2k(element)
    larger = make_supercell(atoms, [[1, 1, 0], [0, 1, 0], [0, 0, 2]])
    larger.rotate(37, (1, 2, 3), rotate_cell=True)
    larger.translate((0.3, -0.2, 0.5))
    larger.set_cell(larger.cell * 1.02, scale_atoms=True)
    assert phase(Structure.from_ase(larger)) == phase(Structure.from_ase(atoms))
    assert reference_of(Structure.from_ase(larger)) == wien2k(element)


def test_every_crystal_of_the_project_is_its_own_phase():
    magnetic = {name for name in dcdft.names if dcdft[name].get_initial_magnetic_moments().any()}
    assert {"Fe", "Co", "Ni", "O", "Cr", "Mn"} <= magnetic < set(dcdft.names)
    for name in dcdft.names:
        if name not in magnetic:
            assert reference_of(Structure.from_ase(dcdft[name])) == wien2k(name)


DIAMOND = bulk("C", "diamond", 3.57)
LONSDALEITE = Atoms(
    "C4",
    scaled_positions=[[1 / 3, 2 / 3, 0.0625], [2 / 3, 1 / 3, 0.5625], [2 / 3, 1 / 3, -0.0625], [1 / 3, 2 / 3, 0.4375]],
    cell=[2.51, 2.51, 4.12, 90, 90, 120],
    pbc=True,
)


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (DIAMOND, "not the phase of C of the WIEN2k reference: space group 227, not 194"),
        (LONSDALEITE, "space group 194, not 194, or other sites"),
        (bulk("Al", "bcc", 3.2), "space group 229, not 225"),
        (bulk("NaCl", "rocksalt", 5.6), "no elemental solid"),
        (bulk("Fe", "bcc", 2.83), "the WIEN2k reference of Fe is magnetic"),
        (bulk("U", "bcc", 3.4), "there is no WIEN2k reference for 'U'"),
    ],
)
def test_no_reference(atoms, words):
    with pytest.raises(InputError, match=words):
        reference_of(Structure.from_ase(atoms, "x"))


def test_a_molecule_and_a_disordered_crystal():
    with pytest.raises(InputError, match="no elemental solid"):
        reference_of(Structure(None, ["Si"], np.zeros((1, 3))))
    shaken = bulk("Si", "diamond", 5.43) * (2, 1, 1)
    shaken.rattle(0.2, seed=1)
    with pytest.raises(InputError, match="not the phase of Si"):
        reference_of(Structure.from_ase(shaken))
