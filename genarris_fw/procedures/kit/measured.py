"""The measured crystal of a run, looked for in the pools of a step when it is collected, and marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from traceback import format_exc
from typing import Any

from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.measured import COMPARED, RANK, RMSD
from genarris_fw.comparing.cluster_match import Tolerances
from genarris_fw.comparing.experiment import carried
from genarris_fw.comparing.pool import PoolComparison, compare_pool
from genarris_fw.crystal import Structure
from genarris_fw.energetics.comparable import comparable_energies, fields_of
from genarris_fw.errors import InputError
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.units import KJ_PER_MOL_PER_EV

# Of the options that name the pools of a step: those of the folder and of the format of its files.
FILES = {
    "output_pool": ("output_dir", "output_format"),
    "exemplars_pool": ("exemplars_output_dir", "exemplars_output_format"),
}

# Structures of a pool that are compared at most: some minutes on a few cores.
MOST = 200_000


def compare_with_measured(campaign: Campaign[SharedOptions], own: dict[str, Any] | None = None) -> dict[str, Any]:
    """Look for the run's measured crystal in the pools that a step makes, and mark the structures that it is.

    Parameters
    ----------
    campaign : Campaign
        Of a step that is being collected, its pools made.
    own : dict, optional
        What the step's summary says itself as ``experiment``: it has minimised the measured crystal by its model.

    Returns
    -------
    dict
        For the summary, the fields `COMPARED` (docs/catalogue.md). Empty without [experimental_structure], and of a
        step that makes no pool of crystals.

    Notes
    -----
    Whatever goes wrong is said in the words: what was computed is there all the same.
    """
    if not campaign.configuration.get("experiment") or campaign.options.makes_molecule:
        return {}
    options, found = campaign.options, {}
    for option, field in COMPARED.items():
        pool = str(getattr(options, option, None) or "")
        ids = campaign.publication.made(pool)
        if not ids:
            continue
        found[field] = said = _looked_for(campaign, pool, ids)
        if field == "experiment" and own and own["found"] and said.get("structure") != own["structure"]:
            found[field] = own  # surer: it is a minimum of the same model
        elif said["found"]:
            if field == "experiment" and own and own["found"]:
                found[field] = said = said | own
            campaign.set_fields(
                {said["structure"]: {f"properties.{RANK}": said["rank"], f"properties.{RMSD}": said["rmsd"]}}
            )
            folder, form = (getattr(options, name, None) for name in FILES[option])
            campaign.export([said["structure"]], folder, form or "json")  # anew, with these properties
    return found


def _looked_for(campaign: Campaign[SharedOptions], pool: str, ids: Sequence[str]) -> dict[str, Any]:
    """Compare a pool with the measured crystal; what goes wrong is said in the words."""
    settings = campaign.configuration["comparison"]
    tolerances = Tolerances(settings["molecules"], settings["distance_tolerance"], settings["angle_tolerance"])
    measured = carried(Structure.from_dict(campaign.configuration["experiment"]))
    try:
        energies = energies_of(campaign, ids)
        names, remark = promising(campaign, ids, energies, measured.crystal.density)
        known = dict(zip(ids, energies or (), strict=False))
        found = compare_pool(
            campaign.each_structure(names, ("properties.number_of_atoms_in_molecule",)),
            measured,
            settings["molecules"],
            [known[name] for name in names] if energies else None,
            tolerances=tolerances,
            threads=campaign.threads(1),
            pool=f"pool '{pool}'",
        )
    except (PyMongoError, LeaseLost):
        raise
    except InputError as error:
        campaign.log("experiment not looked for", level="WARNING", pool=pool, why=str(error))
        return {"words": f"not looked for: {error}", "found": False}
    except Exception as error:  # an aside: no run that took weeks fails for it
        campaign.log("experiment not looked for", level="ERROR", pool=pool, why=repr(error), traceback=format_exc())
        return {"words": f"not looked for: {type(error).__name__}: {error}", "found": False}
    said = (of_a_part(found, remark) if remark else found).summary()
    campaign.log("experiment looked for", level="INFO", pool=pool, found=said["found"], what=said["words"])
    return said


def energies_of(campaign: Campaign[SharedOptions], ids: Sequence[str]) -> list[float | None] | None:
    """Return the energies by which a pool is ranked, kJ/mol per molecule; None for those that have none.

    They are those of this step, else of the last before it that gave some; of several engines or settings those that
    most structures have.
    """
    names = [step["name"] for step in campaign.steps]
    steps = campaign.steps[names.index(campaign.step) :: -1]
    for name in dict.fromkeys(step["options"].get("energy_name") for step in steps):
        if not name:
            continue
        if energies := comparable_energies(campaign.documents(ids, fields_of(name)), name):
            return [None if energy is None else energy * KJ_PER_MOL_PER_EV for energy in energies]
    return None


def promising(
    campaign: Campaign[SharedOptions], ids: Sequence[str], energies: Sequence[float | None] | None, density: float
) -> tuple[Sequence[str], str]:
    """Return the structures of a pool that are compared, and what is to be said of it where these are not all.

    Of more than `MOST` they are those of the lowest energy, without energies those nearest to a density (g/cm3).
    """
    if len(ids) <= MOST:
        return ids, ""
    if energies is not None:
        order, what = [math.inf if energy is None else energy for energy in energies], "of the lowest energy"
    else:
        found = campaign.properties(ids, "density")
        order, what = [math.inf if one is None else abs(one - density) for one in found], "of the nearest density"
    chosen = sorted(range(len(ids)), key=order.__getitem__)[:MOST]
    return [ids[k] for k in sorted(chosen)], f"{MOST} of {len(ids)} structures are compared: those {what}"


def of_a_part(found: PoolComparison, remark: str) -> PoolComparison:
    """Return the comparison of a part of a pool, in which a rank by density says nothing, with what is said of it."""
    there = None if found.found is None else replace(found.found, rank_density=None)
    nearest = tuple(replace(one, rank_density=None) for one in found.nearest)
    return replace(found, found=there, nearest=nearest, remarks=(*found.remarks, remark))
