"""What the farm adds to an engine's own time, and what a second worker brings: runs as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from engine_data import rattled
from farm_table import Bar, machine

from genarris_fw.crystal import Molecule, Structure, read, write
from genarris_fw.database.launchpads import launchpad
from genarris_fw.database.server import Server
from genarris_fw.generation import estimate_volume, generate

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
STEP = "fhi_aims_energy_evaluation"
# Forty atoms: four molecules of glycine, on the bare cell, so that a call takes about 0.3 s. Not for energies.
CONF = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = {run}
seed = 1
engine = tblite
min_width = 1

[fhi_aims_energy_evaluation]
structure_dir = {pool}
Z = 4
molecule_path = {molecule}
num_replicas = {workers}
output_dir = energies
"""


@dataclass
class Replicas:
    """What the replicas of one run did.

    Attributes
    ----------
    number, items : int
        Replicas that worked, and items that they committed.
    wall : float
        Seconds from the first replica's beginning to the last one's end.
    occupied : float
        Seconds that the replicas took, summed.
    in_engine : float
        Of these: inside the engine's evaluations. Loading the engine, once a replica, is not.
    usual : float
        Median seconds of an item's work that are not the engine's.
    """

    number: int
    items: int
    wall: float
    occupied: float
    in_engine: float
    usual: float


def glycine() -> Molecule:
    """Return the molecule of the benchmark."""
    [found] = read(DATA / "generation_glycine.in")
    return Molecule(found.species, found.positions)


def glycine_crystal() -> Structure:
    """Return a crystal of four molecules, drawn in P21/c with room between them."""
    volume = 4.0 * estimate_volume(glycine())
    [drawn] = generate(glycine(), 4, 14, 1, volume_mean=1.2 * volume, volume_std=0.05 * volume, seed=1).structures
    return drawn


def shaken(number: int) -> list[Structure]:
    """Return so many crystals of glycine, each shaken differently."""
    drawn, crystals = glycine_crystal(), []
    for i in range(number):
        crystal = rattled(drawn, 0.01, seed=i)
        crystal.struct_id, crystal.properties = f"glycine_{i:04d}", {"Z": 4}
        crystals.append(crystal)
    return crystals


def run_replicas(uri: str, folder: Path, workers: int) -> Replicas:
    """Carry out ``genarris-fw run`` on the crystals in ``raw`` and return what its replicas did."""
    run = f"workers-{workers}"
    conf = folder / f"{run}.conf"
    conf.write_text(CONF.format(run=run, pool=folder / "raw", molecule=DATA / "generation_glycine.in", workers=workers))
    program = Path(sys.executable).with_name("genarris-fw")
    environment = os.environ | {"GENARRIS_FW_URI": uri, "OMP_NUM_THREADS": "1"}
    words = [str(program), "run", str(conf), "--workers", str(workers), "--quiet"]
    subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    database: Any = launchpad(uri).db
    replicas = [r for r in database.replicas.find({"run": run, "step": STEP}) if r.get("done")]
    items = {i["key"]: i["seconds"] for i in database.work_items.find({"run": run, "step": STEP, "state": "done"})}
    computed = database.structures.find({"run": run, "energies.energy": {"$exists": True}}, {"struct_id", "energies"})
    engine = {one["struct_id"]: one["energies"]["energy"]["seconds"] for one in computed}
    return Replicas(
        number=len(replicas),
        items=len(items),
        wall=(max(r["ended"] for r in replicas) - min(r["started"] for r in replicas)).total_seconds(),
        occupied=sum((r["ended"] - r["started"]).total_seconds() for r in replicas),
        in_engine=sum(engine.values()),
        usual=float(np.median([seconds - engine[key] for key, seconds in items.items()])),
    )


def farm(number: int = 100) -> list[Bar]:
    """Evaluate so many crystals with one worker, then with two: overhead per evaluation, and speed-up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(shaken(number), folder / "raw", "json")
        with Server(folder / "db").use() as uri:
            one, two = run_replicas(uri, folder, 1), run_replicas(uri, folder, 2)
    overhead = (one.occupied - one.in_engine) / one.items
    gain = one.wall / two.wall
    whole = one.items == two.items == number and two.number == 2
    details = {"one worker": vars(one), "two workers": vars(two), "seconds an evaluation": one.in_engine / one.items}
    details |= machine()
    return [
        Bar(
            f"farm overhead per evaluation (tblite, 40 atoms, {number} evaluations, one worker)",
            "<= 20 ms",
            f"{1e3 * overhead:.1f} ms with start and end, {1e3 * one.usual:.1f} ms in an item's work",
            bool(overhead <= 0.020 and whole),
            details,
        ),
        Bar(
            f"two workers against one, {number} tblite evaluations, {os.cpu_count()} cores",
            ">= 1.8x",
            f"{gain:.2f}x",
            bool(gain >= 1.8 and whole and np.isfinite(gain)),
            details,
        ),
    ]
