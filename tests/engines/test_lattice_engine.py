"""The engine lattice: energies and minima of `genarris_fw.lattice.Model`, as engines give theirs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lattice_urea import POTENTIAL_FILE, UREA

from genarris_fw import engines, lattice
from genarris_fw.crystal import Structure, read_molecule
from genarris_fw.errors import EngineError, InputError
from genarris_fw.units import GPA_A3_IN_KJ_PER_MOL, KJ_PER_MOL_PER_EV


@pytest.fixture(scope="module")
def molecule():
    return read_molecule(UREA)


@pytest.fixture(scope="module")
def model(molecule):
    return lattice.Model(molecule, lattice.Potential("FIT"))


@pytest.fixture(scope="module")
def crystal(molecule, model) -> Structure:
    found = lattice.search(molecule, 2, model, [113], 1.0, "draws", draws=20)
    return found.structures[0]


@pytest.fixture(scope="module")
def engine():
    return engines.get("lattice", potential="FIT", charges="none")


@pytest.fixture(scope="module")
def wide(crystal) -> Structure:
    """A larger cell, the molecules as they were."""
    positions = crystal.positions.reshape(-1, 8, 3)
    moved = positions + 0.03 * positions.mean(axis=1, keepdims=True)
    return Structure(1.03 * crystal.lattice, crystal.species, moved.reshape(-1, 3), struct_id="wide")


def test_energy_and_stress_are_those_of_the_model(engine, model, wide):
    found, expected = engine.evaluate(wide), model.energy(wide)
    assert found.energy * KJ_PER_MOL_PER_EV == pytest.approx(2 * expected.total, abs=1e-6)
    np.testing.assert_allclose(
        found.stress * KJ_PER_MOL_PER_EV / GPA_A3_IN_KJ_PER_MOL, expected.stress, rtol=1e-6, atol=1e-8
    )
    assert found.forces is None and found.converged
    assert found.details["method"] == engine.method == "FIT, none"


def test_the_stress_is_the_slope_of_the_energy(engine, wide):
    """And has the sign that engines give it: positive where the crystal wants to contract."""
    step, energies = 1e-4, []
    for sign in (1, -1):
        scale = 1 + sign * step
        positions = wide.positions.reshape(-1, 8, 3)
        moved = positions + (scale - 1) * positions.mean(axis=1, keepdims=True)
        strained = Structure(scale * wide.lattice, wide.species, moved.reshape(-1, 3))
        energies.append(engine.evaluate(strained).energy)
    slope = (energies[0] - energies[1]) / (2 * step)
    found = engine.evaluate(wide).stress
    assert np.trace(found) * wide.cell_volume == pytest.approx(slope, rel=1e-4)
    assert slope > 0


def test_a_relaxation_goes_to_the_models_minimum(engine, model, wide, crystal):
    found = engine.evaluate(wide, relax=True)
    assert found.converged and found.details["is_minimum"] in (True, False) and found.details["steps"] > 0
    assert found.energy * KJ_PER_MOL_PER_EV / 2 == pytest.approx(model.energy(crystal).total, abs=1e-3)
    assert found.structure.struct_id == "wide"
    assert found.structure.cell_volume == pytest.approx(crystal.cell_volume, rel=1e-3)
    # What came in is as it was.
    assert wide.cell_volume == pytest.approx(1.03**3 * crystal.cell_volume)


def test_a_molecule_has_no_energy_since_it_is_the_zero(engine, molecule):
    found = engine.evaluate(molecule)
    assert (found.energy, found.converged, found.stress) == (0.0, True, None)
    assert not found.forces.any()


def test_a_potential_of_ones_own_is_carried_as_text(engine, wide):
    text = POTENTIAL_FILE.read_text()
    by_file = engines.get("lattice", potential_file=str(POTENTIAL_FILE), charges="none")
    carried = engines.get("lattice", potential_file="gone.json", potential_text=text, charges="none")
    expected = engine.evaluate(wide).energy
    assert by_file.evaluate(wide).energy == carried.evaluate(wide).energy == expected


@pytest.mark.parametrize(
    ("text", "words"), [("no json", "gone.json: no json"), (json.dumps({"layout": "other"}), "gone.json")]
)
def test_a_bad_potential_is_one_line(text, words):
    with pytest.raises(InputError, match=words) as caught:
        engines.get("lattice", potential_file="gone.json", potential_text=text)
    assert "\n" not in str(caught.value)


def test_energies_of_other_settings_are_told_apart_and_the_way_to_a_minimum_changes_none():
    one = engines.get("lattice", charges="none").settings_hash
    assert engines.get("lattice", charges="none", break_symmetry=True).settings_hash == one
    others = [{"potential": "FIT"}, {"charges": "GFN2"}, {"pressure": 1.0}, {"satellites": False}]
    hashes = {engines.get("lattice", **({"charges": "none"} | other)).settings_hash for other in others}
    assert len(hashes) == len(others) and one not in hashes


def test_charges_are_those_of_the_crystals_own_molecule(molecule, wide):
    pytest.importorskip("tblite")
    found = engines.get("lattice", potential="FIT", charges="GFN2").evaluate(wide)
    charged = lattice.Model(molecule, lattice.Potential("FIT"), lattice.electrostatics(molecule, "GFN2")).energy(wide)
    assert abs(charged.electrostatic) > 1
    assert found.energy * KJ_PER_MOL_PER_EV / 2 == pytest.approx(charged.total, abs=1e-4)


def test_what_it_cannot_compute_is_a_permanent_failure(engine):
    from ase.build import bulk

    with pytest.raises(EngineError) as caught:
        engine.evaluate(Structure.from_ase(bulk("Cu", "fcc", 3.6), "cu"))
    assert caught.value.permanent and str(caught.value).startswith("cu: ") and "\n" not in str(caught.value)
