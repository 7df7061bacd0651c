"""What a CIF file costs: 10,000 of some fifty atoms, read and checked as import does, without the database.

python benchmarks/read_cifs.py                   # 10,000 files, one process
python benchmarks/read_cifs.py --files 500 --profile

The files are of benzene in P 1 21/c 1 (48 atoms), P b c a (96) and P -1 (24), 56 atoms in the mean, with the operations
listed, by Hall symbol or by symbol.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path

# Read by the numerical libraries when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from genarris_fw.crystal import read, space_group
from genarris_fw.crystal.cells import lattice_of
from genarris_fw.crystal.formats.operations import triplet
from genarris_fw.crystal.formats.space_group_setting import settings_named
from genarris_fw.pools.documents import to_document

FULL = ("P 1 21/c 1", "P b c a", "P -1")
ANGLES = {"P 1 21/c 1": (90, 103.5, 90), "P b c a": (90, 90, 90), "P -1": (84.3, 95.2, 101.7)}


def main() -> None:
    """Write the files, read them, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = _write(Path(folder), options.files)
        read(files[0])  # what is loaded once
        begun, parts = time.process_time(), {"read": 0.0, "space group": 0.0, "document": 0.0}
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        atoms = 0
        for file in files:
            atoms += _take(file, parts)
        profile.disable()
    taken = time.process_time() - begun
    print(
        f"{len(files)} files of {atoms / len(files):.0f} atoms: {taken:.1f} s CPU, "
        f"{1e3 * taken / len(files):.2f} ms each"
    )
    print(", ".join(f"{name} {1e3 * part / len(files):.2f} ms" for name, part in parts.items()))
    if options.profile:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(25)


def _take(file: Path, parts: dict[str, float]) -> int:
    times = [time.process_time()]
    [structure] = read(file)
    times.append(time.process_time())
    structure.properties["spg"] = space_group(structure)
    times.append(time.process_time())
    to_document(structure, int(structure.properties["Z"]))
    times.append(time.process_time())
    for name, begin, end in zip(parts, times, times[1:], strict=False):
        parts[name] += end - begin
    return len(structure)


def _write(folder: Path, number: int) -> list[Path]:
    files = []
    rng = np.random.default_rng(0)
    for i in range(number):
        files.append(folder / f"c{i:05}.cif")
        files[-1].write_text(_text(i, rng))
    return files


def _text(i: int, rng: np.random.Generator) -> str:
    symbol = FULL[i % 3]
    [setting] = settings_named(symbol)
    rotations, translations = setting.operations
    lengths = np.cbrt(220.0 * len(rotations)) * np.array([0.9, 1.0, 1.1]) * rng.uniform(0.97, 1.03, 3)
    lattice = lattice_of(lengths.tolist(), ANGLES[symbol])
    benzene = _benzene() @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for _ in range(1000):
        unit = rng.random(3) + benzene @ np.linalg.inv(lattice)
        if _far_apart(np.einsum("aij,sj->asi", rotations, unit) + translations[:, None], lattice):
            break
    described = [
        f"_space_group_name_H-M_alt '{symbol}'\n",
        f"_space_group_name_Hall '{setting.hall}'\n",
        "loop_\n_symmetry_equiv_pos_as_xyz\n"
        + "".join(f"'{triplet(*one)}'\n" for one in zip(rotations, translations, strict=True)),
    ][i // 3 % 3]
    cell = "".join(
        f"_cell_{name} {value:.5f}\n"
        for name, value in zip(
            ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"),
            (*lengths, *ANGLES[symbol]),
            strict=True,
        )
    )
    columns = "".join(f"_atom_site_{name}\n" for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z"))
    kinds = ["C"] * 6 + ["H"] * 6
    atoms = "".join(
        f"{kind}{k} {kind} {x:.5f} {y:.5f} {z:.5f}\n"
        for k, (kind, (x, y, z)) in enumerate(zip(kinds, unit, strict=True), start=1)
    )
    formula = f"_chemical_formula_sum 'C6 H6'\n_cell_formula_units_Z {len(rotations)}\n"
    return f"data_c{i}\n{formula}{cell}{described}loop_\n{columns}{atoms}"


def _benzene() -> np.ndarray:
    angles = np.arange(6) * np.pi / 3
    ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(6)])
    return np.vstack([1.395 * ring, 2.482 * ring])


def _far_apart(images: np.ndarray, lattice: np.ndarray) -> bool:
    """Whether the atoms of a molecule keep 2.2 Å to those of the others in the cell and around it."""
    apart = images[0][:, None] - images[1:].reshape(-1, 3)
    cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
    apart = (apart - np.rint(apart))[:, :, None] + cells
    return bool(np.linalg.norm(apart @ lattice, axis=-1).min() > 2.2)


if __name__ == "__main__":
    main()
