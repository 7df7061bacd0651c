"""How many calls of the engine relaxations take: pressed crystals, against ASE's own BFGS on cell and atoms."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS
from engine_data import KJ_PER_MOL, molecule
from farm_table import Bar

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.engines import Context
from genarris_fw.engines.relaxing.relaxation import PotentialCalculator
from genarris_fw.generation import estimate_volume, generate, press

Z = 2
GROUPS = {"urea": (2, 3, 4, 5, 7, 11, 13, 18, 31, 113), "benzene": (2, 4, 5, 7, 11, 12, 14, 18, 31, 58)}
FMAX, SMAX = 0.05, 0.0005
MOST_STEPS = 200


@dataclass
class Relaxed:
    """One relaxation.

    Attributes
    ----------
    calls : int
        Of the engine, until no force is above FMAX and no stress above SMAX (all calls where that was not reached).
    calls_fmax : int or None
        Until ASE's own criterion: forces, and stress x volume / atoms, below FMAX.
    converged : bool
        Whether both were reached.
    energy : float
        eV per cell, of the final geometry on a supercell chosen for it.
    seconds : float
        Processor time.
    """

    calls: int
    calls_fmax: int | None
    converged: bool
    energy: float
    seconds: float


def cases(number: int) -> list[tuple[str, int]]:
    """Return so many molecules and space groups, urea and benzene in turn."""
    return [(name, group) for pair in zip(*GROUPS.values()) for name, group in zip(GROUPS, pair)][:number]


def pressed(name: str, group: int) -> Structure:
    """Return a crystal with two molecules a cell, as the press leaves it."""
    single = molecule(name)
    volume = estimate_volume(single)
    [drawn] = generate(
        single, Z, group, 1, volume_mean=2.4 * volume, volume_std=0.1 * volume, seed=1, max_deformation=0.01
    ).structures
    return press(drawn)


def by_engine(settings: dict[str, Any], start: Structure) -> Relaxed:
    """Relax with the engine's own search; its trajectory tells when which criterion was met."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        engine = engines.get("tblite", **settings, fmax=FMAX, smax=SMAX, max_steps=MOST_STEPS, trajectory=True)
        found = engine.evaluate(start, relax=True, context=Context(folder=Path(folder)))
        images = read(Path(folder) / "relaxation.extxyz", ":")
    seconds = time.process_time() - began
    first = next((i for i, image in enumerate(images, 1) if _own_measure(image) < FMAX), None)
    energy = engine.evaluate(found.structure).energy
    return Relaxed(found.details["calls"], first, found.converged, energy, seconds)


def by_ase(settings: dict[str, Any], start: Structure) -> Relaxed:
    """Relax with ASE's BFGS and cell filter on the same potential and with the same symmetry."""
    began = time.process_time()
    engine = engines.get("tblite", **settings)
    atoms = start.to_ase()
    atoms.set_constraint(FixSymmetry(atoms, symprec=1e-2))
    calculator = PotentialCalculator(engine, start)
    atoms.calc = calculator
    first, reached = None, False
    for _ in BFGS(FrechetCellFilter(atoms), logfile=None).irun(fmax=0.0, steps=MOST_STEPS):
        if first is None and _own_measure(atoms) < FMAX:
            first = calculator.calls
        reached = _largest(atoms.get_forces()) <= FMAX and np.abs(atoms.get_stress()).max() <= SMAX
        if reached:
            break
    seconds = time.process_time() - began
    energy = engine.evaluate(calculator.structure(atoms)).energy
    return Relaxed(calculator.calls, first, bool(reached), energy, seconds)


def _largest(vectors: Any) -> float:
    return float(np.linalg.norm(vectors, axis=1).max())


def _own_measure(atoms: Atoms) -> float:
    cell = atoms.get_stress(voigt=False) * atoms.get_volume() / len(atoms)
    return max(_largest(atoms.get_forces()), _largest(cell))


def in_both_ways(settings: dict[str, Any], plain: bool, case: tuple[str, int]) -> tuple[Relaxed, Relaxed | None]:
    """Relax one crystal with the engine's search and, if asked for, with ASE's."""
    start = pressed(*case)
    return by_engine(settings, start), by_ase(settings, start) if plain else None


def relaxations(number: int = 20, min_width: float = 6.0, plain: bool = True) -> Bar:
    """Relax pressed crystals in both ways, one on each core; the bar is the ratio of the calls."""
    settings = {"supercell": "smallest", "min_width": min_width}
    details: dict[str, Any] = {"settings": settings | {"fmax": FMAX, "smax": SMAX}, "crystals": {}}
    ours, theirs = [], []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (name, group), (own, ase) in zip(
            cases(number), pool.map(partial(in_both_ways, settings, plain), cases(number))
        ):
            ours.append(own)
            line = f"    {f'{name} {group}':<12} {_words(own)}"
            details["crystals"][f"{name} {group}"] = record = {"engine": asdict(own)}
            if ase:
                theirs.append(ase)
                record |= {"ase": asdict(ase)}
                lower = (own.energy - ase.energy) * KJ_PER_MOL / Z
                line += f" | ASE {_words(ase)} | {lower:+7.2f} kJ/mol a molecule"
            print(line, flush=True)
    total = sum(r.calls for r in ours)
    whole = all(r.converged for r in ours)
    measured = f"{total} calls, {sum(r.converged for r in ours)} of {len(ours)} converged"
    name = f"relaxation of {len(ours)} pressed urea and benzene crystals"
    if not plain:
        return Bar(name, "(without comparison)", measured, whole, details)
    # Calls of a search that was given up are fewer than it needed: the ratio is at most this.
    ratio = total / sum(r.calls for r in theirs)
    details["ratio by ASE's own criterion"] = _ratio_fmax(ours, theirs)
    measured += f"; ASE {sum(r.calls for r in theirs)}, {sum(r.converged for r in theirs)} converged"
    name += ": calls against ASE's BFGS + FrechetCellFilter"
    return Bar(name, "<= 0.6x", f"{ratio:.2f}x ({measured})", ratio <= 0.6 and whole, details)


def _ratio_fmax(ours: list[Relaxed], theirs: list[Relaxed]) -> float | None:
    """Return the ratio of calls until ASE's criterion, over the crystals where both met it."""
    both = [(a.calls_fmax, b.calls_fmax) for a, b in zip(ours, theirs) if a.calls_fmax and b.calls_fmax]
    return sum(a for a, _ in both) / sum(b for _, b in both) if both else None


def _words(found: Relaxed) -> str:
    state = "" if found.converged else " NOT CONVERGED"
    return f"{found.calls:>3} calls (fmax {found.calls_fmax}), {found.energy:.4f} eV, {found.seconds:.0f} s{state}"
