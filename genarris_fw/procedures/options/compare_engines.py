"""The options of Compare_Engines."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    InputFolder,
    OutputFolder,
    Real,
    Said,
    key,
    word_list,
)
from genarris_fw.options.base import OnStructures, pool_option
from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.procedures.options.engine_procedures import (
    PREVIOUS,
)
from genarris_fw.procedures.options.references import TAKES

_ENERGIES = ["energy", "lapw_energy"]


def energy_names(text: Any) -> list[str]:
    """Read two different names of energies or more."""
    found = names(text)
    if len(found) < 2:
        raise ValueError("not two names")
    return found


def names(text: Any) -> list[str]:
    """Read a list of different names of properties; of a step that is resolved already it may be empty."""
    if text == []:
        return []
    found = [key(name) for name in word_list(text)]
    if len(set(found)) < len(found):
        raise ValueError("a name is there twice")
    return found


EnergyNames = Annotated[
    list[str], BeforeValidator(energy_names), Said("list", 'two names of energies or more, ["energy", "lapw_energy"]')
]
Names = Annotated[list[str], BeforeValidator(names), Said("list", 'a list of names, ["eos", "eos_2"]')]


class CompareEnginesOptions(OnStructures):
    """Compare engines on the same structures: relative energies, ranking, equations of state."""

    procedure: ClassVar[str] = "Compare_Engines"
    order: ClassVar[int] = 160
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "kendall_tau": "Kendall τ {:.2f}",
        "undecided": "{} more may be the lowest",
        "mean_delta_wien2k": "Delta {:.2f} meV/atom",
    }
    prefers_exemplars: ClassVar[bool] = True

    structure_dir: InputFolder | None = pool_option("reference", *TAKES, default_words=PREVIOUS)
    energy_names: EnergyNames | None = option(
        "The energies of two engines or more, that of the reference last",
        category="inferred",
        default_words="energy and lapw_energy, where the structures have both",
    )
    least_error: Real = option(
        "An error bar of the engines' mean is never smaller, however well they agree",
        0.0,
        unit="kJ/mol",
        ge=0,
        le=1000,
    )
    eos_names: Names | None = option(
        "Equations of state to compare with each other, and with WIEN2k's where the structure is one of the Delta "
        "project's elemental solids",
        category="inferred",
        default_words="those of the earlier LAPW_Equation_Of_State",
    )
    output_dir: OutputFolder = option("Folder of tables and picture", default_words="the step's name")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find pool, energies and equations of state; the step makes no pool."""
        source = bench.input_pool(draft)
        options = draft.options
        curves = [d.options["eos_name"] for d in bench.drafts if "eos_name" in d.options]
        if options["eos_names"] is None:
            found = list(dict.fromkeys(curves))
            draft.put("eos_names", found, "from the earlier LAPW_Equation_Of_State" if found else "default")
        # Where there are curves to compare, energies are compared as well if they are known to be there.
        known = (source.energies or set()) | {
            d.options.get("energy_name") for d in bench.drafts if d.options.get("engine")
        }
        if options["energy_names"] is None and (not options["eos_names"] or set(_ENERGIES) <= known):
            draft.put("energy_names", list(_ENERGIES), "default")
        if options["energy_names"] is not None and not _has(source, options["energy_names"]):
            line, section = draft.where("energy_names")
            bench.missing_pool(
                line,
                _lacking(source, options["energy_names"]),
                section,
            )
        bench.output_pool(draft)


def _has(pool: Pool, names: list[str]) -> bool:
    """Tell whether a pool's structures have these energies; those of imported ones are not known beforehand."""
    return pool.energies is None or set(names) <= pool.energies


def _lacking(pool: Pool, names: list[str]) -> str:
    """Return in words which energies a pool's structures do not have."""
    where = f"pool {quoted(pool.name)}"
    if not pool.energies:
        return (
            f"energy_names: no earlier procedure computes energies for the {where}; expected two that do, with "
            "different energy_names"
        )
    every = "both" if len(names) == 2 else "all"
    return (
        f"energy_names: the structures of the {where} do not have {every} of {' and '.join(names)}; expected two or "
        f"more of {', '.join(sorted(pool.energies))}"
    )
