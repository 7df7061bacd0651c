"""What Elk writes: read whole and converged, or not at all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase.units import Bohr, Hartree
from numpy.typing import NDArray

from genarris_fw.errors import EngineError

VERSION = re.compile(r"Elk (?:code )?version (\S+) started")
STOPPED = re.compile(r"^\| Elk version \S+ stopped \|$", re.MULTILINE)
LOOP_STOPPED = "Self-consistent loop stopped"
CONVERGED = "Convergence targets achieved"
LOOP = re.compile(r"^\| Loop number : +(\d+) \|$", re.MULTILINE)
FERMI = re.compile(r"^ Fermi +: +(\S+) *$", re.MULTILINE)
TOTAL_ENERGY = re.compile(r"^ total energy +: +(\S+) *$", re.MULTILINE)
TOTAL_FORCE = re.compile(r"^ +total force +: +(\S+) +(\S+) +(\S+) *$", re.MULTILINE)
WARNING = re.compile(r"^\s*(Warning\(.*)$", re.MULTILINE)
PROGRAM_OUTPUT = "elk.out"


@dataclass(frozen=True)
class ElkOutput:
    """A converged ground state.

    Attributes
    ----------
    version : str
        Of Elk, such as ``8.4.30``.
    energy : float
        eV per computed cell; the smearing's entropy is in it, as Elk has it.
    forces : (n, 3) ndarray or None
        eV/Å, in the order of Elk's atoms.
    loops : int
        Self-consistent loops that were run.
    fermi_energy : float or None
        eV.
    basis_size : int or None
        The largest number of basis functions of a k point.
    k_points : int or None
        How many were computed, after symmetry.
    warnings : list of str
        What Elk warned of, each once.
    """

    version: str
    energy: float
    forces: NDArray[np.float64] | None
    loops: int
    fermi_energy: float | None
    basis_size: int | None
    k_points: int | None
    warnings: list[str] = field(default_factory=list)


def parse_output(folder: Path, atoms: int, forces: bool, name: str = "the structure") -> ElkOutput:
    """Read what a finished run of Elk left in its folder.

    Parameters
    ----------
    folder : Path
        Of the run.
    atoms : int
        How many atoms there are.
    forces : bool
        Whether forces were asked for.
    name : str, optional
        Of the structure, for errors.

    Raises
    ------
    EngineError
        Kind ``scf`` where the loop did not converge, ``crash`` where the output is not whole or makes no sense.
    """
    info = _text(folder / "INFO.OUT")
    loops = loops_done(info)
    version = VERSION.search(info)
    if version is None or LOOP_STOPPED not in info or not STOPPED.search(info):
        raise EngineError(f"{name}: Elk's output is not whole, it ends in loop {loops}", "crash", folder=str(folder))
    if CONVERGED not in info:
        raise EngineError(f"{name}: Elk did not converge in {loops} loops", "scf", True, str(folder))
    try:
        energy = _energy(_text(folder / "TOTENERGY.OUT"), info) * Hartree
        found = _forces(info, atoms) if forces else None
        basis_size, k_points = _k_points(_text(folder / "KPOINTS.OUT"))
        fermi = _value(FERMI, info)
    except (ValueError, IndexError) as error:
        raise EngineError(f"{name}: Elk's output cannot be read ({error})", "crash", folder=str(folder)) from None
    warnings = list(dict.fromkeys(line.strip() for line in WARNING.findall(_text(folder / PROGRAM_OUTPUT))))
    return ElkOutput(version[1], energy, found, loops, fermi, basis_size, k_points, warnings)


def loops_done(info: str) -> int:
    """Return how many self-consistent loops ``INFO.OUT`` tells of."""
    numbers = LOOP.findall(info)
    return int(numbers[-1]) if numbers else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _energy(text: str, info: str) -> float:
    """The last energy (Hartree) of ``TOTENERGY.OUT``, which must be the last of ``INFO.OUT`` too."""
    words, told = text.split(), TOTAL_ENERGY.findall(info)
    if not words or not told or words[-1] != told[-1]:
        last, other = ((found or ["none"])[-1][:40] for found in (words, told))
        raise ValueError(f"its files differ in the energy: {last} and {other}")
    return _finite(words[-1])


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word[:40]} is no finite number")
    return value


def _value(pattern: re.Pattern[str], info: str) -> float | None:
    """The last value of its kind, in eV."""
    found = pattern.findall(info)
    return _finite(found[-1]) * Hartree if found else None


def _forces(info: str, atoms: int) -> NDArray[np.float64]:
    rows = TOTAL_FORCE.findall(info)
    if len(rows) != atoms:
        raise ValueError(f"{len(rows)} forces for {atoms} atoms")
    return np.array([[_finite(word) for word in row] for row in rows]) * Hartree / Bohr


def _k_points(text: str) -> tuple[int | None, int | None]:
    """The largest size of the matrix and the number of k points, of ``KPOINTS.OUT``."""
    rows = [line.split() for line in text.splitlines()[1:]]
    sizes = [int(row[-1]) for row in rows if row]
    return (max(sizes), len(sizes)) if sizes else (None, None)
