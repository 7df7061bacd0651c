"""What the procedures that call an engine share: settings, items, energies on structures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.engines import Context, Engine, Evaluation
from genarris_fw.engines import get as get_engine
from genarris_fw.errors import EngineError, Interrupted, RunFailed
from genarris_fw.procedures.base import Campaign, Procedure
from genarris_fw.procedures.checkpoints import Checkpoints
from genarris_fw.procedures.documents import plain
from genarris_fw.units import KJ_PER_MOL_PER_EV


class EngineProcedure(Procedure):
    """A procedure whose work items are structures to evaluate."""

    _engine: Engine | None = None

    def engine(self, campaign: Campaign) -> Engine:
        """Return the engine of the step, loaded once per replica."""
        if self._engine is None:
            options = campaign.options
            self._engine = get_engine(options["engine"], **(options.get("engine_settings") or {}))
        return self._engine

    def plan(self, campaign: Campaign) -> list[Item]:
        """Return one item per structure of the input pool."""
        return [Item(name, {"struct_id": name}) for name in campaign.pool_ids()]

    def evaluate(self, campaign: Campaign, item: Item, structure: Structure, relax: bool) -> Evaluation:
        """Evaluate one structure in a folder of its own under ``aims_output_dir``, where one is named.

        A relaxation that another replica had to leave goes on from the geometry that it had reached.

        Raises
        ------
        Interrupted
            When the time is over before the evaluation is.
        """
        folder = campaign.options.get("aims_output_dir")
        place = Path(folder) / (structure.struct_id or "molecule") if folder and campaign.folder.is_dir() else None
        checkpoints = Checkpoints(campaign, item)
        context = Context(
            folder=place,
            deadline=campaign.walltime.deadline(),
            should_stop=campaign.walltime.ending,
            checkpoint=checkpoints.reached if relax else None,
        )
        try:
            evaluation = self.engine(campaign).evaluate(checkpoints.start(structure), relax=relax, context=context)
        except EngineError as error:
            if error.kind == "walltime" and campaign.walltime.ending():
                raise Interrupted(str(error)) from error
            raise
        if not evaluation.converged and evaluation.details.get("reason") in ("deadline", "stopped"):
            checkpoints.keep(evaluation.structure)
            raise Interrupted(f"{structure.struct_id or 'the molecule'}: the time is over before it is relaxed")
        return evaluation


def energy_record(evaluation: Evaluation, engine: Engine, Z: int) -> dict[str, Any]:
    """Return what the catalogue keeps of an energy: never a number without its engine and settings."""
    return {
        "value": float(evaluation.energy),
        "per_molecule": float(evaluation.energy) / Z,
        "engine": engine.name,
        "engine_version": engine.version,
        "settings_hash": engine.settings_hash,
        "converged": bool(evaluation.converged),
        "seconds": float(evaluation.seconds),
        "details": plain(evaluation.details),
    }


def energy_properties(campaign: Campaign, record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the plain numbers a person queries: eV per cell, eV and kJ/mol per molecule."""
    properties = {name: record["value"], f"{name}_per_molecule": record["per_molecule"]}
    molecule = molecule_energy(campaign, record)
    if molecule is not None:
        properties["lattice_energy"] = (record["per_molecule"] - molecule) * KJ_PER_MOL_PER_EV
    return properties


def molecule_energy(campaign: Campaign, record: dict[str, Any]) -> float | None:
    """Return the energy (eV) of the run's single molecule, when the same engine and method gave it."""
    step = campaign.step_of("Relax_Single_Molecule")
    if step is None:
        return None
    summary = campaign.catalogue.runs.get(campaign.run)["summaries"].get(step) or {}
    same = summary.get("engine") == record["engine"] and summary.get("method") == record["details"].get("method")
    return float(summary["energy"]) if same and "energy" in summary else None


class Evaluated:
    """The committed evaluations of a step, for ``collect``."""

    def __init__(self, campaign: Campaign, ids: Sequence[str]) -> None:
        self.campaign = campaign
        self.ids = list(ids)

    @cached_property
    def energies(self) -> dict[str, float]:
        """Energy per molecule (eV) by structure."""
        name = self.campaign.options["energy_name"]
        values = self.campaign.properties(self.ids, f"{name}_per_molecule")
        return {struct: value for struct, value in zip(self.ids, values) if value is not None}

    @property
    def best(self) -> str | None:
        """The structure with the lowest energy per molecule."""
        return min(self.energies, key=lambda name: (self.energies[name], name)) if self.energies else None


def refuse_nothing(campaign: Campaign, ids: Sequence[str]) -> None:
    """Stop the run when no structure of the step came through.

    Raises
    ------
    RunFailed
        With the first error that was met.
    """
    if ids:
        return
    failures = campaign.catalogue.work_items.failures(campaign.run, campaign.step)
    first = failures[0]["error"] if failures else "no structure was evaluated"
    raise RunFailed(f"{campaign.step}: all {len(failures)} structures failed; the first: {first}")


def energies_per_molecule(campaign: Campaign, ids: Sequence[str], name: str) -> list[float | None]:
    """Return energies in eV per molecule, None where a structure has none.

    An engine's energy is kept with its number of molecules; an imported one is of the cell.
    """
    fields = [f"energies.{name}.per_molecule", f"properties.{name}", "Z"]
    found: list[float | None] = []
    for record in campaign.catalogue.structures.load(campaign.run, ids, fields):
        energy = ((record.get("energies") or {}).get(name) or {}).get("per_molecule")
        of_cell, Z = (record.get("properties") or {}).get(name), record.get("Z")
        if energy is None and of_cell is not None and Z:
            energy = of_cell / Z
        found.append(None if energy is None else float(energy))
    return found
