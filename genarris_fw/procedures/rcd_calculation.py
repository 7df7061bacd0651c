"""RCD_Calculation: the relative coordinate descriptor of every structure of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import RelativeCoordinates, rcd
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.files import write_text
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.batches import in_batches
from genarris_fw.procedures.options.rcd_calculation import RCDCalculationOptions

Step = Campaign[RCDCalculationOptions]

STRUCTURES_PER_ITEM = 50


@explicit_serialize
class RCDCalculation(Procedure[RCDCalculationOptions]):
    """Describe every structure by how its molecules' nearest neighbours lie and are turned."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return items of some structures each."""
        return in_batches(campaign.pool_ids(), STRUCTURES_PER_ITEM)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Describe the structures of an item; one that is not made of the molecule is left out and named."""
        options = campaign.options
        fields, refused = {}, {}
        for structure in campaign.structures(item.payload["ids"]):
            try:
                [descriptor] = rcd([structure], campaign.molecule, options.close_picks)
            except InputError as error:
                refused[structure.struct_id] = str(error)
                continue
            fields[structure.struct_id] = {f"properties.{options.property_name}": descriptor.to_plain()}
        return Outcome({"described": sorted(fields), "refused": refused}, fields=fields)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the described structures; write the descriptors as text and the report."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        ids = sorted(name for record in done for name in record["outcome"]["described"])
        refused = {name: why for record in done for name, why in record["outcome"]["refused"].items()}
        if not ids:
            first = next(iter(refused.values()), "every work item failed, see genarris-fw status")
            raise RunFailed(f"{campaign.step}: no structure could be described: {first}")
        if refused:
            campaign.log("structures without descriptor", level="WARNING", number=len(refused), see="report_file")
        campaign.make_pool(ids)
        campaign.export(ids, campaign.options.output_dir, campaign.options.output_format, campaign.options.output_pool)
        if campaign.sees_folder():
            lines = "".join(self._lines(campaign, ids))
            write_text(campaign.prepared(Path(campaign.options.output_info_file)), lines)
            text = report(campaign, len(ids), refused)
            write_text(campaign.prepared(Path(campaign.options.report_file)), text)
        return {"structures": len(ids), "undescribed": len(refused)}

    def _lines(self, campaign: Step, ids: list[str]) -> Iterator[str]:
        """Yield a block of lines per structure: its id, then the weight of each environment and its neighbours."""
        yield "# structure, environments\n#   weight, neighbours\n#     t (Å) and cosines of each neighbour\n"
        for name, plain in zip(ids, campaign.properties(ids, campaign.options.property_name)):
            environments = RelativeCoordinates.from_plain(plain, name).environments
            yield f"{name} {len(environments)}\n"
            for one in environments:
                yield f"  {one.weight:.6f} {len(one.neighbours)}\n"
                for row in one.neighbours:
                    yield "    " + " ".join(f"{value:11.6f}" for value in row) + "\n"


def report(campaign: Step, described: int, refused: dict[str, str]) -> str:
    """Return the account of a calculation: the options, how many structures, and which were left out, why."""
    lines = [
        f"run {campaign.run}, step {campaign.step}",
        f"close_picks {campaign.options.close_picks}, property {campaign.options.property_name}",
        f"structures described {described}, left out {len(refused)}",
        *(f"{name}: {why}" for name, why in sorted(refused.items())),
    ]
    return "\n".join(lines) + "\n"
