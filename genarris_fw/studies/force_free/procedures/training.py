"""PINN_Train: networks that learn to be force-free fields, each an item that goes on after a kill where it was."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw import __version__
from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import EngineError, InputError, Interrupted
from genarris_fw.names import made_safe
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.done_items import done_items, publish_results
from genarris_fw.procedures.kit.item_files import ItemFiles, forget_checkpoints, forget_item_files
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.options.memory import training_too_large
from genarris_fw.studies.force_free.options.training import PINNTrainOptions
from genarris_fw.studies.force_free.procedures.fields import load_field, potential_of
from genarris_fw.studies.force_free.procedures.problem import Problem, needs_potential, problem
from genarris_fw.studies.force_free.training.curve import COLUMNS
from genarris_fw.studies.force_free.training.training import Trained, Training
from genarris_fw.threads import one_thread

Step = Campaign[PINNTrainOptions]
LONGEST_KEY = 80  # it is the name of a file, too
Arrays = Mapping[str, NDArray[Any]]
# What is kept of the fit to the potential field; None where there is none.
FIT = ("loss", "iterations", "evaluations", "cpu_seconds")
Fit = NDArray[np.float64] | None


@explicit_serialize
class PINNTrain(Procedure[PINNTrainOptions]):
    """Train networks: an item is a field, settings and a seed."""

    _fields: dict[str, Field]  # by name, read once per replica

    def plan(self, campaign: Step) -> list[Item]:
        """Return an item for each field, each combination of settings and each seed."""
        options = campaign.options
        assert options.fields is not None  # resolved
        return [
            Item(key_of(options, field, settings, seed), {"field": field, "settings": settings, "seed": seed})
            for field in options.fields
            for settings in options.settings()
            for seed in seeds_of(campaign)
        ]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Train a network, from its checkpoint where there is one."""
        try:
            return self._trained(campaign, item)
        except InputError as error:  # it will not be better the next time
            raise EngineError(str(error), "input", permanent=True) from None

    @one_thread()
    def _trained(self, campaign: Step, item: Item) -> Outcome:
        name, settings, seed = item.payload["field"], item.payload["settings"], item.payload["seed"]
        field = self._field(campaign, name)
        for line in training_too_large(settings, field.grid.shape, campaign.options.memory):
            raise InputError(line)
        potential = potential_of(campaign, name, field) if needs_potential(settings) else None
        what = problem(field, potential, settings, seed)
        files = ItemFiles(campaign, item)
        with files.checkpoint() as kept:
            training, fit = started(what) if kept is None else resumed(what, kept)
        trained = training.run(Keeping(campaign, files, fit))
        about = {
            "field": name,
            "field_digest": field.digest,
            "field_about": dict(field.about),
            "potential_digest": potential.digest if potential else None,
            "settings": settings,
            "seed": seed,
            "version": __version__,
            **found(what, trained, fit),
        }
        arrays = {"parameters": trained.parameters, "curve": trained.curve, "about": np.asarray(json.dumps(about))}
        return Outcome(about | {"file": files.result(lambda path: write_arrays(path, arrays))})

    def _field(self, campaign: Step, name: str) -> Field:
        if not hasattr(self, "_fields"):
            self._fields = {}
        if name not in self._fields:
            self._fields[name] = load_field(campaign, name)
        return self._fields[name]

    def committed(self, campaign: Step, items: list[Item]) -> None:  # type: ignore[override]
        """Let the checkpoints go."""
        forget_checkpoints(campaign, items)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the trained parameters known by name."""
        folder = campaign.options.output_dir
        assert folder is not None  # resolved
        done = done_items(campaign, "no network could be trained")
        publish_results(campaign, done, lambda key: training_name(campaign.step, key), Path(folder), "the parameters")
        losses = [record["outcome"]["loss"] for record in done]
        seconds = sum(record["outcome"]["cpu_seconds"] for record in done)
        return {"trainings": len(done), "lowest_loss": min(losses), "cpu_seconds": seconds}

    @classmethod
    def tidy(cls, catalogue: Catalogue, run: str, step: str, folders: Any) -> None:
        """Remove what was kept on the way."""
        forget_item_files(catalogue, run, step, folders)


class Keeping:
    """Keeps a training now and then, and when the time is over.

    Parameters
    ----------
    campaign : Campaign
        The step.
    files : ItemFiles
        Where it is kept.
    fit : ndarray or None
        What is known of the fit before the training (`FIT`), which is not done again.
    """

    def __init__(self, campaign: Step, files: ItemFiles, fit: Fit = None) -> None:
        self.campaign, self.files = campaign, files
        self.fit = {} if fit is None else {"fit": fit}
        self.seconds = campaign.options.checkpoint_seconds
        self._last = time.monotonic()

    def __call__(self, training: Training) -> None:
        """Take note of an iteration.

        Raises
        ------
        Interrupted
            When the time is over.
        LeaseLost
            When another replica has the item.
        """
        ending = self.campaign.walltime.ending()
        if not ending and time.monotonic() - self._last < self.seconds:
            return
        state = {**training.state(), **self.fit}
        self.files.keep(lambda path: write_arrays(path, state), iterations=training.iterations)
        self._last = time.monotonic()
        if ending:
            raise Interrupted(f"{self.files.item.key}: the time is over after {training.iterations} iterations")


def key_of(options: PINNTrainOptions, field: str, settings: dict[str, Any], seed: int) -> str:
    """Return the key of a training: its field, what is varied, its seed; a name of a file as well."""
    varied = [f"{name}={_short(settings[name])}" for name in options.varied]
    name = made_safe("-".join([field, *varied, f"seed={seed}"]), "training", 2 * LONGEST_KEY)
    return name if len(name) <= LONGEST_KEY else f"{name[:LONGEST_KEY]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _short(value: Any) -> str:
    return "_".join(f"{part:g}" for part in value) if isinstance(value, list) else str(value)


def seeds_of(campaign: Step) -> list[int]:
    """Return the seeds: those that are named, or so many from the run's seed on."""
    seeds = campaign.options.seeds
    return seeds if isinstance(seeds, list) else [campaign.seed + number for number in range(seeds)]


