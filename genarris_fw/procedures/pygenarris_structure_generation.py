"""Pygenarris_Structure_Generation: random crystals in every space group the molecule fits.

A work item is a range of draws of one space group. Which crystal draw ``d`` of a group gives depends on the seed
alone; a group's items follow one another until its quota is met or its draws are spent, and the quota keeps the
accepted structures with the lowest draw numbers. So the pool is the same for any number of replicas.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Molecule, write
from genarris_fw.errors import RunFailed
from genarris_fw.files import write_text
from genarris_fw.generation import Site, compatible_sites, cutoff_matrix, draw_block
from genarris_fw.procedures.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.documents import to_document
from genarris_fw.procedures.estimate_unit_cell_volume import estimate

FIRST_BLOCK = 20_000
LARGEST_BLOCK = 1_000_000


class Plan:
    """What every replica of the generator derives from the run: molecule, sites, volume, quota."""

    def __init__(self, campaign: Campaign) -> None:
        self.options = campaign.options
        self.molecule: Molecule = campaign.molecule
        self.seed = campaign.seed
        self.volume_mean, self.volume_std = self._volume(campaign)

    def _volume(self, campaign: Campaign) -> tuple[float, float]:
        mean, std = self.options.get("volume_mean"), self.options.get("volume_std")
        if mean is None:
            step = self.options.get("volume_step")
            summary = campaign.summary(step) if step else estimate(campaign, self.options)
            mean, std = summary["volume_mean"], summary["volume_std"] if std is None else std
        return float(mean), 0.075 * float(mean) if std is None else float(std)

    @cached_property
    def sites(self) -> dict[int, list[Site]]:
        """The compatible sites by space group, of the groups that the options allow."""
        wanted = self.options.get("space_groups", "all")
        found: dict[int, list[Site]] = {}
        for site in compatible_sites(self.molecule, int(self.options["Z"]), float(self.options["tol"])):
            if wanted == "all" or site.space_group in wanted:
                found.setdefault(site.space_group, []).append(site)
        return found

    @cached_property
    def quota(self) -> int:
        """How many structures each space group shall give: the manual's ceiling, per rank."""
        if self.options.get("structures_per_group"):
            return int(self.options["structures_per_group"])
        total, ranks = int(self.options.get("num_structures") or 0), int(self.options.get("ranks") or 1)
        return ranks * math.ceil(total / (ranks * max(1, len(self.sites)))) if total else 1

    @cached_property
    def cutoffs(self) -> np.ndarray:
        """Closest allowed distances between atoms of two molecules, (n, n) in Å."""
        return cutoff_matrix(self.molecule, float(self.options["sr"]))

    @cached_property
    def digest(self) -> str:
        """A digest of the molecule and of the options that decide which structures come out."""
        names = ("Z", "sr", "tol", "generation_mode")
        chosen = {name: self.options.get(name) for name in names}
        words = json.dumps([chosen, self.seed, self.molecule.species], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()


def struct_id(run: str, digest: str, space_group: int, wyckoff: str, draw: int) -> str:
    """Return the id of a generated structure, from names and numbers alone, never from floats or clocks."""
    words = f"{run}|{digest}|{space_group}|{wyckoff}|{draw}"
    return "geometry_" + hashlib.sha256(words.encode()).hexdigest()[:16]


@explicit_serialize
class PygenarrisStructureGeneration(Procedure):
    """Generate crystals on general and special positions, by rejection of those with close contacts."""

    _plan: Plan | None = None

    def plan_of(self, campaign: Campaign) -> Plan:
        """Return the plan, made once per replica."""
        if self._plan is None:
            self._plan = Plan(campaign)
        return self._plan

    def plan(self, campaign: Campaign) -> list[Item]:
        """Return the first range of draws of every compatible space group."""
        plan = self.plan_of(campaign)
        if not plan.sites:
            raise RunFailed(
                f"no space group has a site for {plan.options['Z']} molecules {plan.molecule.formula} per cell at "
                f"tol = {plan.options['tol']} Å: raise tol, choose another Z, or widen space_groups"
            )
        campaign.log("space groups", groups=len(plan.sites), quota=plan.quota, volume=round(plan.volume_mean, 3))
        return [self._item(plan, group, 0, 0, 0) for group in sorted(plan.sites)]

    def _item(self, plan: Plan, group: int, block: int, first: int, accepted: int) -> Item:
        budget = int(plan.options["max_attempts"]) - first
        count = min(FIRST_BLOCK * 2**block, LARGEST_BLOCK, budget)
        payload = {
            "space_group": group,
            "block": block,
            "first": first,
            "count": count,
            "accepted_before": accepted,
        }
        return Item(f"{group:03d}-{block:06d}", payload)

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        """Carry out one range of draws; the next range of the group follows when it is needed."""
        plan, task = self.plan_of(campaign), item.payload
        group, before = task["space_group"], task["accepted_before"]
        block = draw_block(
            plan.molecule,
            int(plan.options["Z"]),
            group,
            plan.sites[group],
            plan.volume_mean,
            plan.volume_std,
            float(plan.options["sr"]),
            plan.seed,
            task["first"],
            task["count"],
            plan.quota - before,
            cutoffs=plan.cutoffs,
        )
        documents, accepted = [], []
        for found in block.accepted:
            structure = found.structure
            structure.struct_id = struct_id(campaign.run, plan.digest, group, found.site.wyckoff, found.draw)
            provenance = {
                "procedure": campaign.step,
                "mode": "rejection",
                "seed": plan.seed,
                "space_group": group,
                "wyckoff": found.site.wyckoff,
                "site_symmetry": found.site.site_symmetry,
                "draw": found.draw,
            }
            documents.append(to_document(structure, int(plan.options["Z"]), provenance))
            accepted.append([found.draw, structure.struct_id])
        total, spent = before + len(accepted), task["first"] + block.draws
        following = []
        if total < plan.quota and spent < int(plan.options["max_attempts"]):
            following = [self._item(plan, group, task["block"] + 1, spent, total)]
        return Outcome({"accepted": accepted, "draws": block.draws}, structures=documents, items=following)

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Make the pool of the accepted structures with the lowest draw numbers of every group; write the files."""
        plan, options = self.plan_of(campaign), campaign.options
        groups: dict[int, dict[str, Any]] = {
            group: {"space_group": group, "accepted": 0, "draws": 0, "sites": [s.wyckoff for s in sites]}
            for group, sites in sorted(plan.sites.items())
        }
        ids = []
        for record in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step):
            group = groups[record["payload"]["space_group"]]
            group["accepted"] += len(record["outcome"]["accepted"])
            group["draws"] += record["outcome"]["draws"]
            ids += [name for _, name in record["outcome"]["accepted"]]
        if not ids:
            raise RunFailed(nothing_generated(plan, list(groups.values())))
        wanted = options.get("num_structures")
        if options.get("truncate_to_num_structures") and wanted and len(ids) > int(wanted):
            chosen = np.random.Generator(np.random.Philox(plan.seed)).permutation(len(ids))[: int(wanted)]
            ids = [ids[i] for i in sorted(chosen)]
        campaign.make_pool(ids)
        self._write_files(campaign, plan, ids)
        empty = [str(group["space_group"]) for group in groups.values() if not group["accepted"]]
        if empty:
            campaign.log("space groups without a structure", level="WARNING", groups=" ".join(empty))
        return {
            "structures": len(ids),
            "pool": options["output_pool"],
            "volume_mean": plan.volume_mean,
            "volume_std": plan.volume_std,
            "groups": list(groups.values()),
        }

    def _write_files(self, campaign: Campaign, plan: Plan, ids: list[str]) -> None:
        if not campaign.sees_folder():
            return
        options = campaign.options
        campaign.export(ids, options["output_dir"], options["output_format"])
        write(campaign.structures(ids), Path(options["geometry_out_filename"]), "geometry_out")
        tiled = np.tile(plan.cutoffs, (int(options["Z"]), int(options["Z"])))
        rows = "".join(" ".join(f"{value:.18e}" for value in row) + "\n" for row in tiled)
        write_text(campaign.folder / "cutoff_matrix", rows)


def nothing_generated(plan: Plan, groups: list[dict[str, Any]]) -> str:
    """Return the account of a generation that gave nothing, space group by space group."""
    account = ", ".join(f"{group['space_group']} ({group['draws']} draws)" for group in groups)
    return (
        f"no structure without close contacts in any of the {len(groups)} compatible space groups with "
        f"sr = {plan.options['sr']} and a cell of {plan.volume_mean:.1f} Å3: lower sr, raise volume_mean, or allow "
        f"more attempts; draws per space group: {account}"
    )
