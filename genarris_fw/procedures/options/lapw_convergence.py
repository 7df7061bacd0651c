"""The options of LAPW_Convergence."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    OutputFolder,
    Real,
    Said,
    Words,
    k_grid,
    number,
    several,
)
from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.references import DEFAULT, ENGINE, ReferenceOptions


def rkmax_values(text: Any) -> list[float]:
    """Read one or more different numbers from 1 to 20, in ascending order."""
    values = sorted(float(number(None if isinstance(part, str) else part)) for part in several(text, 1))
    if len(set(values)) < len(values) or values[0] < 1 or values[-1] > 20:
        raise ValueError("not values of rkmax")
    return values


def k_spacings(text: Any) -> list[float]:
    """Read one or more different numbers from 0.001 to 100, in descending order."""
    values = sorted((float(number(None if isinstance(part, str) else part)) for part in several(text, 1)), reverse=True)
    if len(set(values)) < len(values) or values[-1] < 0.001 or values[0] > 100:
        raise ValueError("not spacings")
    return values


def k_grids(text: Any) -> list[list[int]]:
    """Read one or more different grids of three numbers."""
    grids = [k_grid(part) for part in several(text, 1)]
    if len({tuple(grid) for grid in grids}) < len(grids):
        raise ValueError("a grid is there twice")
    return grids


RKmaxValues = Annotated[
    list[float], BeforeValidator(rkmax_values), Said("list", "different numbers from 1 to 20, [6, 7, 8]")
]
KSpacings = Annotated[
    list[float], BeforeValidator(k_spacings), Said("list", "different numbers from 0.001 to 100, [0.4, 0.3]")
]
KGrids = Annotated[list[list[int]], BeforeValidator(k_grids), Said("list", "different k grids, [[2, 2, 2], [4, 4, 4]]")]


class LAPWConvergenceOptions(ReferenceOptions):
    """Compute one structure with growing basis and k grid, and find the smallest that reach a tolerance."""

    procedure: ClassVar[str] = "LAPW_Convergence"
    order: ClassVar[int] = 150
    results: ClassVar[dict[str, str]] = {"rkmax": "rkmax {:g} is enough"}

    structure: Words | None = option(
        "struct_id of the structure", default_words="of the pool the one with the fewest atoms, the first by id"
    )
    engine: Words | None = option(
        ENGINE + "; one that has a basis and k points: its own rkmax and k_grid, or those of its calculator",
        DEFAULT,
        expected="the name of an engine with rkmax and k_grid",
    )
    rkmax_values: RKmaxValues = option("Values of rkmax", [5.0, 6.0, 7.0, 8.0])
    k_grids: KGrids | None = option("The k grids", default_words="from k_spacings")
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
    output_dir: OutputFolder = option("Folder of table and picture", default_words="the step's name")

    @property
    def evaluations(self) -> int | None:
        """Many, that take different times."""
        return None

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool and engine; the step makes no pool."""
        cls.engine_on_structures(bench, draft)
        _refuse_without_cutoff(bench, draft)
        if draft.options["k_grids"] is not None and draft.has("k_spacings"):
            line, section = draft.where("k_spacings")
            bench.remarks.notice(line, "k_spacings has no effect, since k_grids are given", section)
        for name, instead in (("rkmax", "rkmax_values"), ("k_grid", "k_grids"), ("k_spacing", "k_spacings")):
            draft.options["engine_settings"].pop(name, None)
            given = draft.given.get(name)
            if given is not None and given.value is not None:
                bench.remarks.notice(given.line, f"{name} has no effect here, {instead} has", given.section)
        bench.output_pool(draft)  # a folder that nothing else writes; the structures stay in their pool


def _refuse_without_cutoff(bench: Bench, draft: Draft) -> None:
    """Note a problem where the engine has no basis and k grid to vary."""
    from genarris_fw.engines import registry

    name = draft.options["engine"]
    able = [other for other, engine in registry.working().items() if engine.at_cutoff({}, 7.0, [1, 1, 1]) is not None]
    if name is not None and name not in able:
        line, section = draft.where("engine")
        words = f"engine = {quoted(name)}: has no rkmax; expected {' or '.join(able)}"
        bench.remarks.problem(line, words, section)
