"""The layout of an FHI-aims output, from the first cycle to the last line; see `aims_stand_in_text`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from aims_stand_in_text import HARTREE, RULE, Floats, Lines, date, fixed, fortran, fractional

FINAL_RULE = "-" * 78
BOX = "  +" + "-" * 67 + "+"
METALS = "<-- do not rely on this value for anything but (periodic) metals"
TIMES = "max(cpu_time)    wall_clock(cpu1)"


def scf_begins(first: bool, k_points: int | None, energy: float) -> Lines:
    """The beginning of a self-consistent cycle; the first one states the energy of the free atoms' density."""
    how, indent = ("Initialization", " " * 10) if first else ("Re-initialization", "  ")
    lines = ["", RULE, f"          Begin self-consistency loop: {how}.", "", indent + date(), RULE, ""]
    if k_points is not None:
        lines += ["  Initializing the k-points", f"  | Number of k-points                             : {k_points:9d}"]
    return lines + (energy_components(energy) if first else [])


def iteration(number: int, energy: float, change: float, last: bool) -> Lines:
    """One iteration; ``last`` where the cycle converges with it."""
    return [
        RULE,
        f"          Begin self-consistency iteration # {number:4d}",
        "",
        f"  {date()}",
        RULE,
        *energy_components(energy + change),
        "",
        "  Self-consistency convergence accuracy:",
        f"  | Change of charge density      : {fortran(abs(change) / 10, 4, 11)}",
        f"  | Change of sum of eigenvalues  : {fortran(10 * change, 4, 11)} eV",
        f"  | Change of total energy        : {fortran(change, 4, 11)} eV",
        "",
        *(["  Self-consistency cycle converged.", ""] if last else []),
        f"  End self-consistency iteration # {number:5d}       :  {TIMES}",
        "  | Time for this iteration                    :        0.010 s           0.010 s",
    ]


def energy_components(energy: float) -> Lines:
    """The energy, three times."""
    both = f"{fixed(energy / HARTREE, 8, 21)} Ha {fixed(energy, 8, 20)} eV"
    return [
        "",
        "  Total energy components:",
        f"  | Total energy                  :{both}",
        f"  | Total energy, T -> 0          :{both}  {METALS}",
        f"  | Electronic free energy        :{both}",
    ]


def not_converged() -> Lines:
    """What is said of a cycle that has not converged."""
    return [
        "",
        "  * WARNING! SELF-CONSISTENCY CYCLE DID NOT CONVERGE",
        "  * USING YOUR PRESELECTED ACCURACY CRITERIA.",
        "  * DO NOT RELY ON ANY FINAL DATA WITHOUT FURTHER CHECKS.",
        "",
    ]


def stress_box(stress: Floats) -> Lines:
    """The stress (eV/Å3)."""
    rows = [f"  |  {axis}  " + "".join(f"{x:17.8f}" for x in row) + "           |" for axis, row in zip("xyz", stress)]
    blank = "  |" + " " * 67 + "|"
    return [
        "",
        BOX,
        "  |              Analytical stress tensor - Symmetrized               |",
        "  |                  Cartesian components [eV/A**3]                   |",
        BOX,
        "  |                x                y                z                |",
        blank,
        *rows,
        blank,
        f"  |  Pressure: {-np.trace(stress) / 3:16.8f}   [eV/A**3]                           |",
        blank,
        BOX,
    ]


def compact(energy: float, forces: Floats | None) -> Lines:
    """Energy and, where it is a relaxation, forces (eV/Å)."""
    number = fortran(energy, 15, 31)
    lines = [
        "",
        "  Energy and forces in a compact form:",
        f"  | Total energy uncorrected      :{number} eV",
        f"  | Total energy corrected        :{number} eV  {METALS}",
        f"  | Electronic free energy        :{number} eV",
    ]
    if forces is None:
        return lines
    rows = (f"  | {i:4d}" + "".join(fortran(x, 15, 31) for x in row) for i, row in enumerate(forces, 1))
    return [
        *lines,
        "  Total atomic forces (unitary forces cleaned) [eV/Ang]:",
        *rows,
        "",
        RULE,
        f"  Relaxation / MD: End force evaluation.       :  {TIMES}",
        "  | Time for this force evaluation             :        0.010 s           0.010 s",
        "",
    ]


