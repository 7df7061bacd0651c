"""FHI-aims: reading its outputs. Launching it is not available in this version.

An output counts only when it is whole: one run, ended by its own closing words, with one final energy. An output
that stops earlier never yields an energy, however much of it there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.crystal.geometry_in import parse_geometry_in
from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.base import Context, Engine, Evaluation
from genarris_fw.errors import EngineError, InputError

BEGINNING = "Invoking FHI-aims"
END = "Have a nice day."
SCF_BEGINS = "Begin self-consistency loop"
SCF_RESTARTED = "restarting mixer"
SCF_CONVERGED = "Self-consistency cycle converged."
GEOMETRY_CONVERGED = "Present geometry is converged."
GEOMETRY_NOT_CONVERGED = "Present geometry is not yet converged."

_ENERGY = re.compile(r"^\s*\| Total energy of the DFT / Hartree-Fock s\.c\.f\. calculation\s*:(.*)$", re.M)
_VERSION = re.compile(r"^\s*(?:FHI-aims version\s*:|Version)\s*(\S+)", re.M)
_TOTAL_TIME = re.compile(r"^\s*\| Total time\s*:\s*(\S+) s\s+(\S+) s\s*$", re.M)
_RELAXATION_ASKED = re.compile(r"^\s*Geometry relaxation: (?!not )", re.M)
_GEOMETRY_BLOCK = re.compile(r"^\s*(?:Final|Updated) atomic structure:\s*$", re.M)
_ECHO = "Parsing geometry.in (first pass over file, find array dimensions only)."
_ECHO_END = "Completed first pass over input file geometry.in"

# What an unfinished output says about why, in lower case, the most telling first; looked for near its end.
_CAUSES = (
    ("memory", ("out of memory", "oom-kill", "oom_kill", "cannot allocate", "insufficient virtual memory")),
    ("walltime", ("due to time limit", "walltime", "time limit exceeded", "sigterm")),
    ("launcher", ("command not found", "execvp", "error while loading shared libraries", "not enough slots")),
    ("relaxation", ("inconsistency of forces",)),
    ("scf", ("cycle not converged", "cycle did not converge", "cycle not yet converged")),
)
_NEAR_THE_END = 20_000


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
    try:
        text = where.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise EngineError(f"{where}: no FHI-aims output ({error.strerror or error})", kind="launcher") from None
    _refuse_parts(text, where)
    energy = _final_energy(text, where)
    scf_converged = _scf_converged(text)
    relaxation_converged = _relaxation_converged(text)
    converged = scf_converged and relaxation_converged is not False
    version = _VERSION.search(text)
    return AimsOutput(
        energy=energy if converged else None,
        converged=converged,
        scf_converged=scf_converged,
        relaxation_converged=relaxation_converged,
        structure=_last_structure(text, where, relaxation_converged is not None),
        seconds=_seconds(text, where),
        version=version.group(1) if version else "",
        scf_cycles=_count(text, "Number of self-consistency cycles"),
        relaxation_steps=_count(text, "Number of relaxation steps"),
    )


def classify(text: str) -> str:
    """Return the class of failure (a ``kind`` of `EngineError`) of an output that is not whole."""
    if not text.strip():
        return "launcher"
    ending = text[-_NEAR_THE_END:].lower()
    for kind, words in _CAUSES:
        if any(word in ending for word in words):
            return kind
    if BEGINNING not in text:
        return "launcher"
    aborted = any(word in ending for word in ("abort", "* error", "stopping"))
    return "input" if aborted and SCF_BEGINS not in text else "crash"


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


def _final_energy(text: str, where: Path) -> float:
    found = _ENERGY.findall(text)
    words = found[0].split() if len(found) == 1 else []
    try:
        if len(words) != 2 or words[1] != "eV":
            raise ValueError
        energy = float(words[0])
        if not np.isfinite(energy):
            raise ValueError
    except ValueError:
        stated = "no final energy" if not found else f"{len(found)} final energies" if len(found) > 1 else found[0]
        raise EngineError(f"{where}: expected one final total energy in eV, found {stated.strip()}", "crash") from None
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


def _last_structure(text: str, where: Path, relaxation: bool) -> Structure:
    blocks = list(_GEOMETRY_BLOCK.finditer(text)) if relaxation else []
    if blocks:
        lines = text[blocks[-1].end() :].splitlines()[1:]
        lines = [line for line in _until_rule(lines) if line.split()[:1] in (["atom"], ["lattice_vector"])]
    else:
        begin = text.find(_ECHO)
        end = text.find(_ECHO_END, begin)
        if begin < 0 or end < 0:
            raise EngineError(f"{where}: the geometry cannot be found in the output", kind="crash")
        wanted = ("atom", "atom_frac", "lattice_vector")
        lines = [line for line in text[begin:end].splitlines() if line.strip().startswith(wanted)]
    try:
        structure = parse_geometry_in(lines, str(where))
    except InputError as error:
        raise EngineError(f"{where}: the geometry in the output cannot be read ({error})", kind="crash") from None
    stated = _count(text, "Number of atoms ")
    if stated and stated != len(structure):
        raise EngineError(f"{where}: {stated} atoms stated, {len(structure)} found in the geometry", kind="crash")
    return structure


def _until_rule(lines: list[str]) -> list[str]:
    """Lines up to the first ruled line after the first atom."""
    seen = False
    kept: list[str] = []
    for line in lines:
        words = line.split()
        seen = seen or words[:1] == ["atom"]
        if seen and (not words or words[0].startswith("---")):
            break
        kept.append(line)
    return [line for line in kept if line.strip()]


def _seconds(text: str, where: Path) -> float:
    found = _TOTAL_TIME.findall(text)
    try:
        return float(found[-1][1])
    except (IndexError, ValueError):
        raise EngineError(f"{where}: the total time is missing", kind="crash") from None


def _count(text: str, label: str) -> int:
    found = re.search(r"\| " + re.escape(label) + r"\s*:\s*(\d+)", text)
    return int(found.group(1)) if found else 0


def installed() -> tuple[bool, str]:
    """Return whether FHI-aims can be launched, and a remark for the user."""
    return False, _REMARK


_REMARK = "launching FHI-aims is not available in this version; its outputs can be read (parse_output)"


class AimsEngine(Engine):
    """FHI-aims as an engine: refused in this version.

    Raises
    ------
    EngineError
        Kind ``missing``, always.
    """

    name = "aims"

    def __init__(self, **settings: Any) -> None:
        raise EngineError(f"engine aims: {_REMARK}; choose engine = tblite or ase", kind="missing", permanent=True)

    @property
    def version(self) -> str:
        """Not known."""
        return "FHI-aims"

    def evaluate(self, structure: Any, relax: bool = False, context: Context | None = None) -> Evaluation:
        """Never reached."""
        raise EngineError(f"engine aims: {_REMARK}", kind="missing", permanent=True)
