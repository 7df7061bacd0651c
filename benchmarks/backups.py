"""Back runs up again and again while their rockets work; look into every archive; restore some and continue them.

python benchmarks/backups.py                                       # 200 backups, 20 continued: half an hour, 2 cores
python benchmarks/backups.py --backups 10 --continued 2 --seed 5
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from archives import contradictions, documents
from command import BIN, environment
from farm_table import machine
from pymongo import MongoClient

from genarris_fw.database.backup import backup
from genarris_fw.database.server import FOLDER, Server
from genarris_fw.errors import DatabaseError

PROGRAM = BIN / "genarris-fw"
MOLECULE = Path(__file__).resolve().parents[1] / "tests" / "data" / "generation_glycine.in"
STEPS = ("Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Remove_Duplicates", "Run_Rdf_Calc",
         "Affinity_Propagation_Fixed_Clusters", "Select_Structures")  # fmt: skip
CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = backed_up
seed = 7
lease_seconds = 5
molecule_path = molecule.in
Z = 4
[pygenarris_structure_generation]
num_structures = {number}
space_groups = [2, 4, 14, 19, 33, 61]
generation_mode = auto
rigid_press = True
num_replicas = 3
duplicate_tolerance = 0
output_dir = raw
[remove_duplicates]
num_replicas = 3
output_dir = unique
[run_rdf_calc]
num_replicas = 3
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 10
num_of_clusters_tolerance = 3
output_without_success = True
output_dir = clustered
exemplars_output_dir = exemplars
[select_structures]
most_diverse = 5
output_dir = selected
"""
# What differs from one run to the next.
UNLIKE = (FOLDER, ".genarris_fw", "logs", "launcher_*", "block_*", "*.log", "*.err", "*.out")


def call(folder: Path, *words: str) -> str:
    """Run a command to its end and return what it says; it has to end well."""
    done = subprocess.run([PROGRAM, *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{folder}: genarris-fw {' '.join(words)}: {done.returncode}: {done.stderr}")
    return done.stdout


def new_folder(folder: Path, number: int) -> None:
    """Make a run's folder."""
    folder.mkdir()
    shutil.copy(MOLECULE, folder / "molecule.in")
    (folder / "ui.conf").write_text(CONF.format(procedures=json.dumps(STEPS), number=number))


def result(folder: Path) -> dict[str, Any]:
    """Return what a finished run left: a digest of each file and of each structure in a pool."""
    kept = folder.with_name("files")
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns(*UNLIKE))
    files = {str(p.relative_to(kept)): digest(p.read_bytes()) for p in sorted(kept.rglob("*")) if p.is_file()}
    shutil.rmtree(kept)
    structures = {}
    with Server(folder).use() as uri, MongoClient(uri) as client:
        for document in client.genarris.structures.find({"pools": {"$ne": []}}, {"fence": 0}):
            structures[document["_id"]] = digest(json.dumps(document, default=str, sort_keys=True).encode())
        left = client.genarris.work_items.count_documents({"state": {"$ne": "done"}})
    return {"files": files, "structures": structures, "items not done": left}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def back_up(folder: Path, place: Path, chance: random.Random, most: int) -> list[Path]:
    """Carry a run out and return its backups, each with the files that the folder held."""
    made: list[Path] = []
    words = [PROGRAM, "run", "ui.conf", "--workers", "3", "--quiet"]
    command = subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
    while command.poll() is None:
        time.sleep(chance.uniform(0.0, 0.5))
        if len(made) < most and Server(folder).running():
            archive = place / f"{len(made)}.tar.gz"
            try:
                backup(Server(folder).uri, archive)
            except DatabaseError:  # it is starting, or has just ended
                continue
            shutil.copytree(folder, place / f"{len(made)}.files", ignore=shutil.ignore_patterns(FOLDER, "logs", ".*"))
            made.append(archive)
    if command.returncode:
        raise SystemExit(f"{folder}: the run ended with {command.returncode}")
    return made


def go_on(folder: Path, archive: Path) -> dict[str, Any]:
    """Restore a backup, with the files of then, into the emptied folder; carry it out to its end."""
    shutil.rmtree(folder)
    shutil.copytree(archive.with_name(archive.name.replace(".tar.gz", ".files")), folder)
    call(folder, "db", "restore", str(archive))
    call(folder, "run", "ui.conf", "--workers", "3", "--quiet")
    return result(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backups", type=int, default=200)
    parser.add_argument("--continued", type=int, default=20)
    parser.add_argument("--structures", type=int, default=300)
    parser.add_argument("--each", type=int, default=20, help="backups of one run at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chance, print_ = random.Random(given.seed), lambda *words: print(*words, flush=True)
    print_(machine())
    made = inconsistent = continued = unlike = 0
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where) / "run"
        new_folder(folder, given.structures)
        call(folder, "run", "ui.conf", "--workers", "3", "--quiet")
        truth = result(folder)
        print_(f"undisturbed: {len(truth['structures'])} structures, {len(truth['files'])} files")
        while made < given.backups:
            shutil.rmtree(folder)
            new_folder(folder, given.structures)
            place = Path(tempfile.mkdtemp(dir=where))
            archives = back_up(folder, place, chance, min(given.each, given.backups - made))
            unlike += result(folder) != truth
            made += len(archives)
            for archive in archives:
                if said := contradictions(documents(archive)):
                    inconsistent += 1
                    print_(f"{archive.name}: {'; '.join(said[:3])}")
            wanted = given.continued * made // given.backups - continued
            for archive in chance.sample(archives, min(wanted, len(archives))):
                continued += 1
                if (found := go_on(folder, archive)) != truth:
                    unlike += 1
                    print_(f"{archive.name} continued: {differences(truth, found)}")
            shutil.rmtree(place)
            print_(f"{made} backups, {inconsistent} inconsistent; {continued} continued, {unlike} results differ")
    return 1 if inconsistent or unlike else 0


def differences(truth: dict[str, Any], found: dict[str, Any]) -> str:
    """Return what a result lacks, has too much and has otherwise."""
    said = []
    for what in ("files", "structures"):
        a, b = truth[what], found[what]
        other = [name for name in a if name in b and a[name] != b[name]]
        said.append(f"{what}: {sorted(a.keys() - b.keys())[:3]} lost, {sorted(b.keys() - a.keys())[:3]} more, "
                    f"{other[:3]} changed")  # fmt: skip
    return "; ".join(said) + f"; {found['items not done']} items not done"


if __name__ == "__main__":
    sys.exit(main())
