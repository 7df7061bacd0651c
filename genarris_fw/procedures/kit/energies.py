"""What the procedures that call an engine share: settings, items, energies on structures."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from genarris_fw.catalogue.documents import NewEngineResult
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.declaring.results import in_words
from genarris_fw.energetics.comparable import fields_of, per_molecule, source_of
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.engines import Context, Engine, Evaluation, engine_class
from genarris_fw.engines import get as get_engine
from genarris_fw.engines.result_key import result_key
from genarris_fw.errors import EngineError, GenarrisError, InputError, Interrupted, RunFailed
from genarris_fw.farm.crews import crew as crews
from genarris_fw.options.base import SharedOptions
from genarris_fw.pools.documents import plain
from genarris_fw.procedures.kit import crew_evaluation
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure
from genarris_fw.procedures.kit.checkpoints import Checkpoints
from genarris_fw.procedures.kit.comparable import refuse_several
from genarris_fw.procedures.kit.reuse import NEVER, REUSED_FROM, WORDS, found_again, to_keep
from genarris_fw.procedures.options.engine_procedures import CallsEngine, EngineProcedureOptions
from genarris_fw.units import KJ_PER_MOL_PER_EV

E = TypeVar("E", bound=CallsEngine)


class EngineProcedure(Procedure[E]):
    """A procedure whose work items are structures to evaluate."""

    _engine: Engine | None = None
    # Of the item that is being worked on: what was computed, and whose result was taken over.
    _result: NewEngineResult | None = None
    _reused_from: str | None = None

    def engine(self, campaign: Campaign[E]) -> Engine:
        """Return the engine of the step, loaded once per replica."""
        if self._engine is None:
            self._engine = self.made_with(campaign, {})
        return self._engine

    def made_with(self, campaign: Campaign[E], changes: Mapping[str, Any]) -> Engine:
        """Return the engine of the step with some settings changed."""
        return get_engine(engine_name(campaign), **engine_settings(campaign) | dict(changes))

    def plan(self, campaign: Campaign[E]) -> list[Item]:
        """Return one item per structure of the input pool."""
        return [Item(name, {"struct_id": name}) for name in campaign.pool_ids()]

    def perform(self, campaign: Campaign[E], item: Item) -> Outcome:
        """Return what `work` does, with the engine's result for others, or the item whose result it was."""
        self._result = self._reused_from = None
        outcome = super().perform(campaign, item)
        outcome.result = self._result
        if self._reused_from is not None:
            outcome.summary[REUSED_FROM] = self._reused_from
            for document in outcome.structures:
                document["provenance"] = {**document.get("provenance", {}), REUSED_FROM: self._reused_from}
        return outcome

    def sum_up(self, campaign: Campaign[E]) -> dict[str, Any]:
        """Return the summary, with how many results were taken over where that was asked for."""
        summary = super().sum_up(campaign)
        if campaign.options.reuse:
            number, of = campaign.catalogue.work_items.reused(campaign.run, campaign.step)
            summary["reused"] = {"number": number, "of": of}
        return summary

    def in_words(self, campaign: Campaign[E], summary: dict[str, Any]) -> str:
        """Return what is said of the step, with how many results were taken over."""
        said = [super().in_words(campaign, summary), in_words(WORDS, summary)]
        if "reused" in summary and not summary["reused"]["number"] and self._unknown_version(campaign):
            said[1] += NEVER
        return ", ".join(filter(None, said))

    def _unknown_version(self, campaign: Campaign[E]) -> bool:
        try:
            return self.engine(campaign).identity is None
        except GenarrisError:  # not to be had on this machine, which did not compute
            return False

    def evaluate(self, campaign: Campaign[E], item: Item, structure: Structure, relax: bool) -> Evaluation:
        """Evaluate one structure, or take over what was computed of the same where the option ``reuse`` says so.

        Raises
        ------
        Interrupted
            When the time is over before the evaluation is.
        """
        engine = self.engine(campaign)
        digest = result_key(engine, structure, relax)
        if digest is not None and campaign.options.reuse:
            found = found_again(campaign, digest, structure)
            if found is not None:
                self._reused_from = found.details[REUSED_FROM]
                return found
        evaluation = self._computed(campaign, item, structure, relax)
        # Asked once more: what a calculator starts may be known only when it has been made.
        if digest is not None and engine.identity is not None:
            self._result = to_keep(digest, structure, relax, evaluation, engine, version_of(engine, evaluation))
        return evaluation

    def _computed(self, campaign: Campaign[E], item: Item, structure: Structure, relax: bool) -> Evaluation:
        """Evaluate one structure in a folder of its own under ``aims_output_dir``, where one is named.

        Under MPI all ranks of the replica work at it together, where the engine is driven over a communicator.
        A relaxation that another replica had to leave goes on from the geometry that it had reached.

        Raises
        ------
        Interrupted
            When the time is over before the evaluation is.
        """
        folder = campaign.options.aims_output_dir
        place = own_folder(Path(folder), structure.struct_id) if folder and campaign.folder.is_dir() else None
        checkpoints = Checkpoints(campaign, item)
        start = checkpoints.start(structure) if relax else structure
        context = Context(
            folder=place,
            cores=campaign.cores,
            deadline=campaign.walltime.deadline(),
            should_stop=campaign.walltime.ending,
            checkpoint=checkpoints.reached if relax else None,
            first=None if start is structure else structure,
        )
        engine, crew = self.engine(campaign), crews.current()
        try:
            if crew is not None and engine.wants_communicator:
                evaluation = crew_evaluation.evaluate(crew, engine, start, relax, context)
            else:
                evaluation = engine.evaluate(start, relax=relax, context=context)
        except EngineError as error:
            # A queue that ends a job may hit the engine's program before it is our turn.
            if not error.permanent and campaign.walltime.ending():
                checkpoints.keep_latest()
                raise Interrupted(str(error)) from error
            raise
        if not evaluation.converged and evaluation.details.get("reason") in ("deadline", "stopped"):
            checkpoints.keep(evaluation.structure)
            raise Interrupted(f"{structure.struct_id or 'the molecule'}: the time is over before it is relaxed")
        return evaluation


