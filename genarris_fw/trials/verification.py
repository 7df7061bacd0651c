"""Verifying a cluster's FHI-aims: published calculations done again, and their energies compared."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.engines import Context, get
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.trials.published import Case, other_settings, published
from genarris_fw.views.layout import ByWidth
from genarris_fw.views.wording import duration

AGREES, DISAGREES, FAILED, NOT_RUN = "agrees", "disagrees", "failed", "not run"
STYLES = {AGREES: "green", DISAGREES: "red", FAILED: "red", NOT_RUN: "yellow"}
# The two crystals whose difference in energy does not depend on constants that all structures have in common.
PAIR = ("geometry_00c3602574", "geometry_1d32b19e61")


@dataclass(frozen=True)
class Checked:
    """How one case came out.

    Attributes
    ----------
    name : str
        Of the case.
    verdict : str
        ``agrees``, ``disagrees``, ``failed`` or ``not run``.
    published, tolerance : float
        eV.
    energy, difference : float or None
        eV; None where there is no energy.
    seconds : float or None
        Wall time.
    version : str
        What FHI-aims says of itself.
    kind, remark : str
        Class of a failure, and its words or why a case was not run.
    """

    name: str
    verdict: str
    published: float
    tolerance: float
    energy: float | None = None
    difference: float | None = None
    seconds: float | None = None
    version: str = ""
    kind: str = ""
    remark: str = ""


def notes_on(controls: Mapping[str, Path]) -> list[str]:
    """Return in which settings control files differ from the published ones, a line for each file.

    Parameters
    ----------
    controls : mapping
        The tutorial's name of a control file -> the user's file.

    Raises
    ------
    InputError
        For a file that cannot be read.
    """
    notes = []
    for name, path in controls.items():
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give the tutorial's {name}") from None
        more, lacking = other_settings(text, name)
        if more or lacking:
            words = [f"has {', '.join(map(repr, more))}"] if more else []
            words += [f"lacks {', '.join(map(repr, lacking))}"] if lacking else []
            notes.append(f"{path} is not the published {name}: it {' and '.join(words)}; energies will differ")
    return notes


def verify(case: Case, control: Path, settings: Mapping[str, Any], context: Context) -> Checked:
    """Do a published calculation again.

    Parameters
    ----------
    case : Case
        The calculation.
    control : Path
        Its control file.
    settings : mapping
        Of the engine aims, besides ``control_path``.
    context : Context
        Its folder has to be new.

    Returns
    -------
    Checked
        Failures are in it, not raised.
    """
    began = time.perf_counter()
    try:
        engine = get("aims", control_path=str(control), **settings)
        evaluation = engine.evaluate(case.structure, relax=case.relax, context=context)
    except GenarrisError as error:
        kind = getattr(error, "kind", "input")
        words = f"{' '.join(str(error).split()).removeprefix(f'{case.name}: ')} (class {kind})"
        seconds = time.perf_counter() - began
        return Checked(case.name, FAILED, case.energy, case.tolerance, seconds=seconds, kind=kind, remark=words)
    difference = evaluation.energy - case.energy
    verdict = AGREES if evaluation.converged and abs(difference) <= case.tolerance else DISAGREES
    version = str(evaluation.details.get("version", ""))
    found = (evaluation.energy, difference, evaluation.seconds, version)
    return Checked(case.name, verdict, case.energy, case.tolerance, *found)


def relative_energy(results: Sequence[Checked]) -> tuple[float, float] | None:
    """Return the energy difference (eV) of the two published crystals as computed and as published, or None."""
    energies = {result.name: (result.energy, result.published) for result in results}
    (first, published_first), (second, published_second) = (energies.get(name, (None, 0.0)) for name in PAIR)
    return None if first is None or second is None else (first - second, published_first - published_second)


def as_record(results: Sequence[Checked], notes: Sequence[str], folder: Path) -> dict[str, Any]:
    """Return everything as plain values."""
    about, pair = published(), relative_energy(results)
    return {
        "source": about.source,
        "folder": str(folder),
        "notes": list(notes),
        "cases": [asdict(result) for result in results],
        "relative": None if pair is None else {"energy": pair[0], "published": pair[1]},
    }


def render(results: Sequence[Checked], folder: Path) -> RenderableType:
    """Return the results for a terminal."""
    about = published()
    parts: list[RenderableType] = [ByWidth(lambda wide: _table(results, wide))]
    parts += [Text(f"{r.name}: {r.remark}", STYLES[r.verdict]) for r in results if r.remark]
    if pair := relative_energy(results):
        parts.append(Text(f"{PAIR[0]} - {PAIR[1]}: {pair[0]:.6f} eV, published {pair[1]:.6f} eV"))
    tolerances = dict.fromkeys(f"{result.tolerance:g}" for result in results)
    words = (
        " or ".join(tolerances) + " eV (a relaxed crystal)" if len(tolerances) > 1 else f"{next(iter(tolerances))} eV"
    )
    parts.append(Text(f"agrees: within {words}", "dim"))
    versions = ", ".join(dict.fromkeys(r.version for r in results if r.version))
    if versions:
        parts.append(Text(f"{versions}; published: version {about.version} on {about.tasks} tasks", "dim"))
    if any(r.verdict != NOT_RUN for r in results):
        parts.append(Text(f"files: {folder}", "dim"))
    return Group(*parts)


def _table(results: Sequence[Checked], wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2 if wide else 1, 0, 0))
    table.add_column("case", no_wrap=True)
    for name in ("energy (eV)", "published", "difference", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    digits = 9 if wide else 6
    for result in results:
        energy = "" if result.energy is None else f"{result.energy:.{digits}f}"
        difference = "" if result.difference is None else f"{result.difference:+.{6 if wide else 4}f}"
        verdict = Text(result.verdict, STYLES[result.verdict])
        stated = f"{result.published:.{digits}f}"
        table.add_row(result.name, energy, stated, difference, duration(result.seconds), verdict)
    return table


def summary(results: Sequence[Checked]) -> str:
    """Return the outcome in a line, with what to do about energies that disagree."""
    counts = {verdict: sum(r.verdict == verdict for r in results) for verdict in STYLES}
    plural = {AGREES: "agree", DISAGREES: "disagree"}
    words = ", ".join(
        f"{number} {verdict if number == 1 else plural.get(verdict, verdict)}"
        for verdict, number in counts.items()
        if number
    )
    if not counts[DISAGREES]:
        return words
    return (
        f"{words}: compare the settings and species defaults; where version and defaults differ, all energies may "
        "be shifted while the difference of the two crystals still agrees"
    )
