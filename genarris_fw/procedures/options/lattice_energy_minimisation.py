"""The options of Lattice_Energy_Minimisation."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, InputFolder, OutputFolder, Real, Whole
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.experiments import FindsExperiment
from genarris_fw.procedures.options.lattice_models import energies_of


class LatticeEnergyMinimisationOptions(OnStructures, FindsExperiment, MakesPool):
    """Minimise the lattice energy of every structure of a pool, molecules rigid."""

    procedure: ClassVar[str] = "Lattice_Energy_Minimisation"
    order: ClassVar[int] = 45
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "lowest": "lowest {:.2f} kJ/mol per molecule",
        "experiment": "experiment: {[words]}",
        "refused": "{} not minimised",
        "duplicates": "{} ended in the minimum of another",
        "saddle_points": "{} saddle points",
        "undecided": "{} more may be the lowest",
    }

    structure_dir: InputFolder | None = pool_option("energies", "pressed", "generated")
    lowest: Whole | None = option(
        "Only so many structures, those of lowest lattice energy", ge=1, le=10**9, default_words="all"
    )
    break_symmetry: Flag = option("Whether saddle points are followed down into a subgroup", False)
    pressure: Real = option("External pressure", 0.0, unit="GPa", ge=-100, le=1000)
    keep_duplicates: Flag = option("Whether structures that end in the same minimum are all kept", False)
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the minimised structures",
        again="suffix",
        default_words="the step's name",
        holds="energies",
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the model's options."""
        super().resolve(bench, draft)
        energies_of(bench, draft).add(draft.options["energy_name"])
