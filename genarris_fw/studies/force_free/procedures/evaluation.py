"""PINN_Evaluate: how good trained networks are; tables and pictures of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import EngineError, InputError, RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.run_files import about_file, published_file
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.judging.metrics import metrics
from genarris_fw.studies.force_free.network.evaluate import field_of
from genarris_fw.studies.force_free.options.evaluation import PINNEvaluateOptions
from genarris_fw.studies.force_free.procedures.fields import load_field, potential_of
from genarris_fw.studies.force_free.procedures.problem import shape_of
from genarris_fw.studies.force_free.procedures.training import read_arrays, training_name
from genarris_fw.threads import one_thread

Step = Campaign[PINNEvaluateOptions]

# Of these fields only the boundary is known.
MEASURED = "magnetogram"


def trained_field(campaign: Campaign[SharedOptions], name: str, reference: Field) -> tuple[Field, NDArray[np.float64]]:
    """Return the field that a trained network is on the nodes of its reference, and its parameters."""
    about = about_file(campaign, name)
    with published_file(campaign, name) as path:
        parameters = read_arrays(path)["parameters"]
    return field_of(shape_of(about["settings"]), parameters, reference.grid, about["field_scale"]), parameters


def trainings(campaign: Campaign[SharedOptions], step: str) -> list[str]:
    """Return the names of the trainings of a step, sorted."""
    return sorted(campaign.catalogue.artifacts.names(campaign.run, training_name(step, "")))


@explicit_serialize
class PINNEvaluate(Procedure[PINNEvaluateOptions]):
    """Judge trained networks: an item is one of them."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return an item for each training."""
        names = trainings(campaign, campaign.options.train_step)
        if not names:
            raise RunFailed(f"{campaign.step}: step {campaign.options.train_step} has trained no network")
        return [Item(name.partition("/")[2], {"training": name}) for name in names]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Judge one."""
        try:
            return self._judged(campaign, item.payload["training"])
        except InputError as error:
            raise EngineError(str(error), "input", permanent=True) from None

    @one_thread()
    def _judged(self, campaign: Step, name: str) -> Outcome:
        about = about_file(campaign, name)
        reference = load_field(campaign, about["field"])
        potential = potential_of(campaign, about["field"], reference)
        found, parameters = trained_field(campaign, name, reference)
        known = reference.about.get("kind") != MEASURED
        summary = {"training": name, **about, "metrics": metrics(reference, found, potential) if known else {}}
        return Outcome(summary)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Write tables and pictures."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        if not done:
            failures = campaign.catalogue.work_items.failures(campaign.run, campaign.step)
            raise RunFailed(f"{campaign.step}: no network could be judged: {failures[0]['error'] if failures else ''}")
        judged = [record["outcome"] for record in done if record["outcome"]["metrics"]]
        best = max(judged, key=lambda one: one["metrics"]["E_m"], default=None)
        return {"trainings": len(done)} | (
            {"best": best["training"].partition("/")[2], "best_E_n": best["metrics"]["E_n"], "best_E_m": best["metrics"]["E_m"]}
            if best
            else {}
        )
