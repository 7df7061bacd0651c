"""The explorer's server with a large pool and many clients.

    python benchmarks/explorer.py                          # 10^6 structures, 20 clients (some 6 minutes)
    python benchmarks/explorer.py --number 100000 --clients 5 --actions 10
    python benchmarks/explorer.py --folder /tmp/kept       # fills the database there once, and keeps it

A real server is started in a folder and filled with crystals of two urea molecules of made-up packings: 16 atoms, 25
properties, an energy with its source, each some 3 kB. Then ``genarris-fw web`` runs as a process of its own. The
clients are processes that look as a person would: each arrives, takes the first view (the pool and all its points, 16
bytes each), and then pages through the table, filters, and looks at crystals, with half a second to one and a half
between one action and the next. An action is measured from its first request to the last byte of its last answer. The
bars: 95 of 100 actions of each kind within 300 ms; the server's memory within 500 MB.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
from farm_table import Bar, machine, quantile, show, write
from pymongo import MongoClient, WriteConcern

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.database.launchpads import database_name
from genarris_fw.database.server import Server

RUN, POOL = "large", "raw"
BATCH = 10_000
WARM_UP = 600  # seconds at most until the pool is read
LATENCY, MEMORY = 0.3, 500
GROUPS = np.array([14, 2, 19, 4, 61, 15, 33, 9, 29, 5, 1, 7])
MODES = ("packing", "rejection", "fast")


def structures(number: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    species = ["C", "O", "N", "N", "H", "H", "H", "H"] * 2
    for i in range(number):
        name = f"geometry_{rng.integers(2**63):016x}{i:07x}"
        density, energy = rng.normal(1.25, 0.06), rng.gamma(4.0, 6.0) - 110.0
        group = int(GROUPS[min(int(rng.exponential(2.5)), len(GROUPS) - 1)])
        edges = rng.uniform(4.5, 8.0, 3)
        volume = 2 * 60.06 * 1.66054 / density
        per_molecule = energy / 96.485
        yield {
            "_id": f"{RUN}:{name}",
            "run": RUN,
            "struct_id": name,
            "pools": [POOL],
            "n_atoms": 16,
            "Z": 2,
            "geometry": {
                "lattice": np.diag(edges).tolist(),
                "species": species,
                "positions": rng.uniform(0.0, 6.0, (16, 3)).tolist(),
            },
            "properties": {
                **dict(zip("abc", edges.tolist(), strict=True)),
                **{"alpha": 90.0, "beta": float(rng.uniform(80, 110)), "gamma": 90.0},
                **{"cell_vol": volume, "unit_cell_volume": volume, "density": density},
                **{"Z": 2, "number_of_atoms_in_molecule": 8, "spg": group, "attempted_spg": group},
                **{"attempted_wyckoff_position": "4e", "site_symmetry_group": "1"},
                **{"AP_cluster": int(rng.integers(500)), "AP_exemplar": f"geometry_{int(rng.integers(500)):023x}"},
                **{"energy": 2 * per_molecule, "energy_per_molecule": per_molecule, "lattice_energy": energy},
                **{"press_energy": float(rng.uniform(0, 50)), "relaxation_converged": bool(rng.random() < 0.97)},
                "RDF": rng.uniform(0, 1, 40).tolist(),
            },
            "energies": {
                "energy": {
                    **{"value": 2 * per_molecule, "per_molecule": per_molecule, "engine": "lattice"},
                    **{"engine_version": "1.0", "settings_hash": "c0ffee", "converged": True, "seconds": 0.1},
                }
            },
            "provenance": {"step": "crystal_search", "mode": MODES[i % 3], "seed": 1, "draw": i},
        }


def fill(uri: str, number: int) -> None:
    client: MongoClient[Any] = MongoClient(uri)
    catalogue = Catalogue(client[database_name(uri)])
    if catalogue.runs.is_there(RUN) and catalogue.structures.count(RUN, POOL) == number:
        return
    catalogue.delete_run(RUN)
    check_schema(catalogue.database)
    catalogue.ensure_indexes()
    collection = catalogue.structures.collection.with_options(write_concern=WriteConcern(w=1, j=False))
    batch: list[dict[str, Any]] = []
    for document in structures(number):
        batch.append(document)
        if len(batch) == BATCH:
            collection.insert_many(batch, ordered=False)
            batch = []
    if batch:
        collection.insert_many(batch, ordered=False)
    steps = [{"name": "crystal_search", "procedure": "Crystal_Search", "options": {"energy_name": "energy"}}]
    record = {"state": "finished", "options": {"steps": steps}, "folder": "/nowhere", "pools": {POOL: number}}
    catalogue.runs.create(RUN, record, begun_by=1)
    client.close()


class Client:
    """One person at a browser, as the server sees it."""

    def __init__(self, port: int, seed: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.random = random.Random(seed)
        self.ids: list[str] = []
        self.next: str | None = None

    def get(self, path: str, **query: Any) -> bytes:
        about = urlencode({"run": RUN, **query}, doseq=True)
        self.connection.request("GET", f"/api/{path}?{about}", headers={"Accept-Encoding": "gzip"})
        answer = self.connection.getresponse()
        packed = answer.headers.get("Content-Encoding") == "gzip"
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        if packed:
            import gzip

            body = gzip.decompress(body)
        return body

    def first_view(self) -> None:
        about = json.loads(self.get("pool", pool=POOL))
        points = self.get("points", pool=POOL, **{name: about["default"][name] for name in ("x", "y", "colour")})
        assert len(points) >= 16 * 0.9 * about["structures"]
        self.table_page()

    def table_page(self) -> None:
        sort = self.random.choice(["relative_energy", "density", "spg", "id"])
        onward = {"after": self.next, "sort": "relative_energy"} if self.next and self.random.random() < 0.5 else {}
        columns = "spg,density,relative_energy,z_prime,AP_cluster"
        page = json.loads(self.get("table", pool=POOL, columns=columns, **({"sort": sort} | onward)))
        self.ids = [row["id"] for row in page["rows"]]
        self.next = page["next"] if onward or sort == "relative_energy" else None

    def filter(self) -> None:
        low = self.random.uniform(1.1, 1.3)
        groups = ",".join(str(group) for group in self.random.sample(GROUPS.tolist(), 3))
        where = [f"density:{low:.4f}..{low + 0.1:.4f}", f"spg:{groups}"]
        if self.random.random() < 0.5:
            where.append("mode:packing,fast")
        self.get("mask", pool=POOL, where=where)
        self.get("table", pool=POOL, where=where, sort="relative_energy", columns="spg,density,relative_energy")

    def histogram(self) -> None:
        low = self.random.uniform(1.1, 1.3)
        self.get("histogram", pool=POOL, column="density", where=f"relative_energy:..{low * 20:.3f}")

    def crystal(self) -> None:
        name = self.random.choice(self.ids)
        self.get("structure", id=name)
        self.get("crystal", id=name)

    def lasso(self) -> None:
        x, y = self.random.uniform(1.15, 1.3), self.random.uniform(5, 30)
        corners = [(x + 0.05 * np.cos(a), y + 5 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]
        text = "density,relative_energy:" + ",".join(f"{u:.5f},{v:.5f}" for u, v in corners)
        self.get("select", pool=POOL, within=text)


ACTIONS = {"table page": 4, "filter": 3, "crystal": 4, "histogram": 1, "lasso": 1}


def look(port: int, seed: int, actions: int, queue: Any, ready: Any) -> None:
    """Carry out one client's actions, and tell how long each took."""
    client = Client(port, seed)
    ready.wait()  # the start of so many processes takes all cores
    time.sleep(client.random.uniform(0, 10))
    names = ["first view", *client.random.choices(list(ACTIONS), list(ACTIONS.values()), k=actions)]
    times = []
    for name in names:
        began = time.perf_counter()
        getattr(client, name.replace(" ", "_"))()
        times.append((name, time.perf_counter() - began))
        time.sleep(client.random.uniform(0.5, 1.5))
    queue.put(times)