def own_folder(folder: Path, struct_id: str) -> Path:
    """Return the folder in which the engine works on a structure.

    Raises
    ------
    EngineError
        For a name, of a database that others have filled, that leads out of the folder.
    """
    place = folder / (struct_id or "molecule")
    if ".." in place.parts or not place.is_relative_to(folder):
        raise EngineError(f"{struct_id!a}: a structure of this name has no folder of its own", "input", permanent=True)
    return place


def engine_name(campaign: Campaign[CallsEngine]) -> str:
    """Return the name of the step's engine."""
    name = campaign.options.engine
    assert name is not None  # only [Genarris_master] may name none
    return name


def engine_of(campaign: Campaign[CallsEngine]) -> type[Engine]:
    """Return the class of the step's engine.

    Raises
    ------
    EngineError
        Kind ``missing`` where its package is not installed on this machine, or cannot be used.
    """
    name = engine_name(campaign)
    try:
        return engine_class(name)
    except InputError as error:
        raise EngineError(
            f"engine {name} cannot be used on {socket.gethostname()}, install the package that brings it: {error}",
            kind="missing",
        ) from error


def engine_settings(campaign: Campaign[CallsEngine]) -> dict[str, Any]:
    """Return the settings of the step's engine; files of settings as the run carries them, wherever this node is."""
    options = campaign.options
    settings = dict(options.engine_settings)
    carried = (campaign.record.get("carried") or {}).get(campaign.step)
    # Runs of before carry the text of FHI-aims' control.in alone.
    control = (campaign.record.get("control") or {}).get(campaign.step)
    settings |= carried or ({} if control is None else {"control": control})
    return engine_of(campaign).of_a_run(settings, options.omp_num_threads)


def energy_outcome(
    campaign: Campaign[EngineProcedureOptions],
    name: str,
    record: EnergyRecord,
    further: Mapping[str, Any] | None = None,
) -> Outcome:
    """Return the outcome of an item whose structure now has an energy.

    Parameters
    ----------
    campaign : Campaign
        Its option ``energy_name`` names the energy.
    name : str
        The structure.
    record : EnergyRecord
        As of `energy_record`.
    further : mapping, optional
        More properties of the structure.
    """
    energy_name = campaign.options.energy_name
    properties = energy_properties(campaign, record, energy_name) | dict(further or {})
    fields = {f"energies.{energy_name}": record}
    fields |= {f"properties.{key}": value for key, value in properties.items()}
    return Outcome({"struct_id": name, "energy": record["value"]}, fields={name: fields})


