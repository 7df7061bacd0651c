"""A search as a run: the same pool as in one process, what the farm costs, and what is left after kills.

    python benchmarks/search_runs.py [MOLECULE] [--charges FILE] [--Z 4] [--window 10] [--draws 60000]
        [--workers 2,8] [--kills 20] [--seed 5] [--abreast] [--json FILE]

MOLECULE is a geometry.in file, urea by default; charges come from a file of ``Molecular_Electrostatics`` (urea's, for
urea), or are those of GFN2, written into one. All space groups are searched, until so many draws were made. The search
is done

    alone       by `lattice.search`, by one process
    abreast     the same by as many processes at once as there are cores: what cores cost each other is no farm's cost
                (only with --abreast)
    start       by ``genarris-fw run``, with few draws: what starting costs, its items apart
    run         with so many workers
    killed      with two workers while processes are killed: a worker, its heartbeat, the whole run, the database

Of a run, the CPU time and the largest resident memory of every process are read from /proc some times a second.

    CPU         seconds of all processes but the database's server (of one process: of the search, imports apart)
    workers     of these, the workers
    database    seconds of the server
    wall        seconds
    science     seconds of CPU of the items, as they say themselves, and what one process needs between rounds
    overhead    (CPU - that of the start with as many workers - science) / science: both are of the same run, so that
                others on the machine, who make each second of CPU do less, count little; with the database, its own
                start subtracted, too
    by one      the same with the CPU of one process (abreast, where that was asked for) as the science
    largest     resident memory of the largest worker (MB, VmHWM)
    documents   in all collections at the end, and with 10^6 draws per draw: so many of them were inserted, items
                that were removed again included
    pool        ids, energies, hits, groups and sites: those of the first run, and of one process

Prints a table, the bars, and with --json writes all numbers; the exit code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from farm_table import Bar, machine, show, write
from generation_runs import MB, PAUSE, Watched
from havoc import children
from pymongo import MongoClient

from genarris_fw import lattice
from genarris_fw.crystal import read_molecule
from genarris_fw.database.launchpads import with_database
from genarris_fw.database.server import Server
from genarris_fw.lattice.charges.files import from_json, read_charges, to_json, write_charges
from genarris_fw.lattice.searching import search as searching

ROOT = Path(__file__).resolve().parents[1]
UREA, CHARGES = ROOT / "examples" / "urea" / "urea.in", ROOT / "tests" / "data" / "lattice_urea_charges.json"
CONF = """\
[Genarris_master]
procedures = ["Molecular_Electrostatics", "Crystal_Search"]
run_name = search
seed = {seed}
lease_seconds = {lease}

[molecular_electrostatics]
molecule_path = molecule.in
charges_file = charges.json

