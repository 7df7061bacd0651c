"""The options of Estimate_Unit_Cell_Volume, Pygenarris_Structure_Generation and Rigid_Press."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import (
    ContactRulesName,
    Flag,
    Format,
    InputFile,
    InputFolder,
    OutputFile,
    OutputFolder,
    PairDistances,
    Radii,
    Real,
    Said,
    SpaceGroups,
    Whole,
    one_of,
)
from genarris_fw.options.base import SharedOptions

GenerationMode = Annotated[
    str, BeforeValidator(one_of("rejection", "packing", "auto")), Said("str", "rejection, packing or auto")
]

LARGEST_CELL = 10**7  # Å3: 192 molecules of some 20,000 atoms
MOST_DRAWS = 10**15
_MOLECULE = "the relaxed molecule of an earlier Relax_Single_Molecule, else from any section"


_CONTACT_RULES = (
    "Which contacts are too close: 2.0 and 3.x allow hydrogen bonds the distances that those versions of Genarris do, "
    "vdw knows radii only"
)
_CUSTOM_RADII = (
    'Van der Waals radii by element, such as {"H": 1.1}, in place of the tabulated ones; for contacts only, the volume '
    "estimate keeps its own"
)
_CUSTOM_RADII_BY_PAIRS = (
    'Smallest distances between atoms of two molecules by pair of elements, such as {"O-H": 1.5}; they go before radii '
    "and hydrogen bonds and are used as they are, not scaled by sr"
)


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
        "Mean cell volume to use instead of the estimate",
        unit="Å3",
        ge=1,
        le=LARGEST_CELL,
        default_words="estimated",
    )
    volume_std: Real = option(
        "Standard deviation of the cell volume",
        unit="Å3",
        ge=0,
        le=LARGEST_CELL,
        default_words="3 x std_of_predicted_errors x volume_mean",
    )
    volume_multiplier: Real = option("Factor on the estimated volume", 1.0, ge=0.1, le=10)
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
        "Target number of structures, shared equally by the compatible space groups (space_groups = csd: by frequency)",
        ge=1,
        le=10**9,
        default_words="one per compatible space group",
    )
    volume_mean: Real = option(
        "Mean of the cell volume",
        unit="Å3",
        category="inferred",
        ge=1,
        le=LARGEST_CELL,
        default_words="from Estimate_Unit_Cell_Volume",
    )
    volume_std: Real = option(
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
    max_attempts_per_spg_per_rank: Whole = option(
        "Number of draws per space group and core before the next group is tried",
        ge=1,
        le=MOST_DRAWS,
        default_words="1e9 per space group in all",
    )
    max_attempts_per_spg: Whole = option(
        "Number of draws per space group, in all, before the next group is tried",
        ge=1,
        le=MOST_DRAWS,
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
    contact_rules: ContactRulesName = option(_CONTACT_RULES, "2.0")
    custom_radii: Radii = option(_CUSTOM_RADII, unit="Å", default_words="none")
    custom_radii_by_pairs: PairDistances = option(_CUSTOM_RADII_BY_PAIRS, unit="Å", default_words="none")
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
    press_sr: Real = option("Contact fraction the press keeps", ge=0.01, le=2, default_words="sr")


class RigidPressOptions(SharedOptions):
    """Press every structure of a pool to the smallest cell that keeps its contacts, molecules rigid."""

    procedure: ClassVar[str] = "Rigid_Press"

    structure_dir: InputFolder = option(
        "Pool, or folder of structures, to work on",
        category="inferred",
        again="reset",
        default_words="the output of the previous procedure",
    )
    sr: Real = option("Fraction of the sum of two van der Waals radii that the press keeps", 0.85, ge=0.01, le=2)
    contact_rules: ContactRulesName = option(
        _CONTACT_RULES, category="inferred", default_words="from Pygenarris_Structure_Generation, else 2.0"
    )
    custom_radii: Radii = option(
        _CUSTOM_RADII, category="inferred", unit="Å", default_words="from Pygenarris_Structure_Generation, else none"
    )
    custom_radii_by_pairs: PairDistances = option(
        _CUSTOM_RADII_BY_PAIRS,
        category="inferred",
        unit="Å",
        default_words="from Pygenarris_Structure_Generation, else none",
    )
    symprec: Real = option(
        "How exactly the symmetry that the press keeps must be there at the start", 1e-3, unit="Å", ge=1e-8, le=1
    )
    max_steps: Whole = option("Steps of one press at most", 400, ge=1, le=10**6)
    output_format: Format = option("Format of the exported structures", "json")
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the pressed structures",
        again="suffix",
        default_words="the step's name",
    )
