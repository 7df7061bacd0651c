"""The options of RCD_Calculation."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import InputFile, Key, OutputFile, OutputFolder, Whole
from genarris_fw.options.base import MakesPool, OnMolecule, OnStructures


class RCDCalculationOptions(OnMolecule, OnStructures, MakesPool):
    """Compute the relative coordinate descriptor of every structure: how the nearest molecules lie and are turned."""

    procedure: ClassVar[str] = "RCD_Calculation"
    order: ClassVar[int] = 60
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "undescribed": "{} without descriptor",
    }
    makes: ClassVar[str] = "same"
    no_effect: ClassVar[dict[str, str]] = {
        "structure_suffix": "structures are documents",
        "structure_format": "structures are documents",
    }

    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the structures with their descriptors",
        again="suffix",
        default_words="the step's name",
        holds="rcd",
    )
    molecule_path: InputFile | None = option(
        "Geometry file of the molecule, whose first atoms give the axes", category="inferred", changes_results=False
    )
    close_picks: Whole = option("Number of nearest molecules that are described", 16, ge=1, le=1000)
    property_name: Key = option("Property that holds the descriptor", "rcd", lends=1)
    output_info_file: OutputFile = option("File of all descriptors as text", "rcd_vectors.info", again="suffix")
    report_file: OutputFile = option("File of the account of the calculation", "RCD_report.out", again="suffix")
