"""The options of Run_FHI_Aims_Batch."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Key, OutputFolder
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.engine_procedures import EngineOnPoolOptions, new_structures


class RunFHIAimsBatchOptions(EngineOnPoolOptions):
    """Relax every structure of a pool."""

    procedure: ClassVar[str] = "Run_FHI_Aims_Batch"
    order: ClassVar[int] = 120
    results: ClassVar[dict[str, str]] = {
        "relaxed": "{} relaxed",
        "unconverged": "{} not converged",
        "reacted": "{} reacted",
        "collapsed": "{} collapsed",
    }
    asks: ClassVar[tuple[str, ...]] = ("relaxations", "energies apart")

    energy_name: Key = option("Name under which the energy (eV per cell) is stored", "energy", lends=1)
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures", default_words="the step's name", holds="relaxed"
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool, Z and engine; the relaxed structures are new ones."""
        cls.engine_on_pool(bench, draft, relax=True)
        new_structures(bench, draft)
