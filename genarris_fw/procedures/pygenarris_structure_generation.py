"""Pygenarris_Structure_Generation: random crystals in every space group the molecule fits.

Which crystal draw ``d`` on a site of a group gives depends on the seed alone. A group begins with one item: it chooses
the mode (``auto``) and makes the first draws on all sites. Rounds follow (`Rounds`): groups that lack structures are
drawn on, or given up; duplicates are looked for; quotas are refilled. A quota keeps the accepted structures with the
lowest draw numbers, and all that is decided follows from numbers of draws and structures, so the pool is the same for
any number of replicas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.descriptors.amd import amd, amd_of_rows
from genarris_fw.errors import RunFailed
from genarris_fw.files import write_text
from genarris_fw.generation import Accepted, Occupation, Sampling
from genarris_fw.generation.duplicates import first_of_equals
from genarris_fw.generation.modes import pilot
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.duplicates import mark_duplicates
from genarris_fw.procedures.kit.generated_files import GeneratedFiles, Place, forget_generated
from genarris_fw.procedures.kit.generation_account import COMPARISON, Drawn, read_account
from genarris_fw.procedures.kit.generation_plan import GenerationPlan
from genarris_fw.procedures.kit.generation_rounds import Rounds
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions

Step = Campaign[PygenarrisStructureGenerationOptions]

FIRST_DRAWS = {"rejection": 20_000, "packing": 256}  # of each site
AMD_NEIGHBOURS = 100


@explicit_serialize
class PygenarrisStructureGeneration(Procedure[PygenarrisStructureGenerationOptions]):
    """Generate crystals on general and special positions, by rejection or by packing."""

    rounds = True
    _plan: GenerationPlan | None = None

    @cached_property
    def _said(self) -> set[int]:
        """The groups whose giving up this replica has told."""
        return set()

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
        if campaign.sees_folder():
            GeneratedFiles(campaign).lay_out()
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
        """Return that all replicas are of use: groups are drawn on in items of some seconds."""
        return self.wanted_replicas(campaign)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Make a range of draws, or look for duplicates."""
        if COMPARISON in item.payload:
            return self._compare(campaign, item)
        if "first" in item.payload:
            return self._go_on(campaign, item)
        return self._begin(campaign, item)

    def _begin(self, campaign: Step, item: Item) -> Outcome:
        """Choose the mode of a space group, and make the first draws on all its sites."""
        plan, number = self.plan_of(campaign), int(item.payload["space_group"])
        group, mode, chosen = plan.group(number), plan.options.generation_mode, None
        if mode == "auto":
            chosen = pilot(group, plan.seed, plan.volume_mean, plan.volume_std)
            mode = chosen.mode
        sampling = Sampling(mode, plan.seed, plan.volume_mean, plan.volume_std)
        budget = plan.budget(number, mode)
        # Where nothing fits, all draws are known to give nothing.
        count = budget if group.hopeless(sampling) else min(FIRST_DRAWS[mode], budget)
        accepted, draws = group.draw(sampling, 0, count, plan.quotas[number], threads=_threads(plan))
        outcome = self._outcome(campaign, item, sampling, accepted, draws)
        outcome.summary["mode"] = mode
        if chosen is not None:
            outcome.summary["pilot"] = {"rejection": chosen.rejection, "packing": chosen.packing}
        return outcome

    def _go_on(self, campaign: Step, item: Item) -> Outcome:
        """Make a range of draws on one site of a space group."""
        plan, task = self.plan_of(campaign), item.payload
        sampling = Sampling(task["mode"], plan.seed, plan.volume_mean, plan.volume_std)
        group, quota = plan.group(task["space_group"]), task.get("quota") or plan.quotas[task["space_group"]]
        # An earlier version's last range may reach beyond the budget.
        count = min(task["size"], plan.budget(task["space_group"], task["mode"]) - task["first"])
        accepted, draws = group.draw(sampling, task["first"], count, quota, only=task["site"], threads=_threads(plan))
        return self._outcome(campaign, item, sampling, accepted, draws)

    def _compare(self, campaign: Step, item: Item) -> Outcome:
        """Find the structures of some groups, in the order of the draws, that equal an earlier one."""
        tolerance, duplicates = campaign.options.duplicate_tolerance, {}
        for number, count in item.payload[COMPARISON]:
            drawn = self._account(campaign, number)[number]
            names = [self._name(campaign, number, one) for one in drawn.found[:count].tolist()]
            vectors = np.empty((count, AMD_NEIGHBOURS))
            documents = campaign.catalogue.structures.load(campaign.run, names, ["properties.AMD"])
            for row, document in enumerate(documents):
                vectors[row] = document["properties"]["AMD"]
            firsts = first_of_equals(vectors, tolerance)
            again = np.flatnonzero(firsts != np.arange(count))
            duplicates[str(number)] = np.column_stack([again, firsts[again]]).tolist()
        return Outcome({"duplicates": duplicates})

    def _outcome(
        self,
        campaign: Step,
        item: Item,
        sampling: Sampling,
        accepted: list[Accepted],
        draws: int,
    ) -> Outcome:
        plan = self.plan_of(campaign)
        documents: list[NewStructure] = []
        rows: list[list[int]] = []
        relabelled: list[int] = []
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
            if structure.properties["spg"] != occupation.space_group:
                relabelled.append(len(rows))
            documents.append(to_document(structure, plan.options.Z, provenance))
            structure.properties = documents[-1]["properties"]  # as whoever reads the document finds them
            rows.append([found.draw, plan.sites[occupation.space_group].index(occupation)])
        summary: dict[str, Any] = {"accepted": rows, "draws": draws}
        if relabelled:
            summary["relabelled"] = relabelled
        files = GeneratedFiles(campaign)
        if rows and files.laid_out:
            # What cannot be written now is written from the catalogue when the step is collected, or says why not then.
            with suppress(OSError):
                summary["blocks"] = files.write(item.key, [found.structure for found in accepted])
        return Outcome(summary, structures=documents)

    def _account(self, campaign: Step, number: int | None = None) -> dict[int, Drawn]:
        """Return what the committed items have drawn; of one space group, where it is given."""
        plan, items = self.plan_of(campaign), campaign.catalogue.work_items
        prefix = "" if number is None else f"{number:03d}"
        failed = [record for record in items.failures(campaign.run, campaign.step) if record["key"].startswith(prefix)]
        done = items.each_outcome(campaign.run, campaign.step, prefix)
        return read_account(lambda group: len(plan.sites[group]), done, failed)

    def _name(self, campaign: Step, group: int, number: int) -> str:
        """Return the id of the structure with this number of a group."""
        plan = self.plan_of(campaign)
        draw, site = divmod(number, len(plan.sites[group]))
        return plan.struct_id(campaign.run, group, plan.sites[group][site].wyckoff, draw)

    def next_round(self, campaign: Step) -> list[Item]:
        """Return the draws that are still missing, and the comparisons of what is there."""
        rounds = Rounds(self.plan_of(campaign), self._account(campaign))
        for group, why in rounds.given_up.items():
            if group not in self._said:
                campaign.log("space group given up", level="WARNING", group=group, draws=why.draws, why=why.reason)
                self._said.add(group)
        return rounds.items

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the accepted structures with the lowest draw numbers of every group; write the files."""
        plan, options = self.plan_of(campaign), campaign.options
        rounds = Rounds(plan, self._account(campaign))
        groups, ids = [], []
        places: list[NDArray[np.int64]] = []  # of the groups: group, item, first byte, length
        for number, drawn in rounds.account.items():
            count = rounds.count(number)
            kept = np.flatnonzero(drawn.kept(count))
            rows = drawn.at(kept)
            names = [self._name(campaign, number, one) for one in drawn.found[:count].tolist()]
            pairs = drawn.duplicates.get(count, np.empty((0, 2), dtype=int)).tolist()
            mark_duplicates(campaign, {names[again]: (names[first], None) for again, first in pairs})
            groups.append(
                {
                    "space_group": number,
                    "accepted": len(kept),
                    "duplicates": count - len(kept),
                    "relabelled": int(rows[:, 3].sum()),
                    # Items may have gone further: how far is of no interest.
                    "draws": int(drawn.found[count - 1]) + 1 if count == rounds.targets[number] else drawn.through,
                    "mode": drawn.mode or options.generation_mode,
                    "sites": [o.wyckoff for o in plan.sites[number]],
                }
            )
            if number in rounds.given_up:
                groups[-1]["given_up"] = rounds.given_up[number].reason
            ids += [names[k] for k in kept]
            places.append(np.column_stack([np.full(len(rows), number), drawn.places(rows)]))
        if not ids:
            raise RunFailed(nothing_generated(plan, groups))
        wanted = options.num_structures
        if options.truncate_to_num_structures and wanted and len(ids) > wanted:
            chosen = np.random.Generator(np.random.Philox(plan.seed)).permutation(len(ids))[:wanted]
            chosen.sort()
            ids, places = [ids[i] for i in chosen], [np.concatenate(places)[chosen]]
        campaign.make_pool(ids)
        keys = {number: [key for key, _ in drawn.items] for number, drawn in rounds.account.items()}
        self._write_files(
            campaign,
            plan,
            ids,
            (
                (keys[number][item], start, length) if length >= 0 else None
                for part in places
                for number, item, start, length in map(np.ndarray.tolist, part)
            ),
        )
        given_up = [f"{g['space_group']} ({g['draws']} draws: {g['given_up']})" for g in groups if "given_up" in g]
        if given_up:
            campaign.log("space groups given up", level="WARNING", groups="; ".join(given_up))
        empty = [f"{g['space_group']} ({g['draws']} draws)" for g in groups if not g["accepted"]]
        if empty:
            campaign.log("space groups without a structure", level="WARNING", groups=" ".join(empty))
        if plan.refilled_to and len(ids) < plan.refilled_to:
            missing = plan.refilled_to - len(ids)
            campaign.log("fewer structures than asked for: no group gives more", level="WARNING", missing=missing)
        return {
            "structures": len(ids),
            "space_groups": sum(bool(group["accepted"]) for group in groups),
            "empty_groups": len(empty),
            "given_up": len(given_up),
            "duplicates": sum(group["duplicates"] for group in groups),
            "relabelled": sum(group["relabelled"] for group in groups),
            "pool": options.output_pool,
            "volume_mean": plan.volume_mean,
            "volume_std": plan.volume_std,
            "groups": groups,
        }

    def _write_files(self, campaign: Step, plan: GenerationPlan, ids: list[str], places: Iterable[Place]) -> None:
        if not campaign.sees_folder():
            return
        options, files = campaign.options, GeneratedFiles(campaign)
        files.geometry_out(campaign.prepared(Path(options.geometry_out_filename)), ids, places)
        files.collect(ids)
        tiled = np.tile(plan.cutoffs, (options.Z, options.Z))
        rows = "".join(" ".join(f"{value:.18e}" for value in row) + "\n" for row in tiled)
        write_text(campaign.prepared(campaign.folder / "cutoff_matrix"), rows)

    @classmethod
    def tidy(cls, catalogue: Catalogue, run: str, step: str, folders: Sequence[Path]) -> None:
        """Remove the folder in which the files were written."""
        forget_generated(run, step, folders)


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
