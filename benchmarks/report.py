"""What a report costs: ``genarris-fw report`` of a run of many structures.

    python benchmarks/report.py                       # 10^5 structures: some two minutes, most of them to fill a server
    python benchmarks/report.py --number 10000 --json report.json

A real server is started in a temporary folder and filled as a run would: a pool of generated crystals with descriptors,
clusters and energies, one in fifty relaxed, a search's hits, some failures. The command is timed as a process of its
own, start-up included. The bars: 30 s on two cores and 10 MB of HTML.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pymongo import MongoClient, WriteConcern

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.database.launchpads import database_name
from genarris_fw.database.server import Server
from genarris_fw.pools.documents import to_document

RUN = "large"
BATCH = 2000
GROUPS = (14, 2, 15, 19, 4, 61, 33, 9, 29, 5, 1, 7, 13, 56, 60)
CLUSTERS = 150
RELAXED = 50  # one of so many is relaxed
DIMENSIONS = 60
BARS = {"seconds": 30.0, "html_bytes": 10_000_000}
# Urea as it lies in its crystal, Å.
MOLECULE = (
    ["C", "O", "N", "N", "H", "H", "H", "H"],
    np.array(
        [
            *([0.0, 0.0, 0.496], [0.0, 0.0, 1.769], [0.817, 0.817, -0.203], [-0.817, -0.817, -0.203]),
            *([1.447, 1.447, 0.294], [-1.447, -1.447, 0.294], [0.811, 0.811, -1.223], [-0.811, -0.811, -1.223]),
        ]
    ),
)


def documents(number: int, relaxed: bool) -> Iterator[dict[str, Any]]:
    """Crystals of four molecules as a generation, a clustering and an evaluation leave them, or their relaxations."""
    rng = np.random.default_rng(int(relaxed))
    centres = np.random.default_rng(7).normal(size=(CLUSTERS, DIMENSIONS))
    species, molecule = MOLECULE
    for i in range(0, number, RELAXED if relaxed else 1):
        parent = f"geometry_{i * 0x9E3779B97F4A7C15 % 2**64:016x}"
        name = f"geometry_{(i + 1) * 0xC2B2AE3D27D4EB4F % 2**64:016x}" if relaxed else parent
        cluster = i % CLUSTERS
        lattice = np.diag(rng.uniform(6.2, 7.8, 3)) + np.tril(rng.uniform(-1.5, 1.5, (3, 3)), -1)
        places = (np.array([[0.1, 0.1, 0.1], [0.6, 0.6, 0.1], [0.6, 0.1, 0.6], [0.1, 0.6, 0.6]]) @ lattice)[:, None]
        properties = {
            **{"Z": 4, "number_of_atoms_in_molecule": 8, "spg": GROUPS[i % len(GROUPS)]},
            **{"unit_cell_volume": float(np.linalg.det(lattice)), "attempted_spg": GROUPS[i % len(GROUPS)]},
            **{"attempted_wyckoff_position": "4e", "site_symmetry_group": "1", "hits": int(rng.geometric(0.2))},
            **{"AP_cluster": cluster, "AP_exemplar": f"geometry_{cluster * 0x9E3779B97F4A7C15 % 2**64:016x}"},
        }
        if not relaxed:
            properties |= {"AMD": rng.uniform(2, 20, 100), "RDF": centres[cluster] + 0.3 * rng.normal(size=DIMENSIONS)}
        crystal = Structure(lattice, species * 4, (places + molecule).reshape(-1, 3), properties, name)
        document: dict[str, Any] = {**to_document(crystal, 4, {"step": "generation", "seed": 1, "mode": "press"})}
        energy = -430.0 - 0.3 * rng.beta(2, 6) - (0.15 if relaxed else 0.0)
        record = {
            **{"value": 4 * energy, "per_molecule": energy, "engine": "tblite", "engine_version": "0.4.0"},
            **{"settings_hash": "5e77", "converged": True, "seconds": 2.0, "details": {"method": "GFN1-xTB"}},
        }
        document |= {"_id": f"{RUN}:{name}", "run": RUN, "energies": {"energy": record}, "fence": {"generation": 1}}
        document["pools"] = ["relaxed"] if relaxed else ["raw", "clusters", "energies"]
        document["properties"] |= {"energy": 4 * energy, "energy_per_molecule": energy, "lattice_energy": -90.0}
        if relaxed:
            document["parent"] = parent
        yield document


def fill(catalogue: Catalogue, number: int) -> None:
    """Write the run; what is timed is reading, so that the writing need not wait for the disk."""

    def step(name: str, procedure: str, **options: Any) -> dict[str, Any]:
        return {"name": name, "procedure": procedure, "occurrence": 1, "options": options, "origins": {}}

    ends = {"engine": "tblite", "energy_name": "energy"}
    steps = [
        step("generation", "Pygenarris_Structure_Generation", output_pool="raw"),
        step("run_rdf_calc", "Run_Rdf_Calc", input_pool="raw", output_pool="raw", property_name="RDF"),
        step(
            "clustering", "Affinity_Propagation_Fixed_Clusters",
            input_pool="raw", output_pool="clusters", property_key="AP_cluster", exemplar_key="AP_exemplar",
        ),
        step("evaluation", "FHI_Aims_Energy_Evaluation", input_pool="clusters", output_pool="energies", **ends),
        step("relaxation", "Run_FHI_Aims_Batch", input_pool="energies", output_pool="relaxed", **ends),
    ]  # fmt: skip
    about = {"options": {"steps": steps}, "folder": "/run", "text": "[Genarris_master]\n", "seed": 1, "versions": {}}
    catalogue.runs.create(RUN, about, begun_by=1)
    target = catalogue.database["structures"].with_options(write_concern=WriteConcern(w=1, j=False))
    sizes = {"energies": 0, "relaxed": 0}
    for relaxed in (False, True):
        batch: list[dict[str, Any]] = []
        for document in documents(number, relaxed):
            batch.append(document)
            if len(batch) == BATCH:
                target.insert_many(batch, ordered=False)
                batch = []
            sizes[document["pools"][-1]] += 1
        if batch:
            target.insert_many(batch, ordered=False)
    for pool, size in {"raw": number, "clusters": number, **sizes}.items():
        catalogue.runs.set_pool(RUN, pool, size)
    for one in steps:
        catalogue.runs.step_started(RUN, one["name"])
        catalogue.runs.step_finished(RUN, one["name"], {"structures": number, "failed": 0})
    catalogue.work_items.insert(RUN, "relaxation", [Item(f"bad_{i}", {}) for i in range(100)])
    for item in catalogue.work_items.claim(RUN, "relaxation", "node1:1:1:1:a", 100, 3600):
        catalogue.work_items.fail(RUN, "relaxation", "node1:1:1:1:a", item, f"no convergence in {250} cycles", 1)
    catalogue.runs.set(RUN, state="finished")


def timed(words: list[str]) -> tuple[float, float]:
    """Wall time, and processor time of the process with all that it started, in seconds."""
    code = "import sys; from genarris_fw.cli.main import main; main(sys.argv[1:])"
    before, begun = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=subprocess.DEVNULL)
    after, wall = os.times(), time.perf_counter() - begun
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=100_000, help="structures")
    parser.add_argument("--pool", default="energies", help="which pool is reported")
    parser.add_argument("--keep", type=Path, help="write the report here, and leave it")
    parser.add_argument("--json", type=Path, help="write the results here")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)).use() as uri,
        MongoClient(uri) as client,
    ):
        catalogue = Catalogue(client[database_name(uri)])
        catalogue.ensure_indexes()
        check_schema(catalogue.database)
        begun = time.perf_counter()
        fill(catalogue, chosen.number)
        filled = time.perf_counter() - begun
        target = chosen.keep or Path(folder) / "report.html"
        words = ["report", RUN, "--pool", chosen.pool, "--output", str(target), "--force", "--uri", uri]
        wall, used = timed(words)
        size = target.stat().st_size
        pictures = sum(file.stat().st_size for file in target.with_suffix("").iterdir())
    results = {
        "number": chosen.number,
        "pool": chosen.pool,
        "seconds": wall,
        "core_seconds": used,
        "html_bytes": size,
        "picture_bytes": pictures,
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }
    missed = [name for name, bar in BARS.items() if results[name] > bar]
    print(f"{chosen.number} structures; filled in {filled:.0f} s; load {results['load']:.1f} on {os.cpu_count()} cores")
    print(f"{'report':30s}{wall:10.1f} s   {used:.1f} s of processor time   (bar {BARS['seconds']:.0f} s)")
    print(f"{'HTML':30s}{size / 1e6:10.2f} MB   (bar {BARS['html_bytes'] / 1e6:.0f} MB)")
    print(f"{'pictures':30s}{pictures / 1e6:10.2f} MB")
    print(f"bars: {'missed by ' + ', '.join(missed) if missed else 'held'}")
    if chosen.json:
        chosen.json.write_text(json.dumps(results | {"missed": missed}, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
