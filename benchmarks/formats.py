"""What exports and imports cost: a pool of crystals of some fifty atoms, in every format, by the commands themselves.

python benchmarks/formats.py                               # 10,000 crystals; cif: written, read by others, imported
python benchmarks/formats.py --structures 1000 --formats cif,json,ase_db,parquet
python benchmarks/formats.py --json figures.json

The crystals are those of read_cifs.py: benzene in P 1 21/c 1, P b c a and P -1, 56 atoms in the mean. Files of cif are
read again by gemmi and by pymatgen, and every atom is compared (largest distance, Å).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from read_cifs import _write

from genarris_fw.crystal import Structure, read
from genarris_fw.database.server import Server

CHECKED = ("cif", "cif_standard")
SAME = 1e-4  # Å


def main() -> None:
    """Import, export, read again, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=10_000)
    parser.add_argument("--formats", default="cif")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    formats = options.formats.split(",")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cifs").mkdir()
        _write(folder / "cifs", options.structures)
        with Server(folder, cache_gb=0.5).use() as uri:
            rows = [_timed("import of cif", "import", folder / "cifs", "--run", "first", "--pool", "raw", uri=uri)]
            for name in formats:
                out = folder / name
                words = ("export", "first", "--pool", "raw", "--format", name, "--to", out)
                rows.append(_timed(f"export as {name}", *words, uri=uri))
                if name in CHECKED:
                    rows += _compared(folder / "cifs", out, name)
                if name == "cif":
                    rows.append(_timed("import of these", "import", out, "--run", "second", uri=uri))
    cores = len(os.sched_getaffinity(0))
    print(f"{options.structures} crystals on {cores} cores")
    for row in rows:
        print(f"{row['what']:32} {row['seconds']:8.1f} s   {row.get('said', '')}")
    if options.json:
        options.json.write_text(json.dumps({"structures": options.structures, "cores": cores, "rows": rows}, indent=2))


def _timed(what: str, *words: Any, uri: str) -> dict[str, Any]:
    begun = time.perf_counter()
    code = "from genarris_fw.cli.main import main; main()"
    command = [sys.executable, "-c", code, *map(str, words), "--uri", uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{what}: {done.stderr}")
    return {"what": what, "seconds": seconds, "said": done.stdout.strip().splitlines()[-1][:80]}


def _compared(source: Path, written: Path, name: str) -> list[dict[str, Any]]:
    """Read files by other programs, and compare them with what was imported (or, standard, with what we read)."""
    files = sorted(written.glob("*.cif"))
    rows = []
    with ProcessPoolExecutor() as pool:
        for program in ("gemmi", "pymatgen"):
            begun = time.perf_counter()
            reference = source if name == "cif" else None
            apart = list(pool.map(partial(_apart, program, reference), files, chunksize=50))
            equal = sum(one < SAME for one in apart)
            said = f"{equal} of {len(files)} equal, farthest atom {max(apart):.1e} Å"
            rows.append({"what": f"{name} by {program}", "seconds": time.perf_counter() - begun, "said": said})
            rows[-1] |= {"equal": equal, "farthest": max(apart)}
    return rows


def _apart(program: str, source: Path | None, file: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        [ours] = read(file if source is None else source / file.name)
        species, places = (_by_gemmi if program == "gemmi" else _by_pymatgen)(file)
    return _farthest(species, places, ours)


def _by_gemmi(file: Path) -> tuple[list[str], np.ndarray]:
    import gemmi

    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(file.read_text()).sole_block())
    sites = small.get_all_unit_cell_sites()
    return [site.element.name for site in sites], np.array([site.fract.tolist() for site in sites])


def _by_pymatgen(file: Path) -> tuple[list[str], np.ndarray]:
    from pymatgen.io.cif import CifParser

    # By itself it moves what is within 1e-4 of thirds.
    [found] = CifParser.from_str(file.read_text(), frac_tolerance=0).parse_structures(primitive=False)
    return [site.species_string for site in found], found.frac_coords


def _farthest(species: list[str], places: np.ndarray, ours: Structure) -> float:
    if sorted(species) != sorted(ours.species):
        return float("inf")
    found = 0.0
    for element in set(species):
        apart = places[[name == element for name in species]][:, None]
        apart = apart - ours.fractional[[name == element for name in ours.species]]
        between = np.linalg.norm((apart - np.rint(apart)) @ ours.cell, axis=2)
        found = max(found, between.min(axis=0).max(), between.min(axis=1).max())
    return float(found)


if __name__ == "__main__":
    main()