[crystal_search]
Z = {Z}
window = {window}
stop = draws
draws = {draws}
max_work = 1e12
output_dir = minima
"""
FEW_DRAWS = 200  # which give a minimum
LEASE, SHORT_LEASE = 60, 10  # s: the default; and where processes are killed
# What is killed, how often.
WEIGHTS = {"worker": 6, "heartbeat": 2, "run": 2, "server": 2}
SAME = 1e-6  # kJ/mol: energies are kept in eV
COMPARED = ("hits", "spg", "site_symmetry_group", "attempted_spg", "attempted_wyckoff_position", "draw")


@dataclass(frozen=True)
class Sought:
    """What is searched for."""

    molecule: Path
    charges: Path
    Z: int
    window: float
    draws: int
    seed: int

    def conf(self, folder: Path, draws: int, lease: int) -> Path:
        """Write the files of a run into a folder."""
        folder.mkdir(parents=True)
        shutil.copy(self.molecule, folder / "molecule.in")
        shutil.copy(self.charges, folder / "charges.json")
        numbers = {"Z": self.Z, "window": self.window, "draws": draws, "seed": self.seed, "lease": lease}
        (folder / "ui.conf").write_text(CONF.format(**numbers))
        return folder / "ui.conf"


@dataclass
class Searched:
    """What a search found, and what it took."""

    name: str
    workers: int
    wall: float
    cpu: float
    pool: dict[str, dict[str, Any]] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    workers_cpu: float = 0.0
    database: float = 0.0
    largest: float = 0.0  # MB, of a worker
    server: float = 0.0  # MB
    science: float = 0.0
    items: int = 0
    documents: int = 0
    inserted: int = 0
    between: float = 0.0  # s of CPU apart from items: merging, decisions
    killed: dict[str, int] = field(default_factory=dict)
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)


def one_process(sought: Sought) -> Searched:
    """Search by the library, with the model that a run has: it reads its charges from the database."""
    molecule = read_molecule(sought.molecule)
    charges = read_charges(sought.charges, molecule)
    model = lattice.Model(molecule, lattice.Potential(), from_json(to_json(molecule, charges), molecule, "kept"))
    items, work, settle = [0.0, 0], searching.Ground.work, searching.settle

    def timed(do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*words: Any) -> Any:
            begun = time.process_time()
            found = do(*words)
            items[0] += time.process_time() - begun
            items[1] += 1
            return found

        return done

    searching.Ground.work, searching.settle = timed(work), timed(settle)  # type: ignore[method-assign]
    load, begun, cpu = os.getloadavg(), time.monotonic(), time.process_time()
    try:
        found = lattice.search(
            molecule, sought.Z, model, "all", sought.window, "draws",
            draws=sought.draws, seed=sought.seed, most_work=1e12,
        )  # fmt: skip
    finally:
        searching.Ground.work, searching.settle = work, settle  # type: ignore[method-assign]
    wall, cpu = time.monotonic() - begun, time.process_time() - cpu
    pool = {f"{number:06d}": one.properties for number, one in enumerate(found.structures)}
    summary = {"draws": found.draws, "failures": found.failures, "estimate": found.completeness[1]}
    return Searched(
        "alone", 0, wall, cpu, pool, summary, items=items[1], between=cpu - items[0], load=load,
        largest=_peak(os.getpid()),
    )  # fmt: skip


def abreast(sought: Sought, copies: int) -> list[Searched]:
    """Search in so many processes at once."""
    with ProcessPoolExecutor(copies, mp_context=get_context("spawn")) as processes:
        return list(processes.map(one_process, [sought] * copies))


class Killer:
    """Kills what belongs to a run, at random times.

    Parameters
    ----------
    kills : int
        After so many the run is left in peace.
    pause : (float, float)
        Seconds between two, at random.
    """

    def __init__(self, kills: int, pause: tuple[float, float], seed: int) -> None:
        self.left, self.pause, self.chance = kills, pause, random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.at = time.monotonic() + self.chance.uniform(*pause)

    def look(self, process: subprocess.Popen[bytes], server: Server) -> None:
        """Kill something, where it is time."""
        if not self.left or time.monotonic() < self.at:
            return
        self.at = time.monotonic() + self.chance.uniform(*self.pause)
        workers = children(process.pid)
        beats = [child for pid in workers for child in children(pid)]
        victims = {"worker": workers, "heartbeat": beats, "run": [process.pid], "server": [server.status()["pid"]]}
        kind = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if not victims[kind]:
            return
        with suppress(ProcessLookupError):
            os.kill(int(self.chance.choice(victims[kind])), signal.SIGKILL)
            self.killed[kind] += 1
            self.left -= 1
        if kind == "run":
            process.wait()
        if kind == "server":
            while server.running():
                time.sleep(0.02)
            server.start()


def a_run(sought: Sought, place: Path, name: str, workers: int, draws: int, killer: Killer | None = None) -> Searched:
    """Search by ``genarris-fw run`` with a server of its own, which it is continued with after kills."""
    conf = sought.conf(place / name, draws, SHORT_LEASE if killer else LEASE)
    server, watched, load = Server(place / name / "server", cache_gb=0.25), Watched(), os.getloadavg()
    command = [str(Path(sys.executable).parent / "genarris-fw"), "run", "ui.conf", "--workers", str(workers), "--quiet"]
    with server.use() as address:
        uri, begun = with_database(address, "search"), time.monotonic()
        process = None
        with (conf.parent / "output").open("ab") as output:
            while process is None or process.poll() not in (0, None) or process.poll() is None:
                if process is None or (process.poll() is not None and killer):
                    if process is not None and process.returncode not in (-signal.SIGKILL, 0):
                        raise SystemExit((conf.parent / "output").read_text()[-3000:])
                    process = subprocess.Popen([*command, "--uri", uri], cwd=conf.parent, stdout=output, stderr=output)
                elif process.poll() is not None:
                    raise SystemExit((conf.parent / "output").read_text()[-3000:])
                watched.look(process.pid, conf.parent)
                if killer:
                    killer.look(process, server)
                time.sleep(PAUSE)
        wall = time.monotonic() - begun
        with MongoClient[dict[str, Any]](uri) as client:
            database = client.get_default_database()
            record = database.runs.find_one() or {}
            counts = {one: database[one].estimated_document_count() for one in database.list_collection_names()}
            spent = [
                float(one["outcome"]["cpu_seconds"]) for one in database.work_items.find({"step": "crystal_search"})
            ]
            inserted = client.admin.command("serverStatus")["metrics"]["document"]["inserted"]
    files = sorted((conf.parent / "minima").glob("*.json"))
    ours = {pid: used for pid, used in watched.cpu.items() if watched.names[pid] == "ours"}
    # A worker is what has used more than a heartbeat does, and is not the command.
    working = {pid: used for pid, used in ours.items() if watched.words[pid].endswith("launch.worker")}
    return Searched(
        name, workers, wall, sum(ours.values()),
        {path.stem: json.loads(path.read_text())["properties"] for path in files},
        record["summaries"]["crystal_search"],
        sum(working.values()),
        watched.total("mongod"),
        max(watched.largest[pid] for pid in working) / MB,
        max(kb for pid, kb in watched.largest.items() if watched.names[pid] == "mongod") / MB,
        sum(spent),
        len(spent),
        sum(counts.values()),
        int(inserted),
        killed=dict(killer.killed) if killer else {},
        load=load,
    )  # fmt: skip


def _peak(pid: int) -> float:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / MB


def facts(pool: dict[str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What is compared of a pool, but for ids and energies; the lowest first."""
    ordered = sorted(pool.values(), key=lambda one: one["lattice_energy"])
    return [tuple(one[name] for name in COMPARED) for one in ordered]


