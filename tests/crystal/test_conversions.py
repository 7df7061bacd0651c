"""Structures as ASE's and pymatgen's, and back."""

import sys

import numpy as np
import pytest
from any_structures import structures
from hypothesis import given, settings

from genarris_fw.crystal import Structure
from genarris_fw.crystal.conversions import from_ase, from_pymatgen, to_ase, to_pymatgen
from genarris_fw.errors import InputError

CELL = np.diag([5.0, 6.0, 7.0])


def crystal(**properties) -> Structure:
    return Structure(CELL, ["C", "O"], [[0, 0, 0], [-1.2, 0, 9.0]], properties, "s_1")


@pytest.mark.parametrize(("there", "back"), [(to_ase, from_ase), (to_pymatgen, from_pymatgen)])
@settings(max_examples=60, deadline=None)
@given(structure=structures())
def test_there_and_back(there, back, structure: Structure) -> None:
    again = back(there(structure))
    assert (again.struct_id, again.species) == (structure.struct_id, structure.species)
    assert again.properties == structure.properties
    assert (again.lattice is None) == (structure.lattice is None)
    if structure.lattice is not None:
        np.testing.assert_array_equal(again.lattice, structure.lattice)
    np.testing.assert_allclose(again.positions, structure.positions, atol=1e-9)


@pytest.mark.parametrize(("there", "back"), [(to_ase, from_ase), (to_pymatgen, from_pymatgen)])
def test_what_is_known_of_atoms(there, back) -> None:
    known = {"initial_moments": [1.0, 0.0], "initial_charges": [-0.5, 0.5], "fixed_atoms": [1]}
    assert back(there(crystal(**known))).properties == known


def test_what_ase_sees() -> None:
    atoms = to_ase(crystal(energy=-3.5, spg=14, initial_moments=[1.0, None], fixed_atoms=[0]))
    assert atoms.get_potential_energy() == -3.5
    assert atoms.info == {"struct_id": "s_1", "energy": -3.5, "spg": 14}
    assert atoms.get_initial_magnetic_moments().tolist() == [1.0, 0.0]
    assert atoms.constraints[0].index.tolist() == [0] and atoms.pbc.all()


def test_objects_in_info_are_left_out() -> None:
    atoms = to_ase(crystal(x=1))
    atoms.info |= {
        "an object": object(),
        "array": np.array([1.0, 2.0]),
        "of objects": [object()],
        "t": (1, np.int64(2)),
    }
    assert from_ase(atoms).properties == {"x": 1, "array": [1.0, 2.0], "t": [1, 2]}


def test_a_disordered_structure_of_pymatgen() -> None:
    from pymatgen.core import Lattice
    from pymatgen.core import Structure as PymatgenStructure

    disordered = PymatgenStructure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    with pytest.raises(InputError, match="share a site; order it"):
        from_pymatgen(disordered)


def test_an_ion_of_pymatgen() -> None:
    from pymatgen.core import Lattice
    from pymatgen.core import Structure as PymatgenStructure

    salt = PymatgenStructure(Lattice.cubic(5.6), ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert from_pymatgen(salt, "salt").species == ["Na", "Cl"]
    ion = Structure(None, ["Cl"], [[0, 0, 0]], {"charge": -1}, "chloride")
    molecule = to_pymatgen(ion)
    assert (molecule.charge, molecule.spin_multiplicity) == (-1, 1)
    assert from_pymatgen(molecule).properties == {"charge": -1}
    ion.properties["multiplicity"] = 2
    with pytest.raises(InputError, match=r"^chloride: pymatgen refuses it .*spin multiplicity"):
        to_pymatgen(ion)


def test_without_pymatgen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymatgen.core.structure", None)
    with pytest.raises(InputError, match=r"genarris_fw\[structure_matcher\]"):
        to_pymatgen(crystal())
