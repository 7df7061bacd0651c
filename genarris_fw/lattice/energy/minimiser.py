"""Minimisation of crystals of rigid molecules, symmetry kept or broken, and of a generator's hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetry import niggli_reduce
from genarris_fw.crystal.symmetry import space_group as detect_space_group
from genarris_fw.errors import InputError
from genarris_fw.generation.placement import Placement
from genarris_fw.lattice.energy.hessian import hessian_of
from genarris_fw.lattice.energy.rigid import TOLERANCES, independent_molecules
from genarris_fw.lattice.sums.arguments import kernel_of, lattice_sum, symmetry_arguments
from genarris_fw.lattice.sums.kinds import Kind

if TYPE_CHECKING:
    from genarris_fw.lattice.energy.model import Model

Floats = NDArray[np.float64]

MOST_STEPS = 200
TOLERANCE = 1e-8  # kJ/mol per molecule that Newton's step would still gain
LONGEST = 0.5  # Å, bound of a step
POINT_TOLERANCE = 1e-4  # of a cell's edge: molecules that far apart are on the same site
MOST_DESCENTS = 5  # into subgroups
PUSH = 0.1  # Å along the mode that goes down, times the root of the number of molecules
SYMPREC = 1e-2  # Å, for the space group as spglib sees it
# How a minimisation ends, by the kernel's numbers.
ENDS = ("converged", "steps used up", "collapsed", "evaporated", "stuck")


@dataclass(frozen=True, eq=False)
class Minimised:
    """A minimised crystal.

    Attributes
    ----------
    structure : Structure
        Niggli reduced where its molecules are of one kind; properties ``lattice_energy`` and ``spg``, and the others of
        the structure it started from.
    energy : float
        kJ/mol per molecule (P V included).
    converged : bool
    is_minimum : bool
        Converged, and no mode of the cell, symmetry or not, goes down.
    steps : int
    ended : str
        converged, steps used up, collapsed (two atoms nearer than exp-6 is meant for), evaporated (three times the
        volume), stuck.
    lowest : float
        The lowest curvature of all rigid-body modes of the cell, kJ/mol/Å2 per molecule; nan where not converged.
    gradient : float
        Length of the gradient in the free variables, kJ/mol/Å per cell.
    space_groups : list of int
        The group of the start, and of every descent after the symmetry was broken.
    """

    structure: Structure
    energy: float
    converged: bool
    is_minimum: bool
    steps: int
    ended: str
    lowest: float
    gradient: float
    space_groups: list[int]


def minimised(model: Model, structure: Structure, break_symmetry: bool, pressure: float) -> Minimised:
    """Minimise a crystal in what its symmetry leaves free: strains, shifts and turns.

    Parameters
    ----------
    model : Model
        The molecules and what is between them.
    structure : Structure
        Where it starts; overlapping molecules are driven apart.
    break_symmetry : bool
        Where a mode goes down that the symmetry forbids, follow it, into the subgroup that is left.
    pressure : float
        GPa.

    Raises
    ------
    InputError
        For a structure that is no crystal of the model's molecules.
    """
    steps, groups = 0, []
    current = structure
    for _ in range(MOST_DESCENTS):
        crystal = model.rigid(current)
        # What was moved to break a symmetry must not be taken for inexact.
        unit = independent_molecules(crystal, model.kinds, TOLERANCES if current is structure else TOLERANCES[:1])
        parts = len(unit.forms)
        kernel = lattice_sum(
            model.terms,
            unit.forms,
            _numbered(unit.forms, unit.kinds),
            symmetry_arguments(unit.operations, list(unit.centres), POINT_TOLERANCE),
            pressure,
        )
        groups.append(unit.space_group)
        start = np.tile(np.eye(3), (parts, 1, 1))
        lattice, rotations, centres, energy, norm, taken, _, status = kernel.minimise(
            unit.lattice, start, unit.centres, np.arange(parts), MOST_STEPS, TOLERANCE, LONGEST
        )
        steps += taken
        ended = ENDS[status]
        found = unit.rigid(lattice, rotations, centres, crystal.orders)
        lowest = np.nan
        if status == 0:
            curvature = hessian_of(model, found, pressure)
            values, modes = curvature.modes()
            lowest = float(values[0])
            if lowest < -curvature.zero and break_symmetry:
                current = curvature.displaced(PUSH * np.sqrt(len(crystal.kinds)) * modes[0])
                continue
        break
    Z = len(crystal.kinds)
    minimum = status == 0 and lowest >= -curvature.zero
    result = _finished(structure, found, energy / Z, Z, len(model.kinds) == 1)
    return Minimised(result, energy / Z, status == 0, minimum, steps, ended, lowest, norm, groups)


def _numbered(forms: list[Kind], kinds: NDArray[np.intp]) -> list[int]:
    """Numbers from 0 without gaps for the kinds of the parts."""
    assert len(forms) == len(kinds)
    return [int(k) for k in np.unique(kinds, return_inverse=True)[1]]


def _finished(start: Structure, found: Structure, energy: float, Z: int, one_kind: bool) -> Structure:
    size = int(start.properties.get("number_of_atoms_in_molecule") or 0)
    if one_kind and size and len(found) == Z * size:
        found = niggli_reduce(found, Z)
    found.struct_id = start.struct_id
    found.properties = (
        start.properties
        | found.properties
        | {
            "lattice_energy": float(energy),
            "unit_cell_volume": found.cell_volume,
            "spg": detect_space_group(found, SYMPREC),
        }
    )
    return found


class SiteMinimiser:
    """Minimises crystals of one occupation, as the generator's kernels make them.

    Parameters
    ----------
    model : Model
        Of the placement's molecule (and no other).
    placement : Placement
        The molecule on its sites.
    pressure : float
        GPa.

    Attributes
    ----------
    Z : int
        Molecules of the cell.

    Raises
    ------
    InputError
        Where the placement's molecule is not the model's.
    """

    def __init__(self, model: Model, placement: Placement, pressure: float = 0.0) -> None:
        if len(model.kinds) != 1:
            raise InputError("a generator places one kind of molecule; the model has several")
        points = [position.point for position in placement.positions]
        self.Z = placement.Z
        self.settings = MOST_STEPS, TOLERANCE, LONGEST
        symmetry = symmetry_arguments(placement.crystal, points, seen=placement.seen, copies=placement.copies)
        self.kernel = kernel_of(model.site_forms.of(placement), symmetry, pressure)

    def minimise(
        self,
        lattice: Floats,
        rotations: Floats,
        centres: Floats,
        orientations: NDArray[Any],
        most_steps: int = MOST_STEPS,
        tolerance: float = TOLERANCE,
    ) -> tuple[Floats, Floats, Floats, float, float, int, int]:
        """Minimise one crystal, its space group and sites kept.

        Parameters
        ----------
        lattice, rotations, centres, orientations : (3, 3), (parts, 3, 3), (parts, 3), (parts,) arrays
            A row of `genarris_fw.generation.finishing.Hits`: cell (rows, Å, right-handed), turn of each independent
            molecule, fractional centre, row of the placement's coordinates. Pressed or not, overlapping or far apart.
        most_steps : int
            Give up after so many.
        tolerance : float
            kJ/mol per molecule that Newton's step would still gain.

        Returns
        -------
        lattice, rotations, centres
            Where it ends, in the same form.
        energy : float
            kJ/mol per molecule; infinite where the start cannot be summed over.
        gradient : float
            Its length in the free variables, kJ/mol/Å per cell.
        steps : int
            How many.
        status : int
            0 converged; 1 steps used up, 2 collapsed, 3 evaporated, 4 stuck (`ENDS`): none of these is a minimum. A
            converged crystal may still be a saddle point where symmetry is broken (`Model.minimise` tells).
        """
        found, turned, moved, energy, norm, steps, _, status = self.kernel.minimise(
            lattice, rotations, centres, orientations, most_steps, tolerance, LONGEST
        )
        return found, turned, moved, energy / self.Z, norm, steps, status

    def minimise_hits(
        self, hits: Any, most_steps: int = MOST_STEPS, tolerance: float = TOLERANCE
    ) -> tuple[Any, Floats, Floats, NDArray[np.intp], NDArray[np.intp]]:
        """Minimise hits of the placement one after the other.

        Returns
        -------
        hits : Hits
            Where they end.
        energies, gradients : (m,) arrays
            As of `minimise`.
        steps, status : (m,) int arrays
        """
        lattices, rotations, centres = hits.lattices.copy(), hits.rotations.copy(), hits.centres.copy()
        energies, gradients = np.zeros(len(hits)), np.zeros(len(hits))
        steps, status = np.zeros(len(hits), dtype=np.intp), np.zeros(len(hits), dtype=np.intp)
        for k in range(len(hits)):
            lattices[k], rotations[k], centres[k], energies[k], gradients[k], steps[k], status[k] = self.minimise(
                hits.lattices[k], hits.rotations[k], hits.centres[k], hits.orientations[k], most_steps, tolerance
            )
        ended = type(hits)(hits.numbers, hits.orientations, lattices, rotations, centres)
        return ended, energies, gradients, steps, status
