"""The options of Select_Structures."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import InputFolder, Key, OutputFolder, Real, Whole
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.resolving.known import FROM_ENERGIES, name_energy, require_energies, vectors_of
from genarris_fw.options.sizes import UNKNOWN, Count

SELECTIONS = ("energy_window", "best_per_cluster", "best_per_space_group", "most_diverse")


class SelectStructuresOptions(OnStructures, MakesPool):
    """Choose structures of a pool: in an energy window, the best of every cluster or space group, the most diverse."""

    procedure: ClassVar[str] = "Select_Structures"
    order: ClassVar[int] = 100
    makes: ClassVar[str] = "some"

    structure_dir: InputFolder | None = pool_option("relaxed", "energies", "clustered", "pressed", "generated")
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the chosen structures",
        again="suffix",
        default_words="the step's name",
        holds="chosen",
    )
    energy_name: Key = option(
        "Energy by which structures are compared", "energy", category="inferred", default_words=FROM_ENERGIES
    )
    energy_window: Real | None = option(
        "Keep structures whose energy is at most so far above the lowest", unit="kJ/mol per molecule", ge=0, le=10**6
    )
    best_per_cluster: Whole | None = option(
        "Then keep so many of each cluster, those of lowest energy", ge=1, le=10**9, default_words="all"
    )
    cluster_key: Key = option("Property that holds a structure's cluster", "AP_cluster")
    best_per_space_group: Whole | None = option(
        "Then keep so many of each space group, those of lowest energy", ge=1, le=10**9, default_words="all"
    )
    most_diverse: Whole | None = option(
        "Then keep so many, the farthest from each other by their distances", ge=1, le=10**9, default_words="all"
    )

    matrix_step: str | None = derived("The earlier step that makes the distance matrix")
    vectors_name: str = derived("Property that holds the structures' vectors", "RDF")

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return the smallest of the numbers that are asked for."""
        limits = [] if before.number is None else [before.number]
        if self.most_diverse:
            limits.append(self.most_diverse)
        if self.best_per_space_group and groups:
            limits.append(self.best_per_space_group * groups)
        return Count(min(limits), "at most") if limits else UNKNOWN

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find energies and distances of the pool."""
        super().resolve(bench, draft)
        source = bench.pool_of(draft)
        name_energy(bench, draft)
        for name in ("energy_window", "best_per_cluster", "best_per_space_group"):
            if draft.options[name] is not None:
                require_energies(bench, draft, source, name)
        if all(draft.options[name] is None for name in SELECTIONS):
            bench.remarks.problem(
                draft.line, f"nothing to select by; expected one or more of {', '.join(SELECTIONS)}", draft.section
            )
        draft.put("matrix_step", source.matrix[0] if source.matrix else None, "default")
        draft.put("vectors_name", vectors_of(bench, source)[1], "default")
