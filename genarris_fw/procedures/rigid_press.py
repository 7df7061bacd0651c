"""Rigid_Press: every structure of a pool is pressed until its molecules touch, its space group kept."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from genarris_fw.catalogue.measured import MARKS
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import RunFailed
from genarris_fw.generation import press_fully
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.batches import in_batches
from genarris_fw.procedures.kit.contact_rules import contact_rules
from genarris_fw.procedures.options.rigid_press import RigidPressOptions

Step = Campaign[RigidPressOptions]

STRUCTURES_PER_ITEM = 50
DECIDING = ("sr", "contact_rules", "custom_radii", "custom_radii_by_pairs", "symprec", "max_steps")
# What belongs to the structure as it was.
OUTDATED = ("AMD", "duplicate_of", *MARKS)


@explicit_serialize
class RigidPress(Procedure[RigidPressOptions]):
    """Press the structures of a pool; the pressed ones are new structures that name their parents."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return items of some structures each."""
        return in_batches(campaign.pool_ids(), STRUCTURES_PER_ITEM)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Press the structures of an item; one that cannot be pressed is left out and named."""
        options = campaign.options
        rules = contact_rules(options)
        settings = json.dumps([getattr(options, name) for name in DECIDING], sort_keys=True)
        documents, made, refused = [], [], {}
        for parent in campaign.structures(item.payload["ids"]):
            try:
                pressed = press_fully(parent, options.sr, rules, options.symprec, options.max_steps)
            except ValueError as error:
                refused[parent.struct_id] = str(error)
                continue
            structure = pressed.structure
            digest = hashlib.sha256(f"{parent.struct_id}|{campaign.step}|{settings}".encode()).hexdigest()
            structure.struct_id = f"geometry_{digest[:16]}"
            structure.properties = {k: v for k, v in structure.properties.items() if k not in OUTDATED}
            provenance = {
                "step": campaign.step,
                "sr": options.sr,
                "steps": pressed.steps,
                "converged": pressed.converged,
            }
            document = to_document(structure, int(structure.properties["Z"]), provenance)
            documents.append(document | {"parent": parent.struct_id})
            made.append([structure.struct_id, pressed.converged])
        return Outcome({"pressed": made, "refused": refused}, structures=documents)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the pressed structures; name those that could not be pressed."""
        outcomes = [r["outcome"] for r in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)]
        made = [row for outcome in outcomes for row in outcome["pressed"]]
        refused = {name: why for outcome in outcomes for name, why in outcome["refused"].items()}
        if not made:
            why = next(iter(refused.values()), "its items failed")
            raise RunFailed(
                f"{campaign.step}: no structure of pool '{campaign.options.input_pool}' could be pressed: {why}"
            )
        ids = sorted(name for name, _ in made)
        campaign.make_pool(ids)
        campaign.export(ids, campaign.options.output_dir, campaign.options.output_format, campaign.options.output_pool)
        for name, why in sorted(refused.items())[:20]:
            campaign.log("not pressed", level="WARNING", structure=name, why=why)
        return {
            "structures": len(ids),
            "pool": campaign.options.output_pool,
            "refused": len(refused),
            "unconverged": sum(not converged for _, converged in made),
        }
