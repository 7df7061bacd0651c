"""Histograms of a pool: cell volumes and space groups, all structures beside the exemplars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genarris_fw.crystal import Structure

BINS = 30


def plot_histograms(structures: Sequence[Structure], exemplars: Sequence[Structure], path: Path) -> None:
    """Write a picture with the volumes (Å3 per cell) and the space groups of a pool and of its exemplars.

    Parameters
    ----------
    structures, exemplars : sequence of Structure
        The pool, and those of it that were chosen; crystals with the property ``spg``.
    path : Path
        The png file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    volumes, groups = figure.subplots(1, 2)
    sets = {f"pool ({len(structures)})": structures, f"exemplars ({len(exemplars)})": exemplars}
    volumes.hist([[s.cell_volume for s in chosen] for chosen in sets.values()], bins=BINS, label=list(sets))
    volumes.set(xlabel="cell volume (Å3)", ylabel="structures")
    counts = [Counter(int(s.properties.get("spg") or 0) for s in chosen) for chosen in sets.values()]
    numbers = sorted(set().union(*counts))
    for shift, (label, count) in enumerate(zip(sets, counts)):
        places = [i + 0.4 * (shift - 0.5) for i in range(len(numbers))]
        groups.bar(places, [count[number] for number in numbers], width=0.4, label=label)
    groups.set_xticks(range(len(numbers)), [str(number) for number in numbers], rotation=90, fontsize=7)
    groups.set(xlabel="space group", ylabel="structures")
    groups.legend()
    partial = path.with_name(f".{path.name}.part")
    figure.savefig(partial, format="png", dpi=150)
    partial.replace(path)
