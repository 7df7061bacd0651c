"""The measured crystal laid upon a structure, for the page to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.comparing.overlay import LaidMolecule, overlay
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.views.comparison import measured_crystal
from genarris_fw.web.runs import NotThere

# A centre on a face of the cell belongs to one side of it, as in `genarris_fw.views.drawn_crystal`.
ON_THE_FACE = 1e-6


def overlay_view(catalogue: Catalogue, run: str, structure: Structure, molecule: Molecule | None) -> dict[str, Any]:
    """Return a cluster of a structure and that of the measured crystal laid upon it.

    Returns
    -------
    dict
        ``cluster`` and ``measured``, each with ``atoms`` (``element``, ``position`` in Å, where the structure lies) and
        ``bonds``; ``matched`` molecules ``of`` the cluster; ``rmsd`` (Å, None where none matches).

    Raises
    ------
    NotThere
        Where the run has no measured crystal.
    InputError
        Where the two cannot be compared, as of other molecules.
    """
    measured = measured_crystal(catalogue, run)
    if measured is None:
        raise NotThere(f"run '{run}' has no measured crystal")
    laid = overlay(structure, measured, molecule=molecule)
    shift = _into_cell(laid.first[0].positions.mean(axis=0), structure)
    return {
        "cluster": _drawn(laid.first, shift),
        "measured": _drawn(laid.second, shift),
        "matched": laid.match.matched,
        "of": laid.match.of,
        "rmsd": None if math.isnan(laid.match.rmsd) else round(laid.match.rmsd, 4),
    }


def _into_cell(centre: NDArray[np.float64], structure: Structure) -> NDArray[np.float64]:
    """Return the lattice vector that moves a molecule's centre into the cell."""
    if structure.lattice is None:
        return np.zeros(3)
    cells = np.floor(centre @ np.linalg.inv(structure.lattice) + ON_THE_FACE)
    return -np.asarray(cells @ structure.lattice)


def _drawn(molecules: Sequence[LaidMolecule], shift: NDArray[np.float64]) -> dict[str, Any]:
    elements: list[str] = []
    positions: list[list[float]] = []
    bonds: list[tuple[int, int]] = []
    for one in molecules:
        bonds += [(i + len(elements), j + len(elements)) for i, j in one.bonds]
        elements += one.species
        positions += np.round(one.positions + shift, 5).tolist()
    return {"atoms": {"element": elements, "position": positions}, "bonds": bonds}
