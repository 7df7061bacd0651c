"""GFN1-xTB: the reference energies, derivatives, invariances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule as ase_molecule
from engine_data import KJ_PER_MOL, crystal, molecule, rattled
from scipy.spatial.transform import Rotation

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines import Context
from genarris_fw.engines.supercell import repeated_positions
from genarris_fw.errors import EngineError, InputError

if not engines.installed(["tblite"])["tblite"][0]:
    pytest.skip("tblite is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def engine():
    return engines.get("tblite")


@pytest.fixture(scope="module")
def quick():
    """Narrow supercells and tight thresholds: for derivatives and invariances, not for energies."""
    return engines.get("tblite", min_width=4.5, accuracy=0.1)


# ENGINES.md of the project's facts: computed with tblite 0.8.0, GFN1-xTB, one thread.
@pytest.mark.parametrize(
    ("name", "Z", "cell", "alone", "lattice_energy", "repeats"),
    [
        ("urea", 2, -840.44805, -419.08787, -109.62, [2, 2, 2]),
        ("benzene", 4, -1731.69051, -432.49735, -41.03, [2, 2, 1]),
        ("acetic_acid", 4, -1722.61318, -429.84956, -77.55, [1, 3, 2]),
        pytest.param("naphthalene", 2, -1385.44222, -692.08063, -61.80, [2, 2, 2], marks=pytest.mark.slow),
    ],
)
def test_lattice_energies(engine, name, Z, cell, alone, lattice_energy, repeats):
    bulk, single = engine.evaluate(crystal(name)), engine.evaluate(molecule(name))
    assert bulk.energy == pytest.approx(cell, abs=1e-3)
    assert single.energy == pytest.approx(alone, abs=1e-3)
    assert (bulk.energy / Z - single.energy) * KJ_PER_MOL == pytest.approx(lattice_energy, abs=0.1)
    assert bulk.details["supercell"] == repeats
    assert single.details["supercell"] is None
    assert single.stress is None
    assert bulk.converged and single.converged


def test_the_smallest_supercell_is_near_the_diagonal_one():
    found = engines.get("tblite", supercell="smallest").evaluate(crystal("benzene"))
    assert found.details["cells_computed"] == 2
    assert found.energy == pytest.approx(-1731.69051, abs=4 * 0.5 / KJ_PER_MOL)


@pytest.mark.parametrize("method", ["GFN1-xTB", "GFN2-xTB"])
@pytest.mark.parametrize("name", ["urea", "urea_molecule"])
def test_a_single_cell_has_the_numbers_of_tblites_own_calculator(method, name):
    from tblite.ase import TBLite

    start = rattled(crystal(name), 0.02)
    atoms = start.to_ase()
    atoms.calc = TBLite(method=method, accuracy=1.0, verbosity=0)
    found = engines.get("tblite", method=method, accuracy=1.0, min_width=1.0).evaluate(start)
    assert found.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    assert np.allclose(found.forces, atoms.get_forces(), atol=1e-4)
    if start.lattice is not None:
        assert np.allclose(found.stress, atoms.get_stress(voigt=False), atol=1e-5)
    assert found.details["method"] == method


def test_what_an_evaluation_tells(engine):
    details = engine.evaluate(molecule("urea")).details
    assert details["engine"] == "tblite"
    assert details["version"].startswith("tblite ")
    assert details["method"] == "GFN1-xTB"
    assert details["settings"] == engine.settings
    assert details["settings_hash"] == engine.settings_hash
    assert (details["calls"], details["steps"], details["reason"]) == (1, 0, "single point")


def test_forces_are_the_slope_of_the_energy(quick):
    start = rattled(crystal("urea"), 0.02)
    forces = quick.evaluate(start).forces
    for atom, axis in ((0, 0), (3, 1), (9, 2)):
        energies = []
        for sign in (1, -1):
            moved = start.copy()
            moved.positions[atom, axis] += sign * 5e-3
            energies.append(quick.evaluate(moved).energy)
        assert forces[atom, axis] == pytest.approx(-(energies[0] - energies[1]) / 1e-2, abs=3e-3)


def test_stress_is_the_slope_over_strain(quick):
    start = rattled(crystal("urea"), 0.02)
    stress = quick.evaluate(start).stress
    assert np.allclose(stress, stress.T)
    for i, j in ((0, 0), (2, 2), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * 1e-3
            strain[j, i] = strain[i, j] if i != j else strain[i, i]
            moved = Structure(start.lattice @ strain, start.species, start.positions @ strain)
            energies.append(quick.evaluate(moved).energy)
        # An off-diagonal strain acts twice, through ij and ji.
        slope = (energies[0] - energies[1]) / 2e-3 / start.cell_volume / (2 if i != j else 1)
        assert stress[i, j] == pytest.approx(slope, abs=2e-4)


def test_stress_is_that_of_one_cell_however_many_are_computed(quick):
    """The cell itself, two copies of it computed for its sake, and the two copies as a crystal of their own."""
    start = rattled(crystal("urea"), 0.02)
    supercell = np.diag([1, 1, 2])
    positions = repeated_positions(start.lattice, start.positions, supercell)
    wide = engines.get("tblite", min_width=5.0, accuracy=0.1).evaluate(start)
    assert wide.details["cells_computed"] == 2
    alone = quick.evaluate(Structure(supercell @ start.lattice, start.species * 2, positions))
    assert alone.details["cells_computed"] == 1
    assert np.allclose(wide.stress, alone.stress, atol=1e-5) and np.abs(wide.stress).max() > 1e-3
    assert wide.energy == pytest.approx(alone.energy / 2, abs=1e-4)
    assert np.allclose(wide.forces, alone.forces[:16], atol=1e-3)


def test_energy_does_not_depend_on_orientation_origin_or_order(quick):
    start = rattled(crystal("urea"), 0.02)
    reference = quick.evaluate(start)
    turn = Rotation.from_rotvec([0.3, -0.5, 0.8]).as_matrix()
    order = np.random.default_rng(0).permutation(len(start))
    moved = Structure(
        start.lattice @ turn.T,
        [start.species[i] for i in order],
        (start.positions @ turn.T + [0.7, -3.0, 0.2])[order],
    )
    found = quick.evaluate(moved)
    assert found.energy == pytest.approx(reference.energy, abs=1e-5)
    assert np.allclose(found.forces, (reference.forces @ turn.T)[order], atol=1e-4)
    assert np.allclose(found.stress, turn @ reference.stress @ turn.T, atol=1e-5)


def test_energy_does_not_depend_on_the_cell_that_describes_the_crystal():
    smallest = engines.get("tblite", min_width=6.0, supercell="smallest", accuracy=0.1)
    start = rattled(crystal("urea"), 0.02)
    other = start.copy()
    other.lattice = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]) @ start.lattice
    other.positions = other.positions + other.lattice[1] * np.array([1] + [0] * 15)[:, None]
    assert smallest.evaluate(other).energy == pytest.approx(smallest.evaluate(start).energy, abs=1e-5)


def test_a_doubled_cell_has_twice_the_energy(quick):
    start = crystal("urea")
    doubled = Structure(
        start.lattice * [[1], [1], [2]],
        start.species * 2,
        np.concatenate([start.positions, start.positions + start.lattice[2]]),
    )
    one, two = quick.evaluate(start), quick.evaluate(doubled)
    assert one.details["supercell"] == [1, 1, 1]
    wide = engines.get("tblite", min_width=9.0).evaluate(doubled)
    assert wide.details["supercell"] == [2, 2, 1]
    assert wide.energy / 2 == pytest.approx(engines.get("tblite").evaluate(start).energy, abs=1e-5)
    # On cells this small the Γ point alone is far off: the reason for supercells.
    assert abs(two.energy / 2 - one.energy) > 1e-3


def test_the_same_structure_gives_the_same_numbers(engine):
    first, second = (engine.evaluate(molecule("urea")) for _ in range(2))
    assert first.energy == second.energy
    assert (first.forces == second.forces).all()


def test_overlapping_atoms(engine):
    clash = crystal("urea")
    clash.struct_id = "geometry_clash"
    clash.positions[3] = clash.positions[0] + 0.05
    with pytest.raises(EngineError, match=r"geometry_clash: atoms 1 .* and 4 .* overlap") as caught:
        engine.evaluate(clash)
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


def test_overlap_with_a_periodic_image_and_exactly_equal_places(engine):
    with pytest.raises(EngineError, match="overlap"):
        engine.evaluate(Structure(np.diag([8.0, 8.0, 8.0]), ["O", "H"], [[0.1, 0, 0], [7.9, 8.0, 8.0]]))
    with pytest.raises(EngineError, match="overlap"):
        engine.evaluate(Structure(None, ["O", "H"], [[0.0, 0, 0], [0.0, 0, 0]]))


def test_a_cell_without_room_or_atoms(engine):
    tiny = crystal("urea")
    tiny.lattice = tiny.lattice * 0.3
    for bad in (tiny, Structure(None, [], [])):
        with pytest.raises(EngineError) as caught:
            engine.evaluate(bad)
        assert (caught.value.kind, caught.value.permanent) == ("input", True)


def test_an_element_without_parameters(engine):
    with pytest.raises(EngineError, match="no parameters for U") as caught:
        engine.evaluate(Structure(None, ["U", "O"], [[0, 0, 0], [0, 0, 1.8]]))
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


def test_a_cycle_that_does_not_converge(monkeypatch):
    from genarris_fw.engines.tblite import engine as tblite_engine

    monkeypatch.setattr(tblite_engine, "GENTLER_MIXING", {"max-iter": 2})
    with pytest.raises(EngineError, match="gave no energy") as caught:
        engines.get("tblite", max_iterations=2).evaluate(molecule("urea"))
    assert (caught.value.kind, caught.value.permanent) == ("scf", True)


def test_gentler_mixing_helps_and_is_recorded(engine):
    found = engines.get("tblite", max_iterations=2).evaluate(molecule("urea"))
    assert found.energy == pytest.approx(engine.evaluate(molecule("urea")).energy, abs=1e-5)
    assert found.details["corrections"] == ["scf: gentler mixing, more cycles"]


def test_a_number_that_is_not_finite_is_no_energy(engine, monkeypatch):
    from genarris_fw.engines.tblite.engine import TBLitePotential

    def nothing(self, name, positions, lattice):
        return {"energy": float("nan"), "gradient": np.zeros_like(positions), "virial": np.zeros((3, 3))}

    monkeypatch.setattr(TBLitePotential, "_converged_result", nothing)
    for relax in (False, True):
        with pytest.raises(EngineError, match="not a finite number") as caught:
            engine.evaluate(molecule("urea"), relax=relax)
        assert caught.value.permanent


def test_a_deadline_that_has_passed(engine):
    with pytest.raises(EngineError) as caught:
        engine.evaluate(molecule("urea"), context=Context(deadline=1.0))
    assert (caught.value.kind, caught.value.permanent) == ("walltime", False)


def test_nothing_is_printed(engine, capfd):
    engine.evaluate(crystal("urea"), relax=False)
    engine.evaluate(Structure.from_ase(ase_molecule("H2O")), relax=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"min_widht": 9}, "did you mean 'min_width'.*valid: "),
        ({"method": "GFN3"}, "GFN1-xTB, GFN2-xTB"),
        ({"min_width": -1}, r"a number from 0.1 to 100 \(Å\), not -1"),
        ({"min_width": "wide"}, "must be a number from .* not 'wide'"),
        ({"max_steps": 2.5}, "must be a whole number"),
        ({"fmax": float("nan")}, "must be a number from .* not nan"),
        ({"keep_symmetry": 1}, "must be True or False, not 1"),
        ({"optimizer": "fast"}, "must be model or bfgs"),
        ({"supercell": "big"}, "must be diagonal or smallest"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(InputError, match=words):
        engines.get("tblite", **settings)


def test_the_settings_hash_is_of_what_the_energy_depends_on():
    base = engines.get("tblite").settings_hash
    assert engines.get("tblite", min_width=9, method=None).settings_hash == base
    assert engines.get("tblite", fmax=0.01, max_steps=5, keep_symmetry=False).settings_hash == base
    changed = [{"min_width": 10.0}, {"method": "GFN2-xTB"}, {"accuracy": 1.0}, {"supercell": "smallest"}]
    assert len({base, *(engines.get("tblite", **c).settings_hash for c in changed)}) == 5
