"""What PINN_Evaluate writes: a table of each field's trainings, and pictures of losses and of factors by height."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genarris_fw.files import write_text
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.run_files import published_file
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.options.evaluation import PINNEvaluateOptions
from genarris_fw.studies.force_free.procedures.fields import load_field
from genarris_fw.studies.force_free.procedures.trained import trained_field
from genarris_fw.studies.force_free.procedures.training import read_arrays
from genarris_fw.studies.force_free.showing.published import CASES
from genarris_fw.studies.force_free.showing.tables import as_csv, as_markdown, our_row, table
from genarris_fw.studies.force_free.training.curve import COLUMNS

Step = Campaign[PINNEvaluateOptions]
Judged = Mapping[str, Any]  # the outcome of an item


def write_tables(campaign: Step, done: Sequence[Judged]) -> None:
    """Write a table for each field of which more than the boundary is known, as csv and Markdown.

    Where the field is a test case of the paper, on its grid, the published rows stand in it, too.
    """
    for field, some in by_field(done).items():
        rows = [
            our_row(short_name(one), one["metrics"], one["made_from"]["cpu_seconds"]) for one in some if one["metrics"]
        ]
        if not rows:
            continue
        case = case_of(some[0]["made_from"]["field_about"], load_field(campaign, field))
        if case is not None:
            rows = table(case, rows)
        folder = _folder(campaign)
        write_text(folder / f"{field}.csv", as_csv(rows))
        write_text(folder / f"{field}.md", as_markdown(rows))


def write_pictures(campaign: Step, done: Sequence[Judged]) -> None:
    """Draw of each field the losses of its trainings, the factors by height of the best of each, and the bottom."""
    from genarris_fw.pictures.saving import save
    from genarris_fw.studies.force_free.showing.height_pictures import height_picture
    from genarris_fw.studies.force_free.showing.loss_pictures import loss_picture
    from genarris_fw.studies.force_free.showing.magnetogram_pictures import magnetogram_picture

    folder = _folder(campaign)
    for field, some in by_field(done).items():
        curves: dict[str, list[Any]] = {}
        for one in some:
            with published_file(campaign, one["training"]) as path:
                curve = read_arrays(path)["curve"]
            columns = [COLUMNS.index("iteration"), COLUMNS.index("value")]
            curves.setdefault(settings_name(one), []).append(curve[:, columns])
        save(loss_picture(curves, field), folder / f"loss_{field}")
        best, given = best_of_each(some), load_field(campaign, field)
        factors: dict[str, Mapping[str, Any]] = {short_name(one): one["factors"] for one in best}
        save(height_picture({"given": height_factors(given), **factors}, field), folder / f"heights_{field}")
        found, name = trained_field(campaign, best[0]["training"], given), f"{field}, {short_name(best[0])}"
        save(magnetogram_picture(given, found, str(given.about.get("unit", "")), name), folder / f"bottom_{field}")


def by_field(done: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return what was judged by the name of the field."""
    found: dict[str, list[Judged]] = {}
    for one in done:
        found.setdefault(one["made_from"]["field"], []).append(one)
    return found


def best_of_each(some: Sequence[Judged]) -> list[Judged]:
    """Return of each settings the training of lowest loss."""
    best: dict[str, Judged] = {}
    for one in sorted(some, key=lambda one: float(one["made_from"]["loss"])):
        best.setdefault(settings_name(one), one)
    return list(best.values())


def short_name(one: Judged) -> str:
    """Return what a training is called beside others of its field."""
    name = str(one["training"]).partition("/")[2]
    return name.removeprefix(f"{one['made_from']['field']}-")


def settings_name(one: Judged) -> str:
    """Return what the trainings of several seeds are called together."""
    name = re.sub(r"-?seed=\d+$", "", short_name(one))
    return re.sub(r"-(?=[a-z_]+=)", ", ", name).replace("=", " = ") or "all seeds"


def case_of(about: Mapping[str, Any], field: Field) -> int | None:
    """Return which test case of the paper a field is, None where it is none."""
    if about.get("kind") != "low_lou" or field.grid != PAPER_GRID:
        return None
    mine = (about["n"], about["m"], about["l"], about["phi"])
    same = (k for k, case in CASES.items() if abs(case.phi - mine[3]) < 1e-6 and (case.n, case.m, case.l) == mine[:3])
    return next(same, None)


def _folder(campaign: Step) -> Path:
    assert campaign.options.output_dir is not None  # resolved
    folder = campaign.prepared(Path(campaign.options.output_dir))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
