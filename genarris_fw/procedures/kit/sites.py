"""The sites that a generator's options ask for; of the molecule and the options alone, without a campaign."""

from __future__ import annotations

from genarris_fw.crystal import Molecule
from genarris_fw.generation import Occupation, occupations
from genarris_fw.generation.group_choice import choose
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions


def wanted_sites(molecule: Molecule, options: PygenarrisStructureGenerationOptions) -> dict[int, list[Occupation]]:
    """Return every occupation of the space groups that a generator's options ask for, by space group."""
    found: dict[int, list[Occupation]] = {}
    tol, combinations = options.tol, options.site_combinations
    for occupation in occupations(molecule, options.Z, tol, combinations=combinations):
        found.setdefault(occupation.space_group, []).append(occupation)
    return {group: found[group] for group in choose(options.space_groups, sorted(found))}
