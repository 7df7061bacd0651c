"""What every replica of the generator derives from the run: molecule, sites, volume, quotas, budgets."""

from __future__ import annotations

import hashlib
import json
import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.generation import Group, Occupation, cutoff_matrix
from genarris_fw.generation.generator import undeformed
from genarris_fw.generation.group_choice import quotas
from genarris_fw.procedures.estimate_unit_cell_volume import estimate
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.contact_rules import contact_rules
from genarris_fw.procedures.kit.sites import wanted_sites
from genarris_fw.procedures.options.estimate_unit_cell_volume import EstimateUnitCellVolumeOptions
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions

# What decides which crystal a draw gives, besides seed, molecule and volume.
DECIDING = (
    *("Z", "sr", "tol", "generation_mode", "contact_rules", "custom_radii", "custom_radii_by_pairs"),
    *("site_combinations", "rigid_press", "press_sr"),
)


class GenerationPlan:
    """The generator's part of a run."""

    def __init__(self, campaign: Campaign[PygenarrisStructureGenerationOptions]) -> None:
        self.options = campaign.options
        self.molecule: Molecule = campaign.molecule
        self.seed = campaign.seed
        self.volume_mean, self.volume_std = self._volume(campaign)
        self._groups: dict[int, Group] = {}

    def _volume(self, campaign: Campaign[PygenarrisStructureGenerationOptions]) -> tuple[float, float]:
        mean, std = self.options.volume_mean, self.options.volume_std
        if mean is None:
            step = self.options.volume_step
            summary = campaign.summary(step) if step else self._estimate(campaign)
            mean, std = summary["volume_mean"], summary["volume_std"] if std is None else std
        return mean, 0.075 * mean if std is None else std

    def _estimate(self, campaign: Campaign[PygenarrisStructureGenerationOptions]) -> dict[str, Any]:
        return estimate(campaign, EstimateUnitCellVolumeOptions(Z=self.options.Z, volume_std=self.options.volume_std))

    @cached_property
    def all_sites(self) -> dict[int, list[Occupation]]:
        """Every occupation of the wanted space groups, those that would deform the molecule too."""
        return wanted_sites(self.molecule, self.options)

    @cached_property
    def sites(self) -> dict[int, list[Occupation]]:
        """The occupations by space group, in ascending order, of the groups that the options allow."""
        limit = self.options.max_deformation
        kept = {group: undeformed(found, limit) for group, found in self.all_sites.items()}
        return {group: found for group, found in kept.items() if found}

    @property
    def refused(self) -> dict[int, float]:
        """Space groups left out because all their sites would deform the molecule, and by how much (Å) at least."""
        return {
            group: min(max(site.deformation for site in o.sites) for o in found)
            for group, found in self.all_sites.items()
            if group not in self.sites
        }

    @cached_property
    def quotas(self) -> dict[int, int]:
        """How many structures each space group shall give."""
        groups = sorted(self.sites)
        if self.options.structures_per_group:
            return dict.fromkeys(groups, self.options.structures_per_group)
        wanted, total = self.options.space_groups, self.options.num_structures
        if not total:
            return dict.fromkeys(groups, 1)
        if wanted == "csd":
            return {group: number for group, number in quotas(wanted, groups, total).items() if number}
        # The manual's ceiling, per rank.
        ranks = self.options.ranks
        return dict.fromkeys(groups, ranks * math.ceil(total / (ranks * max(1, len(groups)))))

    @property
    def refilled_to(self) -> int | None:
        """How many structures there are to be in all, in place of duplicates and empty groups; None: as it comes."""
        options = self.options
        by_group = options.structures_per_group and not options.truncate_to_num_structures
        return None if by_group or not options.refill_quotas else options.num_structures

    def budget(self, group: int, mode: str) -> int:
        """How many draws each occupation of a space group may take."""
        draws = self.options.max_packed_attempts if mode == "packing" else self.options.max_attempts
        return max(1, draws // len(self.sites[group]))

    @cached_property
    def cutoffs(self) -> NDArray[np.float64]:
        """Closest allowed distances between atoms of two molecules, (n, n) in Å."""
        return cutoff_matrix(self.molecule, self.options.sr, contact_rules(self.options))

    @cached_property
    def press_cutoffs(self) -> NDArray[np.float64] | None:
        """The distances that the press keeps, where structures are to be pressed."""
        if not self.options.rigid_press:
            return None
        sr = min(self.options.press_sr or self.options.sr, self.options.sr)
        return cutoff_matrix(self.molecule, sr, contact_rules(self.options))

    def group(self, number: int) -> Group:
        """Return a space group ready to draw from, made once per replica."""
        if number not in self._groups:
            self._groups[number] = Group(
                self.molecule, self.sites[number], self.cutoffs, press_cutoffs=self.press_cutoffs
            )
        return self._groups[number]

    @cached_property
    def digest(self) -> str:
        """A digest of the molecule and of the options that decide which structures come out."""
        chosen: dict[str, Any] = {name: getattr(self.options, name) for name in DECIDING}
        words = json.dumps([chosen, self.seed, self.molecule.species], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()

    def struct_id(self, run: str, space_group: int, wyckoff: str, draw: int) -> str:
        """Return the id of a structure of this run."""
        return struct_id(run, self.digest, space_group, wyckoff, draw)


def struct_id(run: str, digest: str, space_group: int, wyckoff: str, draw: int) -> str:
    """Return the id of a generated structure, from names and numbers alone, never from floats or clocks."""
    words = f"{run}|{digest}|{space_group}|{wyckoff}|{draw}"
    return "geometry_" + hashlib.sha256(words.encode()).hexdigest()[:16]
