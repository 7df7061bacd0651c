"""The files of FHI-aims as the stand-in reads and writes them: control.in, geometry.in, geometry.in.next_step.

Read here anew, not with the package's own readers, so that what the package writes is understood by someone else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TAG = "belongs to the input"
CELL = {"none": False, "full": True}


class InputRefused(Exception):
    """The input is not one that FHI-aims would compute."""


@dataclass
class Control:
    """What the stand-in heeds of a control.in.

    Attributes
    ----------
    text : str
        All of it.
    xc : str
        The functional, which is repeated and otherwise without effect.
    k_grid : tuple of int or None
        Without effect too.
    iterations : int
        ``sc_iter_limit``.
    mixing : float
        ``charge_mix_param``.
    preconditioner : bool
        Whether there is such a line.
    postprocess : bool
        ``postprocess_anyway``.
    tolerance : float or None
        eV/Å of ``relax_geometry``; None: a single point.
    cell : bool
        ``relax_unit_cell full``.
    steps : int
        ``max_relaxation_steps``.
    hessian : bool
        ``hessian_to_restart_geometry``.
    verbatim : bool
        ``verbatim_writeout``.
    charges : dict
        Nuclear charge of each species that has a block.
    """

    text: str
    xc: str = ""
    k_grid: tuple[int, ...] | None = None
    iterations: int = 1000
    mixing: float = 0.2
    preconditioner: bool = False
    postprocess: bool = False
    tolerance: float | None = None
    cell: bool = False
    steps: int = 1000
    hessian: bool = True
    verbatim: bool = True
    charges: dict[str, float] = field(default_factory=dict)


@dataclass
class Geometry:
    """A geometry.in.

    Attributes
    ----------
    text : str
        All of it.
    lattice : (3, 3) ndarray or None
        Å.
    species : list of str
        Of the atoms.
    positions : (n, 3) ndarray
        Å.
    trust_radius : float or None
        Å, where a geometry.in.next_step has been taken for input.
    hessian : bool
        Whether hessian.aims is to be gone on with.
    tag : str
        The comment that restarted inputs share, if there is one.
    """

    text: str
    lattice: Floats | None
    species: list[str]
    positions: Floats
    trust_radius: float | None = None
    hessian: bool = False
    tag: str = ""

    @property
    def identity(self) -> str:
        """What an attempt at the same input has in common with this one."""
        return self.tag or f"{self.species} {np.round(self.positions, 6).tolist()}"


def read_control() -> Control:
    """Read ./control.in."""
    text = _read("control.in")
    control, species = Control(text), ""
    for words in _lines(text):
        name, values = words[0].lower(), words[1:]
        try:
            if name == "species":
                species = values[0]
                control.charges[species] = 0.0
            elif name == "nucleus":
                control.charges[species] = float(values[0])
            else:
                _take(control, name, values)
        except (IndexError, ValueError, KeyError):
            raise InputRefused(f"Error reading keyword '{name}' in control.in.") from None
    if not control.xc:
        raise InputRefused("No exchange-correlation functional (xc) is specified in control.in.")
    return control


def _take(control: Control, name: str, values: list[str]) -> None:
    if name == "xc":
        control.xc = " ".join(values)
    elif name == "k_grid":
        control.k_grid = (int(values[0]), int(values[1]), int(values[2]))
    elif name == "sc_iter_limit":
        control.iterations = int(values[0])
    elif name == "charge_mix_param":
        control.mixing = float(values[0].lower().replace("d", "e"))
    elif name == "preconditioner":
        control.preconditioner = True
    elif name == "relax_geometry":
        known = {"none": None, "bfgs": float, "trm": float}[values[0].lower()]
        control.tolerance = None if known is None else known(values[1].lower().replace("d", "e"))
    elif name == "relax_unit_cell":
        control.cell = CELL[values[0].lower()]
    elif name == "max_relaxation_steps":
        control.steps = int(values[0])
    elif name == "postprocess_anyway":
        control.postprocess = _true(values[0])
    elif name == "hessian_to_restart_geometry":
        control.hessian = _true(values[0])
    elif name == "verbatim_writeout":
        control.verbatim = _true(values[0])


OF_AN_ATOM = ("initial_moment", "initial_charge", "constrain_relaxation")


def read_geometry(control: Control) -> Geometry:
    """Read ./geometry.in."""
    text = _read("geometry.in")
    lattice: list[list[float]] = []
    species: list[str] = []
    points: list[tuple[bool, list[float]]] = []
    found = Geometry(text, None, species, np.zeros((0, 3)))
    for line in text.splitlines():
        if line.startswith("#") and TAG in line:
            found.tag = line
    for words in _lines(text):
        if words[0] in OF_AN_ATOM and len(words) == 2 and (species or lattice):
            continue
        try:
            numbers = [float(word) for word in words[1:4]]
            if words[0] == "lattice_vector" and len(words) == 4:
                lattice.append(numbers)
            elif words[0] in ("atom", "atom_frac") and len(words) == 5:
                points.append((words[0] == "atom_frac", numbers))
                species.append(words[4])
            elif words[0] == "trust_radius":
                found.trust_radius = numbers[0]
            elif words[0] == "hessian_file":
                found.hessian = True
            else:
                raise ValueError
        except (IndexError, ValueError):
            raise InputRefused(f"Unknown line in geometry.in: {' '.join(words)}") from None
    if len(lattice) not in (0, 3) or not points:
        raise InputRefused("geometry.in must contain atoms, and three lattice vectors or none.")
    for name in dict.fromkeys(species):
        if not control.charges.get(name):
            raise InputRefused(f"Species {name} of geometry.in is not defined in control.in.")
    if lattice and control.k_grid is None:
        raise InputRefused("A periodic structure needs a k_grid in control.in.")
    if found.hessian and not Path("hessian.aims").exists():
        raise InputRefused("The file hessian.aims, which geometry.in asks for, is missing.")
    found.lattice = np.array(lattice) if lattice else None
    vectors = np.array(lattice)
    found.positions = np.array([np.dot(point, vectors) if inside else point for inside, point in points])
    return found


def write_next_step(lines: list[str], uuid: str, trust_radius: float, hessian: Floats | None) -> None:
    """Write ./geometry.in.next_step, and ./hessian.aims where there is a Hessian, as FHI-aims does: in place.

    The comments are shorter than the real ones; ``trust_radius`` and ``hessian_file`` are lines that it appends.
    """
    text = ["# ", "# This is the geometry file that corresponds to the current relaxation step."]
    text += [f"#  aims_uuid : {uuid}", "# ", *lines]
    if hessian is not None:
        np.savetxt("hessian.aims", hessian, fmt="%24.16e")
        text += [f"trust_radius {trust_radius:24.10f}", "hessian_file"]
    Path("geometry.in.next_step").write_text("\n".join(text) + "\n")


def read_hessian(size: int) -> Floats:
    """Read ./hessian.aims."""
    found = np.loadtxt("hessian.aims", ndmin=2)
    if found.shape != (size, size):
        raise InputRefused(f"hessian.aims is a matrix {found.shape[0]} x {found.shape[1]}, not {size} x {size}.")
    return np.asarray(found, dtype=float)


def rank() -> int:
    """Which rank this process is under its launcher."""
    for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


def _read(name: str) -> str:
    try:
        return Path(name).read_text()
    except OSError:
        raise InputRefused(f"Input file {name} not found.") from None


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words


def _true(word: str) -> bool:
    return {".true.": True, ".false.": False}[word.lower()]
