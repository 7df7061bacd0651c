"""The options of Rigid_Press."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import ContactRulesName, InputFolder, OutputFolder, PairDistances, Radii, Real, Whole
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.contacts import ContactOptions


class RigidPressOptions(OnStructures, ContactOptions, MakesPool):
    """Press every structure of a pool to the smallest cell that keeps its contacts, molecules rigid."""

    procedure: ClassVar[str] = "Rigid_Press"
    order: ClassVar[int] = 40
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "refused": "{} not pressed",
        "unconverged": "{} not converged",
    }

    structure_dir: InputFolder | None = pool_option("generated")
    sr: Real = option("Fraction of the sum of two van der Waals radii that the press keeps", 0.85, ge=0.01, le=2)
    contact_rules: ContactRulesName = option(
        ContactOptions.description("contact_rules"),
        ContactOptions.info("contact_rules").default,
        category="inferred",
        default_words="from Pygenarris_Structure_Generation, else 2.0",
    )
    custom_radii: Radii | None = option(
        ContactOptions.description("custom_radii"),
        category="inferred",
        unit="Å",
        default_words="from Pygenarris_Structure_Generation, else none",
    )
    custom_radii_by_pairs: PairDistances | None = option(
        ContactOptions.description("custom_radii_by_pairs"),
        category="inferred",
        unit="Å",
        default_words="from Pygenarris_Structure_Generation, else none",
    )
    symprec: Real = option(
        "How exactly the symmetry that the press keeps must be there at the start", 1e-3, unit="Å", ge=1e-8, le=1
    )
    max_steps: Whole = option("Steps of one press at most", 400, ge=1, le=10**6)
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the pressed structures",
        again="suffix",
        default_words="the step's name",
        holds="pressed",
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Take the contact rules of the generation. Energies and distances of the pool are not of the pressed ones."""
        super().resolve(bench, draft)
        for name in ("contact_rules", "custom_radii", "custom_radii_by_pairs"):
            given = bench.inherit(draft, name)
            if given is not None and not draft.has(name):
                draft.put(name, given.value, f"inferred from [{given.section}] {name} (line {given.line})")
