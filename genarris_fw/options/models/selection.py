"""The options of the procedures that choose among structures: Remove_Duplicates and Select_Structures."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, Format, InputFolder, Key, OutputFolder, Real, Said, Whole, one_of
from genarris_fw.options.base import SharedOptions

_STRUCTURE_DIR = "Pool, or folder of structures, to work on"
_PREVIOUS = "the output of the previous procedure"


_ENERGY = "Energy by which structures are compared"
_FROM_ENERGIES = "from FHI_Aims_Energy_Evaluation or Run_FHI_Aims_Batch, else energy"

MatchMethod = Annotated[
    str, BeforeValidator(one_of("rmsd", "structure_matcher")), Said("str", "rmsd or structure_matcher")
]


class RemoveDuplicatesOptions(SharedOptions):
    """Keep one of the structures that are the same crystal; every duplicate names its survivor."""

    procedure: ClassVar[str] = "Remove_Duplicates"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the structures that are left", again="suffix", default_words="the step's name"
    )
    output_format: Format = option("Format of the exported structures", "json")
    energy_name: Key = option(
        "Energy whose lowest survives; structures without energy come after those with, else the first by id",
        category="inferred",
        default_words=_FROM_ENERGIES,
    )
    method: MatchMethod = option(
        "How crystals are compared: rmsd superposes clusters of molecules; structure_matcher is pymatgen's", "rmsd"
    )
    rmsd_tolerance: Real = option("Duplicates have a lower root mean square distance", 0.25, unit="Å", ge=1e-6, le=1)
    molecules_in_cluster: Whole = option("Number of molecules that are superposed", 20, ge=2, le=200)
    mirror_images: Flag = option("Whether a crystal and its mirror image are duplicates", True)
    hydrogens: Flag = option("Whether hydrogen atoms are superposed too", False)
    volume_tolerance: Real = option("Largest relative difference of the volumes of duplicates", 0.05, ge=0, le=1)
    amd_tolerance: Real = option(
        "Largest difference of the average minimum distances of duplicates", 0.12, unit="Å", ge=0, le=10
    )
    pdd_tolerance: Real = option(
        "Largest difference of the pointwise distances of duplicates", 0.3, unit="Å", ge=0, le=10
    )
    ltol: Real = option("Tolerance of lengths of structure_matcher, relative", 0.5, ge=1e-6, le=10)
    stol: Real = option("Tolerance of sites of structure_matcher, relative", 0.5, ge=1e-6, le=10)
    angle_tol: Real = option("Tolerance of angles of structure_matcher", 10.0, unit="degrees", ge=1e-6, le=90)


class SelectStructuresOptions(SharedOptions):
    """Choose structures of a pool: in an energy window, the best of every cluster or space group, the most diverse."""

    procedure: ClassVar[str] = "Select_Structures"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the chosen structures", again="suffix", default_words="the step's name"
    )
    output_format: Format = option("Format of the exported structures", "json")
    energy_name: Key = option(_ENERGY, category="inferred", default_words=_FROM_ENERGIES)
    energy_window: Real = option(
        "Keep structures whose energy is at most so far above the lowest", unit="kJ/mol per molecule", ge=0, le=10**6
    )
    best_per_cluster: Whole = option(
        "Then keep so many of each cluster, those of lowest energy", ge=1, le=10**9, default_words="all"
    )
    cluster_key: Key = option("Property that holds a structure's cluster", "AP_cluster")
    best_per_space_group: Whole = option(
        "Then keep so many of each space group, those of lowest energy", ge=1, le=10**9, default_words="all"
    )
    most_diverse: Whole = option(
        "Then keep so many, the farthest from each other by their distances", ge=1, le=10**9, default_words="all"
    )
