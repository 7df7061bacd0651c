"""Whether the engines of a run work here, and how long they take: each is tried on a molecule and a crystal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from genarris_fw.engines import engine_class, installed
from genarris_fw.engines.relaxing.settings import RelaxationSettings
from genarris_fw.errors import InputError
from genarris_fw.options import Configuration
from genarris_fw.procedures.options.engine_procedures import CallsEngine
from genarris_fw.trials.estimates import time_of_one
from genarris_fw.trials.samples import Sample, sample_crystal, sample_molecule
from genarris_fw.trials.trial import (
    MORE_TIME,
    Trial,
    Tried,
    carry_out,
    carry_out_apart,
    throwaway_folder,
    wants_communicator,
)

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

# What helps a trial, besides what the engine says.
HINTS = {"launcher": "on a login node leave the trial out with --no-engine-test", "walltime": MORE_TIME}
OVER_MPI = "it is driven over MPI: try it with mpirun -n 2 genarris-fw check --engine ui.conf"


@dataclass
class Use:
    """An engine with settings that one or more steps use.

    Attributes
    ----------
    engine : str
        Its name.
    settings : dict
        Plain values.
    cores : int
        Of each evaluation.
    steps : list of str
        Names of the steps.
    molecule, crystal : bool
        What it is tried on: what the steps give it. Not every engine or control file is made for both.
    """

    engine: str
    settings: dict[str, Any]
    cores: int
    steps: list[str] = field(default_factory=list)
    molecule: bool = False
    crystal: bool = False


def uses(configuration: Configuration) -> list[Use]:
    """Return the engines of a run's steps, those with the same settings once.

    How a relaxation is carried out makes no difference to a single point, and is not compared.
    """
    from genarris_fw.farm.resources import replica_cores

    found: dict[str, Use] = {}
    for step in configuration.steps:
        options = step.typed()
        if not isinstance(options, CallsEngine) or options.engine is None:
            continue
        engine = options.engine
        settings = engine_class(engine).of_a_run(dict(options.engine_settings), options.omp_num_threads)
        of_a_point = {k: v for k, v in settings.items() if k not in RelaxationSettings.model_fields}
        cores = replica_cores(options, step.origins) or 1
        key = json.dumps([engine, of_a_point, cores], sort_keys=True, default=str)
        use = found.setdefault(key, Use(engine, settings, cores))
        use.steps.append(step.name)
        if options.makes_molecule:
            use.molecule = True
        else:
            use.crystal = True
    return list(found.values())


def check_engines(
    configuration: Configuration,
    seconds: float,
    communicator: Comm | None = None,
    trying: Callable[[str], object] | None = None,
) -> dict[str, Any]:
    """Try every engine of a run; nothing is kept.

    Parameters
    ----------
    configuration : Configuration
        The resolved ``ui.conf``.
    seconds : float
        Time limit of all trials together.
    communicator : mpi4py.MPI.Comm, optional
        Engines that are driven over MPI are tried over it, in all its ranks at a time; the others, and without it
        all, in a process of their own.
    trying : callable, optional
        Told in words what is tried next.

    Returns
    -------
    dict
        ``trials`` (each ``engine``, ``version``, ``steps``, ``cores``, ``points``: ``about``, ``atoms``,
        ``seconds``, ``energy`` in eV per cell; ``kind`` and ``error`` of a failure, ``not_tried``: why), and
        ``problems``, one line each.
    """
    found: dict[str, Any] = {"trials": [], "problems": []}
    wanted = uses(configuration)
    try:
        samples = {
            "molecule": sample_molecule(configuration) if any(use.molecule for use in wanted) else None,
            "crystal": sample_crystal(configuration) if any(use.crystal for use in wanted) else None,
        }
    except (InputError, OSError) as error:
        # The rest of the check says what is wrong with the molecule, too.
        return {"trials": [], "problems": [f"the engines were not tried: {error}"]}
    deadline = time.time() + seconds
    for use in wanted:
        chosen = [sample for name, sample in samples.items() if getattr(use, name) and sample is not None]
        if trying is not None:
            trying(f"trying the engine {use.engine} on {' and '.join(_few_words(sample) for sample in chosen)}")
        found["trials"].append(_try(use, chosen, deadline, Path(configuration.folder), communicator))
    found["problems"] = [problem for trial in found["trials"] if (problem := _problem(trial))]
    return found


def missing_engines(configuration: Configuration) -> list[str]:
    """Return a line for each engine that a step uses and that is not to be had here."""
    missing = configuration.unavailable_engines()
    remarks = installed(missing) if missing else {}
    return [_missing(name, remarks.get(name, (False, "this version does not know it"))[1]) for name in missing]


def any_over_mpi(configuration: Configuration) -> bool:
    """Return whether one of a run's engines is driven over MPI."""
    return any(wants_communicator(Trial(use.engine, use.settings, [])) for use in uses(configuration))


