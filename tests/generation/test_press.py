"""The rigid press: its objective, its derivatives, and what it keeps."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_contacts import smallest_margin
from generation_molecules import stored
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError
from genarris_fw.generation import cutoff_matrix, generate, press, press_fully
from genarris_fw.generation.asymmetric_unit import asymmetric_unit
from genarris_fw.generation.placement import PRESS_REACH, press_kernel
from genarris_fw.generation.space_groups import space_group

# Molecule, Z, a loose volume, space group, whether two independent molecules are asked for.
LOOSE = [
    ("glycine", 4, 465.0, 14, False),
    ("glycine", 4, 465.0, 19, False),
    ("glycine", 4, 465.0, 76, False),
    ("glycine", 4, 480.0, 5, False),
    ("glycine", 2, 240.0, 1, True),
    ("glycine", 4, 480.0, 4, True),
    ("benzene", 2, 330.0, 2, False),
    ("benzene", 2, 330.0, 12, False),
    ("benzene", 2, 330.0, 136, False),
    ("benzene", 2, 340.0, 194, False),
    ("benzene", 3, 500.0, 148, False),
    ("benzene", 4, 620.0, 61, False),
    ("benzene", 4, 640.0, 205, False),
    ("benzene", 4, 640.0, 14, True),
    ("urea", 2, 210.0, 113, False),
]


def loose(name: str, Z: int, volume: float, group: int, two: bool, n: int = 2, seed: int = 5) -> list[Structure]:
    made = generate(
        stored(name),
        Z,
        group,
        200 if two else n,
        volume,
        0.0,
        sr=0.95,
        seed=seed,
        mode="packing",
        site_combinations=two,
    ).structures
    if two:
        made = [s for s in made if "+" in s.properties["attempted_wyckoff_position"]][:n]
    assert len(made) == n
    return made


def objective(structure: Structure, cutoffs: np.ndarray) -> float:
    """V + w (R - r) / (r - r0) over all pairs of molecules of the cell and their images, with no symmetry."""
    n = len(cutoffs)
    molecules = structure.positions.reshape(-1, n, 3)
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.lattice), axis=0)
    radius = np.linalg.norm(molecules - molecules.mean(axis=1, keepdims=True), axis=2).max()
    most = np.ceil((PRESS_REACH + 4 * radius) / heights).astype(int) + 1
    shifts = np.stack(np.meshgrid(*[np.arange(-k, k + 1) for k in most], indexing="ij"), axis=-1).reshape(-1, 3)
    total = 0.0
    for a, first in enumerate(molecules):
        for b, second in enumerate(molecules):
            for shift in shifts:
                if a == b and not shift.any():
                    continue
                moved = second + shift @ structure.lattice
                if np.linalg.norm(moved.mean(axis=0) - first.mean(axis=0)) > PRESS_REACH + 2 * radius:
                    continue
                r = np.linalg.norm(first[:, None] - moved, axis=2)
                near = r < PRESS_REACH
                total += 0.5 * ((PRESS_REACH - r) / (r - cutoffs))[near].sum()
    return structure.cell_volume + 0.1 / n**2 * total


def kernel_of(structure: Structure, cutoffs: np.ndarray):
    unit = asymmetric_unit(structure)
    kernel = press_kernel(cutoffs, unit.coordinates, unit.operations, list(unit.centres), 1e-4)
    parts = len(unit.centres)
    return kernel, (unit.lattice, np.tile(np.eye(3), (parts, 1, 1)), unit.centres, np.arange(parts, dtype=np.intc))


@pytest.mark.parametrize("case", LOOSE, ids=lambda case: f"{case[0]}-{case[3]}{'-two' if case[4] else ''}")
def test_the_objective_is_that_of_the_formula_and_its_gradient_is_exact(case):
    [structure] = loose(*case, n=1)
    cutoffs = cutoff_matrix(stored(case[0]), 0.85)
    kernel, start = kernel_of(structure, cutoffs)
    still = np.zeros(kernel.variables)
    energy, gradient = kernel.energy_and_gradient(*start, still)
    assert energy == pytest.approx(objective(structure, cutoffs), rel=1e-6)
    for k in range(kernel.variables):
        step = still.copy()
        step[k] = 1e-5
        slope = (kernel.energy_and_gradient(*start, step)[0] - kernel.energy_and_gradient(*start, -step)[0]) / 2e-5
        assert gradient[k] == pytest.approx(slope, rel=2e-4, abs=1e-4)


@pytest.mark.parametrize("case", LOOSE, ids=lambda case: f"{case[0]}-{case[3]}{'-two' if case[4] else ''}")
def test_pressed_crystals_keep_group_site_molecule_and_contacts(case):
    molecule = stored(case[0])
    cutoffs = cutoff_matrix(molecule, 0.85)
    inside = np.linalg.norm(molecule.positions[:, None] - molecule.positions, axis=2)
    for structure in loose(*case):
        result = press_fully(structure, 0.85)
        pressed = result.structure
        assert result.converged
        assert pressed.cell_volume < structure.cell_volume
        assert smallest_margin(pressed, cutoffs, cutoffs.max() + 0.3) > 0
        assert result.energy == pytest.approx(objective(pressed, cutoffs), rel=1e-6)
        # No operation is lost: the group is the input's, or contains it.
        before, after = asymmetric_unit(structure), asymmetric_unit(pressed, 1e-3)
        assert len(after.operations) % len(before.operations) == 0
        assert before.space_group == structure.properties["spg"] == pressed.properties["spg_before_press"]
        if case[0] == "glycine" and not case[4]:
            assert after.space_group == before.space_group
        assert len(after.centres) <= len(before.centres)
        copies = pressed.positions.reshape(case[1], -1, 3)
        distances = np.linalg.norm(copies[:, :, None] - copies[:, None], axis=3)
        assert np.abs(distances - inside).max() < (1e-6 if structure.properties["site_symmetry_group"] == "1" else 2e-3)
        assert np.linalg.det(pressed.lattice) > 0
        assert pressed.properties["cell_vol"] == pytest.approx(pressed.cell_volume)
        assert pressed.properties["cell_vol_before_press"] == pytest.approx(structure.cell_volume)


def test_the_end_is_a_minimum():
    [structure] = loose("glycine", 4, 465.0, 14, False, n=1)
    cutoffs = cutoff_matrix(stored("glycine"), 0.85)
    pressed = press(structure, 0.85)
    kernel, start = kernel_of(pressed, cutoffs)
    lowest, _ = kernel.energy_and_gradient(*start, np.zeros(kernel.variables))
    random = np.random.default_rng(1)
    for _ in range(200):
        step = random.normal(size=kernel.variables)
        step *= 0.01 / np.linalg.norm(step)
        assert kernel.energy_and_gradient(*start, step)[0] > lowest - 2e-3


def test_pressing_again_changes_nothing_much():
    [structure] = loose("benzene", 4, 620.0, 61, False, n=1)
    once = press(structure, 0.85)
    twice = press(once, 0.85)
    assert twice.cell_volume == pytest.approx(once.cell_volume, rel=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_turning_shifting_and_reordering_the_crystal_changes_nothing(seed):
    [structure] = loose("glycine", 4, 465.0, 14, False, n=1)
    random = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    lattice = structure.lattice @ turn
    molecules = (structure.positions @ turn + random.uniform(size=3) @ lattice).reshape(4, -1, 3)
    molecules = molecules[random.permutation(4)] + random.integers(-1, 2, (4, 1, 3)) @ lattice
    other = Structure(lattice, structure.species, molecules.reshape(-1, 3), {"number_of_atoms_in_molecule": 10})
    assert press(other, 0.85).cell_volume == pytest.approx(press(structure, 0.85).cell_volume, rel=2e-3)


def test_an_oblique_choice_of_the_cell_ends_at_the_same_volume():
    [structure] = loose("glycine", 4, 465.0, 19, False, n=1)
    skewed = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ structure.lattice
    other = Structure(skewed, structure.species, structure.positions, {"number_of_atoms_in_molecule": 10})
    assert press(other, 0.85).cell_volume == pytest.approx(press(structure, 0.85).cell_volume, rel=1e-3)


def test_a_start_with_overlaps_is_widened_first():
    molecule = stored("glycine")
    [tight] = generate(molecule, 4, 14, 1, 310.0, 0.0, sr=0.75, mode="packing").structures
    cutoffs = cutoff_matrix(molecule, 0.95)
    assert smallest_margin(tight, cutoffs, cutoffs.max() + 0.3) < -0.1
    pressed = press(tight, 0.95)
    assert smallest_margin(pressed, cutoffs, cutoffs.max() + 0.3) > 0
    assert pressed.properties["spg"] == 14


def test_wrapped_atoms_are_made_whole_first():
    [structure] = loose("glycine", 4, 465.0, 14, False, n=1)
    wrapped = Structure(structure.lattice, structure.species, (structure.fractional % 1.0) @ structure.lattice)
    assert press(wrapped, 0.85).cell_volume == pytest.approx(press(structure, 0.85).cell_volume, rel=2e-3)


def test_the_steps_allowed_are_kept_to():
    [structure] = loose("glycine", 4, 465.0, 14, False, n=1)
    result = press_fully(structure, 0.85, most_steps=2)
    assert (result.steps, result.converged) == (2, False)
    cutoffs = cutoff_matrix(stored("glycine"), 0.85)
    assert smallest_margin(result.structure, cutoffs, cutoffs.max() + 0.3) > 0


def test_what_cannot_be_pressed_is_one_clear_line():
    glycine = stored("glycine")
    with pytest.raises(InputError, match="is a molecule"):
        press(glycine.to_structure(), 0.85)
    two_kinds = Structure(np.eye(3) * 20, ["O", "H", "H", "Ar"], [[0, 0, 0], [0.96, 0, 0], [-0.2, 0.9, 0], [8, 8, 8]])
    with pytest.raises(InputError, match="not a crystal of one kind of molecule"):
        press(two_kinds, 0.85)
    [structure] = loose("glycine", 4, 465.0, 14, False, n=1)
    with pytest.raises(InputError, match="sr"):
        press(structure, 0.0)
    with pytest.raises(InputError, match="lower sr"):
        press(structure, 4.0)
    random = np.random.default_rng(0)
    moved = structure.positions.reshape(4, 10, 3) + random.normal(scale=0.3, size=(4, 1, 3))
    broken = Structure(structure.lattice, structure.species, moved.reshape(-1, 3), {"number_of_atoms_in_molecule": 10})
    with pytest.raises(InputError, match="4 independent molecules"):
        press(broken, 0.85)


@pytest.mark.parametrize("group", [1, 2, 14, 19, 76, 113, 148, 194, 205])
def test_the_asymmetric_unit_makes_the_crystal_again(group):
    name, Z = {113: ("urea", 2), 148: ("benzene", 3), 205: ("benzene", 4)}.get(group, ("benzene", 2))
    if group in (14, 19, 76):
        name, Z = "glycine", 4
    if group == 1:
        name, Z = "glycine", 1
    [structure] = generate(
        stored(name), Z, group, 1, Z * 110.0 if name == "glycine" else Z * 150.0, 0.0, mode="packing"
    ).structures
    unit = asymmetric_unit(structure)
    again = unit.structure(unit.lattice, np.tile(np.eye(3), (len(unit.centres), 1, 1)), unit.centres)
    assert unit.space_group == structure.properties["spg"]
    assert len(unit.operations) % len(space_group(group)) == 0 or Z == 1
    # Atom by atom, apart from lattice translations and equal atoms of a symmetric molecule.
    gaps = again.fractional.reshape(Z, -1, 1, 3) - structure.fractional.reshape(Z, 1, -1, 3)
    gaps = np.linalg.norm((gaps - np.rint(gaps)) @ structure.lattice, axis=3)
    names = np.array(stored(name).species)
    gaps[:, names[:, None] != names] = np.inf
    assert gaps.min(axis=2).max() < 2e-3
    assert gaps.min(axis=1).max() < 2e-3
