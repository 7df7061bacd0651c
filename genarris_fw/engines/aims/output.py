"""Reading FHI-aims' outputs.

An output counts only when it is whole: one run, ended by its own closing words, with one final energy. An output
that stops earlier never yields an energy, however much of it there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.aims.failures import BEGINNING, END, SCF_BEGINS, classify
from genarris_fw.errors import EngineError, InputError

Floats = NDArray[np.float64]

SCF_RESTARTED = "restarting mixer"
SCF_CONVERGED = "Self-consistency cycle converged."
GEOMETRY_CONVERGED = "Present geometry is converged."
GEOMETRY_NOT_CONVERGED = "Present geometry is not yet converged."

# Patterns begin with plain text, which is searched for ten times as fast as anything else.
_ENERGY = re.compile(r"\| Total energy of the DFT / Hartree-Fock s\.c\.f\. calculation *:(.*)")
_VERSION = re.compile(r"FHI-aims version *: *(\S+)|Version (\S+)\n")
_TOTAL_TIME = re.compile(r"\| Total time *: *(\S+) s +(\S+) s *\n")
_RELAXATION_ASKED = re.compile(r"Geometry relaxation: (?!not )")
_GEOMETRIES = ("Final atomic structure:", "Updated atomic structure:")
# What FHI-aims writes at every step of a molecular dynamics.
_DYNAMICS = (
    "Complete information for previous time-step:",
    "Advancing structure using Born-Oppenheimer Molecular Dynamics",
    "Atomic structure (and velocities) as used in the preceding time step",
    "Atomic structure that was used in the preceding time step",
)
_DYNAMICS_ASKED = re.compile(r"^\s*MD_(run|schedule)\b", flags=re.MULTILINE | re.IGNORECASE)
_FORCES = re.compile(r"Total atomic forces \(.*\) \[eV/Ang\]: *\n")
_STRESSES = ("Analytical stress tensor - Symmetrized  ", "Numerical stress tensor  ")
# Both inputs are repeated at the beginning, unless control.in or geometry.in switches that off.
_ECHO = "Parsing {} (first pass over file, find array dimensions only)."
_ECHO_END = "Completed first pass over input file {}"
_INPUT_GEOMETRY = "Input geometry:"


@dataclass(frozen=True)
class AimsOutput:
    """What a whole FHI-aims output says.

    Attributes
    ----------
    energy : float or None
        eV per cell, of the last geometry; None unless ``converged``.
    converged : bool
        Everything this kind of run must reach: the self-consistent cycle, and in a relaxation the geometry.
    scf_converged : bool
        Every geometry's self-consistent cycle has converged.
    relaxation_converged : bool or None
        None for a single point.
    structure : Structure
        The last geometry: of a relaxation the relaxed one, of a single point the input.
    sent : Structure
        The input geometry as FHI-aims read it.
    forces : (n, 3) ndarray or None
        eV/Å, of the last geometry; None where none are printed.
    stress : (3, 3) ndarray or None
        eV/Å3, positive where the crystal wants to contract; None where none is printed.
    seconds : float
        Wall time that FHI-aims states.
    version : str
        The version that FHI-aims states.
    scf_cycles, relaxation_steps : int
        How many there were.
    """

    energy: float | None
    converged: bool
    scf_converged: bool
    relaxation_converged: bool | None
    structure: Structure
    sent: Structure
    forces: Floats | None
    stress: Floats | None
    seconds: float
    version: str
    scf_cycles: int
    relaxation_steps: int


def parse_output(path: str | Path) -> AimsOutput:
    """Read an FHI-aims output.

    Parameters
    ----------
    path : str or Path
        The file (usually ``aims.out``).

    Returns
    -------
    AimsOutput
        Of a run that ended by itself; look at ``converged``.

    Raises
    ------
    EngineError
        For anything that is not one whole output; its ``kind`` names the class of failure as far as the text
        tells it: ``launcher`` (nothing was written), ``input`` (stopped before the first cycle), ``scf``,
        ``relaxation``, ``memory``, ``walltime`` or ``crash``.
    """
    where = Path(path)
    return parse_text(read_text(where), where)


def parse_text(text: str, where: Path) -> AimsOutput:
    """Read the text of an FHI-aims output; `where` is what errors call it.

    Raises
    ------
    EngineError
        As of `parse_output`.
    """
    _refuse_dynamics(text, where)
    _refuse_parts(text, where)
    energy = _final_energy(text, where)
    scf_converged = _scf_converged(text)
    relaxation_converged = _relaxation_converged(text)
    converged = scf_converged and relaxation_converged is not False
    version = _VERSION.search(text)
    sent = _sent(text, where)
    return AimsOutput(
        energy=energy if converged else None,
        converged=converged,
        scf_converged=scf_converged,
        relaxation_converged=relaxation_converged,
        structure=sent if relaxation_converged is None else _last_structure(text, where) or sent,
        sent=sent,
        forces=_forces(text, len(sent), where),
        stress=_stress(text, where),
        seconds=_seconds(text, where),
        version=next(filter(None, version.groups())) if version else "",
        scf_cycles=_count(text, "Number of self-consistency cycles"),
        relaxation_steps=_count(text, "Number of relaxation steps"),
    )


def read_text(where: Path) -> str:
    """Return the text of an output.

    Raises
    ------
    EngineError
        Kind ``launcher`` where there is none.
    """
    try:
        return where.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise EngineError(f"{where}: no FHI-aims output ({error.strerror or error})", kind="launcher") from None


def repeated_input(text: str, name: str) -> str | None:
    """Return the lines of an input that an output repeats, or None where it does not.

    Parameters
    ----------
    text : str
        Of the output.
    name : str
        ``control.in`` or ``geometry.in``.
    """
    begin = text.find(_ECHO.format(name))
    end = text.find(_ECHO_END.format(name), begin)
    if begin < 0 or end < 0:
        return None
    parts = re.split(r"^\s*-{60,}\s*$", text[begin:end], flags=re.M)
    return parts[1] if len(parts) > 1 and parts[1].strip() else None


def _refuse_parts(text: str, where: Path) -> None:
    runs = text.count(BEGINNING)
    if END in text and runs > 1:
        raise EngineError(f"{where}: {runs} FHI-aims runs in one file; keep one run per file", kind="crash")
    if END not in text or not runs or text.rfind(END) < text.find(BEGINNING):
        kind = classify(text)
        missing = END if END not in text else BEGINNING
        raise EngineError(
            f"{where}: not a whole FHI-aims output ('{missing}' is missing), class: {kind}; run it again",
            kind=kind,
            permanent=kind == "input",
        )


def _refuse_dynamics(text: str, where: Path) -> None:
    """Refuse a molecular dynamics, whose last energy is that of no geometry that the output ends with."""
    echoed = repeated_input(text, "control.in") or ""
    if any(sign in text for sign in _DYNAMICS) or _DYNAMICS_ASKED.search(echoed):
        raise EngineError(
            f"{where}: an output of a molecular dynamics (MD_run), whose energies belong to moving atoms; take a "
            "single point or a relaxation",
            kind="input",
            permanent=True,
        )


def _final_energy(text: str, where: Path) -> float:
    found = _ENERGY.findall(text)
    words = found[0].split() if len(found) == 1 else []
    try:
        if len(words) != 2 or words[1] != "eV":
            raise ValueError
        energy = float(words[0])
    except ValueError:
        stated = (
            "no final energy"
            if not found
            else f"{len(found)} final energies"
            if len(found) > 1
            else found[0].strip()[:80]
        )
        raise EngineError(f"{where}: expected one final total energy in eV, found {stated}", "crash") from None
    if not np.isfinite(energy):
        raise EngineError(f"{where}: the energy is not a finite number ({found[0].strip()[:80]})", "crash")
    return energy


def _scf_converged(text: str) -> bool:
    """Whether each self-consistent cycle converged, or was begun again by FHI-aims and converged then."""
    cycles = text.split(SCF_BEGINS)[1:]
    if not cycles or SCF_CONVERGED not in cycles[-1]:
        return False
    return all(SCF_CONVERGED in cycle or SCF_RESTARTED in cycle for cycle in cycles)


def _relaxation_converged(text: str) -> bool | None:
    yes, no = text.rfind(GEOMETRY_CONVERGED), text.rfind(GEOMETRY_NOT_CONVERGED)
    if yes < 0 and no < 0 and not _RELAXATION_ASKED.search(text):
        return None
    return yes > no


def _last_structure(text: str, where: Path) -> Structure | None:
    """The geometry that a relaxation came to; None where it did not leave its first one."""
    begin = max(text.rfind(title) for title in _GEOMETRIES)
    if begin < 0:
        return None
    lines = _until_rule(text[begin:].splitlines())
    return _structure([line for line in lines if line.split()[0] in ("atom", "lattice_vector")], text, where)


def _sent(text: str, where: Path) -> Structure:
    """The input geometry: as it is repeated, or else from FHI-aims' own table of it."""
    repeated = repeated_input(text, "geometry.in")
    if repeated is not None:
        lines = [line for line in repeated.splitlines() if line.strip().startswith(("atom", "lattice_vector"))]
        return _structure(lines, text, where)
    table = text.find(_INPUT_GEOMETRY)
    if table < 0:
        raise EngineError(f"{where}: the geometry cannot be found in the output", kind="crash")
    return _structure(_table_lines(text[table:].splitlines()), text, where)


