"""The Robust workflow with FHI-aims' stand-in, four replicas, and half of its misbehaviours sprinkled in.

The molecule's relaxation is left alone. Of the single points some fail for good, some are cured by the engine; each
relaxation misbehaves at its first start. What is to come of a structure is told by the stand-in's own choice for
the geometry.in that lies in the structure's folder.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aims_inputs import COMMAND, control, species_folder
from aims_misbehaviours import starts
from aims_stand_in_files import TAG
from aims_stand_in_moods import choose
from command import EXAMPLES, genarris
from databases import new_database
from pymongo import MongoClient

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines.aims import parse_output

WIDTH = 4.0
MOLECULE, ENERGIES, RELAXATIONS = "relax_single_molecule", "fhi_aims_energy_evaluation", "run_fhi_aims_batch"
MOODS = {
    MOLECULE: {},
    ENERGIES: {
        "AIMS_STAND_IN_MISBEHAVE": "crash:0.08,truncated:0.08,memory:0.08,nan:0.08,wrong_geometry:0.08,scf_never:0.08,"
        "scf_unconverged:0.25",
        "AIMS_STAND_IN_SEED": "311",
        "AIMS_STAND_IN_TIMES": "1000",
    },
    RELAXATIONS: {"AIMS_STAND_IN_MISBEHAVE": "crash:0.3,memory:0.2,relaxation_limit:0.3,walltime:0.2"},
}
# Where it always misbehaves so: the class of failure on the work item, and how many attempts at the item there are.
FAILS = {
    "crash": ("crash", 2),
    "truncated": ("crash", 2),
    "memory": ("memory", 2),
    "nan": ("crash", 2),
    "wrong_geometry": ("input", 2),
    "scf_never": ("scf", 1),
}
# How often it is started in one attempt at an item, where that is not once: with the engine's three remedies, with one.
STARTS = {"scf_never": 4, "scf_unconverged": 2}
# In the relaxations: how many attempts at the item fail; the others the engine goes on with by itself.
FAILED_ATTEMPTS = {"crash": 1, "memory": 1, "relaxation_limit": 0, "walltime": 0}

CONF = """\
[Genarris_master]
procedures = ["Relax_Single_Molecule", "Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters", "FHI_Aims_Energy_Evaluation", "Affinity_Propagation_Fixed_Clusters",
    "Run_FHI_Aims_Batch"]
run_name = stand_in
seed = 11
engine = aims
species_dir = species
auto_correct = True
max_restarts = 2
lease_seconds = 60
max_attempts = 2
retry_delay = 0
quarantine_after = 1000

[relax_single_molecule]
molecule_path = urea.in
control_path = relax_molecule.in
aims_command = {relax_single_molecule}
aims_output_dir = aims_molecule
molecule_symmetry = keep
Z = 2

[pygenarris_structure_generation]
num_structures = 16
Z = 2
sr = 0.85
tol = 0.01
max_attempts_per_spg = 20000
space_groups = [2, 4, 14, 113]
output_dir = raw

[run_rdf_calc]
output_dir = rdf

[affinity_propagation_fixed_clusters]
num_of_clusters = 9
num_of_clusters_tolerance = 2
output_without_success = True
exemplars_output_dir = exemplars
num_of_clusters_2 = 2
cluster_on_energy_2 = True
output_dir_2 = clustered_2
exemplars_output_dir_2 = exemplars_2

[fhi_aims_energy_evaluation]
num_replicas = 4
control_path = scf.in
aims_command = {fhi_aims_energy_evaluation}
aims_output_dir = aims_energies
output_dir = with_energies