def start(uri: str, port: int) -> subprocess.Popen[bytes]:
    command = "from genarris_fw.cli.main import main; main()"
    words = ["web", RUN, "--uri", uri, "--port", str(port), "--no-open"]
    return subprocess.Popen([sys.executable, "-c", command, *words], stdout=subprocess.DEVNULL)


def read_the_pool(port: int) -> float:
    """Wait until the server has read the pool; return how long that took."""
    began = time.perf_counter()
    while time.perf_counter() - began < WARM_UP:
        try:
            Client(port, 0).get("pool", pool=POOL)
            return time.perf_counter() - began
        except (OSError, RuntimeError):
            time.sleep(0.2)
    raise TimeoutError("the pool is not read")


def measured(port: int, process: subprocess.Popen[bytes], clients: int, actions: int) -> tuple[list[Bar], float]:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    ready = context.Barrier(clients)
    people = [context.Process(target=look, args=(port, seed, actions, queue, ready)) for seed in range(clients)]
    for person in people:
        person.start()
    times: dict[str, list[float]] = {}
    most, server, left = 0.0, psutil.Process(process.pid), clients
    before = sum(server.cpu_times()[:2])
    while (left and any(person.is_alive() for person in people)) or not queue.empty():
        most = max(most, server.memory_info().rss / 1e6)
        while not queue.empty():
            left -= 1
            for name, seconds in queue.get():
                times.setdefault(name, []).append(seconds)
        time.sleep(0.1)
    for person in people:
        person.join()
    spent = sum(server.cpu_times()[:2]) - before
    number = sum(map(len, times.values()))
    print(f"{number} actions took the server {1e3 * spent / number:.0f} ms of its CPU each", flush=True)
    bars = []
    for name in ("first view", *ACTIONS):
        found = times.get(name, [])
        if found:
            half, most_of = quantile(found, 0.5) * 1e3, quantile(found, 0.95) * 1e3
            details = {"times": len(found), "median_ms": round(half), "longest_ms": round(max(found) * 1e3)}
            bars.append(Bar(name, "p95 <= 300 ms", f"{most_of:.0f} ms", most_of <= LATENCY * 1e3, details))
    return bars, most


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--number", type=int, default=10**6)
    arguments.add_argument("--clients", type=int, default=20)
    arguments.add_argument("--actions", type=int, default=30)
    arguments.add_argument("--port", type=int, default=8677)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--json", type=Path, default=Path("explorer.json"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        with Server(folder, cache_gb=1.0).use() as uri:
            began = time.perf_counter()
            fill(uri, given.number)
            print(f"filled in {time.perf_counter() - began:.0f} s; {machine()}", flush=True)
            process = start(uri, given.port)
            try:
                seconds = read_the_pool(given.port)
                resting = psutil.Process(process.pid).memory_info().rss / 1e6
                print(f"the pool was read in {seconds:.1f} s; {resting:.0f} MB", flush=True)
                bars, most = measured(given.port, process, given.clients, given.actions)
            finally:
                process.terminate()
                process.wait()
    bars.append(Bar("memory", f"<= {MEMORY} MB", f"{most:.0f} MB", most <= MEMORY, {"resting": round(resting)}))
    for bar in bars:
        show(bar)
    write(bars, given.number < 10**6, given.json)
    print(machine(), os.path.relpath(given.json))


if __name__ == "__main__":
    main()
