"""Writing crystals as crystallographic information files.

A crystal is written as it stands: its own cell, all operations of its space group in that cell, and one atom of each
orbit, so that what is read back is the same crystal within 1e-6 Å. Operations that hold less exactly are left out. Or
it is written in the standard setting of its space group, made exactly symmetric.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.cells import cell_values
from genarris_fw.crystal.formats.contents import formula_of
from genarris_fw.crystal.formats.operations import PARTS, Floats, Operations, checked_group, triplet
from genarris_fw.crystal.formats.setting_table import (
    MONOCLINIC,
    Setting,
    of_number,
    setting_of,
    short_monoclinic,
    standard_of,
)
from genarris_fw.crystal.formats.space_group_setting import number_of
from genarris_fw.crystal.standard_setting import standard_setting
from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetrising import symmetrised
from genarris_fw.crystal.symmetry import symmetry_dataset
from genarris_fw.errors import InputError

EXACT = 5e-7  # Å by which an atom may lie off from where the operations put it
_TOLERANCES = (1e-2, 1e-3, 1e-4)  # Å, of spglib: from what other programs call symmetric on


class Asymmetric(NamedTuple):
    """A crystal as some of its atoms and what makes the others of them.

    Attributes
    ----------
    operations : Operations
        In the crystal's cell.
    atoms : list of int
        One of each orbit.
    multiplicities : list of int
        How many atoms the orbits have.
    shift : (3,) ndarray
        What the fractional coordinates are moved by, so that all translations are 24ths of a lattice vector.
    nearly : int
        The number of the space group that the crystal has within 0.01 Å but not as exactly as it is written; else 0.
    """

    operations: Operations
    atoms: list[int]
    multiplicities: list[int]
    shift: Floats
    nearly: int = 0


def format_cif(structure: Structure) -> str:
    """Return the text of a crystal's cif file as it stands: in its cell, with its operations and asymmetric unit."""
    if np.linalg.det(structure.cell) < 0:
        # A cif file holds lengths and angles only: a left-handed cell would be read back as its mirror image.
        structure = Structure(
            -structure.cell, structure.species, structure.positions, structure.properties, structure.struct_id
        )
    unit = asymmetric_unit(structure)
    said = f"within {_TOLERANCES[0]} Angstrom the space group is number {unit.nearly}" if unit.nearly else ""
    return _text(structure, unit, setting_of(unit.operations), said)


def format_standard_cif(structure: Structure) -> str:
    """Return the text of a crystal's cif file in the standard setting of its space group, made exactly symmetric.

    The group is the one that spglib finds within 0.01 Å; a comment says by how much atoms were moved.

    Raises
    ------
    InputError
        Where no group is found.
    """
    standard = standard_setting(structure, _TOLERANCES[0])
    setting = standard_of(int(standard.properties["spg"]))
    crystal, moved = symmetrised(standard, *setting.operations)
    if structure.properties.get("Z") is None:
        crystal.properties.pop("Z", None)
    orbits = _orbits(setting.operations, crystal.fractional, crystal)
    if orbits is None:
        raise InputError(f"{structure.struct_id}: its atoms do not have the symmetry of {setting.name}")
    first, counts = np.unique(orbits, return_counts=True)
    unit = Asymmetric(setting.operations, first.tolist(), counts.tolist(), np.zeros(3))
    said = f"atoms moved by at most {moved:.1e} Angstrom to where the space group has them" if moved > EXACT else ""
    return _text(crystal, unit, setting, said)


def _text(structure: Structure, unit: Asymmetric, setting: Setting | None, said: str) -> str:
    lines = [f"data_{_block_name(structure.struct_id)}"]
    if said:
        lines.append(f"# {said}")
    lines += [*_group_lines(unit.operations, setting), *_cell_lines(structure)]
    lines += ["loop_", "_space_group_symop_id", "_space_group_symop_operation_xyz"]
    lines += [f"{i} '{triplet(*one)}'" for i, one in enumerate(zip(*unit.operations, strict=True), start=1)]
    lines += ["loop_", *(f"_atom_site_{name}" for name in _COLUMNS)]
    counts: dict[str, int] = {}
    places = (structure.fractional + unit.shift).tolist()
    for atom, multiplicity in zip(unit.atoms, unit.multiplicities, strict=True):
        name = structure.species[atom]
        counts[name] = counts.get(name, 0) + 1
        x, y, z = places[atom]
        lines.append(f"{name}{counts[name]} {name} {multiplicity} {x + 0.0:.10f} {y + 0.0:.10f} {z + 0.0:.10f} 1")
    return "\n".join(lines) + "\n"


