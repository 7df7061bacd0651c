"""Elk's input file: blocks, each a name, its values and a blank line. Inside, everything is in bohr and Hartree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.units import Bohr, Hartree

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.k_points import grid_of_spacing
from genarris_fw.engines.lapw.settings import FUNCTIONALS, MIXING, RADII, SMEARING, LAPWSettings

GROUND_STATE = 0


@dataclass
class Loop:
    """How the self-consistent loop is driven; handlers change it.

    Attributes
    ----------
    mixing : str
        A key of `MIXING`.
    most : int
        How many loops.
    first_step : float or None
        The part of the new potential that is mixed in first; None: Elk's own.
    """

    mixing: str
    most: int
    first_step: float | None = None


def k_grid(structure: Structure, settings: LAPWSettings) -> list[int]:
    """Return the numbers of k points along the reciprocal vectors."""
    if settings.k_grid is not None:
        return [int(n) for n in settings.k_grid]
    assert structure.lattice is not None
    return grid_of_spacing(structure.lattice, settings.k_spacing)


def atom_order(structure: Structure) -> list[int]:
    """Return the atoms' numbers in Elk's order: element after element, each as it first comes."""
    return [
        i for name in dict.fromkeys(structure.species) for i, other in enumerate(structure.species) if other == name
    ]


def elk_input(structure: Structure, settings: LAPWSettings, loop: Loop) -> str:
    """Return the text of ``elk.in``.

    Parameters
    ----------
    structure : Structure
        A crystal. Its species files are ``<element>.in`` in the same folder.
    settings : LAPWSettings
    loop : Loop
    """
    assert structure.lattice is not None
    blocks: dict[str, list[str]] = {
        "tasks": [f"{GROUND_STATE}"],
        "avec": [_numbers(row) for row in structure.lattice / Bohr],
        "sppath": ["'./'"],
        "atoms": _atoms(structure),
        "xctype": [f"{FUNCTIONALS[settings.functional]}"],
        "rgkmax": [f"{settings.rkmax}"],
        "isgkmax": [f"{RADII[settings.rkmax_radius]}"],
        "lmaxapw": [f"{settings.l_max}"],
        # Of the density and potential. With Elk's own 6 forces are off by 2 % (displaced Si, against differences of
        # the energy), with 8 by 0.1 %.
        "lmaxo": [f"{settings.l_max}"],
        "ngridk": [" ".join(map(str, k_grid(structure, settings)))],
        "vkloff": [_numbers(settings.k_offset or [0.0, 0.0, 0.0])],
        "stype": [f"{SMEARING[settings.smearing]}"],
        "swidth": [f"{settings.smearing_width / Hartree:.10e}"],
        "spinorb": [_flag(settings.relativity == "spin-orbit")],
        "tforce": [_flag(settings.forces)],
        "epsengy": [f"{settings.energy_tolerance / Hartree:.6e}"],
        "epspot": [f"{settings.potential_tolerance / Hartree:.6e}"],
        "maxscl": [f"{loop.most}"],
        "mixtype": [f"{MIXING[loop.mixing]}"],
    }
    if loop.first_step is not None:
        blocks["beta0"] = [f"{loop.first_step}"]
    return "".join(f"{name}\n" + "".join(f"  {line}\n" for line in lines) + "\n" for name, lines in blocks.items())


def _atoms(structure: Structure) -> list[str]:
    inside = structure.fractional - np.floor(structure.fractional)
    names = list(dict.fromkeys(structure.species))
    lines = [f"{len(names)}"]
    for name in names:
        rows = [inside[atom] for atom in atom_order(structure) if structure.species[atom] == name]
        lines += [f"'{name}.in'", f"{len(rows)}", *map(_numbers, rows)]
    return lines


def _numbers(values: object) -> str:
    return " ".join(f"{float(value):.12f}" for value in np.asarray(values, dtype=float))


def _flag(value: bool) -> str:
    return ".true." if value else ".false."
