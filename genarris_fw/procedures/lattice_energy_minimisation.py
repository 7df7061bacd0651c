"""Lattice_Energy_Minimisation: every structure of a pool is minimised, its molecules rigid."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from genarris_fw.catalogue.documents import NewStructure, StructureDocument
from genarris_fw.catalogue.measured import MARKS
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure, space_group
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.generation.finishing import SYMPREC
from genarris_fw.lattice.searching.merging import Minimum, Origin, merge
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.batches import in_batches
from genarris_fw.procedures.kit.experiments import find_experiment
from genarris_fw.procedures.kit.lattice_models import ENGINE, LatticeModel, lattice_model
from genarris_fw.procedures.kit.side_by_side import before_and_after
from genarris_fw.procedures.options.lattice_energy_minimisation import LatticeEnergyMinimisationOptions

Step = Campaign[LatticeEnergyMinimisationOptions]

STRUCTURES_PER_ITEM = 50
# What belongs to the structure as it was.
OUTDATED = ("AMD", "duplicate_of", "RDF", "RSF", "RDF_envs", "RSF_envs", "hits", "draw", *MARKS)


@explicit_serialize
class LatticeEnergyMinimisation(Procedure[LatticeEnergyMinimisationOptions]):
    """Minimise lattice energies; the minimised structures are new ones that name their parents."""

    _lattice: LatticeModel | None = None

    def lattice(self, campaign: Step) -> LatticeModel:
        """Return the model, made once per replica."""
        if self._lattice is None:
            self._lattice = lattice_model(campaign, campaign.options.pressure)
        return self._lattice

    def plan(self, campaign: Step) -> list[Item]:
        """Return items of some structures each."""
        self.lattice(campaign)  # charges are computed here, once
        ids = campaign.pool_ids()
        if number := campaign.options.lowest:
            energies = campaign.properties(ids, "lattice_energy")
            known = [name for name, energy in zip(ids, energies, strict=True) if energy is not None]
            if not known:
                raise RunFailed(
                    f"{campaign.step}: lowest = {number}, but no structure of pool '{campaign.input_pool}' has a "
                    "lattice energy; leave lowest out, or give a pool of Crystal_Search"
                )
            order = sorted(zip((e for e in energies if e is not None), known, strict=True))
            ids = [name for _, name in order[:number]]
        return in_batches(sorted(ids), STRUCTURES_PER_ITEM)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Minimise the structures of an item; one that leads to no minimum is left out and named."""
        documents, made, refused = [], [], {}
        for parent in campaign.structures(item.payload["ids"]):
            try:
                document = self._minimised(campaign, parent)
            except InputError as error:
                refused[parent.struct_id] = str(error)
                continue
            documents.append(document)
            made.append([document["struct_id"], parent.struct_id])
        return Outcome({"made": made, "refused": refused}, structures=documents)

    def _minimised(self, campaign: Step, parent: Structure) -> NewStructure:
        lattice, options = self.lattice(campaign), campaign.options
        ended = lattice.model.minimise(parent, options.break_symmetry, options.pressure)
        if not ended.converged:
            raise InputError(f"{parent.struct_id}: {ended.ended}")
        structure = ended.structure.copy()
        size = len(lattice.molecule)
        Z, name = len(structure) // size, options.energy_name
        text = f"{parent.struct_id}|{campaign.step}|{lattice.settings_hash}|{options.break_symmetry}|{options.pressure}"
        structure.struct_id = f"crystal_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        record = lattice.record(ended.energy, Z)
        structure.properties = {k: v for k, v in parent.properties.items() if k not in OUTDATED} | {
            "Z": Z,
            "number_of_atoms_in_molecule": size,
            "lattice_energy": ended.energy,
            "is_minimum": ended.is_minimum,
            "spg": space_group(structure, SYMPREC),
            name: record["value"],
            f"{name}_per_molecule": record["per_molecule"],
        }
        document = to_document(structure, Z, {"step": campaign.step, "parent": parent.struct_id})
        document["parent"] = parent.struct_id
        document["energies"] = {name: record}
        return document

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the minima, each once; name what led to none."""
        options = campaign.options
        outcomes = [r["outcome"] for r in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)]
        names = sorted(name for outcome in outcomes for name, _ in outcome["made"])
        refused = {name: why for outcome in outcomes for name, why in outcome["refused"].items()}
        if not names:
            why = next(iter(refused.values()), "its items failed")
            raise RunFailed(f"{campaign.step}: no structure of pool '{campaign.input_pool}' could be minimised: {why}")
        for name, why in sorted(refused.items())[:20]:
            campaign.log("not minimised", level="WARNING", structure=name, why=why)
        structures = campaign.structures(names)
        kept = names if options.keep_duplicates else self._different(structures)
        campaign.make_pool(kept)
        experiment = find_experiment(campaign, self.lattice(campaign), kept, options.break_symmetry)
        campaign.export(kept, options.output_dir, options.output_format, options.output_pool)
        return {
            "structures": len(kept),
            "lowest": min(float(one.properties["lattice_energy"]) for one in structures),
            "refused": len(refused),
            "duplicates": len(names) - len(kept),
            "saddle_points": campaign.properties(kept, "is_minimum").count(False),
            "reasons": dict(Counter(why.partition(": ")[2] for why in refused.values())),
            "model": self.lattice(campaign).method,
            "pool": options.output_pool,
            **self._beside_the_first(campaign, kept, {child: parent for o in outcomes for child, parent in o["made"]}),
        } | experiment

    def _beside_the_first(self, campaign: Step, kept: list[str], parents: dict[str, str]) -> dict[str, Any]:
        """The energies beside those of the model that minimised the pool before; under pressure there are none."""
        if campaign.options.pressure:
            return {}
        run, structures, name = campaign.run, campaign.catalogue.structures, campaign.options.energy_name
        from_where = [parents[one] for one in kept]
        before = {one["struct_id"]: one for one in structures.load(run, sorted(set(from_where)), ["energies"])}
        after = {one["struct_id"]: one for one in structures.load(run, kept, [f"energies.{name}"])}
        return before_and_after(
            kept,
            [_lattice_energy(before[one]) for one in from_where],
            [(name, after[one]["energies"][name]) for one in kept],
        )

    def _different(self, structures: list[Structure]) -> list[str]:
        """Return the names of structures that are different minima; of several that are one, the lowest."""
        minima = []
        for k, one in enumerate(structures):
            energy, Z = float(one.properties["lattice_energy"]), int(one.properties["Z"])
            minima.append(Minimum.of(one, energy, Z, Origin(one.struct_id, k), equivalent=False))
        return sorted(one.origin.stratum for one in merge(minima))


def _lattice_energy(document: StructureDocument) -> tuple[str, EnergyRecord] | None:
    """Name and record of a structure's lattice energy; None where it has none, or one under pressure."""
    for name, record in (document.get("energies") or {}).items():
        if record["engine"] == ENGINE and "GPa" not in str(record["details"].get("method")):
            return name, record
    return None
