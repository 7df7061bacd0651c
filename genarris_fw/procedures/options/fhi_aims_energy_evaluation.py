"""The options of FHI_Aims_Energy_Evaluation."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Key, OutputFolder
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.engine_procedures import EngineOnPoolOptions, with_energies


class FHIAimsEnergyEvaluationOptions(EngineOnPoolOptions):
    """Compute the energy of every structure of a pool, as it is."""

    procedure: ClassVar[str] = "FHI_Aims_Energy_Evaluation"
    order: ClassVar[int] = 110
    results: ClassVar[dict[str, str]] = {"evaluated": "{} evaluated"}
    makes: ClassVar[str] = "same"
    asks: ClassVar[tuple[str, ...]] = ("energies apart",)

    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy", lends=2)
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures", default_words="the step's name", holds="energies"
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool, Z and engine; the structures are those of the pool."""
        with_energies(bench, draft, cls.engine_on_pool(bench, draft, relax=False))
