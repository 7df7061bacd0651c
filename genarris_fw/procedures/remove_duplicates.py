"""Remove_Duplicates: crystals that differ in nothing but their description, or by little, are kept once.

First the fingerprints, some structures an item. What they cannot tell apart falls into groups, most of a few
structures; an item is some whole groups, in which crystals are compared and the survivors chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.clustering.duplicates import Windows, candidates, find_duplicates, groups, ranking
from genarris_fw.clustering.fingerprints import Fingerprint, fingerprint
from genarris_fw.clustering.matching import Matching
from genarris_fw.errors import InputError
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.batches import in_batches
from genarris_fw.procedures.kit.duplicates import mark_duplicates
from genarris_fw.procedures.kit.energies import energies_per_molecule
from genarris_fw.procedures.options.remove_duplicates import RemoveDuplicatesOptions

Step = Campaign[RemoveDuplicatesOptions]

STRUCTURES_PER_ITEM = 50
FINGERPRINTS, GROUPS = "fingerprints ", "groups "
# The options that make up a `Windows` and a `Matching`.
WINDOWS = ("volume_tolerance", "amd_tolerance", "pdd_tolerance")
MATCHING = (
    *("method", "rmsd_tolerance", "molecules_in_cluster", "mirror_images", "hydrogens"),
    *("ltol", "stol", "angle_tol"),
)


@explicit_serialize
class RemoveDuplicates(Procedure[RemoveDuplicatesOptions]):
    """Make a pool without duplicates; every duplicate names its survivor."""

    rounds = True

    def plan(self, campaign: Step) -> list[Item]:
        """Return items of some structures each."""
        _windows(campaign), _matching(campaign)  # what is wrong with the options is told before any work
        return in_batches(campaign.pool_ids(), STRUCTURES_PER_ITEM, FINGERPRINTS)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Make fingerprints, or compare the crystals of some groups."""
        structures = campaign.structures(item.payload["ids"], [])
        if item.key.startswith(FINGERPRINTS):
            made, refused = {}, {}
            for structure in structures:
                try:
                    made[structure.struct_id] = fingerprint(structure, campaign.molecule_of_run).to_dict()
                except InputError as error:
                    refused[structure.struct_id] = str(error)
            return Outcome({"fingerprints": made, "refused": refused})
        found = find_duplicates(
            structures,
            windows=_windows(campaign),
            comparison=_matching(campaign),
            molecule=campaign.molecule_of_run,
        )
        ids = item.payload["ids"]
        duplicates = {
            name: {"of": ids[row], "rmsd": float(rmsd)}
            for name, row, rmsd in zip(ids, found.survivors, found.rmsd)
            if ids[row] != name
        }
        return Outcome({"duplicates": duplicates, "candidates": found.candidates, "compared": found.compared})

    def next_round(self, campaign: Step) -> list[Item]:
        """Return the groups of structures that their fingerprints cannot tell apart."""
        done = self._outcomes(campaign, FINGERPRINTS)
        prints = {name: Fingerprint.from_dict(one) for outcome in done for name, one in outcome["fingerprints"].items()}
        ids = sorted(prints)
        pairs = candidates([prints[name] for name in ids], _windows(campaign))
        order = ranking(len(ids), energies_per_molecule(campaign, ids, campaign.options.energy_name))
        place = np.argsort(order)
        return [
            Item(f"{GROUPS}{ids[rows[0]]}", {"ids": [ids[row] for row in rows]})
            for rows in _together(groups(order, pairs), place)
        ]

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the survivors; what could not be compared is among them."""
        ids, compared = campaign.pool_ids(), self._outcomes(campaign, GROUPS)
        duplicates = {name: of for outcome in compared for name, of in outcome["duplicates"].items()}
        refused = {name: why for one in self._outcomes(campaign, FINGERPRINTS) for name, why in one["refused"].items()}
        if refused:
            first = min(refused.items())[1]
            campaign.log("structures that cannot be compared stay", level="WARNING", number=len(refused), first=first)
        survivors = [name for name in ids if name not in duplicates]
        mark_duplicates(campaign, {name: (of["of"], of["rmsd"]) for name, of in duplicates.items()})
        campaign.make_pool(survivors)
        options = campaign.options
        campaign.export(survivors, options.output_dir, options.output_format, options.output_pool)
        return {
            "structures": len(survivors),
            "duplicates": len(duplicates),
            "candidates": sum(outcome["candidates"] for outcome in compared),
            "compared": sum(outcome["compared"] for outcome in compared),
            "uncompared": len(refused),
        }

    def _outcomes(self, campaign: Step, prefix: str) -> list[dict[str, Any]]:
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step, prefix=prefix)
        return [record["outcome"] for record in done]


def _together(found: list[NDArray[np.intp]], place: NDArray[np.intp]) -> Iterator[list[int]]:
    """Put whole groups together to items of at least STRUCTURES_PER_ITEM structures, each in the order of ranking."""
    rows: list[int] = []
    for i, group in enumerate(found):
        rows += group.tolist()
        if len(rows) >= STRUCTURES_PER_ITEM or i == len(found) - 1:
            yield sorted(rows, key=lambda row: int(place[row]))
            rows = []


def _windows(campaign: Step) -> Windows:
    return Windows(**{name: getattr(campaign.options, name) for name in WINDOWS})


def _matching(campaign: Step) -> Matching:
    return Matching(**{name: getattr(campaign.options, name) for name in MATCHING})
