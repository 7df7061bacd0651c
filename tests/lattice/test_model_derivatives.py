"""First and second derivatives of the lattice energy against differences, in every variable."""

import numpy as np
import pytest
from lattice_models import Charges, crystal, fit_potential, simple_charges

from genarris_fw.crystal.structure import Structure
from genarris_fw.lattice import Model
from genarris_fw.lattice.energy.rigid import independent_molecules
from genarris_fw.lattice.sums.arguments import lattice_sum, symmetry_arguments


def differences(energy, count, step=2e-4):
    """Gradient by differences of fourth order."""
    found = np.zeros(count)
    for k in range(count):
        e = np.zeros(count)
        e[k] = step
        found[k] = (8 * (energy(e) - energy(-e)) - (energy(2 * e) - energy(-2 * e))) / (12 * step)
    return found


def second_differences(energy, count, step=2e-3):
    found = np.zeros((count, count))
    unit = np.eye(count) * step
    for i in range(count):
        for j in range(i, count):
            a, b = unit[i], unit[j]
            wide, narrow = (
                (energy(f * (a + b)) - energy(f * (a - b)) - energy(f * (b - a)) + energy(-f * (a + b)))
                / (4 * f * f * step**2)
                for f in (2.0, 1.0)
            )
            found[i, j] = found[j, i] = (4 * narrow - wide) / 3
    return found


def check(kernel, where, first=1e-7, second=3e-6):
    def energy(step):
        return sum(kernel.energy(*where, step=step)[:3])

    _, _, _, gradient, matrix, _ = kernel.energy(*where, second=True)
    assert kernel.energy(*where)[3] == pytest.approx(gradient, abs=1e-9)
    by_differences = differences(energy, kernel.variables)
    assert np.abs(gradient - by_differences).max() < first * np.abs(gradient).max()
    assert np.abs(matrix - matrix.T).max() < 1e-9 * np.abs(matrix).max()
    seconds = second_differences(energy, kernel.variables)
    assert np.abs(matrix - seconds).max() < second * np.abs(matrix).max()


def shaken(kernel, where, size=0.05):
    step = np.random.default_rng(3).normal(size=kernel.variables) * size
    return (*kernel.moved(*where, step), where[3])


@pytest.mark.parametrize("name", ["urea", "benzene", "acetic_acid", "naphthalene"])
def test_with_symmetry(name):
    """Groups 113, 61, 33 and 14; on sites mm2, -1 and 1."""
    structure, molecule = crystal(name)
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    unit = independent_molecules(model.rigid(structure), model.kinds)
    kernel = lattice_sum(
        model.terms,
        unit.forms,
        [0] * len(unit.forms),
        symmetry_arguments(unit.operations, list(unit.centres), 1e-4),
        0.7,
    )
    turns = np.tile(np.eye(3), (len(unit.forms), 1, 1))
    check(kernel, shaken(kernel, (unit.lattice, turns, unit.centres, np.arange(len(unit.forms)))))


@pytest.mark.parametrize("kind", ["charges", "satellites", "taper", "damped", "anisotropic"])
def test_all_molecules_independent(kind):
    structure, molecule = crystal("urea")
    charges = simple_charges(molecule)
    if kind == "satellites":
        off = np.zeros((8, 3))
        off[:4] = 0.2
        charges = Charges(charges.sites + off, charges.multipoles)
    potential = (
        fit_potential((7.0, 8.0)) if kind == "taper" else fit_potential(damping=3.0 if kind == "damped" else 0.0)
    )
    if kind == "anisotropic":
        potential.rho20 = {"O": -0.1, "H": 0.05}
    kernel, where, _ = Model(molecule, potential, charges).free(structure)
    assert kernel.variables == 6 + 6 * 2
    check(kernel, shaken(kernel, where))


