"""Run_LAPW_Batch: all-electron energies, and forces where asked for, of every structure of a pool."""

from __future__ import annotations

from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.energies import best_of, energy_properties, energy_record, refuse_nothing
from genarris_fw.procedures.series import SeriesProcedure, shared_muffin_tins


@explicit_serialize
class RunLAPWBatch(SeriesProcedure):
    """Single points with one basis for all; those that fail are left out of the output pool and counted."""

    def plan(self, campaign: Campaign) -> list[Item]:
        """Return one item per structure, with its number of molecules and the radii that all have in common."""
        ids = campaign.pool_ids()
        molecules = _molecules(campaign, ids)
        settings = shared_muffin_tins(campaign, campaign.structures(ids, []))
        if settings:
            campaign.log("muffin tins of all structures (Å)", **settings["muffin_tin"])
        return [Item(name, {"struct_id": name, "Z": molecules[name], "settings": settings}) for name in ids]

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        """Evaluate one structure."""
        name, energy_name = item.payload["struct_id"], campaign.options["energy_name"]
        [structure] = campaign.structures([name], [])
        evaluation = self.single_point(campaign, item, structure)
        record = energy_record(evaluation, self.engine(campaign), int(item.payload["Z"]))
        properties = energy_properties(campaign, record, energy_name)
        if evaluation.forces is not None:
            forces = np.asarray(evaluation.forces)
            properties[f"{energy_name}_forces"] = forces.tolist()
            properties[f"{energy_name}_max_force"] = float(np.linalg.norm(forces, axis=1).max())
        fields = {f"energies.{energy_name}": record}
        fields |= {f"properties.{key}": value for key, value in properties.items()}
        return Outcome({"struct_id": name, "energy": record["value"]}, fields={name: fields})

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Make the pool of the structures that have an energy."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        ids = [record["outcome"]["struct_id"] for record in done]
        refuse_nothing(campaign, ids)
        campaign.make_pool(ids)
        campaign.export(ids, campaign.options["output_dir"], campaign.options["output_format"])
        return {"evaluated": len(ids), "best": best_of(campaign, ids)}


def _molecules(campaign: Campaign, ids: list[str]) -> dict[str, int]:
    """Return how many molecules each cell has: the option Z, else what the structure says.

    Raises
    ------
    RunFailed
        Where neither says it.
    """
    if campaign.options["Z"] is not None:
        return dict.fromkeys(ids, int(campaign.options["Z"]))
    found = {
        record["struct_id"]: int(record.get("Z") or 0)
        for record in campaign.catalogue.structures.load(campaign.run, ids, ["struct_id", "Z"])
    }
    without = [name for name in ids if not found[name]]
    if without:
        raise RunFailed(
            f"{campaign.step}: {len(without)} structures do not say how many molecules their cell has (first "
            f"{without[0]}): set Z in [{campaign.step}], for an elemental solid the number of atoms of the cell"
        )
    return found
