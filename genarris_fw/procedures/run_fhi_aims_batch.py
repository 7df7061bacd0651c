"""Run_FHI_Aims_Batch: relax every structure of a pool, by FHI-aims or another engine."""

from __future__ import annotations

import hashlib
from typing import Any

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.catalogue.measured import MARKS
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure, niggli_reduce, space_group
from genarris_fw.crystal.crystal_bonds import has_reacted
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.engines.checks import COLLAPSED_PART
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.energies import (
    EngineProcedure,
    best_of,
    energy_properties,
    energy_record,
    molecules_in,
    refuse_nothing,
)
from genarris_fw.procedures.kit.reuse import REUSED_FROM
from genarris_fw.procedures.options.run_fhi_aims_batch import RunFHIAimsBatchOptions

Step = Campaign[RunFHIAimsBatchOptions]

# Relaxed coordinates carry the noise of the optimiser: the original's symprec (Å) for the new space group.
SYMPREC_RELAXED = 0.1
# What a relaxed structure may be besides unconverged: it is kept, marked, and said.
FLAGS = {"reacted": "bonds were made or broken", "collapsed": "the cell has lost much of its volume"}
# What a child does not take over from its parent: it describes the parent's geometry.
OF_THE_PARENT = ("RDF", "RSF", "RDF_envs", "RSF_envs", *MARKS)


def child_id(parent: str, procedure: str, settings_hash: str) -> str:
    """Return the id of a relaxed structure, from its parent, the step and the settings."""
    return "geometry_" + hashlib.sha256(f"{parent}|{procedure}|{settings_hash}".encode()).hexdigest()[:16]


@explicit_serialize
class RunFHIAimsBatch(EngineProcedure[RunFHIAimsBatchOptions]):
    """Relaxations; a relaxed structure is a new document that names its parent."""

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Relax one structure, reduce its cell, and determine its space group anew."""
        options, parent = campaign.options, item.payload["struct_id"]
        [structure] = campaign.structures([parent])
        Z = molecules_in(structure, options.Z)
        evaluation = self.evaluate(campaign, item, structure, relax=options.relax)
        record = energy_record(evaluation, self.engine(campaign), Z)
        child = self._child(campaign, structure, evaluation.structure, record, Z)
        provenance = {"step": campaign.step, "engine": record["engine"], "parent": parent}
        document: NewStructure = {
            **to_document(child, Z, provenance),
            "parent": parent,
            "energies": {options.energy_name: record},
        }
        summary = {"struct_id": child.struct_id, "parent": parent, "converged": record["converged"]}
        flags = {flag: True for flag in FLAGS if child.properties[flag]}
        return Outcome(summary | {"energy": record["value"]} | flags, structures=[document])

    def _child(self, campaign: Step, parent: Structure, relaxed: Structure, record: EnergyRecord, Z: int) -> Structure:
        source = f"{campaign.options.energy_name}_{REUSED_FROM}"
        kept = {key: value for key, value in parent.properties.items() if key not in (*OF_THE_PARENT, source)}
        if "site_symmetry_group" in kept:
            kept["site_symmetry_group_before_relaxation"] = kept.pop("site_symmetry_group")
        child = niggli_reduce(Structure(relaxed.lattice, relaxed.species, relaxed.positions), Z)
        child.struct_id = child_id(parent.struct_id, campaign.step, record["settings_hash"])
        child.properties = kept | {
            "parent": parent.struct_id,
            "spg_before_relaxation": parent.properties.get("spg"),
            "spg": space_group(child, SYMPREC_RELAXED),
            "unit_cell_volume": child.cell_volume,
            "relaxation_converged": record["converged"],
            "reacted": has_reacted(parent, relaxed, campaign.molecule_of_run),
            "collapsed": relaxed.cell_volume < COLLAPSED_PART * parent.cell_volume,
        }
        child.properties |= energy_properties(campaign, record, campaign.options.energy_name)
        return child

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the relaxed structures; unconverged ones stay in it, marked and counted."""
        done = [r["outcome"] for r in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)]
        ids = [outcome["struct_id"] for outcome in done]
        refuse_nothing(campaign, ids)
        campaign.make_pool(ids)
        options = campaign.options
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        unconverged = [outcome["struct_id"] for outcome in done if not outcome["converged"]]
        if unconverged:
            campaign.log("relaxations that reached their step limit", level="WARNING", structures=" ".join(unconverged))
        flagged = {flag: [outcome["struct_id"] for outcome in done if outcome.get(flag)] for flag in FLAGS}
        for flag, names in flagged.items():
            if names:
                campaign.log(f"relaxations to look at: {FLAGS[flag]}", level="WARNING", structures=" ".join(names))
        return {
            "relaxed": len(ids),
            "unconverged": len(unconverged),
            **{flag: len(names) for flag, names in flagged.items() if names},
            "best": best_of(campaign, ids),
        }