def like_one_process(run: Searched, alone: Searched) -> bool:
    """Tell whether a run has found what one process has."""
    energies = [sorted(one["lattice_energy"] for one in pool.values()) for pool in (run.pool, alone.pool)]
    close = len(energies[0]) == len(energies[1]) and all(
        abs(one - other) < SAME for one, other in zip(*energies, strict=True)
    )
    said = all(run.summary[name] == value for name, value in alone.summary.items())
    return bool(close and said and facts(run.pool) == facts(alone.pool))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecule", type=Path, nargs="?")
    parser.add_argument("--charges", type=Path)
    parser.add_argument("--Z", type=int, default=4)
    parser.add_argument("--window", type=float, default=10.0)
    parser.add_argument("--draws", type=int, default=60_000)
    parser.add_argument("--workers", default="2,8")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--abreast", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


HEAD = (
    f"{'':<12}{'wall/s':>8}{'CPU/s':>8}{'workers':>9}{'database':>9}{'science':>9}{'overhead':>10}{'with it':>9}"
    f"{'by one':>9}{'largest/MB':>11}"
    f"{'items':>7}{'documents':>10}{'per 1e6':>9}{'minima':>8}  pool"
)


def main() -> int:
    given = options()
    molecule = given.molecule or UREA
    with tempfile.TemporaryDirectory() as name:
        charges = given.charges or (written_charges(molecule, Path(name)) if given.molecule else CHARGES)
        return measured(Sought(molecule, charges, given.Z, given.window, given.draws, given.seed), given)


def written_charges(path: Path, folder: Path) -> Path:
    """Write GFN2's charges of a molecule into a file."""
    molecule = read_molecule(path)
    sites = lattice.Potential().sites_of(molecule)
    charges = lattice.electrostatics(molecule, "GFN2", hydrogen_sites=sites)
    write_charges(folder / "charges.json", molecule, charges)
    return folder / "charges.json"


