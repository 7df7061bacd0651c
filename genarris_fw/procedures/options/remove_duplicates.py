"""The options of Remove_Duplicates."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, InputFolder, Key, OutputFolder, Real, Said, Whole, one_of
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.resolving.known import FROM_ENERGIES, name_energy

MatchMethod = Annotated[
    str, BeforeValidator(one_of("rmsd", "structure_matcher")), Said("str", "rmsd or structure_matcher")
]


class RemoveDuplicatesOptions(OnStructures, MakesPool):
    """Keep one of the structures that are the same crystal; every duplicate names its survivor."""

    procedure: ClassVar[str] = "Remove_Duplicates"
    order: ClassVar[int] = 90
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "duplicates": "{} duplicates left out",
        "uncompared": "{} could not be compared",
    }
    makes: ClassVar[str] = "some"

    structure_dir: InputFolder | None = pool_option("relaxed", "energies", "clustered", "pressed", "generated")
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the structures that are left", again="suffix", default_words="the step's name"
    )
    energy_name: Key = option(
        "Energy whose lowest survives; structures without energy come after those with, else the first by id",
        "energy",
        category="inferred",
        default_words=FROM_ENERGIES,
    )
    method: MatchMethod = option(
        "How crystals are compared: rmsd superposes clusters of molecules; structure_matcher is pymatgen's", "rmsd"
    )
    rmsd_tolerance: Real = option("Duplicates have a lower root mean square distance", 0.25, unit="Å", ge=1e-6, le=1)
    molecules_in_cluster: Whole = option("Number of molecules that are superposed", 20, ge=2, le=200)
    mirror_images: Flag = option("Whether a crystal and its mirror image are duplicates", True)
    hydrogens: Flag = option("Whether hydrogen atoms are superposed too", False)
    volume_tolerance: Real = option("Largest relative difference of the volumes of duplicates", 0.05, ge=0, le=1)
    amd_tolerance: Real = option(
        "Largest difference of the average minimum distances of duplicates", 0.12, unit="Å", ge=0, le=10
    )
    pdd_tolerance: Real = option(
        "Largest difference of the pointwise distances of duplicates", 0.3, unit="Å", ge=0, le=10
    )
    ltol: Real = option("Tolerance of lengths of structure_matcher, relative", 0.5, ge=1e-6, le=10)
    stol: Real = option("Tolerance of sites of structure_matcher, relative", 0.5, ge=1e-6, le=10)
    angle_tol: Real = option("Tolerance of angles of structure_matcher", 10.0, unit="degrees", ge=1e-6, le=90)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the energy by which the survivors are chosen."""
        super().resolve(bench, draft)
        name_energy(bench, draft)
        if draft.options["method"] == "structure_matcher" and not draft.options["mirror_images"]:
            line, section = draft.where("mirror_images")
            bench.remarks.problem(line, "structure_matcher cannot tell mirror images apart; use method = rmsd", section)
