"""Independent looks at crystals, for comparison: neighbour lists (matscipy), spglib, distances inside molecules."""

import numpy as np
import pytest
import spglib
from ase.data import atomic_numbers
from ase.geometry import cell_to_cellpar
from matscipy.neighbours import neighbour_list

from genarris_fw.crystal import Molecule, Structure
from genarris_fw.crystal.cells import CELL_KEYS
from genarris_fw.generation.space_groups import space_group


def smallest_margin(structure: Structure, cutoffs: np.ndarray, radius: float) -> float:
    """Smallest distance minus cutoff among contacts shorter than `radius` (inf if there is none)."""
    size = len(cutoffs)
    i, j, d, shift = neighbour_list("ijdS", structure.to_ase(), radius)
    # matscipy counts images from the atoms' own positions: inside a whole molecule nothing is shifted.
    between = (i // size != j // size) | shift.any(axis=1)
    margins = d[between] - cutoffs[i[between] % size, j[between] % size]
    return float(margins.min()) if len(margins) else np.inf


def inner_distances(molecules: np.ndarray) -> np.ndarray:
    """(..., n, n) distances inside (..., n, 3) molecules."""
    return np.linalg.norm(molecules[..., :, None, :] - molecules[..., None, :, :], axis=-1)


def spglib_dataset(structure: Structure, symprec: float = 1e-2):
    numbers = [atomic_numbers[name] for name in structure.species]
    return spglib.get_symmetry_dataset((structure.lattice, structure.fractional, numbers), symprec=symprec)


def operations_per_volume(structure: Structure, group: int, symprec: float = 1e-2) -> float:
    """Operations of a space group per Å3, from the volume of the primitive cell that spglib finds."""
    numbers = [atomic_numbers[name] for name in structure.species]
    lattice, *_ = spglib.find_primitive((structure.lattice, structure.fractional, numbers), symprec=symprec)
    return len(np.unique(space_group(group).rotations, axis=0)) / abs(np.linalg.det(lattice))


def holding(structure: Structure, dataset, point: np.ndarray) -> np.ndarray:
    """Which operations of a spglib dataset leave a Cartesian point where it is, apart from lattice translations."""
    fractional = point @ np.linalg.inv(structure.lattice)
    moved = dataset.rotations @ fractional + dataset.translations - fractional
    return np.flatnonzero(np.linalg.norm((moved - np.rint(moved)) @ structure.lattice, axis=1) < 0.05)


def smooth_sum(structure: Structure, size: int, radius: float) -> float:
    """Sum of `contact` over all atom pairs of different molecules, of `size` atoms each, per cell."""
    i, j, d, shift = neighbour_list("ijdS", structure.to_ase(), radius)
    between = (i // size != j // size) | shift.any(axis=1)
    weights = np.array([atomic_numbers[name] for name in structure.species], dtype=float)
    return float(contact(d[between], weights[i[between]], weights[j[between]], radius).sum()) / 2


def contact(distances: np.ndarray, one: np.ndarray, other: np.ndarray, radius: float) -> np.ndarray:
    """A smooth function of the distance of two atoms that ends at `radius`, and of their atomic numbers."""
    return one * other * np.maximum(1 - distances / radius, 0.0) ** 3


def whole_cell(
    molecule: Molecule, crystal, lattice: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]]
) -> Structure:
    """The crystal that all operations of a space group make of independent molecules, operation by operation.

    `parts` holds (atoms about the centre in Å, fractional centre). Where operations leave a centre in place, they must
    map the molecule onto itself, or the assertion fails.
    """
    turns = lattice.T @ crystal.rotations @ np.linalg.inv(lattice.T)
    kinds = np.array([atomic_numbers[name] for name in molecule.species])
    molecules = []
    for atoms, centre in parts:
        own: list[tuple[np.ndarray, np.ndarray]] = []
        for rotation, translation, turn in zip(crystal.rotations, crystal.translations, turns):
            image, place = atoms @ turn.T, rotation @ centre + translation
            for other, known in own:
                gap = (place - known - np.rint(place - known)) @ lattice
                if np.linalg.norm(gap) < 1e-4:
                    distances = np.linalg.norm((image + gap)[:, None] - other, axis=2)
                    distances[kinds[:, None] != kinds] = np.inf
                    assert distances.min(axis=0).max() < 1e-8
                    assert distances.min(axis=1).max() < 1e-8
                    break
            else:
                own.append((image, place))
        molecules += [image + place @ lattice for image, place in own]
    return Structure(lattice, molecule.species * len(molecules), np.concatenate(molecules))


def assert_sound(
    structure: Structure,
    molecule: Molecule,
    Z: int,
    group: int,
    cutoffs: np.ndarray,
    volume: float | None = None,
    unchanged: float | None = None,
    parts: int = 1,
) -> None:
    """Assert that a generated crystal is what it says: whole unchanged molecules, nothing too close, symmetric."""
    properties = structure.properties
    assert structure.species == molecule.species * Z
    assert (properties["Z"], properties["number_of_atoms_in_molecule"]) == (Z, len(molecule))
    copies = structure.positions.reshape(Z, -1, 3)
    if unchanged is None:
        unchanged = 1e-6 if set(properties["site_symmetry_group"].split("+")) == {"1"} else 1e-3
    assert np.abs(inner_distances(copies) - inner_distances(molecule.positions)).max() < unchanged
    centres = copies.mean(axis=1) @ np.linalg.inv(structure.lattice)
    assert centres.min() > -1e-5
    assert centres.max() < 1 + 1e-5
    assert smallest_margin(structure, cutoffs, cutoffs.max() + 0.3) > -1e-6
    # A right-handed Niggli cell, lower triangular, of the volume asked for.
    lattice = structure.lattice
    assert (lattice[np.triu_indices(3, 1)] == 0).all()
    assert (np.diag(lattice) > 0).all()
    reduced = np.linalg.norm(spglib.niggli_reduce(lattice), axis=1)
    assert np.allclose(np.sort(np.linalg.norm(lattice, axis=1)), np.sort(reduced), atol=1e-4)
    assert np.allclose([properties[key] for key in CELL_KEYS[:6]], cell_to_cellpar(lattice), atol=1e-9)
    assert abs(np.linalg.det(lattice) / properties["unit_cell_volume"] - 1) < 1e-9
    if volume is not None:
        assert abs(properties["unit_cell_volume"] / volume - 1) < 1e-9
    # The intended group is the one found, or is contained in it: then there are more operations per volume.
    assert properties["attempted_spg"] == group
    found, intended = spglib_dataset(structure), space_group(group)
    assert found.number == properties["spg"]
    assert len(found.rotations) >= len(intended)
    times = operations_per_volume(structure, found.number) * properties["unit_cell_volume"] / len(intended)
    assert times == pytest.approx(round(times), rel=5e-3)
    assert round(times) >= (1 if found.number == group else 2)  # one of the same type has a smaller cell
    # The sites are kept: their symmetry is there, and there are no more independent molecules than sites.
    at = 0
    for site in properties["attempted_wyckoff_position"].split("+"):
        assert len(holding(structure, found, copies[at].mean(axis=0))) >= len(intended) / int(site[:-1])
        at += int(site[:-1])
    assert at == Z
    orbits = {frozenset(found.equivalent_atoms[k * len(molecule) : (k + 1) * len(molecule)]) for k in range(Z)}
    assert len(orbits) <= parts