def _table_lines(lines: list[str]) -> list[str]:
    """Lines of a geometry.in from the table 'Input geometry', up to the first blank line after an atom."""
    found: list[str] = []
    for line in lines:
        words = line.split()
        if "Species" in words and len(words) == 7:
            found.append(" ".join(["atom", *words[4:7], words[3]]))
        elif not words and found and found[-1].startswith("atom"):
            break
        elif len(words) == 4 and words[0] == "|" and "." in words[1]:
            found.append(" ".join(["lattice_vector", *words[1:]]))
    return found


def _structure(lines: list[str], text: str, where: Path) -> Structure:
    try:
        structure = parse_geometry_in(lines, str(where))
    except InputError as error:
        raise EngineError(f"{where}: the geometry in the output cannot be read ({error})", kind="crash") from None
    stated = _count(text, "Number of atoms ")
    if stated and stated != len(structure):
        raise EngineError(f"{where}: {stated} atoms stated, {len(structure)} found in the geometry", kind="crash")
    return structure


def _until_rule(lines: list[str]) -> list[str]:
    """Lines up to the first ruled or blank line after the first atom."""
    seen = False
    kept: list[str] = []
    for line in lines:
        words = line.split()
        seen = seen or words[:1] == ["atom"]
        if seen and (not words or words[0].startswith("---")):
            break
        kept.append(line)
    return [line for line in kept if line.strip()]


