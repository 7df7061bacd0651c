"""The three procedures that call an engine."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Format, InputFile, InputFolder, Key, OutputFolder, Symmetry, Whole
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.engine_settings import EngineOptions


class EngineProcedureOptions(SharedOptions, EngineOptions):
    """What the three engine procedures share (the manual documents them under Run_FHI_Aims_Batch)."""

    aims_output_dir: OutputFolder = option(
        "Folder of the engine's own files, one folder a structure",
        again="suffix",
        default_words="aims_ and the step's name",
    )
    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy")
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the resulting structures",
        again="suffix",
        default_words="the step's name",
    )
    output_format: Format = option("Format of the exported structures", "json")
    molecule_path: InputFile = option(
        "Molecule, for procedures whose own section names none",
        category="inferred",
        default_words="from any section",
    )
    Z: Whole = option(
        "Molecules per cell",
        category="inferred",
        ge=1,
        le=192,
        default_words="from any section that gives it",
    )


class RelaxSingleMoleculeOptions(EngineProcedureOptions):
    """Relax the molecule that later procedures build crystals from."""

    procedure: ClassVar[str] = "Relax_Single_Molecule"
    asks: ClassVar[tuple[str, ...]] = ("molecules", "relaxations")
    no_effect: ClassVar[dict[str, str]] = {"structure_dir": "this procedure works on the molecule of molecule_path"}

    molecule_path: InputFile = option(
        "Geometry file of the molecule", category="inferred", default_words="from any section that gives it"
    )
    molecule_symmetry: Symmetry = option(
        "Symmetry of the molecule: keep the input's point group, relax freely, or impose a point group",
        "keep",
    )
    output_format: Format = option("Format of the exported molecule", "both")


class FHIAimsEnergyEvaluationOptions(EngineProcedureOptions):
    """Compute the energy of every structure of a pool, as it is."""

    procedure: ClassVar[str] = "FHI_Aims_Energy_Evaluation"
    asks: ClassVar[tuple[str, ...]] = ("energies apart",)

    structure_dir: InputFolder = option(
        "Pool, or folder of structures, to work on",
        category="inferred",
        again="reset",
        default_words="the exemplars, else the output, of the previous procedure",
    )


class RunFHIAimsBatchOptions(FHIAimsEnergyEvaluationOptions):
    """Relax every structure of a pool."""

    procedure: ClassVar[str] = "Run_FHI_Aims_Batch"
    asks: ClassVar[tuple[str, ...]] = ("relaxations", "energies apart")
