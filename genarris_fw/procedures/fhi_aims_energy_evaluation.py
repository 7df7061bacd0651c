"""FHI_Aims_Energy_Evaluation: the energy of every structure of a pool, by FHI-aims or another engine."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import EngineError
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.energies import (
    EngineProcedure,
    collect_energies,
    energy_outcome,
    energy_record,
    molecules_in,
)
from genarris_fw.procedures.options.fhi_aims_energy_evaluation import FHIAimsEnergyEvaluationOptions

Step = Campaign[FHIAimsEnergyEvaluationOptions]


@explicit_serialize
class FHIAimsEnergyEvaluation(EngineProcedure[FHIAimsEnergyEvaluationOptions]):
    """Single points; those that fail are left out of the output pool and counted."""

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Evaluate one structure."""
        name = item.payload["struct_id"]
        [structure] = campaign.structures([name])
        evaluation = self.evaluate(campaign, item, structure, relax=False)
        if not evaluation.converged:
            raise EngineError(f"{name}: the calculation did not converge", kind="scf", permanent=True)
        Z = molecules_in(structure, campaign.options.Z)
        record = energy_record(evaluation, self.engine(campaign), Z)
        return energy_outcome(campaign, name, record)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the structures that have an energy."""
        return collect_energies(campaign)