def collect_energies(campaign: Campaign[EngineProcedureOptions]) -> dict[str, Any]:
    """Make the pool of the structures that have an energy, export it, and return the step's summary."""
    done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
    ids = [record["outcome"]["struct_id"] for record in done]
    refuse_nothing(campaign, ids)
    campaign.make_pool(ids)
    options = campaign.options
    campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
    return {"evaluated": len(ids), "best": best_of(campaign, ids)}


def version_of(engine: Engine, evaluation: Evaluation) -> str:
    """Return the version that gave an evaluation: some programs tell theirs only in an output."""
    return str(evaluation.details.get("version") or engine.version)


def energy_record(evaluation: Evaluation, engine: Engine, Z: int) -> EnergyRecord:
    """Return what is kept of an energy: never a number without its engine and settings.

    Parameters
    ----------
    evaluation : Evaluation
        What the engine found.
    engine : Engine
        With its settings.
    Z : int
        Molecules in the cell; 1 for a molecule.
    """
    details = dict(evaluation.details)
    reused_from = details.pop(REUSED_FROM, None)
    record: EnergyRecord = {
        "value": float(evaluation.energy),
        "per_molecule": float(evaluation.energy) / Z,
        "engine": engine.name,
        "engine_version": version_of(engine, evaluation),
        "settings_hash": engine.settings_hash,
        "converged": bool(evaluation.converged),
        "seconds": float(evaluation.seconds),
        "details": plain(details),
    }
    if reused_from is not None:
        record["reused_from"] = str(reused_from)
    return record


def energy_properties(campaign: Campaign[SharedOptions], record: EnergyRecord, name: str) -> dict[str, Any]:
    """Return the plain numbers a person queries: eV per cell, eV and kJ/mol per molecule."""
    properties: dict[str, Any] = {name: record["value"], f"{name}_per_molecule": record["per_molecule"]}
    # Also where it is from nowhere: a structure that is evaluated anew must not keep what was true of the last energy.
    if any(step["options"].get("reuse") for step in campaign.steps):
        properties[f"{name}_{REUSED_FROM}"] = record.get("reused_from")
    molecule = molecule_energy(campaign, record)
    if molecule is not None:
        properties["lattice_energy"] = (record["per_molecule"] - molecule) * KJ_PER_MOL_PER_EV
    return properties


def molecule_energy(campaign: Campaign[SharedOptions], record: EnergyRecord) -> float | None:
    """Return the energy (eV) of the run's single molecule, when the same engine and settings gave it.

    Where an engine needs other settings for a molecule, the method is compared: see `Engine.molecule_by`. The version
    must be the same too.
    """
    step = campaign.relaxation_step
    if step is None:
        return None
    summary = campaign.catalogue.runs.get(campaign.run)["summaries"].get(step) or {}
    by_method = engine_class(record["engine"]).molecule_by == "method"
    decisive = record["details"].get("method") if by_method else record["settings_hash"]
    # Summaries of before the version was kept have none.
    same = summary.get("engine") == record["engine"] and (
        summary.get("engine_version", record["engine_version"]) == record["engine_version"]
        and decisive in (summary.get("method"), summary.get("settings_hash"))
    )
    return float(summary["energy"]) if same and "energy" in summary else None


def molecules_in(structure: Structure, usually: int) -> int:
    """Return how many molecules a crystal's cell holds: what it says itself, as those of a search over several do."""
    return int(structure.properties.get("Z") or usually)


def best_of(campaign: Campaign[EngineProcedureOptions], ids: Sequence[str]) -> str | None:
    """Return the structure with the lowest energy per molecule; None where the energies are not to be compared."""
    try:
        energies = energies_per_molecule(campaign, ids, campaign.options.energy_name)
    except RunFailed as error:  # replicas of several versions, say: no reason to throw away what was computed
        campaign.log(str(error), level="WARNING")
        return None
    known = [(energy, name) for energy, name in zip(energies, ids) if energy is not None]
    return min(known)[1] if known else None


def refuse_nothing(campaign: Campaign[SharedOptions], ids: Sequence[str]) -> None:
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


def energies_per_molecule(campaign: Campaign[SharedOptions], ids: Sequence[str], name: str) -> list[float | None]:
    """Return energies in eV per molecule, None where a structure has none.

    Raises
    ------
    RunFailed
        Where they come from several engines or settings, which are not to be compared.
    """
    records = list(campaign.catalogue.structures.load(campaign.run, ids, fields_of(name)))
    refuse_several(campaign.step, name, (source_of(record, name) for record in records))
    return [per_molecule(record, name) for record in records]
