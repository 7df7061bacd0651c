"""How long the engine's part of a run will take: structures by step, times the time of one, over the replicas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from genarris_fw.crystal.formats.files import spans_of
from genarris_fw.errors import InputError
from genarris_fw.options import Configuration
from genarris_fw.options.base import OnStructures, SharedOptions
from genarris_fw.options.configuration import Step
from genarris_fw.options.resolving.draft import STRUCTURE_FILES
from genarris_fw.options.sizes import UNKNOWN, Count
from genarris_fw.procedures.options.engine_procedures import CallsEngine
from genarris_fw.views.wording import counted, duration

# What a relaxation is assumed to cost, in single points of the same structure. Measured for packed crystals of urea
# and benzene with GFN1-xTB: 15 to 29 calls, 20 to 38 times the time; FHI-aims in the benzene tutorial of Genarris 2.0:
# 266 s for 14 steps, 15 to 17 s for a single point of a like cell. Molecules: 6 to 18 times.
RELAXATION_FACTOR = 25
MOLECULE_FACTOR = 10


def said(count: Count) -> str:
    """Return a number of structures in words."""
    if count.number is None:
        return "an unknown number of structures"
    return f"{count.bound} {counted(count.number, 'structure')}".strip()


def pool_sizes(configuration: Configuration, groups: Mapping[str, int]) -> dict[str, Count]:
    """Return how many structures each pool of a run will hold, as far as the options tell.

    Parameters
    ----------
    configuration : Configuration
        The resolved ``ui.conf``.
    groups : mapping
        Step of a generation -> the number of space groups that it will use.

    Returns
    -------
    dict
        Pool -> count. A pool that two steps write into has the count of the last.
    """
    sizes: dict[str, Count] = {}
    for step in configuration.steps:
        options = step.options
        source = options.get("input_pool")
        if source and options.get("import_folder") and source not in sizes:
            sizes[source] = _in_folder(Path(options["import_folder"]))
        before = sizes.get(source, UNKNOWN) if source else UNKNOWN
        model = step.typed()
        made = model.structures_made(before, groups.get(step.name) or sum(groups.values()) or None)
        if options.get("exemplars_pool"):
            sizes[options["exemplars_pool"]] = model.exemplars_made(before)
        if options.get("output_pool"):
            sizes[options["output_pool"]] = made
    return sizes


def estimate(
    configuration: Configuration, trials: Sequence[Mapping[str, Any]], groups: Mapping[str, int], workers: int
) -> dict[str, Any]:
    """Estimate the time that the engines take in a run.

    Parameters
    ----------
    configuration : Configuration
        The resolved ``ui.conf``.
    trials : sequence of mapping
        As of `genarris_fw.trials.engines.check_engines`.
    groups : mapping
        As in `pool_sizes`.
    workers : int
        Replicas of a step that does not say how many it has.

    Returns
    -------
    dict
        ``steps`` (each ``step``, ``structures``, ``bound``, ``seconds_each``, ``replicas``, ``seconds``, ``cores``,
        ``core_seconds``; None where something is not known), ``seconds`` (of all, None where one is not known) and
        ``assumptions``.
    """
    sizes = pool_sizes(configuration, groups)
    seconds = {name: trial for trial in trials for name in trial["steps"]}
    steps = [
        _step(step, sizes, seconds.get(step.name), workers)
        for step in configuration.steps
        if step.options.get("engine")
    ]
    known = [step["seconds"] for step in steps]
    assumptions = ["every structure takes as long as the one tried"]
    if any(step["relaxes"] == "crystal" for step in steps):
        assumptions.append(f"a crystal's relaxation takes {RELAXATION_FACTOR} single points")
    if any(step["relaxes"] == "molecule" for step in steps):
        assumptions.append(f"a molecule's {MOLECULE_FACTOR}")
    return {"steps": steps, "seconds": None if None in known else sum(known), "assumptions": assumptions}


def _step(step: Step, sizes: Mapping[str, Count], trial: Mapping[str, Any] | None, workers: int) -> dict[str, Any]:
    model = step.typed()
    of_molecule = model.makes_molecule
    source = model.input_pool if isinstance(model, OnStructures) else ""
    count = Count(1) if of_molecule else sizes.get(source, UNKNOWN)
    relaxes = of_molecule or (isinstance(model, CallsEngine) and model.relax)
    each = _seconds_each(model, trial or {}, relaxes)
    cores = (trial or {}).get("cores")
    given = not step.origins.get("num_replicas", "default").startswith("default")
    asked = model.num_replicas if given else workers
    replicas = max(1, min(asked, count.number or 1))
    rounds = None if count.number is None else math.ceil(count.number / replicas)
    return {
        "step": step.name,
        "structures": count.number,
        "bound": count.bound,
        "relaxes": ("molecule" if of_molecule else "crystal") if relaxes else "",
        "seconds_each": each,
        "replicas": replicas,
        "seconds": None if each is None or rounds is None else each * rounds,
        "cores": cores,
        "core_seconds": None if each is None or count.number is None or cores is None else each * count.number * cores,
    }


def _seconds_each(model: SharedOptions, trial: Mapping[str, Any], relaxes: bool) -> float | None:
    """Return what a step takes for one structure, or None where the trial or the options do not tell."""
    of_molecule = model.makes_molecule
    number = model.evaluations if isinstance(model, CallsEngine) else 1
    # An imported crystal keeps its own name.
    points = [p["seconds"] for p in trial.get("points", []) if (p["struct_id"] == "molecule") == of_molecule]
    if not points or number is None or trial.get("error"):
        return None
    factor = MOLECULE_FACTOR if of_molecule else RELAXATION_FACTOR
    return float(points[0] * number * (factor if relaxes else 1))


def _in_folder(folder: Path) -> Count:
    """Count the structures of a folder by its files; those of a database by its rows."""
    if not folder.is_dir():
        return _in_file(folder)
    try:
        names = {path.name.split(".")[0] for path in folder.iterdir() if path.name.endswith(STRUCTURE_FILES)}
    except OSError:
        return UNKNOWN
    return Count(len(names), "about")


def _in_file(file: Path) -> Count:
    try:
        spans = spans_of(file, 1)
    except InputError:
        return UNKNOWN
    return Count(len(spans)) if spans else UNKNOWN


def groups_of(space_groups: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return step -> the number of space groups that it uses, from what `genarris_fw.trials.check.check` found."""
    found: dict[str, int] = {}
    for entry in space_groups:
        found[entry["step"]] = found.get(entry["step"], 0) + bool(entry["sites"])
    return found


def time_of_one(seconds: float) -> str:
    """Return the time of one evaluation in words; a molecule may take some milliseconds."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.095 else duration(seconds)


def estimate_lines(found: Mapping[str, Any]) -> list[tuple[str, Text]]:
    """Return an estimate in words: a line for each step, and one for all with what is assumed."""
    lines = [("estimate", Text(_words(step))) for step in found["steps"]]
    if not lines:
        return []
    total = "not known" if found["seconds"] is None else f"about {duration(found['seconds'])}"
    text = Text(f"{total}, without generation and clustering", "bold")
    if found["seconds"] is not None:
        text.append(f" (assumed: {', '.join(found['assumptions'])})", "not bold dim")
    return [*lines, ("engines in all", text)]


def _words(step: Mapping[str, Any]) -> str:
    count = Count(step["structures"], step["bound"])
    thing = "1 molecule" if step["relaxes"] == "molecule" else said(count)
    each = "an unknown time" if step["seconds_each"] is None else time_of_one(step["seconds_each"])
    over = f" / {step['replicas']} replicas" if step["replicas"] > 1 else ""
    result = "unknown" if step["seconds"] is None else duration(step["seconds"])
    return f"{step['step']}: {thing} x {each}{over} = {result}"
