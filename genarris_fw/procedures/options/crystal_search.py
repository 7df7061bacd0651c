"""The options of Crystal_Search."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import InputFile, OutputFolder, Real, Said, SpaceGroups, Whole, literal, one_of, whole
from genarris_fw.options.base import MakesPool, molecule_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.sizes import Count
from genarris_fw.procedures.options.experiments import FindsExperiment
from genarris_fw.procedures.options.lattice_models import energies_of

MOST_MOLECULES = 192


def numbers_of_molecules(text: Any) -> list[int]:
    """Read one number of molecules per cell, or several."""
    value = literal(text)
    found = sorted({whole(one) for one in (value if isinstance(value, (list, tuple)) else [value])})
    if not found or not all(1 <= number <= MOST_MOLECULES for number in found):
        raise ValueError("not numbers of molecules")
    return found


NumbersOfMolecules = Annotated[
    list[int], BeforeValidator(numbers_of_molecules), Said("int or list", "numbers from 1 to 192, [2, 4] for example")
]
Stop = Annotated[
    str,
    BeforeValidator(one_of("complete", "draws", "structures")),
    Said("str", "complete, draws or structures"),
]


class CrystalSearchOptions(FindsExperiment, MakesPool):
    """Search for the crystals of lowest lattice energy, the molecule rigid, until little seems to be missing."""

    procedure: ClassVar[str] = "Crystal_Search"
    order: ClassVar[int] = 35
    results: ClassVar[dict[str, str]] = {
        "structures": "{} minima",
        "estimate": "of {:.0f} estimated",
        "lowest": "lowest {:.2f} kJ/mol per molecule",
        "experiment": "experiment: {[words]}",
        "draws": "{} draws",
        "reason": "ended: {}",
    }

    molecule_path: InputFile | None = molecule_option(lends=1)
    Z: NumbersOfMolecules = option(
        "Molecules per cell; several are searched at once, and compared per molecule",
        category="inferred",
        default_words="from any section that gives it",
    )
    space_groups: SpaceGroups = option(
        "Which of the compatible space groups to search: all, these, chiral, racemic or csd (see "
        "Pygenarris_Structure_Generation)",
        "all",
    )
    window: Real = option(
        "Minima up to so much above the lowest are kept and counted (kJ/mol per molecule)",
        10.0,
        unit="kJ/mol",
        ge=1e-3,
        le=1000,
    )
    stop: Stop = option(
        "When the search ends: complete (by the estimate of what is missing), or after a number of draws or structures",
        "complete",
    )
    draws: Whole | None = option("Draws after which stop = draws ends", ge=1, le=10**12)
    num_structures: Whole | None = option("Minima within the window after which stop = structures ends", ge=1, le=10**7)
    max_work: Real = option(
        "The search ends anyhow after so many steps of minimisations", 1.5e6, ge=1, le=1e12, unit="steps"
    )
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the minima",
        again="suffix",
        default_words="the step's name",
        holds="energies",
    )

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return what is known before: nothing but the number asked for."""
        return Count(self.num_structures if self.stop == "structures" else None, "at most")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the model's options; find Z; see that a number to stop at is there."""
        super().resolve(bench, draft)
        given = bench.inherit(draft, "Z")
        if given is None:
            bench.missing(draft, "Z", ", molecules per cell, in any section")
        elif not draft.has("Z"):
            draft.put("Z", [given.value], f"inferred from [{given.section}] Z (line {given.line})")
        energies_of(bench, draft).add(draft.options["energy_name"])
        stop, needed = draft.options["stop"], {"draws": "draws", "structures": "num_structures"}
        for word, name in needed.items():
            line, section = draft.where("stop" if stop == word else name)
            if stop == word and draft.options[name] is None:
                bench.remarks.problem(line, f"stop = {word} needs {name}", section)
            if stop != word and draft.has(name):
                bench.remarks.notice(line, f"{name} has no effect: stop = {stop}", section)
