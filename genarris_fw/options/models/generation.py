"""The options of Estimate_Unit_Cell_Volume and Pygenarris_Structure_Generation."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.options.models.base import REQUIRED, SharedOptions, option
from genarris_fw.options.models.types import (
    Flag,
    Format,
    InputFile,
    OutputFile,
    OutputFolder,
    Real,
    Said,
    SpaceGroups,
    Whole,
    one_of,
)

GenerationMode = Annotated[str, BeforeValidator(one_of("rejection")), Said("str", "rejection")]

_MOLECULE = "the relaxed molecule of an earlier Relax_Single_Molecule, else from any section"


class EstimateUnitCellVolumeOptions(SharedOptions):
    """Estimate the cell volume from the molecule's fragments."""

    procedure: ClassVar[str] = "Estimate_Unit_Cell_Volume"

    molecule_path: InputFile = option("Geometry file of the molecule", category="inferred", default_words=_MOLECULE)
    Z: Whole = option(
        "Molecules per cell",
        category="inferred",
        ge=1,
        le=192,
        default_words="from any section that gives it",
    )
    volume_mean: Real = option(
        "Mean cell volume to use instead of the estimate", unit="Å3", gt=0, default_words="estimated"
    )
    volume_std: Real = option(
        "Standard deviation of the cell volume",
        unit="Å3",
        ge=0,
        default_words="3 x std_of_predicted_errors x volume_mean",
    )
    volume_multiplier: Real = option("Factor on the estimated volume", 1.0, gt=0, le=10)
    std_of_predicted_errors: Real = option(
        "Relative standard error of the volume model; the volume's standard deviation is 3 times this",
        0.025,
        ge=0,
        le=1,
    )


class PygenarrisStructureGenerationOptions(SharedOptions):
    """Draw random crystal structures on general and special positions."""

    procedure: ClassVar[str] = "Pygenarris_Structure_Generation"
    no_effect: ClassVar[dict[str, str]] = {
        "plot_histograms": "histograms are part of the report",
        "prop_*": "histograms are part of the report",
        "spg_bar_*": "histograms are part of the report",
    }

    molecule_path: InputFile = option("Geometry file of the molecule", category="inferred", default_words=_MOLECULE)
    Z: Whole = option(
        "Molecules per cell",
        category="inferred",
        ge=1,
        le=192,
        default_words="from any section that gives it",
    )
    num_structures: Whole = option(
        "Target number of structures, shared equally by the compatible space groups",
        ge=1,
        le=10**9,
        default_words="one per compatible space group",
    )
    volume_mean: Real = option(
        "Mean of the cell volume",
        unit="Å3",
        category="inferred",
        gt=0,
        default_words="from Estimate_Unit_Cell_Volume",
    )
    volume_std: Real = option(
        "Standard deviation of the cell volume",
        unit="Å3",
        category="inferred",
        ge=0,
        default_words="from Estimate_Unit_Cell_Volume, else 0.075 x volume_mean",
    )
    sr: Real = option(
        "Fraction of the sum of two van der Waals radii below which atoms of two molecules are too close",
        0.85,
        default_2_0=REQUIRED,
        gt=0,
        le=2,
    )
    tol: Real = option(
        "Tolerance within which the molecule must fit a site's symmetry",
        0.01,
        default_2_0=REQUIRED,
        unit="Å",
        gt=0,
        le=1,
    )
    max_attempts_per_spg_per_rank: Whole = option(
        "Number of draws per space group and core before the next group is tried",
        ge=1,
        default_words="1e9 per space group in all",
    )
    max_attempts_per_spg: Whole = option(
        "Number of draws per space group, in all, before the next group is tried",
        ge=1,
        default_words="1e9",
    )
    num_structures_per_allowed_SG_per_rank: Whole = option(
        "Number of structures per space group and core",
        ge=1,
        le=10**9,
        default_words="ceil(num_structures / (num_cores x number of compatible space groups))",
    )
    truncate_to_num_structures: Flag = option(
        "Keep exactly num_structures of the generated structures, chosen at random", False
    )
    geometry_out_filename: OutputFile = option("File of all generated structures", "geometry.out", again="suffix")
    output_format: Format = option("Format of the exported structures", "json")
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the generated structures",
        again="suffix",
        default_words="the step's name",
    )
    space_groups: SpaceGroups = option("Space groups to try: all compatible ones, or these", "all")
    generation_mode: GenerationMode = option("How structures are made from draws", "rejection")
