"""What the procedures share that call an engine."""

from __future__ import annotations

from typing import Any, ClassVar

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import InputFile, InputFolder, Key, OutputFolder, Whole
from genarris_fw.options.base import MakesPool, OnStructures, SharedOptions, cell_option, pool_option
from genarris_fw.options.engine_settings import EngineOptions
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.engine_choice import choose_engine
from genarris_fw.options.resolving.molecule_choice import molecules_per_cell

PREVIOUS = "the exemplars, else the output, of the previous procedure"


class CallsEngine(SharedOptions, EngineOptions):
    """A procedure that calls an engine, each time in a folder of its own.

    Attributes
    ----------
    files_of : str
        What the folder of the engine's files is called by default, before the step's name.
    """

    files_of: ClassVar[str] = "aims_"

    aims_output_dir: OutputFolder | None = option(
        "Folder of the engine's own files, one folder a structure", default_words="aims_ and the step's name"
    )
    engine_settings: dict[str, Any] = derived("The settings of the engine, as resolved", {})
    relax: bool = derived("Whether structures are relaxed", False)

    @property
    def evaluations(self) -> int | None:
        """How many evaluations of one structure the step makes; None where they take different times."""
        return 1

    @classmethod
    def engine_and_files(cls, bench: Bench, draft: Draft) -> None:
        """Choose the engine, and the folder of its files."""
        choose_engine(bench, draft)
        if draft.options["aims_output_dir"] is None:
            draft.put("aims_output_dir", bench.absolute(cls.files_of + draft.step.name), "default")


class EngineProcedureOptions(CallsEngine, MakesPool):
    """What the engine procedures share (the manual documents it under Run_FHI_Aims_Batch)."""

    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy")
    molecule_path: InputFile | None = option(
        "Molecule, for procedures whose own section names none",
        category="inferred",
        default_words="from any section",
        changes_results=False,
    )
    Z: Whole | None = cell_option()


class EngineOnPoolOptions(OnStructures, EngineProcedureOptions):
    """What the engine procedures on pools share."""

    prefers_exemplars: ClassVar[bool] = True

    structure_dir: InputFolder | None = pool_option(
        "chosen", "exemplars", "pressed", "generated", "to cluster", default_words=PREVIOUS
    )
    Z: Whole = cell_option()

    @classmethod
    def engine_on_pool(cls, bench: Bench, draft: Draft, relax: bool) -> Pool:
        """Find pool, Z and engine."""
        source = bench.input_pool(draft)
        molecules_per_cell(bench, draft)
        cls.engine_and_files(bench, draft)
        draft.drop("molecule_path")
        draft.put("relax", relax, "the procedure")
        return source


def with_energies(bench: Bench, draft: Draft, source: Pool) -> Pool:
    """Register the step's output pool: the structures of its input, with energies."""
    pool = same_structures(bench, draft, source)
    if pool.energies is not None:
        pool.energies.add(draft.options["energy_name"])
    return pool


def new_structures(bench: Bench, draft: Draft) -> None:
    """Register the step's output pool: new structures, with the step's energies alone."""
    pool = Pool(bench.output_pool(draft), energies={draft.options["energy_name"]})
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def same_structures(bench: Bench, draft: Draft, source: Pool) -> Pool:
    """Register the step's output pool, of structures of its input."""
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)
    return pool
