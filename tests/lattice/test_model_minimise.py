"""Minimisation: the same minimum from everywhere near, saddle points, groups, pressure, failures."""

import numpy as np
import pytest
from lattice_models import crystal, fit_potential, simple_charges
from lattice_urea import UREA, urea_model

from genarris_fw.crystal import read
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.asymmetric_unit import asymmetric_unit
from genarris_fw.generation.contacts import cutoff_matrix
from genarris_fw.generation.finishing import Finisher, Hits
from genarris_fw.generation.occupations import occupations
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.volume import estimate_volume
from genarris_fw.lattice import Model
from genarris_fw.lattice.energy.minimiser import ENDS
from genarris_fw.lattice.energy.rigid import independent_molecules
from genarris_fw.lattice.sums.arguments import lattice_sum, symmetry_arguments


def model_of(name):
    structure, molecule = crystal(name)
    return structure, Model(molecule, fit_potential(), simple_charges(molecule))


@pytest.mark.parametrize(("name", "group"), [("urea", 113), ("benzene", 61), ("naphthalene", 14)])
def test_a_crystal_is_minimised_in_its_group(name, group):
    structure, model = model_of(name)
    found = model.minimise(structure)
    assert found.converged and found.is_minimum and found.ended == "converged"
    assert found.structure.properties["spg"] == group == found.space_groups[0]
    assert found.structure.properties["lattice_energy"] == found.energy < model.energy(structure).total
    there = model.energy(found.structure)
    assert there.total == pytest.approx(found.energy, abs=1e-8)
    assert np.abs(there.stress).max() < 1e-3
    assert np.abs(there.forces).max() < 1e-2
    again = model.minimise(found.structure)
    assert again.energy == pytest.approx(found.energy, abs=1e-7)
    assert again.steps <= 1


@pytest.mark.parametrize("name", ["urea", "benzene"])
def test_perturbed_starts_come_to_the_same_minimum(name):
    structure, model = model_of(name)
    wanted = model.minimise(structure).energy
    unit = asymmetric_unit(structure)
    for scale in (0.9, 1.04, 1.1):
        start = unit.structure(unit.lattice * scale, np.eye(3)[None], unit.centres)
        assert model.minimise(start).energy == pytest.approx(wanted, abs=1e-6)


def test_four_independent_molecules():
    """A supercell whose symmetry was shaken off comes back to the crystal."""
    structure, model = model_of("urea")
    wanted = model.minimise(structure)
    best = wanted.structure
    rng = np.random.default_rng(2)
    n = 8
    positions = np.concatenate([best.positions, best.positions + best.lattice[2]])
    positions += np.repeat(rng.normal(size=(4, 3)) * 0.1, n, axis=0)
    start = Structure(
        best.lattice * np.array([[1], [1], [2]]), best.species * 2, positions, {"number_of_atoms_in_molecule": n}
    )
    found = model.minimise(start)
    assert found.space_groups == [1]
    assert found.energy == pytest.approx(wanted.energy, abs=1e-6)
    assert found.is_minimum


def test_pressure():
    structure, model = model_of("benzene")
    bare, pressed = model.minimise(structure), model.minimise(structure, pressure=1.0)
    assert pressed.structure.cell_volume < 0.97 * bare.structure.cell_volume
    there = model.energy(pressed.structure, pressure=1.0)
    assert there.total == pytest.approx(pressed.energy, abs=1e-8)
    volume = pressed.structure.cell_volume
    assert there.pressure_work == pytest.approx(0.602214076 * volume / 4)
    # The crystal's own stress balances the pressure.
    assert model.energy(pressed.structure).stress == pytest.approx(-np.eye(3), abs=2e-3)


@pytest.mark.parametrize("factor", [1.0, 1.06])
def test_symmetry_is_broken_under_pressure(factor):
    """At 2 GPa urea's own crystal is a saddle point; from near or far the same minimum of a subgroup is below."""
    structure = read(UREA.with_name("urea.cif"))[0]
    wide = structure.copy()
    wide.lattice, wide.positions = structure.lattice * factor, structure.positions * factor
    model = urea_model()
    kept = model.minimise(wide, pressure=2.0)
    below = model.minimise(wide, break_symmetry=True, pressure=2.0)
    assert (kept.ended, kept.is_minimum, kept.space_groups) == ("converged", False, [113])
    assert (below.ended, below.is_minimum, below.space_groups) == ("converged", True, [113, 18])
    assert (kept.energy, below.energy) == pytest.approx((-15.5377, -16.0123), abs=1e-3)
    assert model.energy(below.structure).stress == pytest.approx(-2.0 * np.eye(3), abs=2e-3)


def test_what_a_molecule_is_on_a_site_is_worked_out_once():
    _, molecule = crystal("urea")
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    cutoffs = cutoff_matrix(molecule, 0.85)

    def on(group, letter, atoms=molecule):
        [one] = [one for one in occupations(molecule, 4, space_groups=[group]) if one.wyckoff == letter]
        return Placement(atoms, one, cutoffs)

    general = model.site_forms.of(on(33, "4a"))
    assert model.site_forms.of(on(19, "4a")) is general  # no operation keeps it in place there either
    assert model.site_forms.of(on(15, "4e")) is not general
    other = Molecule(molecule.species[::-1], molecule.positions[::-1])
    with pytest.raises(InputError, match="not the model's"):
        model.site_forms.of(on(33, "4a", other))


