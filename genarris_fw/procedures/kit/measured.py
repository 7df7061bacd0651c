"""The measured crystal of a run, looked for in the pools of a step when it is collected, and marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from traceback import format_exc
from typing import Any

from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.comparing.cluster_match import Tolerances
from genarris_fw.comparing.experiment import Experiment
from genarris_fw.comparing.pool import Compared, PoolComparison, compare_pool
from genarris_fw.crystal import Structure
from genarris_fw.energetics.comparable import comparable_groups, fields_of, per_molecule, source_of
from genarris_fw.errors import InputError
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.experimental_structure import COMPARED, RANK, REMARKS, RMSD
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.units import KJ_PER_MOL_PER_EV

# Of the options that name the pools of a step: those of the folder and of the format of its files.
FILES = {
    "output_pool": ("output_dir", "output_format"),
    "exemplars_pool": ("exemplars_output_dir", "exemplars_output_format"),
}


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
    crystal = Structure.from_dict(campaign.configuration["experiment"])
    measured = Experiment(crystal, tuple(crystal.properties.get(REMARKS, ())))
    try:
        found = compare_pool(
            campaign.each_structure(ids, ("properties.number_of_atoms_in_molecule",)),
            measured,
            settings["molecules"],
            energies_of(campaign, ids),
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
    said = summary_of(found)
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
        records = list(campaign.documents(ids, fields_of(name)))
        sources = [source_of(record, name) for record in records]
        if groups := comparable_groups(Counter(sources)):
            energies = [
                per_molecule(record, name) if source == groups[0][0] else None
                for record, source in zip(records, sources, strict=True)
            ]
            return [None if energy is None else energy * KJ_PER_MOL_PER_EV for energy in energies]
    return None


def summary_of(found: PoolComparison) -> dict[str, Any]:
    """Return a comparison as the summary of a step holds it (docs/catalogue.md)."""
    nearest = found.nearest[0]
    about: dict[str, Any] = {
        "words": in_words(found),
        "found": found.found is not None,
        "molecules": nearest.matched,
        "of": nearest.of,
        "structures": found.structures,
        "matching": found.matching,
        "remarks": list(found.remarks),
        "nearest": [_row(one) for one in found.nearest],
    }
    if found.found is None:
        return about
    own = _row(found.found)
    return about | {"structure": own.pop("struct_id")} | own


def _row(one: Compared) -> dict[str, Any]:
    return {
        "struct_id": one.struct_id,
        "molecules": one.matched,
        "rmsd": one.rmsd,
        "rank": one.rank,
        "above_lowest": one.above_lowest,
        "rank_density": one.rank_density,
        "powder": one.powder,
        "powder_variable_cell": one.powder_variable_cell,
    }


def in_words(found: PoolComparison) -> str:
    """Return rank, energy and agreement of the measured crystal; how near the nearest comes where it is not there."""
    one, nearest = found.found, found.nearest[0]
    if one is None:
        return f"not among them (the closest has {nearest.matched} of {nearest.of} molecules in place)"
    agreement = f"RMSD_{one.of} {one.rmsd:.2f} Å"
    if one.rank is None:
        return f"rank {one.rank_density} by density, {agreement}"
    return f"rank {one.rank}, {one.above_lowest:.2f} kJ/mol above the lowest, {agreement}"