[run_fhi_aims_batch]
num_replicas = 4
control_path = relax.in
aims_command = {run_fhi_aims_batch}
aims_output_dir = aims_relaxed
output_dir = relaxed
"""


@dataclass
class Done:
    """A run that has come to its end: its folder and its database."""

    folder: Path
    database: Any

    def items(self, step: str) -> list[dict[str, Any]]:
        return list(self.database.work_items.find({"step": step}))

    def structures(self, **query: Any) -> dict[str, dict[str, Any]]:
        return {found["struct_id"]: found for found in self.database.structures.find(query)}

    def mood(self, step: str, place: Path) -> str:
        """How the stand-in misbehaved for a structure, whose files lie there."""
        [tag] = [line for line in (place / "geometry.in").read_text().splitlines() if TAG in line]
        return choose(tag, MOODS[step]).name


def structure(document: dict[str, Any]) -> Structure:
    geometry = document["geometry"]
    return Structure(geometry["lattice"], geometry["species"], geometry["positions"], {}, document["struct_id"])


@pytest.fixture(scope="module")
def done(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("stand_in")
    (folder / "urea.in").write_text((EXAMPLES / "urea" / "urea.in").read_text())
    species_folder(folder / "species", ["C", "H", "N", "O"])
    (folder / "relax_molecule.in").write_text(control(relax=True, crystal=False, tolerance=0.05))
    (folder / "scf.in").write_text(control())
    (folder / "relax.in").write_text(control(relax=True, tolerance=0.3))
    commands = {}
    for step, moods in MOODS.items():
        more = {"AIMS_STAND_IN_WIDTH": str(WIDTH), "OMP_NUM_THREADS": "1"} | moods
        more["AIMS_STAND_IN_ONCE"] = str(folder / "starts" / step)
        commands[step] = " ".join(["env", *(shlex.quote(f"{k}={v}") for k, v in more.items()), COMMAND])
    (folder / "ui.conf").write_text(CONF.format(**commands))
    with new_database(mongod) as uri:
        result = genarris("run", "ui.conf", "--workers", "4", cwd=folder, timeout=500, GENARRIS_FW_URI=uri)
        # 3: it has come to its end, and some items have failed.
        assert result.returncode == 3, result.stderr + result.stdout
        with MongoClient(uri) as client:
            yield Done(folder, client.get_default_database())


def test_the_run_completes(done: Done) -> None:
    run = done.database.runs.find_one({"_id": "stand_in"})
    assert run["state"] == "finished" and len(run["summaries"]) == 8
    assert {item["state"] for step in MOODS for item in done.items(step)} <= {"done", "failed"}
    for step in (ENERGIES, RELAXATIONS):
        sides = done.database.fireworks.count_documents({"name": {"$regex": f"{step}.* side$"}})
        assert sides == min(3, len(done.items(step)) - 1)
    [molecule] = done.items(MOLECULE)
    assert (molecule["state"], molecule.get("attempts", 0)) == ("done", 0)


def test_single_points(done: Done) -> None:
    """Each ends done or failed, with the class that belongs to how it was treated, and the attempts."""
    met: Counter[str] = Counter()
    for item in done.items(ENERGIES):
        place = done.folder / "aims_energies" / item["key"]
        mood = done.mood(ENERGIES, place)
        met[mood] += 1
        if mood not in FAILS:
            assert (item["state"], item.get("attempts", 0)) == ("done", 0), (mood, item)
            continue
        assert (item["state"], item["failure"]["kind"], item["attempts"]) == ("failed", *FAILS[mood]), (mood, item)
        assert "\n" not in item["error"] and item["key"] in item["error"]
        assert item["failure"]["folder"] == str(place) and (place / "aims.out").exists()
    assert sum(met.values()) >= 7
    expected = sum(number * STARTS.get(mood, 1) * FAILS.get(mood, ("", 1))[1] for mood, number in met.items())
    assert starts(done.folder / "starts" / ENERGIES) == expected, met
    assert sum(met[mood] for mood in FAILS) >= 2, met
    assert met["scf_unconverged"] + met[""] >= 2, met


def test_no_bad_energy_is_stored(done: Done) -> None:
    """Every energy is GFN1-xTB's of that very geometry, converged; what failed has none."""
    engine = engines.get("tblite", min_width=WIDTH, supercell="smallest")
    items = {item["key"]: item for item in done.items(ENERGIES)}
    seen = 0
    for name, document in done.structures().items():
        energy = (document.get("energies") or {}).get("energy")
        if document.get("parent"):
            continue
        if name not in items or items[name]["state"] == "failed":
            assert energy is None
            assert document["Z"] == 1 or "energy" not in document["properties"]
            continue
        seen += 1
        assert energy["converged"] is True and energy["engine"] == "aims"
        assert "NOT-FHI-aims" in energy["details"]["version"]
        assert energy["value"] == pytest.approx(engine.evaluate(structure(document)).energy, abs=1e-5)
        assert document["properties"]["energy"] == energy["value"]
        mood = done.mood(ENERGIES, done.folder / "aims_energies" / name)
        assert energy["details"].get("corrections", []) == (
            ["scf: charge_mix_param 0.05"] if mood == "scf_unconverged" else []
        )
    assert seen == sum(item["state"] == "done" for item in items.values()) > 0


def test_relaxations_come_through(done: Done) -> None:
    """Each misbehaves at first, is tried again or gone on with, and ends at a minimum."""
    items = done.items(RELAXATIONS)
    assert len(items) >= 1
    for item in items:
        place = done.folder / "aims_relaxed" / item["key"]
        mood = done.mood(RELAXATIONS, place)
        assert (item["state"], item.get("attempts", 0)) == ("done", FAILED_ATTEMPTS[mood]), (mood, item)
        output = parse_output(place / "aims.out")
        child = done.structures()[item["outcome"]["struct_id"]]
        energy = child["energies"]["energy"]
        assert (energy["value"], energy["converged"], child["parent"]) == (output.energy, True, item["key"])
        assert np.abs(output.forces).max() < 0.3 and output.relaxation_converged
        parent = done.structures()[item["key"]]
        assert energy["value"] < parent["energies"]["energy"]["value"]
        assert energy["settings_hash"] == parent["energies"]["energy"]["settings_hash"]
        went_on = [
            f"{mood if mood == 'walltime' else 'relaxation'}: restart from geometry.in.next_step with its Hessian"
        ]
        assert energy["details"].get("corrections", []) == ([] if FAILED_ATTEMPTS[mood] else went_on)
    assert starts(done.folder / "starts" / RELAXATIONS) == 2 * len(items)


def test_the_files_are_where_the_manual_says(done: Done) -> None:
    for item in done.items(RELAXATIONS):
        names = {path.name for path in (done.folder / "aims_relaxed" / item["key"]).iterdir()}
        assert {"control.in", "geometry.in", "aims.out", "geometry.in.next_step", f"{item['key']}.json"} <= names
    exported = sorted((done.folder / "relaxed").glob("*.json"))
    assert len(exported) == len(done.items(RELAXATIONS))
    stored = done.structures(pools="relaxed")
    assert {json.loads(path.read_text())["struct_id"] for path in exported} == set(stored)
