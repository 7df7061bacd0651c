"""The options of the procedures around the all-electron reference: LAPW's three, and Compare_Engines."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Flag,
    Format,
    InputFolder,
    Key,
    OutputFolder,
    Real,
    Said,
    Whole,
    Words,
    k_grid,
    key,
    literal,
    number,
    two_numbers,
    word_list,
)
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.engine_settings import EngineOptions
from genarris_fw.options.models.energies import EngineProcedureOptions

LEAST_POINTS = 4  # parameters of a Birch-Murnaghan curve
# The engine that these procedures are named after.
DEFAULT = "lapw"
_ENGINE = "Engine that computes the energies; that of [Genarris_master] is not taken over"
_STRUCTURE_DIR = "Pool, or folder of structures, to work on"
_PREVIOUS = "the exemplars, else the output, of the previous procedure"
_FILES = "Folder of the engine's own files, one folder a calculation"


def _several(text: Any, least: int) -> list[Any]:
    value = literal(text)
    if not isinstance(value, (list, tuple)) or len(value) < least:
        raise ValueError("not a list, or too short")
    return list(value)


def volume_scales(text: Any) -> list[float]:
    """Read four or more different numbers from 0.5 to 2, in ascending order."""
    scales = sorted(float(number(None if isinstance(part, str) else part)) for part in _several(text, LEAST_POINTS))
    if len(set(scales)) < len(scales) or scales[0] < 0.5 or scales[-1] > 2:
        raise ValueError("not scales")
    return scales


def rkmax_values(text: Any) -> list[float]:
    """Read one or more different numbers from 1 to 20, in ascending order."""
    values = sorted(float(number(None if isinstance(part, str) else part)) for part in _several(text, 1))
    if len(set(values)) < len(values) or values[0] < 1 or values[-1] > 20:
        raise ValueError("not values of rkmax")
    return values


def k_spacings(text: Any) -> list[float]:
    """Read one or more different numbers from 0.001 to 100, in descending order."""
    values = sorted(
        (float(number(None if isinstance(part, str) else part)) for part in _several(text, 1)), reverse=True
    )
    if len(set(values)) < len(values) or values[-1] < 0.001 or values[0] > 100:
        raise ValueError("not spacings")
    return values


def k_grids(text: Any) -> list[list[int]]:
    """Read one or more different grids of three numbers."""
    grids = [k_grid(part) for part in _several(text, 1)]
    if len({tuple(grid) for grid in grids}) < len(grids):
        raise ValueError("a grid is there twice")
    return grids


def two_names(text: Any) -> list[str]:
    """Read two different names of energies."""
    names = [key(name) for name in word_list(text)]
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError("not two names")
    return names


def names(text: Any) -> list[str]:
    """Read a list of different names of properties."""
    found = [key(name) for name in word_list(text)]
    if len(set(found)) < len(found):
        raise ValueError("a name is there twice")
    return found


VolumeRange = Annotated[
    list[float], BeforeValidator(two_numbers(0.5, 2)), Said("list", "two different numbers from 0.5 to 2, [low, high]")
]
VolumeScales = Annotated[
    list[float],
    BeforeValidator(volume_scales),
    Said("list", "four or more different numbers from 0.5 to 2, [0.96, 0.98, 1.0, 1.02, 1.04]"),
]
RKmaxValues = Annotated[
    list[float], BeforeValidator(rkmax_values), Said("list", "different numbers from 1 to 20, [6, 7, 8]")
]
KSpacings = Annotated[
    list[float], BeforeValidator(k_spacings), Said("list", "different numbers from 0.001 to 100, [0.4, 0.3]")
]
KGrids = Annotated[list[list[int]], BeforeValidator(k_grids), Said("list", "different k grids, [[2, 2, 2], [4, 4, 4]]")]
TwoNames = Annotated[
    list[str], BeforeValidator(two_names), Said("list", 'two names of energies, ["energy", "lapw_energy"]')
]
Names = Annotated[list[str], BeforeValidator(names), Said("list", 'a list of names, ["eos", "eos_2"]')]


class RunLAPWBatchOptions(EngineProcedureOptions):
    """Compute all-electron energies, and forces where asked for, of every structure of a pool."""

    procedure: ClassVar[str] = "Run_LAPW_Batch"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    engine: Words = option(_ENGINE, DEFAULT, expected="the name of an engine")
    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "lapw_energy", again="suffix")
    aims_output_dir: OutputFolder = option(
        _FILES, again="suffix", aliases=("engine_output_dir",), default_words="engine_ and the step's name"
    )
    Z: Whole = option(
        "Molecules per cell",
        category="inferred",
        ge=1,
        le=192,
        default_words="from any section that gives it, else what each structure says",
    )


class LAPWEquationOfStateOptions(SharedOptions, EngineOptions):
    """Fit a Birch-Murnaghan equation of state to every structure of a pool: V0, B0 and its pressure derivative B1."""

    procedure: ClassVar[str] = "LAPW_Equation_Of_State"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    engine: Words = option(_ENGINE, DEFAULT, expected="the name of an engine")
    eos_range: VolumeRange = option("Smallest and largest volume, in units of the structure's own", [0.94, 1.06])
    eos_points: Whole = option("Number of volumes, evenly from one end to the other", 7, ge=LEAST_POINTS, le=1000)
    volume_scales: VolumeScales = option(
        "The volumes one by one, in units of the structure's own, instead of eos_range and eos_points",
        default_words="from eos_range and eos_points",
    )
    rigid_molecules: Flag = option(
        "Move whole molecules instead of straining their bonds (crystals of molecules only)", False
    )
    eos_name: Key = option("Property that holds a structure's equation of state", "eos", again="suffix")
    output_dir: OutputFolder = option(
        "Folder of tables, pictures and structures, and name of the pool of those with an equation of state",
        again="suffix",
        default_words="the step's name",
    )
    output_format: Format = option("Format of the exported structures", "json")
    aims_output_dir: OutputFolder = option(
        _FILES, again="suffix", aliases=("engine_output_dir",), default_words="engine_ and the step's name"
    )


class LAPWConvergenceOptions(SharedOptions, EngineOptions):
    """Compute one structure with growing basis and k grid, and find the smallest that reach a tolerance."""

    procedure: ClassVar[str] = "LAPW_Convergence"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    structure: Words = option(
        "struct_id of the structure", default_words="of the pool the one with the fewest atoms, the first by id"
    )
    engine: Words = option(
        _ENGINE + "; one that has a basis and k points: its own rkmax and k_grid, or those of its calculator",
        DEFAULT,
        expected="the name of an engine with rkmax and k_grid",
    )
    rkmax_values: RKmaxValues = option("Values of rkmax", [5.0, 6.0, 7.0, 8.0])
    k_grids: KGrids = option("The k grids", default_words="from k_spacings")
    k_spacings: KSpacings = option(
        "Largest distances of neighbouring k points (2π included), from which the grids of this cell follow where no "
        "k_grids are given",
        [0.8, 0.6, 0.4, 0.3],
        unit="1/Å",
    )
    energy_tolerance_per_atom: Real = option(
        "Converged when the energy of an atom is so near that of the finest settings",
        1.0,
        unit="meV",
        ge=1e-6,
        le=10**6,
    )
    output_dir: OutputFolder = option("Folder of table and picture", again="suffix", default_words="the step's name")
    aims_output_dir: OutputFolder = option(
        _FILES, again="suffix", aliases=("engine_output_dir",), default_words="engine_ and the step's name"
    )


class CompareEnginesOptions(SharedOptions):
    """Compare two engines on the same structures: relative energies, ranking, equations of state."""

    procedure: ClassVar[str] = "Compare_Engines"

    structure_dir: InputFolder = option(_STRUCTURE_DIR, category="inferred", again="reset", default_words=_PREVIOUS)
    energy_names: TwoNames = option(
        "The two energies, that of the reference last",
        category="inferred",
        default_words="energy and lapw_energy, where the structures have both",
    )
    eos_names: Names = option(
        "Equations of state to compare with each other, and with WIEN2k's where the structure is one of the Delta "
        "project's elemental solids",
        category="inferred",
        default_words="those of the earlier LAPW_Equation_Of_State",
    )
    output_dir: OutputFolder = option("Folder of tables and picture", again="suffix", default_words="the step's name")
