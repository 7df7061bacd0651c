"""The options of Sleepy: one of every type that there is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.queueing import Duration, Memory, PlainName
from genarris_fw.declaring.types import (
    AffinityType,
    ContactRulesName,
    CountOrFraction,
    Factory,
    Flag,
    InputFile,
    InputFolder,
    Key,
    MatrixFile,
    OutputFile,
    PairDistances,
    PlainDict,
    Radii,
    Real,
    RunName,
    Said,
    ScratchFolder,
    SpaceGroups,
    Symmetry,
    Verbosity,
    Whole,
    WordList,
    Words,
    one_of,
    two_numbers,
)
from genarris_fw.options.base import MakesPool, OnCells, OnMolecule, OnStructures

Bed = Annotated[str, BeforeValidator(one_of("soft", "hard")), Said("str", "soft or hard")]
Span = Annotated[
    list[float], BeforeValidator(two_numbers(0, 24)), Said("list", "two numbers from 0 to 24, [low, high]")
]


class SleepyOptions(OnMolecule, OnStructures, OnCells, MakesPool):
    """Sleep a while for every structure of a pool, and note how long."""

    procedure: ClassVar[str] = "Sleepy"
    makes: ClassVar[str] = "same"
    synonyms: ClassVar[tuple[str, ...]] = ("Drowsy",)

    seconds: Real = option("How long each structure takes", 0.01, unit="s", ge=0, le=60)
    naps: Whole = option("How often", 1, ge=1, le=10)
    dreams: Flag = option("Whether to dream", False)
    bed: Bed = option("What on", "soft")
    hours: Span = option("When", [1.0, 2.0], unit="h")
    words: Words | None = option("What is said before")
    property_name: Key = option("Property that holds what was slept", "slept", again="suffix")
    sheep: WordList | None = option("Names of the sheep that are counted")
    loudness: Verbosity = option("How much is snored", 0)
    share: CountOrFraction = option("Of the structures, how many", 0.5)
    pull: AffinityType = option("How strongly the bed attracts", ["power", 2.0])
    groups: SpaceGroups = option("Where", "all")
    rules: ContactRulesName = option("How near the next sleeper may be", "2.0")
    radii: Radii | None = option("Sizes of the sleepers", unit="Å")
    distances: PairDistances | None = option("Distances of the beds", unit="Å")
    settings: PlainDict | None = option("Anything else")
    symmetry: Symmetry = option("Of the sleeper", "keep")
    factory: Factory | None = option("Who makes the bed")
    alias: RunName | None = option("Another name for the night")
    lullaby: InputFile | None = option("A text to fall asleep by")
    blankets: InputFolder | None = option("Where the blankets are")
    diary: OutputFile = option("What was dreamt", "dreams.txt", again="suffix")
    nightmares: MatrixFile | None = option("Their matrix")
    attic: ScratchFolder | None = option("Where it is quiet")
    alarm: Duration | None = option("When to wake up", changes_results=False)
    pillow: Memory | None = option("What is remembered", changes_results=False)
    room: PlainName | None = option("Which room", changes_results=False)
