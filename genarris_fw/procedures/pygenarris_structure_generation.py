"""Pygenarris_Structure_Generation: random crystals in every space group the molecule fits.

Which crystal draw ``d`` on a site of a group gives depends on the seed alone. A group begins with one item: it chooses
the mode (``auto``), makes the first draws on all sites and measures their rate. Where the quota is not met, every site
goes on in items of some seconds, on as many lanes as there are replicas; a lane ends when the quota is met by lower
draws. The quota keeps the accepted structures with the lowest draw numbers, so the pool is the same for any number of
replicas.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure, write
from genarris_fw.descriptors.amd import amd, amd_of_rows
from genarris_fw.errors import RunFailed
from genarris_fw.files import write_text
from genarris_fw.generation import Accepted, Occupation, Sampling
from genarris_fw.generation.duplicates import first_of_equals
from genarris_fw.generation.modes import pilot
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.duplicates import mark_duplicates
from genarris_fw.procedures.kit.generation_plan import GenerationPlan
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions

Step = Campaign[PygenarrisStructureGenerationOptions]

FIRST_DRAWS = {"rejection": 20_000, "packing": 256}  # of each site
SECONDS_PER_ITEM = 3.0
MOST_DRAWS = 1 << 32
AMD_NEIGHBOURS = 100


@explicit_serialize
class PygenarrisStructureGeneration(Procedure[PygenarrisStructureGenerationOptions]):
    """Generate crystals on general and special positions, by rejection or by packing."""

    _plan: GenerationPlan | None = None

    def plan_of(self, campaign: Step) -> GenerationPlan:
        """Return the plan, made once per replica."""
        if self._plan is None:
            self._plan = GenerationPlan(campaign)
        return self._plan

    def plan(self, campaign: Step) -> list[Item]:
        """Return the first item of every compatible space group."""
        plan = self.plan_of(campaign)
        if plan.refused:
            campaign.log(
                "space groups left out: their sites would deform the molecule by more than max_deformation",
                level="WARNING",
                groups=" ".join(f"{group} ({moved:.2g} Å)" for group, moved in plan.refused.items()),
            )
        if not plan.sites:
            raise RunFailed(no_site(plan))
        campaign.log(
            "space groups", groups=len(plan.quotas), quota=sum(plan.quotas.values()), volume=round(plan.volume_mean, 3)
        )
        return [Item(f"{group:03d}", {"space_group": group}) for group in sorted(plan.quotas)]

    def wanted_replicas(self, campaign: Step) -> int:
        """Return num_replicas; where it is not given, one for each of the manual's ranks, or for each worker."""
        if campaign.replicas_asked_for:
            return campaign.replicas_asked_for
        threads = campaign.options.omp_num_threads
        return max(campaign.num_replicas, (campaign.options.num_cores or 1) // threads)

    def most_replicas(self, campaign: Step, items: int) -> int:
        """Return that all replicas are of use: sites are divided into lanes."""
        return self.wanted_replicas(campaign)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Make a range of draws; the ranges that follow from it are added where they are needed."""
        if "first" in item.payload:
            return self._go_on(campaign, item)
        return self._begin(campaign, item)

    def _begin(self, campaign: Step, item: Item) -> Outcome:
        """Choose the mode of a space group, make the first draws on all its sites, and measure."""
        plan, number = self.plan_of(campaign), int(item.payload["space_group"])
        group, mode, chosen = plan.group(number), plan.options.generation_mode, None
        if mode == "auto":
            chosen = pilot(group, plan.seed, plan.volume_mean, plan.volume_std)
            mode = chosen.mode
        sampling = Sampling(mode, plan.seed, plan.volume_mean, plan.volume_std)
        count = min(FIRST_DRAWS[mode], plan.budget(number, mode))
        begun = time.process_time()
        accepted, draws = group.draw(sampling, 0, count, plan.quotas[number], threads=_threads(plan))
        seconds = max(time.process_time() - begun, 1e-3)
        outcome = self._outcome(campaign, sampling, accepted, draws)
        outcome.summary["mode"] = mode
        if chosen is not None:
            outcome.summary["pilot"] = {"rejection": chosen.rejection, "packing": chosen.packing}
        if len(accepted) < plan.quotas[number] and count < plan.budget(number, mode):
            lanes = max(1, self.wanted_replicas(campaign))
            size = int(draws / seconds * SECONDS_PER_ITEM)
            if accepted:  # no more than what should fill the quota, over all sites and lanes
                missing = (plan.quotas[number] - len(accepted)) * draws / len(accepted)
                size = min(size, int(1.2 * missing / (lanes * len(group))))
            size = min(max(size, count), MOST_DRAWS)
            payload = {"space_group": number, "mode": mode, "size": size, "lanes": lanes, "lane": 0}
            outcome.items = [
                _item(plan, payload | {"site": site, "first": count, "spawn": lanes > 1}) for site in range(len(group))
            ]
        return outcome

    def _go_on(self, campaign: Step, item: Item) -> Outcome:
        """Make a range of draws on one site of a space group."""
        plan, task = self.plan_of(campaign), item.payload
        number, mode, first, size = task["space_group"], task["mode"], task["first"], task["size"]
        quota, budget = plan.quotas[number], plan.budget(number, mode)
        before = self._accepted_before(campaign, number, first)
        sampling = Sampling(mode, plan.seed, plan.volume_mean, plan.volume_std)
        count = min(size, budget - first)
        accepted, draws = plan.group(number).draw(
            sampling, first, count, quota - before, only=task["site"], threads=_threads(plan)
        )
        outcome = self._outcome(campaign, sampling, accepted, draws)
        starts = [first + size * task["lanes"]]
        if task["spawn"]:
            starts += [first + size * lane for lane in range(1, task["lanes"])]
        full = self._accepted_before(campaign, number, starts[0]) + len(accepted) >= quota
        for lane, start in enumerate(starts):
            if start < budget and not (lane == 0 and full):
                outcome.items.append(_item(plan, task | {"lane": lane or task["lane"], "first": start, "spawn": False}))
        return outcome

    def _accepted_before(self, campaign: Step, number: int, draw: int) -> int:
        """How many structures of a space group are committed with a draw number below this."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step, prefix=f"{number:03d}")
        return len({name for record in done for n, _, name in record["outcome"]["accepted"] if n < draw})

    def _outcome(
        self,
        campaign: Step,
        sampling: Sampling,
        accepted: list[Accepted],
        draws: int,
    ) -> Outcome:
        plan = self.plan_of(campaign)
        documents, rows = [], []
        for found in accepted:
            structure, occupation = found.structure, found.occupation
            structure.struct_id = plan.struct_id(campaign.run, occupation.space_group, occupation.wyckoff, found.draw)
            if plan.options.duplicate_tolerance:
                structure.properties["AMD"] = _amd(structure, occupation).tolist()
            provenance = {
                "step": campaign.step,
                "mode": sampling.mode,
                "seed": plan.seed,
                "space_group": occupation.space_group,
                "wyckoff": occupation.wyckoff,
                "site_symmetry": occupation.site_symmetry,
                "draw": found.draw,
                "attempts": found.attempts,
                "pressed": plan.press_cutoffs is not None,
            }
            documents.append(to_document(structure, plan.options.Z, provenance))
            rows.append([found.draw, plan.sites[occupation.space_group].index(occupation), structure.struct_id])
        return Outcome({"accepted": rows, "draws": draws}, structures=documents)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the accepted structures with the lowest draw numbers of every group; write the files."""
        plan, options = self.plan_of(campaign), campaign.options
        groups = {
            group: {
                "space_group": group,
                "accepted": 0,
                "duplicates": 0,
                "relabelled": 0,
                "draws": 0,
                "mode": options.generation_mode,
                "sites": [o.wyckoff for o in plan.sites[group]],
            }
            for group in sorted(plan.quotas)
        }
        found: dict[int, dict[str, tuple[int, int]]] = {group: {} for group in groups}
        for record in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step):
            number, outcome = record["payload"]["space_group"], record["outcome"]
            groups[number]["draws"] += outcome["draws"]
            groups[number]["mode"] = outcome.get("mode", groups[number]["mode"])
            found[number] |= {name: (draw, site) for draw, site, name in outcome["accepted"]}
        ids: list[str] = []
        for number, accepted in found.items():
            order = sorted(accepted, key=lambda name: accepted[name])[: plan.quotas[number]]
            if len(order) == plan.quotas[number]:
                # Lanes may have run on: how far depends on how many there were.
                draw, site = accepted[order[-1]]
                groups[number]["draws"] = draw * len(plan.sites[number]) + site + 1
            kept = self._without_duplicates(campaign, order)
            groups[number] |= {"accepted": len(kept), "duplicates": len(order) - len(kept)}
            labels = campaign.properties(kept, "spg") if kept else []
            groups[number]["relabelled"] = sum(label != number for label in labels)
            ids += kept
        if not ids:
            raise RunFailed(nothing_generated(plan, list(groups.values())))
        wanted = options.num_structures
        if options.truncate_to_num_structures and wanted and len(ids) > wanted:
            chosen = np.random.Generator(np.random.Philox(plan.seed)).permutation(len(ids))[:wanted]
            ids = [ids[i] for i in sorted(chosen)]
        campaign.make_pool(ids)
        self._write_files(campaign, plan, ids)
        empty = [f"{g['space_group']} ({g['draws']} draws)" for g in groups.values() if not g["accepted"]]
        if empty:
            campaign.log("space groups without a structure", level="WARNING", groups=" ".join(empty))
        return {
            "structures": len(ids),
            "space_groups": sum(bool(group["accepted"]) for group in groups.values()),
            "empty_groups": len(empty),
            "duplicates": sum(group["duplicates"] for group in groups.values()),
            "relabelled": sum(group["relabelled"] for group in groups.values()),
            "pool": options.output_pool,
            "volume_mean": plan.volume_mean,
            "volume_std": plan.volume_std,
            "groups": list(groups.values()),
        }

    def _without_duplicates(self, campaign: Step, names: list[str]) -> list[str]:
        """Leave out the structures of a group, given in draw order, that equal an earlier one; they name it."""
        tolerance = campaign.options.duplicate_tolerance
        if not tolerance or len(names) < 2:
            return names
        vectors = np.array(campaign.properties(names, "AMD"), dtype=float)
        firsts = first_of_equals(vectors, tolerance)
        mark_duplicates(
            campaign, {name: (names[first], None) for k, (name, first) in enumerate(zip(names, firsts)) if first != k}
        )
        return [name for k, name in enumerate(names) if firsts[k] == k]

    def _write_files(self, campaign: Step, plan: GenerationPlan, ids: list[str]) -> None:
        if not campaign.sees_folder():
            return
        options = campaign.options
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        out = campaign.prepared(Path(options.geometry_out_filename))
        write(campaign.structures(ids), out, "geometry_out")
        tiled = np.tile(plan.cutoffs, (options.Z, options.Z))
        rows = "".join(" ".join(f"{value:.18e}" for value in row) + "\n" for row in tiled)
        write_text(campaign.prepared(campaign.folder / "cutoff_matrix"), rows)


def _item(plan: GenerationPlan, payload: dict[str, Any]) -> Item:
    return Item(f"{payload['space_group']:03d}-{payload['site']:03d}-{payload['first']:014d}", payload)


def _amd(structure: Structure, occupation: Occupation) -> NDArray[np.float64]:
    """Return what duplicates are recognised by; where all molecules are equivalent, one speaks for all."""
    if len(occupation.sites) > 1 or structure.lattice is None:
        return amd(structure, AMD_NEIGHBOURS)
    one = np.arange(int(structure.properties["number_of_atoms_in_molecule"]))
    return amd_of_rows(structure.lattice, structure.positions, one, AMD_NEIGHBOURS)


def _threads(plan: GenerationPlan) -> int:
    return plan.options.omp_num_threads


def no_site(plan: GenerationPlan) -> str:
    """Say why no space group can be used."""
    options = plan.options
    if plan.refused:
        group, moved = min(plan.refused.items(), key=lambda entry: entry[1])
        return (
            f"every site for {options.Z} molecules {plan.molecule.formula} per cell would deform the molecule by "
            f"more than max_deformation = {options.max_deformation} Å (the least by {moved:.2g} Å, space "
            f"group {group}): symmetrise the molecule, raise max_deformation, or choose another Z"
        )
    return (
        f"no space group has a site for {options.Z} molecules {plan.molecule.formula} per cell at "
        f"tol = {options.tol} Å: raise tol, choose another Z, or widen space_groups"
    )


def nothing_generated(plan: GenerationPlan, groups: list[dict[str, Any]]) -> str:
    """Return the account of a generation that gave nothing, space group by space group."""
    account = ", ".join(f"{group['space_group']} ({group['draws']} draws)" for group in groups)
    return (
        f"no structure without close contacts in any of the {len(groups)} compatible space groups with "
        f"sr = {plan.options.sr} and a cell of {plan.volume_mean:.1f} Å3: lower sr, raise volume_mean, or allow "
        f"more attempts; draws per space group: {account}"
    )
