"""The layout of an FHI-aims output as far as programs read it, up to the first cycle: functions that return lines.

Taken from the real outputs of version 190522 that the tests compare it with. What no program reads is left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Lines = list[str]

STAMP = "NOT FHI-aims: stand-in for tests"
HARTREE = 27.211384500  # eV; as FHI-aims states it
RULE = "-" * 60
INPUT_RULE = "  " + "-" * 71


def fortran(number: float, digits: int, width: int) -> str:
    """A number as Fortran's format Ew.d writes it: 0.12E+03."""
    if not np.isfinite(number):
        return "NaN".rjust(width)
    mantissa, exponent = f"{number:.{digits - 1}E}".split("E")
    sign, figures = ("-" if mantissa.startswith("-") else ""), mantissa.lstrip("-").replace(".", "")
    power = int(exponent) + 1 if number else 0
    return f"{sign}0.{figures}E{'-' if power < 0 else '+'}{abs(power):02d}".rjust(width)


def fixed(number: float, decimals: int, width: int) -> str:
    """A number as Fortran's format Fw.d writes it."""
    return f"{number:{width}.{decimals}f}" if np.isfinite(number) else "NaN".rjust(width)


def titled(*titles: str) -> Lines:
    """A title between rules."""
    return [RULE, *(f"          {title}" for title in titles), RULE]


def beginning(uuid: str) -> Lines:
    """From the first line to the first rules of the input."""
    return [
        *titled("Invoking FHI-aims ...", f"Version {STAMP.replace(' ', '-')}", f"{STAMP}; energies of GFN1-xTB"),
        "",
        f"  {date()}",
        "  FHI-aims created a unique identifier for this run for later identification",
        f"  aims_uuid : {uuid}",
        "",
        "  Using        1 parallel tasks.",
        "",
        "  Obtaining array dimensions for all initial allocations:",
        "  ",
    ]


def date() -> str:
    """Date and time, as they stand at many places."""
    return time.strftime("Date     :  %Y%m%d, Time     :  %H%M%S.000")


def repeated(name: str, text: str) -> Lines:
    """An input file, word for word."""
    return [
        INPUT_RULE,
        f"  Parsing {name} (first pass over file, find array dimensions only).",
        f"  The contents of {name} will be repeated verbatim below",
        "  unless switched off by setting 'verbatim_writeout .false.' .",
        f"  in the first line of {name} .",
        INPUT_RULE,
        "  ",
        *(f"  {line}" for line in text.splitlines()),
        "  ",
        INPUT_RULE,
        f"  Completed first pass over input file {name} .",
        INPUT_RULE,
        "  ",
        "  ",
    ]


def sizes(species: int, atoms: int, periodic: bool) -> Lines:
    """The table of sizes."""
    return [
        "",
        "  Basic array size parameters:",
        f"  | Number of species                 : {species:8d}",
        f"  | Number of atoms                   : {atoms:8d}",
        *(["  | Number of lattice vectors         :        3"] if periodic else []),
        "  | Number of spin channels           :        1",
        "",
    ]


def control(
    xc: str,
    k_grid: Sequence[int] | None,
    mixing: float,
    iterations: int,
    tolerance: float | None,
    steps: int,
    cell: bool,
) -> Lines:
    """What has been read in control.in."""
    names = {"pbe": "Using PBE gradient-corrected functionals."}
    lines = [f"  XC: {names.get(xc, xc)}", "  Occupation type: Gaussian broadening, width =   0.100000E+00 eV."]
    lines += [f"  Charge density mixing - mixing parameter: {mixing:10.4f}"]
    lines += [f"  Maximum number of s.-c. iterations  :{iterations:6d}"]
    if k_grid is not None:
        lines += ["  Found k-point grid:" + "".join(f"{k:10d}" for k in k_grid)]
    if tolerance is None:
        lines += ["  Geometry relaxation not requested: no relaxation will be performed."]
        return [*titled("Reading file control.in."), *lines]
    lines += [
        "  Geometry relaxation: Modified BFGS - TRM (trust radius method) for lattice optimization.",
        f"  Convergence accuracy for geometry relaxation: Maximum force < {fortran(tolerance, 6, 14)} eV/A.",
    ]
    if steps == 1000:
        lines += ["  No maximum number of relaxation steps, defaulting to     1000"]
    if cell:
        lines += ["  Unit cell relaxation: Unit cell will be relaxed fully."]
    lines += ['  Geometry relaxation: A file "geometry.in.next_step" is written out by default after each step.']
    return [*titled("Reading file control.in."), *lines]


def species_read(charges: dict[str, float]) -> Lines:
    """What has been read in the blocks of the species."""
    lines: Lines = []
    for name, charge in charges.items():
        lines += [" ", f"  Reading configuration options for species {name:20s}."]
        lines += [f"  | Found nuclear charge : {charge:8.4f}"]
    return [*lines, " ", "  Finished reading input file 'control.in'. Consistency checks are next.", " "]


def input_geometry(lattice: Floats | None, species: Sequence[str], positions: Floats, electrons: float) -> Lines:
    """The tables of the input geometry."""
    cell = ["  | No unit cell requested."]
    if lattice is not None:
        cell = ["  | Unit cell:", *("  |" + "".join(f"{x:18.8f}" for x in row) for row in lattice)]
    rows = [
        f"  |{i:5d}: Species {name:6s}" + "".join(f"{x:18.8f}" for x in point)
        for i, (name, point) in enumerate(zip(species, positions), 1)
    ]
    states = int(electrons) // 2 + len(species)
    return [
        *titled("Reading geometry description geometry.in."),
        "  Input structure read successfully.",
        f"  The structure contains {len(species):8d} atoms,  and a total of {electrons:14.3f} electrons.",
        "",
        "  Input geometry:",
        *cell,
        "  | Atomic structure:",
        "  |       Atom                x [A]            y [A]            z [A]",
        *rows,
        "",
        *(_of_the_cell(lattice) if lattice is not None else []),
        *(fractional(lattice, species, positions) if lattice is not None else []),
        "",
        "  Structure-dependent array size parameters: ",
        f"  | Number of Kohn-Sham states (occupied + empty): {states:8d}",
        RULE,
        "",
        *titled("Preparing all fixed parts of the calculation."),
    ]


def _of_the_cell(lattice: Floats) -> Lines:
    reciprocal = 2 * np.pi * np.linalg.inv(lattice).T
    return [
        "  Quantities derived from the lattice vectors:",
        *(
            f"  | Reciprocal lattice vector {i}: " + " ".join(f"{x: .6f}" for x in row)
            for i, row in enumerate(reciprocal, 1)
        ),
        f"  | Unit cell volume                               : {fortran(abs(np.linalg.det(lattice)), 6, 14)}  A^3",
        "",
    ]


def fractional(lattice: Floats, species: Sequence[str], positions: Floats) -> Lines:
    """The table of fractional coordinates."""
    return [
        "  Fractional coordinates:",
        "                         L1                L2                L3",
        *(
            "       atom_frac " + "".join(f"{x:18.8f}" for x in point) + f"  {name}"
            for name, point in zip(species, positions @ np.linalg.inv(lattice))
        ),
    ]


def geometry_lines(lattice: Floats | None, species: Sequence[str], positions: Floats) -> Lines:
    """The lines of a geometry.in.next_step."""
    vectors = [] if lattice is None else ["lattice_vector" + "".join(f"{x:16.8f}" for x in row) for row in lattice]
    return vectors + [
        "atom " + "".join(f"{x:16.8f}" for x in point) + f" {name}" for name, point in zip(species, positions)
    ]
