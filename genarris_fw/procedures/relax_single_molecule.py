"""Relax_Single_Molecule: the molecule's own minimum, which the later procedures use."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Molecule, point_group, symmetrize, write
from genarris_fw.crystal.atom_properties import atom_properties
from genarris_fw.engines import Engine
from genarris_fw.errors import RunFailed
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.energies import EngineProcedure, energy_record, engine_of
from genarris_fw.procedures.options.relax_single_molecule import RelaxSingleMoleculeOptions

Step = Campaign[RelaxSingleMoleculeOptions]

INPUT_FOLDER = "structure_dir_for_relaxing_single_molecule"
# How far (Å) an atom may lie from its symmetric place and still count for the molecule's point group.
POINT_GROUP_TOLERANCE = 0.05
# Of the relaxed coordinates, in Å.
DECIMALS = 7


@explicit_serialize
class RelaxSingleMolecule(EngineProcedure[RelaxSingleMoleculeOptions]):
    """Relax the molecule, keeping its point group unless ``molecule_symmetry`` says otherwise."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return the one item, the molecule; write the folder that the manual names."""
        if campaign.sees_folder():
            start = campaign.input_molecule.to_structure("molecule")
            write([start], campaign.prepared(campaign.folder / INPUT_FOLDER), "geometry")
        return [Item("molecule")]

    def engine(self, campaign: Step) -> Engine:
        """Return the engine with the symmetry that ``molecule_symmetry`` asks for."""
        if self._engine is None:
            free = campaign.options.molecule_symmetry == "relax"
            keeps = "keep_symmetry" in engine_of(campaign).model.model_fields
            self._engine = self.made_with(campaign, {"keep_symmetry": not free} if keeps else {})
        return self._engine

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Relax the molecule and store it as a structure without a lattice."""
        wish = campaign.options.molecule_symmetry
        start = campaign.input_molecule
        before = point_group(start, POINT_GROUP_TOLERANCE)
        if wish != "relax":
            start = symmetrize(start, None if wish == "keep" else wish, tol=POINT_GROUP_TOLERANCE)
        evaluation = self.evaluate(campaign, item, start.to_structure("molecule"), relax=True)
        if not evaluation.converged:
            campaign.log("the molecule's relaxation did not reach fmax", level="WARNING")
        engine, relaxed = self.engine(campaign), evaluation.structure
        after = point_group(Molecule(relaxed.species, relaxed.positions), POINT_GROUP_TOLERANCE)
        digest = hashlib.sha256(f"{campaign.run}|{campaign.step}|{engine.settings_hash}".encode()).hexdigest()
        # What is left below this depends on the versions of the libraries; the pool must not.
        relaxed.positions = np.round(relaxed.positions, DECIMALS) + 0.0
        relaxed.struct_id = f"molecule_{digest[:16]}"
        relaxed.properties = {"energy": float(evaluation.energy), "point_group": after.symbol} | atom_properties(
            relaxed.properties
        )
        record = energy_record(evaluation, engine, Z=1)
        summary = {
            "structure": relaxed.struct_id,
            "energy": record["value"],
            "engine": record["engine"],
            "engine_version": record["engine_version"],
            "method": record["details"].get("method"),
            "settings_hash": record["settings_hash"],
            "point_group_before": before.symbol,
            "point_group_after": after.symbol,
            "converged": record["converged"],
            "reacted": bool(record["details"].get("reacted")),
        }
        provenance = {
            "step": campaign.step,
            "engine": engine.name,
            "settings_hash": engine.settings_hash,
        }
        return Outcome(summary, structures=[to_document(relaxed, 1, provenance)])

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the one relaxed molecule; its summary is what later steps read."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        if not done:
            failures = campaign.catalogue.work_items.failures(campaign.run, campaign.step)
            raise RunFailed(f"{campaign.step}: {failures[0]['error'] if failures else 'nothing was done'}")
        summary = dict(done[0]["outcome"])
        ids = [summary["structure"]]
        campaign.make_pool(ids)
        campaign.export(ids, campaign.options.output_dir, "both", campaign.options.output_pool)
        folder = campaign.options.aims_output_dir
        if folder and campaign.sees_folder():
            write(campaign.structures(ids), campaign.prepared(Path(folder)), "geometry")
        if summary.get("reacted"):
            campaign.log("the molecule's relaxation made or broke bonds", level="WARNING")
        if summary["point_group_before"] != summary["point_group_after"]:
            campaign.log(
                "the relaxed molecule has another point group: other sites fit it",
                level="WARNING",
                before=summary["point_group_before"],
                after=summary["point_group_after"],
            )
        return summary
