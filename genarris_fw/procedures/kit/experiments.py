"""The experimental crystal among the minima of a step: found, marked, and put into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from genarris_fw.catalogue.measured import RANK, RMSD
from genarris_fw.errors import InputError
from genarris_fw.lattice.searching.finding import Match, find
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.lattice_models import LatticeModel
from genarris_fw.procedures.options.experiments import FindsExperiment, experiment_of

MOLECULES = 15  # of a cluster that is superposed


def find_experiment(
    campaign: Campaign[FindsExperiment], lattice: LatticeModel, ids: Sequence[str], break_symmetry: bool
) -> dict[str, Any]:
    """Look for the experimental crystal of a step among its minima, and mark the one that it is.

    Parameters
    ----------
    campaign : Campaign
        Of a step that is being collected.
    lattice : LatticeModel
        The model that the minima were found with.
    ids : sequence of str
        The minima, with the property ``lattice_energy``.
    break_symmetry : bool
        Whether saddle points among them were followed down: so is the experiment, or not.

    Returns
    -------
    dict
        For the summary: ``experiment`` with ``words``, ``found``, and where it was found ``structure`` (struct_id),
        ``rank``, ``above_lowest`` (kJ/mol per molecule), ``rmsd`` (RMSD_15 from the measured crystal, Å; None where the
        clusters do not lie on each other), ``shift`` (of the measured crystal when it is minimised, likewise) and
        ``saddle_point`` (it would go lower with its symmetry broken). Empty where no experiment was given.
    """
    experiment = experiment_of(campaign.options)
    if experiment is None:
        return {}
    structures = list(campaign.structures(list(ids)))
    try:
        match = find(structures, experiment, MOLECULES, lattice.model, break_symmetry)
    except InputError as error:
        # The minima are there all the same.
        campaign.log("experiment not looked for", level="WARNING", why=str(error))
        return {"experiment": {"words": f"not looked for: {error}", "found": False}}
    if match is None:
        campaign.log("experiment not found", level="WARNING", minima=len(structures))
        return {"experiment": {"words": "not among them", "found": False}}
    named = structures[match.index]
    name, saddle = named.struct_id, named.properties.get("is_minimum") is False
    rmsd, shift = (None if math.isnan(value) else float(value) for value in (match.rmsd, match.shift))
    campaign.set_fields({name: {f"properties.{RANK}": match.rank, f"properties.{RMSD}": rmsd}})
    about: dict[str, Any] = {
        "structure": name,
        "rank": match.rank,
        "above_lowest": match.energy_above_lowest,
        "rmsd": rmsd,
        "shift": shift,
        "saddle_point": saddle,
    }
    campaign.log("experiment found", level="INFO", **about)
    return {"experiment": {"words": in_words(match, saddle), "found": True} | about}


def in_words(match: Match, saddle: bool = False) -> str:
    """Return rank, energy and agreement of the experimental crystal."""
    agreement = "clusters differ" if math.isnan(match.rmsd) else f"RMSD_15 {match.rmsd:.2f} Å"
    words = f"rank {match.rank}, {match.energy_above_lowest:.2f} kJ/mol above the lowest, {agreement}"
    return words + (", a saddle point" if saddle else "")
