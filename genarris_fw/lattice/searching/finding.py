"""The experimental crystal among predicted ones: which it is, how well it agrees, and how it is ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genarris_fw.comparing.cluster_match import Tolerances, match_clusters
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.primitive_cell import primitive_cell_of_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.descriptors.amd import amd
from genarris_fw.errors import InputError
from genarris_fw.generation.finishing import SYMPREC
from genarris_fw.lattice.searching.search import Search

Floats = NDArray[np.float64]

FARTHEST = 3.0  # Å, a molecule of a cluster from its counterpart: a model's cell may be off by some per cent,
APART, TURNED = 0.4, 40.0  # and so distances (a fraction) and directions (degrees)
SURE = 0.03  # Å, of every average minimum distance: what is so near the minimised experiment is it
NEAR = 0.3  # Å: what is farther is another crystal
SAME_ENERGY = 0.2  # kJ/mol per molecule
SAME_CLUSTER = 0.3  # Å, RMSD_n: what is so near the minimised experiment is it
LINEAR = 0.05  # Å: atoms of a linear molecule lie so near its axis


class Minimises(Protocol):
    """What finding needs of a model of the energy."""

    def minimise(self, structure: Structure, break_symmetry: bool = False) -> Any:
        """Return the minimum that a crystal leads to: its `structure` and `energy` (kJ/mol per molecule)."""


@dataclass(frozen=True)
class Match:
    """The experimental crystal among predicted ones.

    Attributes
    ----------
    rank : int
        1 for the lowest.
    rmsd : float
        Of the predicted crystal from the experimental one as it was measured, clusters of n molecules superposed, Å;
        without hydrogen where there are four heavier atoms; NaN where the clusters do not lie on each other.
    energy_above_lowest : float
        kJ/mol per molecule.
    index : int
        Of the predicted crystal among those given.
    shift : float
        Of the experimental crystal when it is minimised: RMSD of n molecules, Å; NaN as for `rmsd`.
    energy : float
        Of the minimised experimental crystal, kJ/mol per molecule.
    """

    rank: int
    rmsd: float
    energy_above_lowest: float
    index: int
    shift: float
    energy: float


def find(
    search: Search | Sequence[Structure],
    experiment: Structure,
    n: int = 15,
    model: Minimises | None = None,
    break_symmetry: bool = True,
) -> Match | None:
    """Find the experimental crystal among predicted ones.

    The experimental crystal is minimised by the same model, and the predicted crystal is looked for that is this
    minimum: by energy and average minimum distances, and where none is so close, by superposing clusters.

    Parameters
    ----------
    search : Search or sequence of Structure
        Predicted crystals, with the property ``lattice_energy``.
    experiment : Structure
        A crystal of the same molecule; atoms in any order, in any cell.
    n : int
        Molecules that are superposed.
    model : Model, optional
        The energy; of a `Search` its own by default.
    break_symmetry : bool
        Whether the experiment is followed into a subgroup where it is a saddle point, as a search does with what it
        finds; False where the structures kept their symmetry.

    Returns
    -------
    Match or None
        None where it is not among them.

    Raises
    ------
    InputError
        For an experiment of another composition, structures without energies, or without a model.

    Notes
    -----
    Clusters of linear molecules are superposed with difficulty (a turn about the axis changes nothing), so that these
    crystals are told by energy and distances alone.
    """
    structures = list(search.structures if isinstance(search, Search) else search)
    used: Any = model if model is not None or not isinstance(search, Search) else search.model
    if used is None:
        raise InputError("say by which model the structures were minimised (model = ...): the experiment is too")
    if not structures:
        return None
    energies = np.array([_energy(one, k) for k, one in enumerate(structures)])
    crystal = whole_molecules(experiment, _molecule_of(structures[0]))
    _check_composition(crystal, structures[0])
    start = crystal
    if break_symmetry:  # in the cell in which a search proves its minima
        size = int(crystal.properties["number_of_atoms_in_molecule"])
        start = primitive_cell_of_molecules(crystal, size, SYMPREC)
    minimised = used.minimise(start, break_symmetry=break_symmetry)
    energy = float(minimised.energy)
    target, vector = minimised.structure, amd(minimised.structure)
    gaps = np.full(len(structures), np.inf)
    for k in np.flatnonzero(np.abs(energies - energy) <= SAME_ENERGY):
        gaps[k] = np.abs(amd(structures[k]) - vector).max()
    index = int(gaps.argmin())
    if not gaps[index] <= SURE:
        near = [k for k in np.argsort(gaps, kind="stable").tolist() if gaps[k] <= NEAR]
        if _is_linear(crystal):
            near = []
        index = next((k for k in near if overlay(structures[k], target, n) <= SAME_CLUSTER), -1)
    if index < 0:
        return None
    lower = int((energies < energies[index]).sum())
    return Match(
        lower + 1,
        overlay(structures[index], crystal, n),
        float(energies[index] - energies.min()),
        index,
        overlay(target, crystal, n),
        energy,
    )


def _molecule_of(predicted: Structure) -> Molecule | None:
    """The molecule of a crystal that says which atoms it has: its bonds are those of the experiment, too."""
    size = int(predicted.properties.get("number_of_atoms_in_molecule") or 0)
    return Molecule(predicted.species[:size], predicted.positions[:size]) if size else None


def overlay(one: Structure, other: Structure, n: int = 15, farthest: float = FARTHEST) -> float:
    """Superpose clusters of n molecules of two crystals.

    Parameters
    ----------
    one, other : Structure
        Crystals of one kind of molecule: a cluster of the other one, the measured crystal, is laid upon the first.
    n : int
        Molecules: one and those that touch it closest.
    farthest : float
        How far a molecule may be from its counterpart, Å.

    Returns
    -------
    float
        Root mean square distance of the atoms, Å, mirror images allowed; without hydrogen where there are four heavier
        atoms. NaN where a molecule has no counterpart.

    Notes
    -----
    RMSD_n is that of Chisholm and Motherwell, J. Appl. Cryst. 38, 228 (2005): see
    `genarris_fw.comparing.cluster_match`, which also tells how many molecules have a counterpart.
    """
    molecule = _molecule_of(one) or _molecule_of(other)
    found = match_clusters(other, one, Tolerances(n, APART, TURNED, farthest), molecule)
    return found.rmsd if found.is_full else math.nan


def _energy(structure: Structure, number: int) -> float:
    energy = structure.properties.get("lattice_energy")
    if energy is None:
        name = structure.struct_id or f"structure {number + 1}"
        raise InputError(f"{name} has no lattice_energy; give structures that a search has found")
    return float(energy)


def _check_composition(crystal: Structure, predicted: Structure) -> None:
    """Refuse an experiment whose molecules are not those predicted."""
    formulas = []
    for one in (crystal, predicted):
        whole = one if "number_of_atoms_in_molecule" in one.properties else whole_molecules(one)
        size = whole.properties.get("number_of_atoms_in_molecule")
        formulas.append(None if not size else Structure(None, whole.species[:size], whole.positions[:size]))
    names = ["a mixture" if one is None else one.to_ase().get_chemical_formula("hill") for one in formulas]
    if names[0] != names[1] or formulas[0] is None:
        raise InputError(
            f"the experimental crystal is of {names[0]}, the predicted ones are of {names[1]}; they cannot be compared"
        )


def _is_linear(crystal: Structure) -> bool:
    points = crystal.positions[: int(crystal.properties["number_of_atoms_in_molecule"])]
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(len(spread) < 2 or spread[1] <= LINEAR)