def _forces(text: str, atoms: int, where: Path) -> Floats | None:
    """The last forces printed, of the last self-consistent cycle's geometry."""
    blocks = list(_FORCES.finditer(text, max(text.rfind(SCF_BEGINS), 0)))
    if not blocks:
        return None
    lines = text[blocks[-1].end() :].split("\n", atoms)[:atoms]
    return _numbers([line.split()[2:] for line in lines], (atoms, 3), "forces", where)


def _stress(text: str, where: Path) -> Floats | None:
    begin = max(text.rfind(title) for title in _STRESSES)
    if begin < 0:
        return None
    lines = [line.split() for line in text[begin:].split("\n", 10)[:10]]
    rows = [words[2:5] for words in lines if len(words) == 6 and words[1] in ("x", "y", "z")]
    return _numbers(rows, (3, 3), "stress", where)


def _numbers(rows: list[list[str]], shape: tuple[int, int], what: str, where: Path) -> Floats:
    try:
        found = np.array(rows, dtype=float)
    except ValueError:
        found = np.zeros((0, 0))
    if found.shape != shape or not np.isfinite(found).all():
        raise EngineError(f"{where}: the {what} cannot be read", kind="crash")
    return found


def _seconds(text: str, where: Path) -> float:
    found = _TOTAL_TIME.findall(text)
    try:
        return float(found[-1][1])
    except (IndexError, ValueError):
        raise EngineError(f"{where}: the total time is missing", kind="crash") from None


def _count(text: str, label: str) -> int:
    found = re.search(r"\| " + re.escape(label) + r"\s*:\s*(\d+)", text)
    return int(found.group(1)) if found else 0
