"""The rigid press: a crystal's cell shrinks until its molecules touch; its space group is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetry import niggli_reduce
from genarris_fw.crystal.symmetry import space_group as detect_space_group
from genarris_fw.errors import InputError
from genarris_fw.generation.asymmetric_unit import asymmetric_unit
from genarris_fw.generation.contacts import GENARRIS_2, ContactRules, check_fraction, contact_margin, cutoff_matrix
from genarris_fw.generation.finishing import SYMPREC, Hits
from genarris_fw.generation.placement import Placement, press_kernel

Floats = NDArray[np.float64]

MOST_STEPS = 400
TOLERANCE = 1e-6  # of E; two steps in a row that gain less are the last
LOOSER = 1.02  # on the lattice, where atoms are too close at the start
MOST_LOOSER = 40
POINT_TOLERANCE = 1e-4  # of a cell's edge: molecules that far apart are on the same site


@dataclass(frozen=True)
class Pressed:
    """A pressed crystal.

    Attributes
    ----------
    structure : Structure
        Niggli reduced; with the input's properties, brought up to date, and ``spg_before_press``,
        ``cell_vol_before_press``, ``press_energy``.
    energy : float
        The objective at the end: the volume and the repulsion, Å3.
    steps : int
        How many.
    converged : bool
        Whether the end was reached within the steps allowed.
    """

    structure: Structure
    energy: float
    steps: int
    converged: bool


def press(structure: Structure, sr: float = 0.85, rules: ContactRules = GENARRIS_2) -> Structure:
    """Press a crystal: see `press_fully`, of which this returns the structure.

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> from genarris_fw.generation import generate, press
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> loose = generate(molecule, Z=2, space_group=4, n=1, volume_mean=200, volume_std=5, seed=1).structures[0]
    >>> pressed = press(loose)
    >>> pressed.cell_volume < loose.cell_volume
    True
    """
    return press_fully(structure, sr, rules).structure


def press_fully(
    structure: Structure,
    sr: float = 0.85,
    rules: ContactRules = GENARRIS_2,
    symprec: float = 1e-3,
    most_steps: int = MOST_STEPS,
) -> Pressed:
    """Press a crystal of rigid molecules until they touch, its space group and the molecules' sites kept.

    Minimised is the volume plus a repulsion between atoms of different molecules that ends at 10 Å and is infinite at
    the contact cutoffs (`genarris_fw._kernels.press`). Where atoms are closer than that at the start, the cell is first
    widened, the molecules as they are.

    Parameters
    ----------
    structure : Structure
        A crystal of one kind of molecule, at most two of them independent.
    sr : float
        Fraction of the van der Waals distance that contacts keep.
    rules : ContactRules, optional
        Radii and hydrogen bonds.
    symprec : float
        How exactly the symmetry to keep must be there, Å.
    most_steps : int
        Stop after so many steps.

    Returns
    -------
    Pressed

    Raises
    ------
    InputError
        For a structure that is no such crystal, or an `sr` outside its range.
    """
    check_fraction(sr)
    name = structure.struct_id or "the structure"
    unit = asymmetric_unit(structure, symprec)
    cutoffs = cutoff_matrix(unit.molecule, sr, rules)
    kernel = press_kernel(cutoffs, unit.coordinates, unit.operations, list(unit.centres), POINT_TOLERANCE)
    parts = len(unit.centres)
    lattice, start = unit.lattice, np.tile(np.eye(3), (parts, 1, 1))
    for _ in range(MOST_LOOSER):
        ended = kernel.press(lattice, start, unit.centres, np.arange(parts), most_steps, TOLERANCE)
        if np.isfinite(ended[3]):
            break
        lattice = lattice * LOOSER
    else:
        raise InputError(f"{name}: its molecules overlap even in a cell twice as wide")
    new_lattice, rotations, centres, energy, steps, _, converged = ended
    pressed = niggli_reduce(unit.structure(new_lattice, rotations, centres), len(unit.origin))
    if contact_margin(pressed, cutoffs) < 0:
        raise InputError(f"{name}: its symmetry is too inexact to be pressed; lower symprec")
    pressed.struct_id = structure.struct_id
    size = len(unit.species)
    pressed.properties = (
        structure.properties
        | {"Z": len(unit.origin), "number_of_atoms_in_molecule": size}
        | pressed.properties
        | {
            "unit_cell_volume": pressed.cell_volume,
            "spg": detect_space_group(pressed, SYMPREC),
            "spg_before_press": unit.space_group,
            "cell_vol_before_press": structure.cell_volume,
            "press_energy": float(energy),
        }
    )
    return Pressed(pressed, float(energy), int(steps), bool(converged))


def press_hits(placement: Placement, hits: Hits, cutoffs: Floats, most_steps: int = MOST_STEPS) -> Hits:
    """Press what a kernel accepted, before structures are made of it.

    Parameters
    ----------
    placement : Placement
        Where it was accepted.
    hits : Hits
        The crystals.
    cutoffs : (n, n) array
        Distances that contacts keep, Å; no larger than those of the placement.
    most_steps : int
        Of each.

    Returns
    -------
    Hits
        The same crystals, pressed.
    """
    kernel = placement.press(cutoffs)
    lattices, rotations, centres = hits.lattices.copy(), hits.rotations.copy(), hits.centres.copy()
    for k in range(len(hits)):
        lattice, turned, moved, energy, *_ = kernel.press(
            lattices[k], rotations[k], centres[k], hits.orientations[k], most_steps, TOLERANCE
        )
        if np.isfinite(energy):
            lattices[k], rotations[k], centres[k] = lattice, turned, moved
    return Hits(hits.numbers, hits.orientations, lattices, rotations, centres)
