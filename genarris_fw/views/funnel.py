"""How many structures survived each stage of a run."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.views.closing import stages
from genarris_fw.views.status import pools_of


def funnel(catalogue: Catalogue, run: str) -> list[dict[str, Any]]:
    """Return how many structures each step of a run left, of how many it was given.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.

    Returns
    -------
    list of dict
        One for every pool, in the order of the steps: ``step``, ``pool``, ``structures``, and ``of``: the number of
        structures in the pool that the step worked on, or of the draws that it made them from; None where neither is
        known, as of what was imported. ``of_draws`` tells which of the two it is. A step that only adds to what is
        known of a pool, such as a descriptor, is left out.

    Raises
    ------
    InputError
        When there is no such run.
    """
    record = catalogue.runs.get(run)
    sizes = pools_of(catalogue, record)
    steps = record.get("options", {}).get("steps", [])
    given = {step["name"]: step["options"].get("input_pool") for step in steps}
    summaries = record.get("summaries", {})
    rows = []
    for row in stages(steps, sizes):
        source = given.get(row["step"])
        if source == row["pool"]:
            continue
        draws = None if source else _draws(summaries.get(row["step"]) or {})
        rows.append(row | {"of": sizes.get(source) if source else draws, "of_draws": draws is not None})
    return rows


def _draws(summary: dict[str, Any]) -> int | None:
    """Return how many draws a search or a generation needed, None where that is not told."""
    if isinstance(summary.get("draws"), int):
        return int(summary["draws"])
    groups = summary.get("groups")
    if isinstance(groups, list) and all(isinstance(group, dict) for group in groups):
        return sum(int(group.get("draws") or 0) for group in groups) or None
    return None
