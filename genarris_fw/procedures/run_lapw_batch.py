"""Run_LAPW_Batch: all-electron energies, and forces where asked for, of every structure of a pool."""

from __future__ import annotations

from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.engines import Evaluation
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.energies import collect_energies, energy_outcome, energy_record
from genarris_fw.procedures.kit.series import SeriesProcedure, shared_settings
from genarris_fw.procedures.options.run_lapw_batch import RunLAPWBatchOptions

Step = Campaign[RunLAPWBatchOptions]


@explicit_serialize
class RunLAPWBatch(SeriesProcedure[RunLAPWBatchOptions]):
    """Single points with one basis for all; those that fail are left out of the output pool and counted."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return one item per structure, with its number of molecules and the settings that all have in common."""
        ids = campaign.pool_ids()
        molecules = _molecules(campaign, ids)
        settings = shared_settings(campaign, campaign.structures(ids, []))
        for name, value in settings.items():
            campaign.log(f"{name} of all structures", **(value if isinstance(value, dict) else {name: value}))
        return [Item(name, {"struct_id": name, "Z": molecules[name], "settings": settings}) for name in ids]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Evaluate one structure."""
        name = item.payload["struct_id"]
        [structure] = campaign.structures([name], [])
        evaluation = self.single_point(campaign, item, structure)
        record = energy_record(evaluation, self.engine(campaign), int(item.payload["Z"]))
        return energy_outcome(campaign, name, record, _of_forces(campaign.options.energy_name, evaluation))

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the structures that have an energy."""
        return collect_energies(campaign)


def _of_forces(energy_name: str, evaluation: Evaluation) -> dict[str, Any]:
    if evaluation.forces is None:
        return {}
    forces = np.asarray(evaluation.forces)
    largest = float(np.linalg.norm(forces, axis=1).max())
    return {f"{energy_name}_forces": forces.tolist(), f"{energy_name}_max_force": largest}


def _molecules(campaign: Step, ids: list[str]) -> dict[str, int]:
    """Return how many molecules each cell has: the option Z, else what the structure says.

    Raises
    ------
    RunFailed
        Where neither says it.
    """
    if campaign.options.Z is not None:
        return dict.fromkeys(ids, campaign.options.Z)
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
