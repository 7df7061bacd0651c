"""FHI_Aims_Energy_Evaluation: the energy of every structure of a pool, by FHI-aims or another engine."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import EngineError
from genarris_fw.procedures.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.energies import (
    EngineProcedure,
    best_of,
    energy_properties,
    energy_record,
    refuse_nothing,
)


@explicit_serialize
class FHIAimsEnergyEvaluation(EngineProcedure):
    """Single points; those that fail are left out of the output pool and counted."""

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        """Evaluate one structure."""
        name, energy_name = item.payload["struct_id"], campaign.options["energy_name"]
        [structure] = campaign.structures([name])
        evaluation = self.evaluate(campaign, item, structure, relax=False)
        if not evaluation.converged:
            raise EngineError(f"{name}: the calculation did not converge", kind="scf")
        record = energy_record(evaluation, self.engine(campaign), int(campaign.options["Z"]))
        fields = {f"energies.{energy_name}": record}
        properties = energy_properties(campaign, record, energy_name)
        fields |= {f"properties.{key}": value for key, value in properties.items()}
        return Outcome({"struct_id": name, "energy": record["value"]}, fields={name: fields})

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Make the pool of the structures that have an energy."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        ids = [record["outcome"]["struct_id"] for record in done]
        refuse_nothing(campaign, ids)
        campaign.make_pool(ids)
        campaign.export(ids, campaign.options["output_dir"], campaign.options.get("output_format") or "json")
        return {"evaluated": len(ids), "best": best_of(campaign, ids)}
