"""The options of Pygenarris_Structure_Generation."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, derived, option
from genarris_fw.declaring.types import (
    Flag,
    InputFile,
    OutputFile,
    OutputFolder,
    Real,
    Said,
    SpaceGroups,
    Whole,
    one_of,
)
from genarris_fw.options.base import MakesPool, OnCells, OnMolecule, cell_option, molecule_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.sizes import Count
from genarris_fw.procedures.options.contacts import ContactOptions
from genarris_fw.procedures.options.estimate_unit_cell_volume import LARGEST_CELL, EstimateUnitCellVolumeOptions

GenerationMode = Annotated[
    str, BeforeValidator(one_of("rejection", "packing", "auto")), Said("str", "rejection, packing or auto")
]
MOST_DRAWS = 10**15
PACKED_PER_GROUP = 10**6  # in the mode packing a draw is some ten arrangements
DRAWS_PER_GROUP = 10**9


class PygenarrisStructureGenerationOptions(OnMolecule, OnCells, ContactOptions, MakesPool):
    """Draw random crystal structures on general and special positions."""

    procedure: ClassVar[str] = "Pygenarris_Structure_Generation"
    order: ClassVar[int] = 30
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "space_groups": "in {} space groups",
        "empty_groups": "{} groups gave none",
        "given_up": "{} groups given up",
        "duplicates": "{} duplicates left out",
        "relabelled": "{} relabelled to a larger group",
    }
    a_replica_a_rank: ClassVar[bool] = True
    no_effect: ClassVar[dict[str, str]] = {
        "plot_histograms": "histograms are part of the report",
        "prop_*": "histograms are part of the report",
        "spg_bar_*": "histograms are part of the report",
    }

    molecule_path: InputFile | None = molecule_option(lends=2)
    Z: Whole = cell_option(lends=2)
    num_structures: Whole | None = option(
        "Target number of structures, shared equally by the compatible space groups (space_groups = csd: by frequency)",
        ge=1,
        le=10**9,
        default_words="one per compatible space group",
    )
    volume_mean: Real | None = option(
        "Mean of the cell volume",
        unit="Å3",
        category="inferred",
        ge=1,
        le=LARGEST_CELL,
        default_words="from Estimate_Unit_Cell_Volume",
    )
    volume_std: Real | None = option(
        "Standard deviation of the cell volume",
        unit="Å3",
        category="inferred",
        ge=0,
        le=LARGEST_CELL,
        default_words="from Estimate_Unit_Cell_Volume, else 0.075 x volume_mean",
    )
    sr: Real = option(
        "Fraction of the sum of two van der Waals radii below which atoms of two molecules are too close",
        0.85,
        default_2_0=REQUIRED,
        ge=0.01,
        le=2,
    )
    tol: Real = option(
        "Tolerance within which the molecule must fit a site's symmetry",
        0.01,
        default_2_0=REQUIRED,
        unit="Å",
        ge=1e-8,
        le=1,
    )
    max_attempts_per_spg_per_rank: Whole | None = option(
        "Number of draws per space group and core before the next group is tried",
        ge=1,
        le=MOST_DRAWS,
        default_words="1e9 per space group in all",
    )
    max_attempts_per_spg: Whole | None = option(
        "Number of draws per space group, in all, before the next group is tried",
        ge=1,
        le=MOST_DRAWS,
        default_words="1e9",
    )
    num_structures_per_allowed_SG_per_rank: Whole | None = option(
        "Number of structures per space group and core",
        ge=1,
        le=10**9,
        default_words="ceil(num_structures / (num_cores x number of compatible space groups))",
    )
    max_draws_per_structure: Whole = option(
        "A space group is given up, before its draws are spent, when with 95 % probability a structure takes more "
        "draws than this, and more than a thousand times as many as in the median group; a draw in the mode packing "
        "counts as 100",
        1_000_000,
        ge=1,
        le=MOST_DRAWS,
    )
    refill_quotas: Flag = option(
        "Draw more in the groups that can give more, until num_structures are there: in place of duplicates and of "
        "groups that give too few",
        True,
    )
    truncate_to_num_structures: Flag = option(
        "Keep exactly num_structures of the generated structures, chosen at random", False
    )
    geometry_out_filename: OutputFile = option("File of all generated structures", "geometry.out", again="suffix")
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the generated structures",
        again="suffix",
        default_words="the step's name",
        holds="generated",
    )
    space_groups: SpaceGroups = option(
        "Which of the compatible space groups to try: all, these, chiral (the 65 Sohncke groups, for enantiopure "
        "crystals), racemic (those with an improper operation) or csd (the 20 commonest groups of the Cambridge "
        "Structural Database)",
        "all",
    )
    generation_mode: GenerationMode = option(
        "How structures are made from draws: rejection leaves out draws with close contacts, packing moves their "
        "molecules apart, auto chooses one of them for each space group",
        "rejection",
    )
    max_deformation: Real = option(
        "Sites on which an atom of the molecule would be moved by more than this to make it symmetric are left out",
        1e-3,
        unit="Å",
        ge=0,
        le=1,
    )
    site_combinations: Flag = option(
        "Also fill two Wyckoff positions at once: two half-occupied special ones, or two independent molecules on "
        "general positions",
        False,
    )
    duplicate_tolerance: Real = option(
        "Structures of one space group whose AMD vectors differ by no more than this are duplicates: the first drawn "
        "is kept; 0 keeps all",
        0.01,
        unit="Å",
        ge=0,
        le=10,
    )
    rigid_press: Flag = option("Press every accepted structure: see Rigid_Press", False)
    press_sr: Real | None = option("Contact fraction the press keeps", ge=0.01, le=2, default_words="sr")

    volume_step: str | None = derived("The earlier step that estimates the volume")
    max_attempts: int = derived("Draws per space group at most", DRAWS_PER_GROUP)
    max_packed_attempts: int = derived("Draws per space group at most in the mode packing", PACKED_PER_GROUP)
    structures_per_group: int | None = derived("Structures per space group; None: shared by the compatible ones")
    ranks: int = derived("How many ranks of the original this step stands for", 1)

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return what the quotas of the space groups add up to."""
        wanted = self.num_structures
        if self.structures_per_group:
            return Count(None if groups is None else self.structures_per_group * groups, "at most")
        if not wanted:
            return Count(groups, "at most")
        if self.truncate_to_num_structures or self.space_groups == "csd" or not groups:
            return Count(wanted, "at most")
        # Every rank's share of a group is rounded up, as in the manual.
        return Count(self.ranks * math.ceil(wanted / (self.ranks * groups)) * groups, "at most")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete molecule, volume and numbers per space group."""
        super().resolve(bench, draft)
        _volume(bench, draft)
        _numbers_per_group(bench, draft)


def _volume(bench: Bench, draft: Draft) -> None:
    volume = EstimateUnitCellVolumeOptions.procedure
    estimate = bench.earlier(volume)
    draft.put("volume_step", None, "default")
    section = bench.sections.of(volume).base
    if estimate is None:
        for name in ("volume_mean", "volume_std"):
            given = section.get(name)
            if not draft.has(name) and given and given.value is not None:
                draft.put(name, given.value, f"inferred from [{given.section}] {name} (line {given.line})")
    elif draft.options["volume_mean"] is None:
        draft.put("volume_step", estimate.step.name, "an earlier step")
        for name in ("volume_mean", "volume_std"):
            if not draft.has(name):
                draft.origins[name] = f"from step {estimate.step.name}"
        return
    elif draft.options["volume_std"] is None and estimate.options["volume_std"] is not None:
        draft.put("volume_std", estimate.options["volume_std"], f"from step {estimate.step.name}")
    mean = draft.options["volume_mean"]
    if mean is None:
        bench.remarks.notice(
            draft.line,
            "no volume_mean and no Estimate_Unit_Cell_Volume before: the cell volume will be estimated from "
            "the molecule",
            draft.section,
        )
        draft.origins["volume_mean"] = "estimated when the procedure starts"
    elif draft.options["volume_std"] is None:
        error = section.get("std_of_predicted_errors")
        usual = EstimateUnitCellVolumeOptions.info("std_of_predicted_errors").default
        relative = 3 * (error.value if error and error.value is not None else usual)
        draft.put("volume_std", relative * mean, f"{relative:g} x volume_mean")


def _numbers_per_group(bench: Bench, draft: Draft) -> None:
    """Turn the manual's numbers per rank into numbers per space group; `ranks` counts cores as ranks."""
    options = draft.options
    per_rank = options["max_attempts_per_spg_per_rank"]
    cores = options["num_cores"] or 1
    if draft.has("max_attempts_per_spg") and draft.has("max_attempts_per_spg_per_rank"):
        line, section = draft.where("max_attempts_per_spg_per_rank")
        bench.remarks.problem(
            line,
            "max_attempts_per_spg and max_attempts_per_spg_per_rank exclude each other; expected one",
            section,
        )
    if options["max_attempts_per_spg"] is not None:
        draft.put("max_attempts", options["max_attempts_per_spg"], draft.origins["max_attempts_per_spg"])
    elif per_rank is not None:
        draft.put("max_attempts", per_rank * cores, f"max_attempts_per_spg_per_rank x {cores}")
    else:
        draft.put("max_attempts", DRAWS_PER_GROUP, "default")
    draft.options["max_attempts"] = min(draft.options["max_attempts"], 2**63 - 1)
    packed = PACKED_PER_GROUP if draft.origins["max_attempts"] == "default" else draft.options["max_attempts"]
    draft.put("max_packed_attempts", packed, draft.origins["max_attempts"])
    per_group = options["num_structures_per_allowed_SG_per_rank"]
    if per_group is not None:
        draft.put("structures_per_group", per_group * cores, f"num_structures_per_allowed_SG_per_rank x {cores}")
    elif options["num_structures"] is None:
        draft.put("structures_per_group", 1, "default")
    else:
        draft.put("structures_per_group", None, "num_structures shared by the compatible space groups")
    ranks = cores if bench.defaults == "manual" else 1
    draft.put("ranks", ranks, "num_cores" if ranks > 1 else "default")
    if options["truncate_to_num_structures"] and options["num_structures"] is None:
        line, section = draft.where("truncate_to_num_structures")
        bench.remarks.problem(line, "truncate_to_num_structures needs num_structures", section)
    if options["num_cores"] is None:
        for name in ("max_attempts_per_spg_per_rank", "num_structures_per_allowed_SG_per_rank"):
            if draft.has(name):
                line, section = draft.where(name)
                bench.remarks.notice(line, f"{name} is counted once, since num_cores is not given", section)
    draft.drop("max_attempts_per_spg", "max_attempts_per_spg_per_rank", "num_structures_per_allowed_SG_per_rank")