def test_a_saddle_point_is_told_and_left():
    """Two benzenes on a line of symmetry too high for them."""
    structure, model = model_of("benzene")
    n = 12
    flat = structure.positions[:n] - structure.positions[:n].mean(axis=0)
    normal = np.linalg.svd(flat)[2]
    flat = flat @ normal.T  # in the plane x y
    box = Structure(np.diag([7.6, 7.6, 3.9]), structure.species[:n], flat, {"number_of_atoms_in_molecule": n})
    found = model.minimise(box)
    assert found.converged and not found.is_minimum and found.lowest < -0.1
    lower = model.minimise(box, break_symmetry=True)
    assert lower.energy < found.energy - 0.5
    assert lower.is_minimum
    assert len(lower.space_groups) > 1


def test_what_is_no_minimum_is_never_called_one():
    structure, model = model_of("benzene")
    n, Z = 12, 4
    x = structure.positions.reshape(Z, n, 3)
    centres = x.mean(axis=1, keepdims=True)
    apart = Structure(
        structure.lattice * 6, structure.species, (x + 5 * centres).reshape(-1, 3), {"number_of_atoms_in_molecule": n}
    )
    found = model.minimise(apart)
    assert found.ended in ENDS
    assert found.is_minimum == (found.ended == "converged" and found.energy < -40)
    on_top = Structure(
        structure.lattice,
        structure.species[: 2 * n],
        np.concatenate([x[0], x[0] + 0.3]),
        {"number_of_atoms_in_molecule": n},
    )
    found = model.minimise(on_top)
    assert found.ended == "converged" or not found.is_minimum


def test_elastic_constants_are_what_strains_cost():
    structure, model = model_of("benzene")
    best = model.minimise(structure).structure
    constants = model.elastic_constants(best)
    assert np.linalg.eigvalsh(constants).min() > 0
    # The bulk modulus by pressure.
    volumes = [model.minimise(best, pressure=p).structure.cell_volume for p in (0.02, -0.02)]
    modulus = -0.04 * best.cell_volume / (volumes[0] - volumes[1])
    assert 1.0 / np.linalg.inv(constants)[:3, :3].sum() == pytest.approx(modulus, rel=2e-3)


def test_frequencies_and_free_energy():
    structure, model = model_of("benzene")
    best = model.minimise(structure).structure
    frequencies = model.hessian(best).frequencies()
    assert np.sort(np.abs(frequencies))[:3] == pytest.approx(np.zeros(3), abs=0.1)
    assert np.sort(np.abs(frequencies))[3] > 20 and frequencies[-1] < 200
    analytic, differences = model.hessian(best).matrix, model.hessian(best, differences=True).matrix
    assert np.abs(analytic - differences).max() < 1e-5 * np.abs(analytic).max()
    cold, warm = (model.free_energy(best, t) for t in (0.0, 300.0))
    assert warm < cold
    assert cold > model.energy(best).total


def hits_of(molecule, Z, group, count):
    for occupation in occupations(molecule, Z):
        if occupation.space_group == group and len(occupation.sites) == 1:
            placement = Placement(molecule, occupation, cutoff_matrix(molecule, 0.85))
            volume = Z * estimate_volume(molecule)
            _, numbers, orientations, geometry, *_ = placement.packer.draw(
                1, 0, 50 * count, count, volume, 0.075 * volume
            )
            if len(numbers):
                return placement, Hits.of(numbers, orientations, geometry)
    raise AssertionError(f"no hits in group {group}")


@pytest.mark.parametrize("group", [14, 19])
def test_hits_of_a_generator_are_minimised_without_structures(group):
    """As the structures made of them are; acetic acid on the general position."""
    _, molecule = crystal("acetic_acid")
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    placement, hits = hits_of(molecule, 4, group, 12)
    assert len(hits) == 12
    ended, energies, gradients, steps, status = model.site_minimiser(placement).minimise_hits(hits)
    assert np.all(status == 0) and np.all(gradients < 0.05) and np.all(steps < 100)
    found = Finisher(placement).structures(ended)
    for structure, energy in zip(found, energies, strict=True):
        there = model.energy(structure)
        assert there.total == pytest.approx(energy, abs=1e-7)
        assert np.abs(there.stress).max() < 5e-3
    first = Finisher(placement).structures(hits[:3])
    for start, energy in zip(first, energies, strict=False):
        # The same minimum, unless two are near each other: rounding decides the way there.
        assert model.minimise(start).energy == pytest.approx(energy, abs=1e-6)


def test_a_refused_step_is_taken_shorter():
    """Far too long steps are allowed, so that many are refused: what follows is made of the same curvatures."""
    structure, model = model_of("urea")
    unit = independent_molecules(model.rigid(structure), model.kinds)
    kernel = lattice_sum(model.terms, unit.forms, [0], symmetry_arguments(unit.operations, list(unit.centres), 1e-4))
    rng = np.random.default_rng(0)
    ends, refused = [], 0
    for _ in range(40):
        lattice = unit.lattice * rng.uniform(0.85, 1.2)
        start = kernel.moved(lattice, np.eye(3)[None], unit.centres, [0], rng.normal(size=3) * 0.5)
        *_, steps, evaluations, status = kernel.minimise(*start, [0], 200, 1e-8, 5.0)
        ends.append(status)
        refused += evaluations - 1 - steps
    assert refused > 20
    assert ends == [0] * 40
