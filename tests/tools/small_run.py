"""A small run as the farm would leave it, half way through its last step: for the views, the shell and the commands.

Twelve crystals of two CO2 molecules in the pool ``raw``; four clusters of three with an exemplar each; energies
of the four exemplars; of their relaxations two are done, one is held by a rocket and one has failed.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.pools.documents import to_document

RUN = "urea"
IDS = [f"geometry_{i:016x}" for i in range(12)]
EXEMPLARS = IDS[::3]
CHILDREN = [f"geometry_c{i:015x}" for i in range(2)]
SPACE_GROUPS = [2, 14, 113, 19]
MOLECULE_ENERGY = -310.0  # eV
KJ_PER_MOL = 96.48533212331
OWNER = "node1:4711:99:5:abc"


def crystal(number: int, struct_id: str) -> Structure:
    """A cell of two CO2 molecules, larger with the number."""
    rng = np.random.default_rng(number)
    lattice = np.diag([5.0, 5.5, 6.0 + 0.1 * number]) + np.tril(rng.uniform(-0.5, 0.5, (3, 3)), -1)
    one = np.array([[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]])
    positions = np.concatenate([one, one + np.array([2.5, 2.7, 3.0])])
    group = SPACE_GROUPS[number % 4]
    properties = {
        "Z": 2,
        "number_of_atoms_in_molecule": 3,
        "unit_cell_volume": float(np.linalg.det(lattice)),
        "spg": group,
        "attempted_spg": group,
        "attempted_wyckoff_position": "2a",
        "site_symmetry_group": "1",
    }
    return Structure(lattice, ["C", "O", "O"] * 2, positions, properties, struct_id)


def energy(number: int) -> float:
    """Energy per molecule in eV of the exemplar or child with this number: the later the lower."""
    return MOLECULE_ENERGY - 0.5 - 0.1 * number


def energy_fields(per_molecule: float) -> dict[str, Any]:
    record = {
        "value": 2 * per_molecule,
        "per_molecule": per_molecule,
        "engine": "tblite",
        "engine_version": "0.4.0",
        "settings_hash": "5e77",
        "converged": True,
        "seconds": 2.0,
        "details": {"method": "GFN1-xTB"},
    }
    return {
        "energies.energy": record,
        "properties.energy": 2 * per_molecule,
        "properties.energy_per_molecule": per_molecule,
        "properties.lattice_energy": (per_molecule - MOLECULE_ENERGY) * KJ_PER_MOL,
    }


def steps(folder: Path) -> list[dict[str, Any]]:
    """The steps of the run as its configuration holds them, as far as the views read them."""

    def step(name: str, procedure: str, **options: Any) -> dict[str, Any]:
        return {"name": name, "procedure": procedure, "occurrence": 1, "options": options, "origins": {}}

    return [
        step(
            "pygenarris_structure_generation",
            "Pygenarris_Structure_Generation",
            output_pool="raw",
            output_dir=str(folder / "raw"),
        ),
        step(
            "affinity_propagation_fixed_clusters",
            "Affinity_Propagation_Fixed_Clusters",
            input_pool="raw",
            output_pool="clusters",
            exemplars_pool="exemplars",
            energy_name="energy",
        ),
        step(
            "fhi_aims_energy_evaluation",
            "FHI_Aims_Energy_Evaluation",
            input_pool="exemplars",
            output_pool="energies",
            engine="tblite",
            energy_name="energy",
        ),
        step(
            "run_fhi_aims_batch",
            "Run_FHI_Aims_Batch",
            input_pool="energies",
            output_pool="relaxed",
            output_dir=str(folder / "relaxed"),
            engine="tblite",
            energy_name="energy",
        ),
    ]


def fill(catalogue: Catalogue, folder: Path, run: str = RUN) -> None:
    """Write the run into a catalogue."""
    names = [step["name"] for step in steps(folder)]
    generation, clustering, energies, relaxation = names
    began = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    record = {
        "created": began,
        "folder": str(folder),
        "options": {"run_name": run, "steps": steps(folder)},
        "options_hash": "0123",
        "text": "[Genarris_master]\n",
        "seed": 7,
        "versions": {"genarris_fw": "0.1.0", "python": "3.11.2"},
        "molecules": {generation: {"species": ["C", "O", "O"], "positions": [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]}},
        "workers": 2,
    }
    catalogue.runs.create(run, record, begun_by=1)
    _generate(catalogue, run, generation)
    _cluster(catalogue, run, clustering)
    _evaluate(catalogue, run, energies)
    _relax(catalogue, run, relaxation)
    for number, name in enumerate(names[:3]):
        catalogue.runs.set(run, **{f"steps.{name}.seconds": 10.0 * (number + 1)})
    catalogue.leases.take(run, relaxation, "gate", 9, 3, OWNER, 3600)


def add_chain(catalogue: Catalogue, run: str = RUN) -> None:
    """Put the run's workflow on the LaunchPad, as far as the views look at it: without it the run cannot go on."""
    record = {"name": run, "nodes": [1], "state": "RUNNING", "metadata": {"run": run}}
    catalogue.database["workflows"].insert_one(record)