@pytest.mark.parametrize("group", [2, 14])
def test_two_independent_molecules(group):
    """Two molecules anywhere in P-1 and P2_1/c: energy and stress are those of all molecules taken one by one."""
    _, molecule = crystal("acetic_acid")
    lattice = np.array([[11.0, 0.0, 0.0], [0.0 if group == 14 else 1.0, 12.0, 0.0], [-2.0, 0.0, 13.0]])
    operations = [(np.eye(3), np.zeros(3)), (-np.eye(3), np.zeros(3))]
    if group == 14:
        glide = np.diag([-1.0, 1.0, -1.0])
        operations += [(glide, np.array([0.0, 0.5, 0.5])), (-glide, np.array([0.0, 0.5, 0.5]))]
    atoms = molecule.positions - molecule.positions.mean(axis=0)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    positions = []
    for points, centre in ((atoms, [0.2, 0.15, 0.25]), (atoms @ turn, [0.3, 0.36, 0.68])):
        fractions = points @ np.linalg.inv(lattice) + np.array(centre)
        positions += [(fractions @ rotation.T + translation) @ lattice for rotation, translation in operations]
    count = len(positions)
    structure = Structure(
        lattice, molecule.species * count, np.concatenate(positions), {"number_of_atoms_in_molecule": len(atoms)}
    )
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    unit = independent_molecules(model.rigid(structure), model.kinds)
    assert (unit.space_group, len(unit.forms)) == (group, 2)
    kernel = lattice_sum(model.terms, unit.forms, [0, 0], symmetry_arguments(unit.operations, list(unit.centres), 1e-4))
    where = (unit.lattice, np.tile(np.eye(3), (2, 1, 1)), unit.centres, np.arange(2))
    assert kernel.variables == (6 if group == 2 else 4) + 12
    assert sum(kernel.energy(*where)[:3]) / count == pytest.approx(model.energy(structure).total, abs=1e-8)
    check(kernel, shaken(kernel, where))


def test_two_kinds():
    """Urea and benzene in one cell, of different sizes and numbers of sites."""
    urea, molecule = crystal("urea")
    _, other = crystal("benzene")
    lattice = urea.lattice * np.array([[2.0], [1.3], [1.0]]) + np.diag([0.0, 0.0, 4.0])
    shift = np.array([5.5, 3.0, 6.0]) - other.positions.mean(axis=0)
    species = [*urea.species, *other.species]
    mixed = Structure(lattice, species, np.concatenate([urea.positions, other.positions + shift]))
    model = Model([molecule, other], fit_potential(), [simple_charges(molecule), simple_charges(other)])
    kernel, where, rigid = model.free(mixed)
    assert list(rigid.kinds) == [0, 0, 1]
    assert kernel.variables == 6 + 6 * 3
    check(kernel, shaken(kernel, where))


def test_overlapping_molecules():
    """Below the guard of exp-6 and the core of charges the energy goes on, and its slope (not its curvature)."""
    structure, molecule = crystal("urea")
    kernel, where, _ = Model(molecule, fit_potential(), simple_charges(molecule)).free(structure)
    lattice, *rest = where
    check(kernel, shaken(kernel, (lattice * 0.55, *rest), 0.01), 1e-5, 3e-2)


def test_forces_torques_and_stress():
    structure, molecule = crystal("acetic_acid")
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    found = model.energy(structure)
    assert found.forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    n, h = len(molecule.species), 1e-4
    energies = []
    for sign in (1, -1):
        moved = structure.copy()
        moved.positions[:n] += sign * h * np.array([0.0, 1.0, 0.0])
        energies.append(4 * model.energy(moved).total)
    assert found.forces[0, 1] == pytest.approx(-(energies[0] - energies[1]) / (2 * h), rel=1e-5)
    energies = []
    for sign in (1, -1):
        strain = np.eye(3) * (1 + sign * h)
        moved = structure.copy()
        centres = structure.positions.reshape(-1, n, 3).mean(axis=1)
        moved.lattice = structure.lattice @ strain
        moved.positions = structure.positions + np.repeat(centres @ strain - centres, n, axis=0)
        energies.append(4 * model.energy(moved).total)
    pressure = (energies[0] - energies[1]) / (2 * h) / structure.cell_volume / 0.602214076
    assert np.trace(found.stress) == pytest.approx(pressure, rel=1e-5)
