"""The engine options, and the three procedures that call an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import (
    Factory,
    Flag,
    Format,
    InputFile,
    InputFolder,
    Key,
    OutputFolder,
    Real,
    Said,
    ScratchFolder,
    Settings,
    Symmetry,
    Whole,
    WordList,
    Words,
    one_of,
)
from genarris_fw.options.base import MakesPool, OnStructures
from genarris_fw.options.models.lapw import LAPWEngineOptions
from genarris_fw.options.sizes import Count

if TYPE_CHECKING:
    from genarris_fw.options.resolving.draft import Bench, Draft

Method = Annotated[
    str,
    BeforeValidator(one_of("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB", gfn1="GFN1-xTB", gfn2="GFN2-xTB")),
    Said("str", "GFN1-xTB, GFN2-xTB or IPEA1-xTB"),
]

Optimizer = Annotated[str, BeforeValidator(one_of("model", "bfgs")), Said("str", "model or bfgs")]


Supercell = Annotated[str, BeforeValidator(one_of("diagonal", "smallest")), Said("str", "diagonal or smallest")]


class EngineOptions(LAPWEngineOptions):
    """Which engine computes energies, and its settings."""

    engine: Words | None = option(
        "Engine that computes the energies",
        category="inferred",
        expected="the name of an engine",
        default_words="from the master or an engine section; aims with aims_lib_dir or aims_command",
    )
    method: Method = option("tblite: the parametrisation", "GFN1-xTB", category="inferred", default_words="GFN1-xTB")
    min_width: Real = option(
        "tblite: a cell is repeated until every perpendicular width reaches this",
        9.0,
        unit="Å",
        category="inferred",
        ge=0.1,
        le=100,
    )
    supercell: Supercell = option(
        "tblite: the cell repeated along its own vectors, or the smallest supercell of that width (faster; the two "
        "differ by tenths of a kJ/mol and are not to be compared)",
        "diagonal",
        category="inferred",
    )
    accuracy: Real = option(
        "tblite: numerical accuracy; smaller is tighter", 10.0, category="inferred", ge=1e-6, le=1000
    )
    electronic_temperature: Real = option(
        "tblite: temperature of the electrons", 300.0, unit="K", category="inferred", ge=0.001, le=10**5
    )
    fmax: Real = option(
        "tblite, ase: a relaxation has converged when no force is larger",
        0.05,
        unit="eV/Å",
        category="inferred",
        ge=1e-9,
        le=100,
    )
    smax: Real = option(
        "tblite, ase: ... and no component of the stress is larger",
        0.0005,
        unit="eV/Å3",
        category="inferred",
        ge=1e-12,
        le=10,
    )
    max_steps: Whole = option(
        "tblite, ase: a relaxation stops after this many steps", 200, category="inferred", ge=1, le=10**6
    )
    optimizer: Optimizer = option(
        "tblite, ase: quasi-Newton from a model of the curvature, or plain BFGS", "model", category="inferred"
    )
    keep_symmetry: Flag = option("tblite, ase: keep the space group in a relaxation", True, category="inferred")
    relax_cell: Flag = option("tblite, ase: relax the cell together with the positions", True, category="inferred")
    calculator: Factory | None = option(
        "ase: the calculator as module:factory", category="inferred", default_words="required by ase"
    )
    calculator_settings: Settings | None = option(
        "ase: what the calculator's factory is called with", category="inferred"
    )
    trajectory: Flag = option(
        "tblite, ase: keep every step of a relaxation as relaxation.extxyz in the structure's folder",
        False,
        category="inferred",
    )
    aims_command: Words | None = option(
        "FHI-aims: command that starts it, with {cores} for the number of cores", category="inferred"
    )
    aims_lib_dir: InputFolder | None = option(
        "FHI-aims as a library: folder of the module aims_w, instead of aims_command", category="inferred"
    )
    max_restarts: Whole = option(
        "FHI-aims: how often a relaxation that reached its step limit goes on from geometry.in.next_step",
        3,
        category="inferred",
        ge=0,
        le=1000,
    )
    keep_files: WordList | None = option(
        "FHI-aims: further files of each calculation to keep in the structure's folder", category="inferred"
    )
    grace: Real = option(
        "FHI-aims: between SIGTERM and SIGKILL, where it has to end",
        5.0,
        unit="s",
        category="inferred",
        ge=0.01,
        le=3600,
    )
    species_dir: InputFolder | None = option(
        "FHI-aims, LAPW: folder of the species files",
        category="inferred",
        default_words="for FHI-aims AIMS_SPECIES_DIR, where control.in has no species; for LAPW those of Elk",
    )
    auto_correct: Flag | None = option(
        "FHI-aims, LAPW: try the remedies for a self-consistent cycle that does not converge, each once",
        category="inferred",
        default_words="False for FHI-aims, True for LAPW",
    )
    scratch_dir: ScratchFolder | None = option(
        "FHI-aims: where calculations run, each in a folder of its own",
        category="inferred",
        default_words="beside the folder of the results",
    )
    silence: Real = option(
        "FHI-aims, LAPW: a program that has written nothing for so long hangs, and is ended",
        3600.0,
        unit="s",
        category="inferred",
        ge=0.1,
        le=10**7,
    )
    max_gigabytes: Real | None = option(
        "FHI-aims, LAPW: what one calculation may write",
        unit="GB",
        category="inferred",
        ge=1e-6,
        le=10**6,
        default_words="2 for FHI-aims, 20 for LAPW",
    )


class EngineProcedureOptions(MakesPool, EngineOptions):
    """What the three engine procedures share (the manual documents them under Run_FHI_Aims_Batch)."""

    engine_settings: dict[str, Any] = derived("The settings of the engine, as resolved", {})
    relax: bool = derived("Whether structures are relaxed", False)
    control_path: InputFile | None = option(
        "FHI-aims: the control.in that is copied to every job's folder",
        category="inferred",
        default_words="required by FHI-aims",
    )
    aims_output_dir: OutputFolder | None = option(
        "Folder of the engine's own files, one folder a structure",
        again="suffix",
        default_words="aims_ and the step's name",
    )
    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy")
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures",
        again="suffix",
        default_words="the step's name",
    )
    output_format: Format = option("Format of the exported structures", "json")
    molecule_path: InputFile | None = option(
        "Molecule, for procedures whose own section names none",
        category="inferred",
        default_words="from any section",
    )
    Z: Whole | None = option(
        "Molecules per cell",
        category="inferred",
        ge=1,
        le=192,
        default_words="from any section that gives it",
    )


class RelaxSingleMoleculeOptions(EngineProcedureOptions):
    """Relax the molecule that later procedures build crystals from."""

    procedure: ClassVar[str] = "Relax_Single_Molecule"
    order: ClassVar[int] = 10
    makes_molecule: ClassVar[bool] = True
    no_effect: ClassVar[dict[str, str]] = {"structure_dir": "this procedure works on the molecule of molecule_path"}

    molecule_path: InputFile | None = option(
        "Geometry file of the molecule", category="inferred", default_words="from any section that gives it"
    )
    molecule_symmetry: Symmetry = option(
        "Symmetry of the molecule: keep the input's point group, relax freely, or impose a point group",
        "keep",
    )
    output_format: Format = option("Format of the exported molecule", "both")

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return that it is one molecule."""
        return Count(1)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the options."""
        from genarris_fw.options.resolving.inference import _relax_single_molecule

        _relax_single_molecule(bench, draft)


class FHIAimsEnergyEvaluationOptions(OnStructures, EngineProcedureOptions):
    """Compute the energy of every structure of a pool, as it is."""

    procedure: ClassVar[str] = "FHI_Aims_Energy_Evaluation"
    order: ClassVar[int] = 110
    prefers_exemplars: ClassVar[bool] = True

    structure_dir: InputFolder | None = option(
        "Pool, or folder of structures, to work on",
        category="inferred",
        again="reset",
        default_words="the exemplars, else the output, of the previous procedure",
        takes=("chosen", "exemplars", "pressed", "generated", "to cluster"),
    )
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures",
        again="suffix",
        default_words="the step's name",
        holds="energies",
    )
    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy", lends=2)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the options."""
        from genarris_fw.options.resolving.inference import _fhi_aims_energy_evaluation

        _fhi_aims_energy_evaluation(bench, draft)


class RunFHIAimsBatchOptions(FHIAimsEnergyEvaluationOptions):
    """Relax every structure of a pool."""

    procedure: ClassVar[str] = "Run_FHI_Aims_Batch"
    order: ClassVar[int] = 120
    prefers_exemplars: ClassVar[bool] = True
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures",
        again="suffix",
        default_words="the step's name",
        holds="relaxed",
    )
    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy", lends=1)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the options."""
        from genarris_fw.options.resolving.inference import _run_fhi_aims_batch

        _run_fhi_aims_batch(bench, draft)
