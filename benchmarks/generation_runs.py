"""Runs that only generate: CPU a structure, the largest worker, the share of the time in which one process works.

    python benchmarks/generation_runs.py MOLECULE [--Z 4] [--volume 310] [--numbers 1000,10000] [--workers 2]

MOLECULE is a geometry.in file. Every run has its own folder and database; all compatible space groups, mode ``auto``,
structures written as json and geometry.out, as by default. Of every process below ``genarris-fw run``, and of the
database, the CPU time and the largest resident memory are read from /proc some times a second. "alone" is the share of
the wall time between the first and the last structure's work in which no more than one process of ours used a core.
"marginal" is what a structure costs beyond the first run's: (CPU - CPU of the first) / (structures - structures of the
first). Prints a table and one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yardstick import yardstick

CONF = """\
[Genarris_master]
procedures = ["Pygenarris_Structure_Generation"]
run_name = speed
seed = 3

[pygenarris_structure_generation]
molecule_path = molecule.in
Z = {Z}
volume_mean = {volume}
volume_std = {std}
sr = 0.85
num_structures = {number}
truncate_to_num_structures = True
generation_mode = {mode}
"""
TICK = os.sysconf("SC_CLK_TCK")
PAUSE = 0.25
LOOKS = 8  # over which a process is seen to work or to wait, on a machine on which others work too
BUSY = 0.05  # of a core: less is waiting
MB = 1024


@dataclass
class Watched:
    """What was seen of the processes of a run."""

    cpu: dict[int, float] = field(default_factory=dict)
    largest: dict[int, int] = field(default_factory=dict)  # kB
    names: dict[int, str] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)  # of their command lines
    busy: list[int] = field(default_factory=list)  # processes of ours that used a core, a look each
    past: list[tuple[float, dict[int, float]]] = field(default_factory=list)

    def look(self, root: int, folder: Path) -> None:
        """Read the processes below `root`, and the database of the folder."""
        self.past = [*self.past[-LOOKS:], (time.monotonic(), dict(self.cpu))]
        (since, before), working = self.past[0], 0
        least = BUSY * (time.monotonic() - since)
        for pid in _family(root, folder):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            peak = re.search(r"VmHWM:\s+(\d+)", status)
            if not words:
                continue  # it has ended, and nobody has asked for its status yet
            self.cpu[pid] = (int(stat[11]) + int(stat[12])) / TICK
            self.largest[pid] = max(self.largest.get(pid, 0), int(peak[1]) if peak else 0)
            self.words[pid] = words.strip()
            self.names[pid] = "mongod" if "mongod" in words.split(" ")[0] else "ours"
            used = self.cpu[pid] - before.get(pid, 0.0)
            # The command that waits for its workers is none of them.
            working += self.names[pid] == "ours" and pid != root and used > max(least, 1.5 / TICK)
        self.busy.append(working)

    def total(self, name: str) -> float:
        """CPU-seconds of all processes of one kind."""
        return sum(used for pid, used in self.cpu.items() if self.names[pid] == name)


def _family(root: int, folder: Path) -> list[int]:
    parents: dict[int, int] = {}
    servers = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if str(folder).encode() in (entry / "cmdline").read_bytes():
                    servers.append(int(entry.name))
            except OSError:
                continue
    found, new = {root, *servers}, [root]
    while new:
        new = [pid for pid, parent in parents.items() if parent in new and pid not in found]
        found |= set(new)
    return sorted(found)


def run(molecule: Path, number: int, given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copy(molecule, folder / "molecule.in")
        (folder / "ui.conf").write_text(
            CONF.format(Z=given.Z, volume=given.volume, std=0.05 * given.volume, number=number, mode=given.mode)
        )
        watched, begun = Watched(), time.monotonic()
        command = [Path(sys.executable).parent / "genarris-fw", "run", folder / "ui.conf", "--workers", given.workers]
        with (folder / "output").open("w") as output:
            process = subprocess.Popen(list(map(str, command)), cwd=folder, stdout=output, stderr=output)
            while process.poll() is None:
                watched.look(process.pid, folder)
                time.sleep(PAUSE)
        wall = time.monotonic() - begun
        if process.returncode:
            raise SystemExit((folder / "output").read_text()[-2000:])
        there = sum(1 for _ in (folder / "pygenarris_structure_generation").glob("*.json"))
        workers = [kb for pid, kb in watched.largest.items() if watched.names[pid] == "ours"]
        working = [busy for busy in watched.busy if busy]
        return {
            "asked": number,
            "structures": there,
            "wall": wall,
            "cpu": watched.total("ours"),
            "cpu_database": watched.total("mongod"),
            "largest_MB": max(workers) / MB,
            "alone": sum(busy == 1 for busy in working) / max(1, len(working)),
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("molecule", type=Path)
    arguments.add_argument("--Z", type=int, default=4)
    arguments.add_argument("--volume", type=float, default=310.0)
    arguments.add_argument("--numbers", default="1000,10000")
    arguments.add_argument("--workers", default="2")
    arguments.add_argument("--mode", default="auto")
    given = arguments.parse_args()
    y = yardstick()
    print(f"Y = {y / 1e6:.0f} million pairs/s, {given.workers} workers")
    print("   asked   there    wall/s  CPU/s  database/s  ms each  marginal  largest/MB  alone")
    rows: list[dict[str, Any]] = []
    for number in map(int, given.numbers.split(",")):
        row = run(given.molecule, number, given)
        first = rows[0] if rows else None
        row["ms"] = 1e3 * row["cpu"] / max(1, row["structures"])
        if first:
            row["marginal_ms"] = 1e3 * (row["cpu"] - first["cpu"]) / max(1, row["structures"] - first["structures"])
        rows.append(row)
        marginal = f"{row['marginal_ms']:9.2f}" if first else " " * 9
        print(
            f"{number:8}{row['structures']:8}{row['wall']:10.1f}{row['cpu']:7.1f}{row['cpu_database']:12.1f}"
            f"{row['ms']:9.2f} {marginal}{row['largest_MB']:12.0f}{100 * row['alone']:6.0f} %",
            flush=True,
        )
    print(json.dumps({"yardstick": y, "rows": rows}, default=float))


if __name__ == "__main__":
    main()
