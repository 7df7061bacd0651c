"""The generator against its bars: rates per CPU-second beside this machine's yardstick, and PyXtal in the same call.

    python benchmarks/generation.py FOLDER [--seconds 5] [--only rejection,packing,...]

FOLDER holds the molecules (glycine.in, aspirin.in, benzene.in, tetracene.in, ...: geometry.in files). Rates are those
of finished structures: whole molecules, Niggli cell, space group, molecule checked. "kernel" is the rate before that.
The volume has no spread; sr is 0.85; contacts follow the rules of Genarris 2.0. Prints a table and one line of JSON.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matscipy.neighbours import neighbour_list
from yardstick import yardstick

from genarris_fw.crystal import Molecule, Structure, read
from genarris_fw.crystal.radii import VDW
from genarris_fw.descriptors.amd import amd_of_rows
from genarris_fw.generation import Group, Sampling, cutoff_matrix, generate, occupations, press
from genarris_fw.generation.draws import CALL_ACCEPTED
from genarris_fw.generation.modes import pilot
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.pygenarris_structure_generation import AMD_NEIGHBOURS

SR = 0.85
# Of cgenarris, on a machine of yardstick 390 million pairs/s: accepted per CPU-second over all compatible groups.
CGENARRIS_YARDSTICK = 390e6
CGENARRIS = {
    ("glycine", 4): 40.8,
    ("aspirin", 4): 3.0,
    ("benzene", 4): 833.0,
    ("benzene", 2): 1048.0,
    ("tetracene", 2): 107.0,
}
VOLUMES = {
    ("glycine", 4): 310.0,
    ("aspirin", 4): 854.0,
    ("benzene", 4): 474.0,
    ("benzene", 2): 237.0,
    ("tetracene", 2): 583.0,
}

Row = dict[str, Any]


def load(folder: Path, name: str) -> Molecule:
    [structure] = read(folder / f"{name}.in")
    return Molecule(structure.species, structure.positions)


def ready(molecule: Molecule, Z: int, number: int) -> Group:
    return Group(molecule, occupations(molecule, Z, 1e-2, [number]), cutoff_matrix(molecule, SR))


def blocks(group: Group, sampling: Sampling, seconds: float) -> Iterator[tuple[int, list[Structure], float]]:
    """Draw for some CPU-seconds; yield draws, structures, seconds of each block."""
    first, count, used = 0, 2048 if sampling.mode == "rejection" else 32, 0.0
    while used < seconds:
        begun = time.process_time()
        accepted, draws = group.draw(sampling, first, count, 10**9)
        spent = time.process_time() - begun
        used, first = used + spent, first + count
        yield draws, [hit.structure for hit in accepted], spent
        count = max(1, min(2 * count, int(count * max(0.3, seconds - used) / max(spent, 1e-4)), 1 << 20))


def finished_rate(group: Group, sampling: Sampling, seconds: float) -> tuple[float, float]:
    """Return draws and finished structures per CPU-second."""
    total = np.array([(draws, len(made), spent) for draws, made, spent in blocks(group, sampling, seconds)]).sum(axis=0)
    return float(total[0] / total[2]), float(total[1] / total[2])


def kernel_rate(group: Group, sampling: Sampling, seconds: float) -> tuple[float, float]:
    """Return draws and accepted per CPU-second of the compiled kernel alone."""
    placement = group.placements[0]
    kernel = placement.sampler if sampling.mode == "rejection" else placement.packer
    size = 100_000 if sampling.mode == "rejection" else 500
    made = accepted = 0
    start = time.process_time()
    while (used := time.process_time() - start) < seconds:
        draws, numbers, *_ = kernel.draw(
            sampling.seed, made, size, CALL_ACCEPTED, sampling.volume_mean, sampling.volume_std
        )
        made, accepted = made + draws, accepted + len(numbers)
    return made / used, accepted / used


def rejection(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    for name, Z, groups, bar in (("glycine", 4, (14, 19, 33, 76), 5.6e-3), ("aspirin", 4, (14, 19, 33), 3.8e-3)):
        molecule, volume = load(folder, name), VOLUMES[name, Z]
        sampling = Sampling("rejection", 0, volume, 0.0)
        rates = [finished_rate(ready(molecule, Z, number), sampling, seconds)[0] for number in groups]
        value = float(np.mean(rates))
        yield {
            "what": f"rejection {name}, attempts/s",
            "value": value,
            "per_Y": value / y,
            "bar": f">= {bar:g} Y",
            "met": value / y >= bar,
            "groups": dict(zip(groups, rates)),
        }


def packing(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    for name, Z, groups, bar in (
        ("glycine", 4, (14, 19, 33, 76), 6.0e-6),
        ("aspirin", 4, (14,), 8.0e-7),
        ("aspirin", 4, (19,), 1.1e-6),
    ):
        molecule, volume = load(folder, name), VOLUMES[name, Z]
        sampling = Sampling("packing", 0, volume, 0.0)
        prepared = [ready(molecule, Z, number) for number in groups]
        rates = [finished_rate(group, sampling, seconds)[1] for group in prepared]
        kernel = [kernel_rate(group, sampling, seconds / 2)[1] for group in prepared]
        value = float(np.mean(rates))
        yield {
            "what": f"packing {name} {'/'.join(map(str, groups))}, accepted/s",
            "value": value,
            "per_Y": value / y,
            "bar": f">= {bar:g} Y, goal 3x",
            "met": value / y >= bar,
            "times_bar": value / y / bar,
            "kernel": float(np.mean(kernel)),
            "groups": dict(zip(groups, rates)),
        }


def auto(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    """Equal CPU time for every compatible group, the pilot included; the mean over the groups."""
    ratios = {}
    for (name, Z), volume in VOLUMES.items():
        molecule = load(folder, name)
        by_group: dict[int, list] = {}
        for occupation in occupations(molecule, Z, 1e-2):
            by_group.setdefault(occupation.space_group, []).append(occupation)
        rates, modes = [], []
        for found in by_group.values():
            group = Group(molecule, found, cutoff_matrix(molecule, SR))
            begun = time.process_time()
            mode = pilot(group, 0, volume, 0.0).mode
            spent = time.process_time() - begun
            each = max(0.2, seconds / 10)
            _, rate = finished_rate(group, Sampling(mode, 0, volume, 0.0), each)
            rates.append(rate * each / (each + spent))
            modes.append(mode)
        value = float(np.mean(rates))
        ratios[name, Z] = value / y / (CGENARRIS[name, Z] / CGENARRIS_YARDSTICK)
        yield {
            "what": f"auto {name} Z={Z}, accepted/s over {len(rates)} groups",
            "value": value,
            "per_Y": value / y,
            "bar": "",
            "met": None,
            "times_cgenarris": ratios[name, Z],
            "with_structures": sum(r > 0 for r in rates),
            "packing": modes.count("packing"),
        }
    four = [ratios[key] for key in ratios if key != ("benzene", 2)]
    mean = math.exp(np.mean(np.log(four)))
    yield {"what": "auto, geometric mean against cgenarris (by Y)", "value": mean, "bar": ">= 20", "met": mean >= 20}


# Of cgenarris, accepted per CPU-second where the yardstick is 395 million: V std 5 %, sr 0.85.
IN_RUNS_YARDSTICK = 395e6
IN_RUNS = {
    ("benzene", 4): {14: 197.0, 19: 498.0, 33: 717.0, 61: 1195.0},
    ("glycine", 4): {14: 19.3, 19: 75.0, 33: 95.6, 76: 41.3},
}


def in_runs(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    """What an item of a run does for a structure: drawn, finished, labelled, its AMD and its document; no database."""
    for (name, Z), theirs in IN_RUNS.items():
        molecule, volume = load(folder, name), VOLUMES[name, Z]
        for number, rate in theirs.items():
            group = ready(molecule, Z, number)
            mode = pilot(group, 0, volume, 0.05 * volume).mode
            made, used = 0, 0.0
            for _, structures, spent in blocks(group, Sampling(mode, 0, volume, 0.05 * volume), seconds):
                begun = time.process_time()
                for structure in structures:
                    one = np.arange(len(molecule))
                    row = amd_of_rows(structure.lattice, structure.positions, one, AMD_NEIGHBOURS)
                    structure.properties["AMD"] = row.tolist()
                    to_document(structure, Z, {"mode": mode})
                made, used = made + len(structures), used + spent + time.process_time() - begun
            times = made / used / y / (rate / IN_RUNS_YARDSTICK)
            yield {
                "what": f"in a run, {name} Z={Z} {number}, {mode}, accepted/s",
                "value": made / used,
                "per_Y": made / used / y,
                "bar": ">= 5 x cgenarris",
                "met": times >= 5,
                "times_cgenarris": times,
            }


def pressing(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    molecule = load(folder, "glycine")
    made: list[Structure] = []
    for number in (14, 19, 33, 76):
        made += generate(molecule, 4, number, 250, 465.0, 0.0, sr=0.95, mode="packing").structures
    begun = time.process_time()
    pressed = [press(structure, SR) for structure in made]
    each = (time.process_time() - begun) / len(made) * 1e3
    kept = sum(s.properties["spg"] == s.properties["attempted_spg"] for s in pressed)
    yield {
        "what": f"press glycine, ms a structure ({len(made)})",
        "value": each,
        "bar": "<= 5",
        "met": each <= 5,
        "mean_volume": float(np.mean([s.cell_volume for s in pressed])),
    }
    yield {"what": "press, group kept, %", "value": 100 * kept / len(made), "bar": "100", "met": kept == len(made)}
    worst = min(independent_margin(s, cutoff_matrix(molecule, SR)) for s in pressed)
    yield {"what": "press, smallest distance - cutoff, Å", "value": worst, "bar": "> 0", "met": worst > 0}


def independent_margin(structure: Structure, cutoffs: np.ndarray) -> float:
    """Smallest distance minus cutoff between molecules, by matscipy's neighbour list."""
    n = len(cutoffs)
    i, j, d, S = neighbour_list("ijdS", structure.to_ase(), cutoff=float(cutoffs.max()) + 0.1)
    other = (i // n != j // n) | S.any(axis=1)
    return float((d - cutoffs[i % n, j % n])[other].min(initial=0.1))


def checks(folder: Path, seconds: float, y: float, wanted: int = 100_000) -> Iterator[Row]:
    """Accepted structures of six molecules, re-checked: overlaps, molecules, labels."""
    import spglib

    cases = [
        ("glycine", 4, 310.0),
        ("aspirin", 4, 854.0),
        ("benzene", 4, 474.0),
        ("tetracene", 2, 583.0),
        ("urea_in_crystal", 2, 145.0),
        ("naphthalene", 2, 360.0),
    ]
    total = overlaps = changed = wrong_label = labelled = 0
    worst = 1.0
    for number, (name, Z, volume) in enumerate(cases):
        share = math.ceil((wanted - total) / (len(cases) - number))
        molecule = load(folder, name)
        cutoffs = cutoff_matrix(molecule, SR)
        inner = np.linalg.norm(molecule.positions[:, None] - molecule.positions, axis=2)
        by_group: dict[int, list] = {}
        for occupation in occupations(molecule, Z, 1e-2):
            if max(site.deformation for site in occupation.sites) <= 1e-3:
                by_group.setdefault(occupation.space_group, []).append(occupation)
        done = 0
        for left, found in zip(range(len(by_group), 0, -1), by_group.values()):
            group = Group(molecule, found, cutoffs)
            mode = pilot(group, 1, volume, 0.0).mode
            quota = math.ceil((share - done) / left)
            accepted, _ = group.draw(Sampling(mode, 1, volume, 0.0), 0, 400_000 if mode == "rejection" else 4000, quota)
            for k, hit in enumerate(accepted):
                structure = hit.structure
                margin = independent_margin(structure, cutoffs)
                worst = min(worst, margin)
                overlaps += margin < -1e-5
                copies = structure.positions.reshape(Z, -1, 3)
                distances = np.linalg.norm(copies[:, :, None] - copies[:, None], axis=3)
                allowed = 1e-6 + 2 * max(site.deformation for site in hit.occupation.sites)
                changed += bool(np.abs(distances - inner).max() > allowed)
                if k % 10 == 0:
                    labelled += 1
                    numbers = [ord(x[0]) * 256 + ord(x[-1]) for x in structure.species]
                    cell = (structure.lattice, structure.fractional, numbers)
                    data = spglib.get_symmetry_dataset(cell, symprec=1e-2)
                    wrong_label += data is None or data.number != structure.properties["spg"]
            done += len(accepted)
        total += done
    yield {
        "what": f"overlaps > 1e-5 Å in {total} accepted (matscipy)",
        "value": overlaps,
        "bar": "0",
        "met": overlaps == 0,
        "smallest_margin": worst,
    }
    yield {"what": "molecules changed", "value": changed, "bar": "0", "met": changed == 0}
    yield {
        "what": f"group not as labelled, of {labelled} asked of spglib",
        "value": wrong_label,
        "bar": "0",
        "met": wrong_label == 0,
    }


SETUP = """
import time
begun = time.process_time()
from genarris_fw.crystal import Molecule, read
from genarris_fw.generation import Group, Sampling, cutoff_matrix, occupations
[s] = read({path!r})
m = Molecule(s.species, s.positions)
group = Group(m, occupations(m, 4, 1e-2, [14]), cutoff_matrix(m, 0.85))
group.draw(Sampling("rejection", 0, 310.0, 0.0), 0, 1, 1)
print(time.process_time() - begun)
"""


def setup(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    code = SETUP.format(path=str(folder / "glycine.in"))
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    value = float(np.median(times))
    yield {"what": "import and set-up, CPU s", "value": value, "bar": "<= 0.5", "met": value <= 0.5}


def memory(folder: Path, seconds: float, y: float, wanted: int = 1_000_000) -> Iterator[Row]:
    """Peak memory of this process over a million accepted structures (run it alone, by --only memory)."""
    group = ready(load(folder, "urea_in_crystal"), 2, 4)
    sampling = Sampling("packing", 0, 160.0, 0.0)
    made = first = early = 0
    while made < wanted:
        accepted, _ = group.draw(sampling, first, 4000, 10**9)
        made, first = made + len(accepted), first + 4000
        if not early and made >= wanted // 20:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    late = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield {
        "what": f"memory after {made} accepted, MB",
        "value": late / 1024,
        "bar": "<= 200, flat",
        "met": late <= 200 * 1024 and late <= 1.02 * early,
        "after_5_percent": early / 1024,
    }


def with_pyxtal(folder: Path, seconds: float, y: float) -> Iterator[Row]:
    """PyXtal and ours in the same groups with the same cutoffs (van der Waals radii alone) and the same volume."""
    try:
        from pyxtal import pyxtal
        from pyxtal.molecule import pyxtal_molecule
        from pyxtal.tolerance import Tol_matrix
    except ImportError:
        yield {"what": "PyXtal is not installed", "value": math.nan, "bar": ">= 1000", "met": None}
        return
    groups, volume = (14, 19, 33, 76), VOLUMES["glycine", 4]
    molecule = load(folder, "glycine")
    radii = np.array([VDW[name] for name in molecule.species])
    cutoffs = SR * (radii[:, None] + radii)
    tolerance = Tol_matrix(prototype="vdW", factor=SR)
    for i, one in enumerate(molecule.species):
        for j, other in enumerate(molecule.species):
            tolerance.set_tol(one, other, cutoffs[i, j])
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "glycine.xyz"
        molecule.to_ase().write(target)
        factor = volume / (4 * pyxtal_molecule(str(target)).volume)
        accepted, used, cells = 0, 0.0, []
        for number in groups:
            begun, tries = time.process_time(), 0
            while time.process_time() - begun < max(20.0, 4 * seconds):
                crystal = pyxtal(molecular=True)
                try:
                    crystal.from_random(3, number, [str(target)], [4], factor=factor, tm=tolerance, random_state=tries)
                except Exception:  # it raises where it gives up
                    crystal.valid = False
                tries += 1
                if crystal.valid:
                    accepted += 1
                    cells.append(crystal.lattice.volume)
            used += time.process_time() - begun
    ours_made, ours_used = 0, 0.0
    for number in groups:
        group = Group(molecule, occupations(molecule, 4, 1e-2, [number]), cutoffs)
        for _, made, spent in blocks(group, Sampling("packing", 0, volume, 0.0), seconds):
            ours_made, ours_used = ours_made + len(made), ours_used + spent
    theirs, ours = accepted / used, ours_made / ours_used
    ratio = ours / theirs if theirs else math.inf
    name = "/".join(map(str, groups))
    yield {
        "what": f"PyXtal glycine {name}, accepted/s",
        "value": theirs,
        "per_Y": theirs / y,
        "bar": "",
        "met": None,
        "accepted": accepted,
        "cpu_seconds": used,
        "mean_volume": float(np.mean(cells)) if cells else None,
    }
    yield {
        "what": "ours / PyXtal, same groups, cutoffs and volume",
        "value": ratio,
        "bar": ">= 1000",
        "met": ratio >= 1000,
        "ours": ours,
    }


PARTS: dict[str, Callable[[Path, float, float], Iterator[Row]]] = {
    "rejection": rejection,
    "packing": packing,
    "auto": auto,
    "in_runs": in_runs,
    "press": pressing,
    "checks": checks,
    "setup": setup,
    "memory": memory,
    "pyxtal": with_pyxtal,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--seconds", type=float, default=5.0, help="CPU-seconds per group")
    arguments.add_argument("--only", default=",".join(PARTS))
    chosen = arguments.parse_args()
    y = yardstick()
    print(f"Y = {y / 1e6:.0f} million pairs/s")
    print(f"{'':58}{'value':>12}{'/ Y':>11}  {'bar':22}met")
    rows = []
    for part in chosen.only.split(","):
        for row in PARTS[part](chosen.folder, chosen.seconds, y):
            rows.append(row)
            per_y = f"{row['per_Y']:11.2e}" if "per_Y" in row else " " * 11
            met = {True: "yes", False: "NO", None: ""}[row["met"] if row["met"] is None else bool(row["met"])]
            print(f"{row['what']:58}{row['value']:12.4g}{per_y}  {row['bar']:22}{met}", flush=True)
    print(json.dumps({"yardstick": y, "seconds": chosen.seconds, "rows": rows}, default=float))


if __name__ == "__main__":
    main()