def measured(sought: Sought, given: argparse.Namespace) -> int:
    """Search in all ways, and print what came out."""
    print(f"{sought.molecule.name}, Z = {sought.Z}, {sought.draws} draws; load {os.getloadavg()}\n{HEAD}", flush=True)
    everything: list[Searched] = []

    def line(one: Searched, overheads: tuple[float, float, float] | None = None, pool: str = "") -> None:
        everything.append(one)
        shares = "".join(f"{100 * share:>7.1f} %" for share in overheads) if overheads else " " * 27
        print(
            f"{one.name:<12}{one.wall:>8.1f}{one.cpu:>8.1f}{one.workers_cpu:>9.1f}{one.database:>9.1f}"
            f"{one.science:>9.1f} {shares}"
            f"{one.largest:>11.0f}{one.items:>7}{one.documents:>10}"
            f"{1e6 * one.inserted / one.summary['draws']:>9.0f}{len(one.pool):>8}  {pool}; load {one.load[0]:.1f}",
            flush=True,
        )

    [alone] = abreast(sought, 1)
    line(alone, pool=f"{alone.between:.2f} s of CPU apart from items")
    one, cores = alone, len(os.sched_getaffinity(0))
    if given.abreast:
        together = abreast(sought, cores)
        one = max(together, key=lambda found: found.cpu)
        one.name, one.cpu = "abreast", sum(found.cpu for found in together) / cores
        line(one, pool=f"mean of {cores}")
    bars, runs = [], []
    with tempfile.TemporaryDirectory() as name:
        for workers in map(int, given.workers.split(",")):
            least = a_run(sought, Path(name), f"start, {workers}", workers, FEW_DRAWS)
            line(least)
            found = a_run(sought, Path(name), f"run, {workers}", workers, sought.draws)
            science, database = found.science + alone.between, found.database - least.database
            cpu = found.cpu - (least.cpu - least.science)
            overhead = cpu / science - 1
            overheads = (overhead, overhead + database / science, cpu / one.cpu - 1)
            runs.append(found)
            same = found.pool == runs[0].pool and found.summary == runs[0].summary and like_one_process(found, alone)
            line(found, overheads, "the same" if same else "ANOTHER")
            bars.append(Bar(f"{workers} workers: pool", "of one process", "same" if same else "another", same))
            bars.append(Bar(f"{workers} workers: overhead", "<= 5 %", f"{100 * overhead:.1f} %", overhead <= 0.05))
        if given.kills:
            # All of them while the run lasts: over half of the time that it takes when it is left in peace.
            pause = max(0.5, runs[0].wall / given.kills)
            killer = Killer(given.kills, (0.3 * pause, 1.2 * pause), sought.seed)
            found = a_run(sought, Path(name), "killed", 2, sought.draws, killer)
            same = found.pool == runs[0].pool and found.summary == runs[0].summary
            line(found, pool=f"{'the same' if same else 'ANOTHER'}; {sum(found.killed.values())} kills {found.killed}")
            enough = same and not killer.left
            measured = f"{'same' if same else 'another'}, {sum(found.killed.values())} kills"
            bars.append(Bar(f"pool after {given.kills} kills", "the undisturbed run's", measured, enough, found.killed))
            runs.append(found)
    largest = max(found.largest for found in runs)
    bars.append(Bar("largest worker", "<= 300 MB", f"{largest:.0f} MB", largest <= 300))
    written = max(1e6 * found.inserted / found.summary["draws"] for found in runs if not found.killed)
    bars.append(Bar("documents per 10^6 draws", "<= 10^4", f"{written:.0f}", written <= 1e4))
    print()
    for bar in bars:
        show(bar)
    if given.json:
        write(bars, False, given.json)
        record = json.loads(given.json.read_text())
        rows = [{name: value for name, value in asdict(one).items() if name != "pool"} for one in everything]
        given.json.write_text(json.dumps(record | machine() | {"searches": rows}, indent=1, default=float) + "\n")
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
