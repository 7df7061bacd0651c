"""The options of Run_LAPW_Batch."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Key,
    OutputFolder,
    Whole,
)
from genarris_fw.options.base import cell_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.engine_procedures import (
    EngineProcedureOptions,
    with_energies,
)
from genarris_fw.procedures.options.references import ReferenceOptions


class RunLAPWBatchOptions(ReferenceOptions, EngineProcedureOptions):
    """Compute all-electron energies, and forces where asked for, of every structure of a pool."""

    procedure: ClassVar[str] = "Run_LAPW_Batch"
    order: ClassVar[int] = 130
    results: ClassVar[dict[str, str]] = {"evaluated": "{} evaluated"}

    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "lapw_energy", again="suffix")
    Z: Whole | None = cell_option("from any section that gives it, else what each structure says")
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures", default_words="the step's name", holds="reference"
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool and engine; Z where a section gives it."""
        source = cls.engine_on_structures(bench, draft)
        given = bench.inherit(draft, "Z")
        if given is not None and not draft.has("Z"):
            draft.put("Z", given.value, f"inferred from [{given.section}] Z (line {given.line})")
        draft.drop("molecule_path")
        with_energies(bench, draft, source)
