"""LAPW_Equation_Of_State: energy against volume for every structure of a pool, and the curve through it.

An item is one structure at one volume. All volumes of a structure have the same muffin tins and k grid: a change of
either is a step in the curve.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.crystal.volumes import at_volume
from genarris_fw.energetics.comparable import Source
from genarris_fw.energetics.equation_of_state import delta, fit
from genarris_fw.errors import EngineError, InputError, RunFailed
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.comparable import refuse_several
from genarris_fw.procedures.kit.equations import wien2k_reference, write_equations
from genarris_fw.procedures.kit.series import SeriesProcedure, fixed_k_grid, shared_settings
from genarris_fw.procedures.options.lapw_equation_of_state import LAPWEquationOfStateOptions

Step = Campaign[LAPWEquationOfStateOptions]

LEAST_POINTS = 4
# meV per atom; points that are farther from the curve tell of settings that are too coarse for it.
SCATTER = 1.0
# A run's document has room for the numbers of so many structures; all of them are on the structures.
MOST_IN_SUMMARY = 1000
IN_SUMMARY = ("V0", "V0_per_atom", "B0", "B1", "E0", "residual", "delta_wien2k", "remark")


@explicit_serialize
class LAPWEquationOfState(SeriesProcedure[LAPWEquationOfStateOptions]):
    """Equations of state; structures without one are left out of the output pool, with the reason."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return one item per structure and volume."""
        scales = campaign.options.volume_scales
        items = []
        for name in campaign.pool_ids():
            [structure] = campaign.structures([name], [])
            settings = _common(campaign, structure, scales)
            items += [
                Item(f"{name} {scale:.6f}", {"struct_id": name, "scale": scale, "settings": settings})
                for scale in scales
            ]
        return items

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Evaluate one structure at one volume."""
        name, scale = item.payload["struct_id"], float(item.payload["scale"])
        [structure] = campaign.structures([name], [])
        try:
            scaled = at_volume(structure, scale, campaign.options.rigid_molecules)
        except InputError as error:
            raise EngineError(str(error), kind="input", permanent=True) from error
        scaled.struct_id = f"{name}/volume_{scale:.4f}"
        evaluation = self.single_point(campaign, item, scaled)
        point = {"scale": scale, "volume": scaled.cell_volume, "energy": float(evaluation.energy)}
        return Outcome({"struct_id": name} | point | self.source(campaign, evaluation))

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Fit the curves, make the pool of the structures that have one, write tables and pictures."""
        points, failures = _points(campaign)
        names = sorted({*points, *failures})
        structures = dict(zip(names, campaign.structures(names, [])))
        found: dict[str, dict[str, Any]] = {}
        left_out: dict[str, str] = {}
        for name in names:
            try:
                found[name] = self._equation(campaign, structures[name], points[name], failures[name])
            except (InputError, RunFailed) as error:
                left_out[name] = str(error)
                campaign.log("no equation of state", level="WARNING", structure=name, why=error)
        if not found:
            first = min(left_out.items())
            raise RunFailed(
                f"{campaign.step}: no structure has an equation of state; the first: {first[0]}: {first[1]}"
            )
        key = f"properties.{campaign.options.eos_name}"
        campaign.set_fields({name: {key: found[name]} for name in found})
        campaign.make_pool(list(found))
        options = campaign.options
        campaign.export(list(found), options.output_dir, options.output_format, options.output_pool)
        if campaign.sees_folder():
            write_equations(campaign.prepared(Path(options.output_dir)), structures, found, left_out)
        some = list(found)[:MOST_IN_SUMMARY]
        deltas = [record["delta_wien2k"] for record in found.values() if "delta_wien2k" in record]
        return {
            "structures": len(found),
            **({"mean_delta_wien2k": sum(deltas) / len(deltas)} if deltas else {}),
            "equations": [{"struct_id": n} | {f: found[n][f] for f in IN_SUMMARY if f in found[n]} for n in some],
            "left_out": [{"struct_id": name, "why": left_out[name]} for name in list(left_out)[:MOST_IN_SUMMARY]],
        }

    def _equation(
        self, campaign: Step, structure: Structure, points: list[dict[str, Any]], failures: list[str]
    ) -> dict[str, Any]:
        if len(points) < LEAST_POINTS:
            why = f"; the first failure: {failures[0]}" if failures else ""
            raise InputError(
                f"{len(points)} of {len(points) + len(failures)} volumes were computed, {LEAST_POINTS} are needed{why}"
            )
        refuse_several(campaign.step, campaign.options.eos_name, [Source.of(point) for point in points])
        curve = fit([point["volume"] for point in points], [point["energy"] for point in points])
        atoms = len(structure)
        record = {
            "V0": curve.V0,
            "V0_per_atom": curve.V0 / atoms,
            "B0": curve.B0,
            "B1": curve.B1,
            "E0": curve.E0,
            "residual": curve.residual,
            "atoms": atoms,
            "volumes": [point["volume"] for point in points],
            "energies": [point["energy"] for point in points],
            **{field: points[0][field] for field in ("engine", "engine_version", "settings_hash", "method")},
        }
        scatter = 1000 * curve.residual / atoms
        if scatter > SCATTER:
            record["remark"] = f"the points scatter by {scatter:.1f} meV per atom about the curve: take finer settings"
            campaign.log(
                "rough equation of state", level="WARNING", structure=structure.struct_id, remark=record["remark"]
            )
        settings = campaign.options.engine_settings
        reference, why_not = wien2k_reference(structure, settings.get("functional"))
        if reference is None:
            return record | {"no_reference": why_not}
        return record | {"delta_wien2k": delta(curve, reference, atoms_a=atoms)}


def _common(campaign: Step, structure: Structure, scales: list[float]) -> dict[str, Any]:
    """Return the settings that all volumes of a structure share."""
    try:
        smallest = at_volume(structure, min(scales), campaign.options.rigid_molecules)
    except InputError:
        return {}  # told for each volume
    return shared_settings(campaign, [smallest]) | fixed_k_grid(campaign, structure)


def _points(campaign: Step) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[str]]]:
    """Return the committed points of every structure in the order of their volumes, and what failed."""
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    failures: dict[str, list[str]] = defaultdict(list)
    items = campaign.catalogue.work_items
    for record in items.outcomes(campaign.run, campaign.step):
        points[record["outcome"]["struct_id"]].append(record["outcome"])
    for record in items.failures(campaign.run, campaign.step):
        failures[record["payload"]["struct_id"]].append(record["error"])
    for found in points.values():
        found.sort(key=lambda point: point["volume"])
    return points, failures
