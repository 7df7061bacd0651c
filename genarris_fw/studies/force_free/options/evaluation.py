"""The options of PINN_Evaluate and Field_Lines."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Flag, OutputFolder, Whole
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.studies.force_free.options.fields import fields_before, find_fields, refuse_unknown
from genarris_fw.studies.force_free.options.training import PINNTrainOptions
from genarris_fw.studies.force_free.options.values import Names


class PINNEvaluateOptions(SharedOptions):
    """Judge trained networks: metrics against their field, divergence and force by height; tables and pictures."""

    procedure: ClassVar[str] = "PINN_Evaluate"
    order: ClassVar[int] = 450
    results: ClassVar[dict[str, str]] = {
        "trainings": "{} judged",
        "best": "best: {}",
        "best_E_n": "E_n' {:.3f}",
        "best_E_m": "E_m' {:.3f}",
    }

    train_step: str = derived("The step that trained the networks", "")
    pictures: Flag = option("Whether pictures are drawn", True, changes_results=False)
    output_dir: OutputFolder | None = option("Folder of tables and pictures", default_words="the step's name")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the trainings."""
        find_trainings(bench, draft)
        bench.output_pool(draft)


class FieldLinesOptions(SharedOptions):
    """Trace the field lines of fields, and of the networks that were trained on them."""

    procedure: ClassVar[str] = "Field_Lines"
    order: ClassVar[int] = 460
    results: ClassVar[dict[str, str]] = {"fields": "lines of {} fields", "closed": "{} closed", "open": "{} open"}

    fields: Names | None = option(
        "Fields", category="inferred", default_words="all reference fields that earlier steps make"
    )
    trained: Flag = option("Whether those of an earlier PINN_Train are traced, too", True)
    seeds_along_edge: Whole = option(
        "Lines begin at the bottom, in a square of so many by so many points", 17, ge=1, le=1000
    )
    train_step: str | None = derived("The step that trained the networks")
    pictures: Flag = option("Whether pictures are drawn", True, changes_results=False)
    output_dir: OutputFolder | None = option("Folder of lines and pictures", default_words="the step's name")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find fields and trainings."""
        names = draft.options["fields"]
        if names is None:
            find_fields(bench, draft)
        else:
            refuse_unknown(bench, draft, "fields", names, fields_before(bench))
        before = bench.earlier(PINNTrainOptions.procedure)
        if before and draft.options["trained"]:
            draft.put("train_step", before.step.name, f"inferred from step {before.step.name}")
        bench.output_pool(draft)


def find_trainings(bench: Bench, draft: Draft) -> None:
    """Set the step whose trainings are meant: the last PINN_Train before."""
    before = bench.earlier(PINNTrainOptions.procedure)
    if before is None:
        bench.missing_pool(
            draft.line, "no earlier procedure trains networks; expected PINN_Train before it", draft.section
        )
        return
    draft.put("train_step", before.step.name, f"inferred from step {before.step.name}")
