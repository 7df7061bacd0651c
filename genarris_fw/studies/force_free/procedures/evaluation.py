"""PINN_Evaluate: how good trained networks are; an item is one of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from genarris_fw.errors import EngineError, InputError, RunFailed
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.done_items import done_items
from genarris_fw.procedures.kit.run_files import about_file, published_file
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.judging.metrics import metrics
from genarris_fw.studies.force_free.network.envelope import Envelope
from genarris_fw.studies.force_free.network.evaluate import values_and_jacobian
from genarris_fw.studies.force_free.options.evaluation import PINNEvaluateOptions
from genarris_fw.studies.force_free.procedures.fields import load_field, potential_of
from genarris_fw.studies.force_free.procedures.problem import shape_of
from genarris_fw.studies.force_free.procedures.tables import write_pictures, write_tables
from genarris_fw.studies.force_free.procedures.trained import trainings
from genarris_fw.studies.force_free.procedures.training import read_arrays
from genarris_fw.threads import one_thread

Step = Campaign[PINNEvaluateOptions]

# Of these fields only the boundary is known: no metrics, but factors by height.
MEASURED = "magnetogram"


@explicit_serialize
class PINNEvaluate(Procedure[PINNEvaluateOptions]):
    """Judge trained networks."""

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
        except InputError as error:  # it will not be better the next time
            raise EngineError(str(error), "input", permanent=True) from None

    @one_thread()
    def _judged(self, campaign: Step, name: str) -> Outcome:
        about = about_file(campaign, name)
        reference = load_field(campaign, about["field"])
        potential = potential_of(campaign, about["field"], reference)
        with published_file(campaign, name) as path:
            parameters = read_arrays(path)["parameters"]
        values, jacobian = values_and_jacobian(
            shape_of(about["settings"]), parameters, reference.grid.points(), Envelope(**about["envelope"])
        )
        found = Field(reference.grid, np.ascontiguousarray(values.T).reshape(reference.values.shape))
        known = reference.about.get("kind") != MEASURED
        return Outcome(
            {
                "training": name,
                "made_from": about,
                "potential_digest": potential.digest,
                "metrics": metrics(reference, found, potential) if known else {},
                "energy_over_potential": float(np.sum(found.values**2) / np.sum(potential.values**2)),
                "boundary_error": _boundary_error(reference, found),
                "factors": {what: one.tolist() for what, one in height_factors(found, jacobian).items()},
            }
        )

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Write tables and pictures; name the best."""
        done = [record["outcome"] for record in done_items(campaign, "no network could be judged")]
        if campaign.sees_folder():
            write_tables(campaign, done)
            if campaign.options.pictures:
                write_pictures(campaign, done)
        summary: dict[str, Any] = {"trainings": len(done)}
        judged = [one for one in done if one["metrics"]]
        if judged:
            best = max(judged, key=lambda one: one["metrics"]["E_m"])
            figures = {f"best_{name}": best["metrics"][name] for name in ("C_vec", "C_CS", "E_n", "E_m", "energy")}
            summary |= {"best": best["training"].partition("/")[2], **figures}
        return summary


def _boundary_error(reference: Field, found: Field) -> float:
    """Return the error of the vectors on the lower face over the vectors there: sum |b - B| / sum |B|."""
    known, there = reference.values[:, :, :, 0], found.values[:, :, :, 0]
    size = float(np.linalg.norm(known, axis=0).sum())
    return float(np.linalg.norm(there - known, axis=0).sum() / size) if size else 0.0