def _block_name(struct_id: str) -> str:
    """Return a name of a data block: printable ASCII, at most 75 letters (CIF 1.1)."""
    return re.sub(r"[^!-~]", "_", struct_id)[:75] or "structure"


_COLUMNS = ("label", "type_symbol", "site_symmetry_multiplicity", "fract_x", "fract_y", "fract_z", "occupancy")


def asymmetric_unit(structure: Structure) -> Asymmetric:
    """Return the operations of a crystal in its own cell, and one atom of each orbit.

    Parameters
    ----------
    structure : Structure
        A crystal.

    Returns
    -------
    Asymmetric
        With the highest symmetry that spglib finds and that puts every atom within `EXACT` of where it is; the atoms
        are those of the first molecules, so that what is connected stays connected.
    """
    places = structure.fractional
    nearly = 0
    for tolerance in _TOLERANCES:
        dataset = symmetry_dataset(structure, tolerance)
        if dataset is None or len(dataset.rotations) == 1:
            continue
        found = _as_a_group(dataset)
        orbits = None if found is None else _orbits(found[0], places + found[1], structure)
        if found is not None and orbits is not None:
            first, counts = np.unique(orbits, return_counts=True)
            return Asymmetric(found[0], first.tolist(), counts.tolist(), found[1], nearly)
        nearly = nearly or int(dataset.number)
    identity = checked_group([np.eye(3, dtype=int).tolist()], [[0.0, 0.0, 0.0]])
    return Asymmetric(identity, list(range(len(structure))), [1] * len(structure), np.zeros(3), nearly)


def _as_a_group(dataset: Any) -> tuple[Operations, Floats] | None:
    """Operations with translations of 24ths, and the shift of the origin that makes them so; None where none does."""
    rotations = np.array(dataset.rotations, dtype=np.int64)
    translations: Floats = np.array(dataset.translations, dtype=np.float64)
    # To the origin of the standard setting, x' = P x + p, in the axes at hand.
    to_standard: Floats = np.linalg.solve(dataset.transformation_matrix, dataset.origin_shift)
    for shift in (np.zeros(3), to_standard - np.rint(to_standard)):
        moved = translations + shift - rotations @ shift
        parts = moved * PARTS
        if np.abs(parts - np.rint(parts)).max() < 0.02:
            try:
                return checked_group(rotations.tolist(), (np.rint(parts) / PARTS).tolist()), shift
            except InputError:
                return None
    return None


def _orbits(operations: Operations, places: Floats, structure: Structure) -> NDArray[np.intp] | None:
    """The first atom of the orbit of each atom; None where the operations do not put all of them where they are."""
    rotations, translations = operations
    kinds = np.array(structure.species)
    orbits = np.full(len(places), -1, dtype=np.intp)
    for atom in range(len(places)):
        if orbits[atom] >= 0:
            continue
        candidates = np.flatnonzero((kinds == kinds[atom]) & (orbits < 0))
        images = rotations @ places[atom] + translations
        apart = images[:, None] - places[candidates]
        apart -= np.rint(apart)
        near = (((apart @ structure.cell) ** 2).sum(axis=2)) < EXACT**2
        if not near.any(axis=1).all():
            return None
        orbits[candidates[near.any(axis=0)]] = atom
    return orbits


def _group_lines(operations: Operations, setting: Setting | None) -> list[str]:
    if setting is not None:
        return [
            f"_space_group_IT_number {setting.number}",
            f"_space_group_name_H-M_alt '{setting.name}'",
            f"_space_group_name_Hall '{setting.hall}'",
        ]
    number = number_of(operations)
    if not number:
        return []
    # A cell that is in no table has no symbol of its own: that of the group's standard setting has a name of its own.
    standard = of_number(number)[0].symbol
    standard = short_monoclinic(standard) if number in MONOCLINIC else standard
    return [f"_space_group_IT_number {number}", f"_space_group_name_H-M_ref '{standard}'"]


def _cell_lines(structure: Structure) -> list[str]:
    a, b, c, alpha, beta, gamma, volume = cell_values(structure.cell).tolist()
    lines = [f"_cell_length_{name} {value:.8f}" for name, value in (("a", a), ("b", b), ("c", c))]
    angles = (("alpha", alpha), ("beta", beta), ("gamma", gamma))
    lines += [f"_cell_angle_{name} {value:.8f}" for name, value in angles]
    lines.append(f"_cell_volume {volume:.6f}")
    Z = structure.properties.get("Z")
    units = int(Z) if Z else 1
    formula = formula_of(structure.species, units)
    if formula is not None:
        lines += [f"_chemical_formula_sum '{formula}'", f"_cell_formula_units_Z {units}"]
    return lines
