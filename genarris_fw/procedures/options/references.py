"""What the procedures share that compute an all-electron reference."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import InputFolder, OutputFolder, Words
from genarris_fw.options.base import OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.procedures.options.engine_procedures import PREVIOUS, CallsEngine

# The engine that these procedures are named after.
DEFAULT = "lapw"
ENGINE = "Engine that computes the energies; that of [Genarris_master] is not taken over"
TAKES = ("relaxed", "energies", "chosen", "exemplars", "pressed", "generated")


class ReferenceOptions(OnStructures, CallsEngine):
    """A procedure of single points on the structures of a pool, with an engine of its own."""

    prefers_exemplars: ClassVar[bool] = True
    makes: ClassVar[str] = "same"
    files_of: ClassVar[str] = "engine_"

    structure_dir: InputFolder | None = pool_option(*TAKES, default_words=PREVIOUS)
    engine: Words | None = option(ENGINE, DEFAULT, expected="the name of an engine")
    aims_output_dir: OutputFolder | None = option(
        "Folder of the engine's own files, one folder a calculation",
        aliases=("engine_output_dir",),
        default_words="engine_ and the step's name",
    )

    @classmethod
    def engine_on_structures(cls, bench: Bench, draft: Draft) -> Pool:
        """Find pool and engine."""
        source = bench.input_pool(draft)
        cls.engine_and_files(bench, draft)
        draft.put("relax", False, "the procedure")
        return source
