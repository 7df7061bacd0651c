"""The options of the procedures that choose among structures: Remove_Duplicates and Select_Structures."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.options.models.base import SharedOptions, option
from genarris_fw.options.models.types import Format, InputFolder, Key, OutputFolder, Real, Whole

_STRUCTURE_DIR = "Pool, or folder of structures, to work on"
_PREVIOUS = "the output of the previous procedure"


class SelectStructuresOptions(SharedOptions):
    """Choose structures of a pool: in an energy window, the best of every cluster or space group, the most diverse."""

    procedure: ClassVar[str] = "Select_Structures"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the chosen structures", again="suffix", default_words="the step's name"
    )
    output_format: Format = option("Format of the exported structures", "json")
    energy_name: Key = option(
        "Energy by which structures are compared",
        category="inferred",
        default_words="from FHI_Aims_Energy_Evaluation or Run_FHI_Aims_Batch, else energy",
    )
    energy_window: Real = option(
        "Keep structures whose energy is at most so far above the lowest", unit="kJ/mol per molecule", ge=0, le=1e6
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