def _try(use: Use, samples: Sequence[Sample], deadline: float, near: Path, communicator: Comm | None) -> dict[str, Any]:
    about = {sample.structure.struct_id: sample.about for sample in samples}
    settings = engine_class(use.engine).for_single_points(use.settings)
    trial = Trial(use.engine, settings, [sample.structure for sample in samples], use.cores)
    record: dict[str, Any] = {"engine": use.engine, "version": "", "steps": use.steps, "cores": use.cores}
    record |= {"points": [], "kind": "", "error": "", "not_tried": ""}
    left = deadline - time.time()
    if not samples:
        return record | {"not_tried": "the run names no molecule and no structure to try it on"}
    if left <= 0:
        return record | {"not_tried": "the time for trials was over"}
    if communicator is not None and wants_communicator(trial):
        tried = _together(trial, deadline, near, communicator)
    elif communicator is not None and communicator.rank:
        return record | {"not_tried": "the first rank tries it"}
    else:
        tried = carry_out_apart(trial, left, near)
    if tried.over_mpi:
        return record | {"version": tried.version, "not_tried": OVER_MPI}
    points = [point | {"about": about[point["struct_id"]]} for point in tried.points]
    return record | {"version": tried.version, "points": points, "kind": tried.kind, "error": tried.error}


def _together(trial: Trial, deadline: float, near: Path, communicator: Comm) -> Tried:
    """Try in all ranks, in a folder that the first rank makes and removes when all are done with it."""
    from genarris_fw.farm.crews.crew import share

    with ExitStack() as stack:
        place = str(stack.enter_context(throwaway_folder(near))) if communicator.rank == 0 else None
        tried = carry_out(trial, Path(share(communicator, place)), deadline, communicator)
        communicator.Barrier()
    return tried


def _problem(trial: dict[str, Any]) -> str:
    """Say in one line what failed, and what to do."""
    if trial["kind"] == "missing":
        return _missing(trial["engine"], trial["error"])
    if not trial["error"]:
        unconverged = [point["about"] for point in trial["points"] if not point["converged"]]
        if not unconverged:
            return ""
        trial["kind"] = "scf"
        trial["error"] = f"not converged on the {unconverged[0]}; look at the settings of its self-consistent cycle"
    on = ", ".join(trial["steps"])
    hint = HINTS.get(trial["kind"], "")
    more = "" if not hint or hint in trial["error"] else f"; {hint}"
    return f"engine {trial['engine']} failed its trial (class {trial['kind']}; for {on}): {trial['error']}{more}"


def _missing(engine: str, remark: str) -> str:
    usable = ", ".join(name for name, (available, _) in installed().items() if available) or "none"
    words = remark.removeprefix(f"engine {engine}: ")
    return f"engine {engine} is missing here ({words}); install it, or set engine to one of: {usable}"


def _few_words(sample: Sample) -> str:
    return sample.about.split(",")[0]


def trial_lines(found: dict[str, Any]) -> list[tuple[str, Text]]:
    """Return what was tried, in words: a name and a text for each trial."""
    lines = []
    for trial in found["trials"]:
        words = [f"{trial['version'] or trial['engine']}"]
        words += [f"{point['about']}: {time_of_one(point['seconds'])}" for point in trial["points"]]
        cores = f" on {trial['cores']} cores" if trial["cores"] > 1 else ""
        text = Text("; ".join(words) + (cores if trial["points"] else ""))
        if trial["error"]:
            text.append(f"; failed (class {trial['kind']})", "red")
        if trial["not_tried"]:
            text.append(f"; not tried: {trial['not_tried']}", "yellow")
        lines.append(("engine trial", text))
    return lines


def render_trials(found: dict[str, Any]) -> Table:
    """Return what was tried for a terminal."""
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, text in trial_lines(found):
        grid.add_row(name, text)
    return grid
