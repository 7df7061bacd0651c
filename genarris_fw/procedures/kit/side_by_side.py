"""Energies of one list of structures by several engines, as the closing table shows them side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from genarris_fw.energetics.error_bars import Ranking, ranking
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.units import KJ_PER_MOL_PER_EV

MOST_BEST = 10  # structures that the closing table shows


def by_mean(ids: Sequence[str], ranked: Ranking) -> list[int]:
    """Return rows, the lowest on the mean of the engines first."""
    return sorted(range(len(ids)), key=lambda row: (ranked.mean[row], ids[row]))


def lowest_side_by_side(
    ids: Sequence[str], energies: Sequence[Sequence[float]], ranked: Ranking
) -> list[dict[str, Any]]:
    """Return the lowest structures by the mean, for the closing table.

    Parameters
    ----------
    ids : sequence of str
        The n structures.
    energies : sequence of sequences of float
        Of each engine, of the n structures; kJ/mol per molecule.
    ranked : Ranking
        Of these energies.
    """
    lowest = [min(values) for values in energies]
    return [
        {
            "struct_id": ids[row],
            "rank": ranked.rank(row),
            "mean": float(ranked.mean[row]),
            "error": float(ranked.error[row]),
            "relative": [values[row] - least for values, least in zip(energies, lowest)],
        }
        for row in by_mean(ids, ranked)[:MOST_BEST]
    ]


def before_and_after(
    ids: Sequence[str], before: Sequence[tuple[str, EnergyRecord] | None], after: Sequence[tuple[str, EnergyRecord]]
) -> dict[str, Any]:
    """Return what a summary says of structures that one model minimised and another one minimised again.

    Parameters
    ----------
    ids : sequence of str
        The n structures as the second model has them.
    before, after : sequence of (str, EnergyRecord)
        Name and record of the energy of each by the first model, None where there is none, and by the second.

    Returns
    -------
    dict
        ``energy_names``, ``sources``, ``side_by_side`` and ``undecided``; empty where fewer than two structures have
        two energies by different models.
    """
    counted = Counter(one[1]["settings_hash"] for one in before if one)
    if not counted:
        return {}
    settings = max(sorted(counted), key=counted.__getitem__)
    pairs = [
        (name, first, second)
        for name, first, second in zip(ids, before, after, strict=True)
        if first and first[1]["settings_hash"] == settings != second[1]["settings_hash"]
    ]
    if len(pairs) < 2:
        return {}
    _, first, second = pairs[0]
    known = [name for name, _, _ in pairs]
    records = [[first[1] for _, first, _ in pairs], [second[1] for _, _, second in pairs]]
    energies = [[one["per_molecule"] * KJ_PER_MOL_PER_EV for one in some] for some in records]
    sources = [str(record["details"]["method"]) for _, record in (first, second)]
    names = [first[0], second[0]]
    ranked = ranking(energies)
    return {
        "energy_names": names if names[0] != names[1] else sources,
        "sources": sources,
        "side_by_side": lowest_side_by_side(known, energies, ranked),
        "undecided": int(ranked.undecided.sum()) - 1,
    }