def _items(catalogue: Catalogue, run: str, step: str, keys: list[str]) -> dict[str, Item]:
    catalogue.runs.step_started(run, step)
    catalogue.work_items.insert(run, step, [Item(key, {"struct_id": key}) for key in keys])
    return {item.key: item for item in catalogue.work_items.claim(run, step, OWNER, len(keys), 3600)}


def _generate(catalogue: Catalogue, run: str, step: str) -> None:
    items = _items(catalogue, run, step, [f"{group:03d}-000000" for group in SPACE_GROUPS])
    documents = [
        to_document(crystal(number, struct_id), 2, {"step": step, "seed": 7, "draw": number})
        for number, struct_id in enumerate(IDS)
    ]
    catalogue.structures.write_new(run, step, [(document, 1) for document in documents])
    catalogue.structures.replace_pool(run, "raw", IDS)
    catalogue.work_items.commit(run, step, OWNER, [(item, {"draws": 100}, Cost(2.5)) for item in items.values()])
    groups = [
        {"space_group": group, "accepted": 3, "draws": 100 * (i + 1), "sites": ["2a"]}
        for i, group in enumerate(SPACE_GROUPS)
    ]
    catalogue.runs.step_finished(run, step, {"structures": 12, "pool": "raw", "groups": groups, "failed": 0})


def _cluster(catalogue: Catalogue, run: str, step: str) -> None:
    catalogue.runs.step_started(run, step)
    fields = [
        (
            name,
            {
                "properties.RDF": [0.1 * i, 1.0],
                "properties.AP_cluster": i // 3,
                "properties.AP_exemplar": EXEMPLARS[i // 3],
            },
            0,
        )
        for i, name in enumerate(IDS)
    ]
    catalogue.structures.set_fields(run, step, fields)
    catalogue.structures.replace_pool(run, "clusters", IDS)
    catalogue.structures.replace_pool(run, "exemplars", EXEMPLARS)
    catalogue.runs.step_finished(run, step, {"structures": 12, "clusters": 4, "exemplars": EXEMPLARS, "failed": 0})


def _evaluate(catalogue: Catalogue, run: str, step: str) -> None:
    items = _items(catalogue, run, step, EXEMPLARS)
    fields = [(name, energy_fields(energy(i)), 1) for i, name in enumerate(EXEMPLARS)]
    catalogue.structures.set_fields(run, step, fields)
    catalogue.structures.replace_pool(run, "energies", EXEMPLARS)
    catalogue.work_items.commit(run, step, OWNER, [(item, {}, Cost(2.0, 1.5, 1)) for item in items.values()])
    catalogue.runs.step_finished(run, step, {"evaluated": 4, "best": EXEMPLARS[-1], "failed": 0})


def _relax(catalogue: Catalogue, run: str, step: str) -> None:
    items = _items(catalogue, run, step, EXEMPLARS)
    for number, child in enumerate(CHILDREN):
        structure = crystal(number, child)
        structure.properties |= {"spg_before_relaxation": SPACE_GROUPS[number * 3 % 4], "spg": [2, 14][number]}
        document = to_document(structure, 2, {"step": step, "parent": EXEMPLARS[number]})
        fields = energy_fields(energy(5 + number))
        document["parent"] = EXEMPLARS[number]
        document["energies"] = {"energy": fields.pop("energies.energy")}
        document["properties"] |= {name.removeprefix("properties."): value for name, value in fields.items()}
        catalogue.structures.write_new(run, step, [(document, 1)])
        done = (items[EXEMPLARS[number]], {"struct_id": child}, Cost(4.0, 3.0, 2))
        catalogue.work_items.commit(run, step, OWNER, [done])
    catalogue.structures.replace_pool(run, "relaxed", CHILDREN)
    cost, error = Cost(7.0, 6.5, 2), "no SCF convergence in 250 cycles"
    catalogue.work_items.fail(run, step, OWNER, items[EXEMPLARS[2]], error, 1, cost=cost)
