"""The electrostatics that an earlier Molecular_Electrostatics has found, for any potential's sites."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from genarris_fw.crystal import Molecule
from genarris_fw.lattice.charges.by_method import electrostatics
from genarris_fw.lattice.charges.electrostatics import Electrostatics
from genarris_fw.lattice.charges.files import from_json
from genarris_fw.lattice.molecule.methods import DEFAULT
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign

PROCEDURE = "Molecular_Electrostatics"


def electrostatics_step(campaign: Campaign[SharedOptions]) -> str | None:
    """Return the last Molecular_Electrostatics before a step, or None."""
    names = [entry["name"] for entry in campaign.steps]
    before = campaign.steps[: names.index(campaign.step)]
    return next((entry["name"] for entry in reversed(before) if entry["procedure"] == PROCEDURE), None)


def electrostatics_for(
    campaign: Campaign[SharedOptions],
    molecule: Molecule,
    hydrogen_sites: ArrayLike | None = None,
    step: str | None = None,
) -> Electrostatics:
    """Return the electrostatics of a molecule as a step of the run has found it, or by default.

    Parameters
    ----------
    campaign : Campaign
        The step that needs it.
    molecule : Molecule
        In any orientation.
    hydrogen_sites : (n, 3) array_like, optional
        Where the charges of hydrogens are to be (`genarris_fw.lattice.charges.by_method.electrostatics`); those of a
        user's file are where the file has them.
    step : str, optional
        The Molecular_Electrostatics; by default the last one before this step. Where there is none, HF/6-31G** with
        satellites.

    Returns
    -------
    Electrostatics
        What any run has computed of the same molecule before is used, and what is computed is kept for all.
    """
    name = step or electrostatics_step(campaign)
    kept = campaign.catalogue.molecular_potentials
    if name is None:
        return electrostatics(molecule, DEFAULT, hydrogen_sites=hydrogen_sites, kept=kept)
    summary: dict[str, Any] = campaign.summary(name)
    if summary["source"] == "file":
        return from_json(summary["electrostatics"], molecule, f"the result of {name}")
    return electrostatics(
        molecule,
        summary["method"],
        summary["satellites"],
        summary["rank"],
        hydrogen_sites,
        summary["charge"],
        kept,
    )
