"""What is known of a pool from the configuration alone: its energies and its vectors."""

from __future__ import annotations

from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft, Pool

FROM_ENERGIES = "from FHI_Aims_Energy_Evaluation or Run_FHI_Aims_Batch, else energy"


def name_energy(bench: Bench, draft: Draft) -> None:
    """Set `energy_name`: of the step's own section, else of one that computes energies."""
    energy = bench.inherit(draft, "energy_name")
    if energy is None:
        draft.put("energy_name", "energy", "default")
    elif not draft.has("energy_name"):
        draft.put("energy_name", energy.value, f"inferred from [{energy.section}] energy_name (line {energy.line})")


def require_energies(bench: Bench, draft: Draft, source: Pool, option: str) -> None:
    """Note a problem where an option compares energies that no structure of the pool can have."""
    name = draft.options["energy_name"]
    if source.energies is not None and name not in source.energies:
        line, section = draft.where(option)
        bench.missing_pool(
            line,
            f"{option}: no earlier procedure computes {quoted(name)} for the pool {quoted(source.name)}; "
            "expected FHI_Aims_Energy_Evaluation before it",
            section,
        )


def vectors_of(bench: Bench, source: Pool) -> tuple[str | None, str]:
    """Return the step that makes the vectors of a pool (None: they were imported) and the property that holds them."""
    return source.vectors or (None, "RDF" if bench.defaults == "manual" else "RSF")