def training_name(step: str, key: str) -> str:
    """Return by which name the parameters of a training are found."""
    return f"training{step.removeprefix(PINNTrainOptions.procedure.lower())}/{key}"


def started(what: Problem) -> tuple[Training, Fit]:
    """Return a training at its beginning, and what is known of the fit before it (`FIT`)."""
    fitted = what.fitted()
    if fitted is None:
        return Training(what.losses, what.start, what.settings), None
    fit = np.array([fitted.value, fitted.iterations, fitted.evaluations, fitted.cpu_seconds])
    return Training(what.losses, fitted.parameters, what.settings), fit


def resumed(what: Problem, kept: Path) -> tuple[Training, Fit]:
    """Return a training where it was kept, and what is known of the fit before it; the file's arrays are let go."""
    training, state = Training(what.losses, what.start, what.settings), read_arrays(kept)
    training.restore(state)
    return training, state.get("fit")


def found(what: Problem, trained: Trained, fit: Fit) -> dict[str, Any]:
    """Return what a document says of a training that is over."""
    last = dict(zip(COLUMNS, trained.curve[-1].tolist()))
    fitting: dict[str, Any] | None = None if fit is None else dict(zip(FIT, fit.tolist()))
    return {
        "parameters": what.shape.parameters,
        "envelope": asdict(what.envelope),
        "fit": fitting,
        "loss": trained.value,
        "terms": {name: _or_none(last[name]) for name in ("boundary", "divergence", "force")},
        "iterations": trained.iterations,
        "evaluations": trained.evaluations,
        "why_ended": trained.why_ended,
        "parameters_digest": hashlib.sha256(trained.parameters.astype("<f8").tobytes()).hexdigest(),
        "cpu_seconds": trained.cpu_seconds + (fitting["cpu_seconds"] if fitting else 0.0),
    }


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays as one file."""
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