def judged(forces: Floats, lattice_forces: Floats | None, converged: bool) -> Lines:
    """Whether a relaxation has come to its end."""
    lines = [RULE, "  Geometry optimization: Attempting to predict improved coordinates.", ""]
    largest = [f"  || Forces on atoms   || = {fortran(float(np.abs(forces).max()), 6, 14)} eV/A."]
    if lattice_forces is not None:
        titles = (
            "Generalized derivatives on lattice vectors",
            "Forces on lattice vectors cleaned from atomic contributions",
        )
        for sign, title in zip((-1, 1), titles):
            rows = ("  |lattice_vector" + "".join(f"{sign * x:17.8f}" for x in row) + "  |" for row in lattice_forces)
            lines += [BOX, f"  | {f'{title} [eV/A]':66s}|", BOX, *rows]
        lines += [BOX]
        largest += [f"  || Forces on lattice || = {fortran(float(np.abs(lattice_forces).max()), 6, 14)} eV/A^3."]
    both = [float(np.abs(part).max()) for part in (forces, lattice_forces) if part is not None]
    return [
        *lines,
        "  Net remaining forces (excluding translations, rotations) in present geometry:",
        *largest,
        f"  Maximum force component is {fortran(max(both), 6, 13)} eV/A.",
        f"  Present geometry is {'' if converged else 'not yet '}converged.",
        "",
    ]


def structure(title: str, lattice: Floats | None, species: Sequence[str], positions: Floats) -> Lines:
    """A geometry on the way, or the last one."""
    lines = [f"  {title}:", "                         x [A]             y [A]             z [A]"]
    if lattice is not None:
        lines += ["  lattice_vector " + "".join(f"{x:18.8f}" for x in row) for row in lattice] + [""]
    lines += [
        "            atom " + "".join(f"{x:18.8f}" for x in point) + f"  {name}"
        for name, point in zip(species, positions)
    ]
    if lattice is not None:
        lines += ["", *fractional(lattice, species, positions)]
    return [*lines, RULE]


def step(number: int) -> Lines:
    """The announcement of a step."""
    return [
        f"  Relaxation step number {number:6d}: Predicting new coordinates.",
        "",
        "  Advancing geometry using trust radius method.",
    ]


def written() -> Lines:
    """The geometry has been written."""
    return ['  Writing the current geometry to file "geometry.in.next_step".', ""]


def step_limit() -> Lines:
    """The last step that was allowed has been made."""
    return [" * Maximum number of relaxation steps exceeded.", " * Aborting optimization.", ""]


def ending(energy: float, cycles: int, initializations: int, steps: int | None, seconds: float) -> Lines:
    """From the final energy to the last line."""
    names = [("self-consistency cycles          ", cycles), ("SCF (re)initializations          ", initializations)]
    if steps is not None:
        names.append(("relaxation steps                 ", steps))
    return [
        FINAL_RULE,
        "  Final output of selected total energy values:",
        "",
        f"  | Total energy of the DFT / Hartree-Fock s.c.f. calculation      : {fixed(energy, 9, 24)} eV",
        f"  | Final zero-broadening corrected energy (caution - metals only) : {fixed(energy, 9, 24)} eV",
        f"  | For reference only, the value of 1 Hartree used in FHI-aims is : {HARTREE:24.9f} eV",
        "",
        RULE,
        "          Leaving FHI-aims.",
        f"          {date()}",
        "",
        "          Computational steps:",
        *(f"          | Number of {name}: {count:12d}" for name, count in names),
        "",
        f"          Detailed time accounting                     :  {TIMES}",
        f"          | Total time                                 :{seconds:13.3f} s {seconds:15.3f} s",
        "",
        "          Have a nice day.",
        RULE,
    ]
