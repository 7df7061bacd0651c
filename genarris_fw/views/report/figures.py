"""The pictures of a report: drawn, written beside it, and put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.names import made_safe
from genarris_fw.pictures.changes import energy_changes
from genarris_fw.pictures.funnel import funnel_chart
from genarris_fw.pictures.grouped_landscape import grouped_landscape
from genarris_fw.pictures.hits import hits_chart
from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pictures.saving import save
from genarris_fw.pictures.z_primes import z_prime_chart
from genarris_fw.telling import Told, untold
from genarris_fw.views.drawing import default_coloring, pictures_of
from genarris_fw.views.gathering import distances_of
from genarris_fw.views.report.before import energies_before
from genarris_fw.views.report.inline import inlined
from genarris_fw.views.report.points import UNKNOWN, Array, Points, experiment_of, symbol_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# The distances of more structures are not read: ten thousand are 400 MB.
MOST_DISTANCES = 15_000
# Of the registered pictures those that hold nothing but what others show.
WITHOUT = ("overview", "energy_landscape", "colors")
TITLES = {
    "funnel": "Structures left by each stage",
    "landscape": "Energy landscape by space group",
    "landscape_by_cluster": "Energy landscape by cluster",
    "volumes": "Volumes",
    "densities": "Densities",
    "space_groups": "Space groups",
    "z_primes": "Molecules of the asymmetric unit, Z′",
    "map": "Map of the descriptors",
    "map_by_cluster": "Map of the descriptors, by cluster",
    "map_by_energy": "Map of the descriptors, by energy",
    "distances_by_cluster": "Distances between structures, sorted by cluster",
    "energies_before_and_after": "Energies before and after",
    "hits": "How often the search met each minimum",
}


@dataclass(frozen=True)
class Shown:
    """A picture of a report, or why there is none.

    Attributes
    ----------
    name, title : str
        What it is called, also its files, and in words.
    svg : str
        An ``<svg>`` element for the page; empty when it was left out.
    left_out : str
        Why it was left out.
    files : tuple of Path
        Where it lies.
    """

    name: str
    title: str
    svg: str = ""
    left_out: str = ""
    files: tuple[Path, ...] = ()


def figures_of_run(stages: Sequence[dict[str, Any]], folder: Path) -> list[Shown]:
    """Draw what is known of the run as a whole: the funnel."""
    rows = [(f"{row['pool']}  ({row['step']})", row["structures"], _of(row)) for row in stages]
    return [_drawn("funnel", lambda: funnel_chart(rows), folder)]


def figures_of_searches(pools: Sequence[Points], folder: Path) -> list[Shown]:
    """Draw how often the minima of each pool that a search made were met."""
    shown = []
    for pool in pools:
        name = "hits" if len(pools) == 1 else f"hits_{made_safe(pool.name, 'pool')}"
        measured = pool.experiment if pool.experiment >= 0 else None
        draw = partial(hits_chart, pool.numbers["energy"], pool.numbers.get("hits", np.zeros(0)), measured)
        shown.append(_drawn(name, draw, folder))
    return shown


def figures_of_pool(
    catalogue: Catalogue, pool: PoolData, Z_primes: Array, folder: Path, told: Told = untold
) -> list[Shown]:
    """Draw what is known of a pool.

    Parameters
    ----------
    catalogue : Catalogue
        The database, for distances and the energies of parents.
    pool : PoolData
        Gathered with its descriptors.
    Z_primes : (n,) ndarray
        Z' of every structure.
    folder : Path
        Where the files are written.
    told : callable, optional
        Told how far it is.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    shown = [_drawn(name, draw, folder) for name, draw in _own(catalogue, pool, Z_primes)]
    data = replace(pool, coloring=default_coloring(pool))
    if len(pool.ids) > MOST_DISTANCES:
        data.missing = pool.missing | {"matrix": f"distances of more than {MOST_DISTANCES:,} structures are not read"}
        pictures = pictures_of(data, folder, FORMATS, WITHOUT, told=told)
    else:
        with distances_of(catalogue, pool) as matrix:
            pictures = pictures_of(replace(data, matrix=matrix), folder, FORMATS, WITHOUT, told=told)
    return shown + [_shown(picture.name, picture.files, picture.left_out) for picture in pictures]


def _own(catalogue: Catalogue, pool: PoolData, Z_primes: Array) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield the names of the report's own pictures, and how each is drawn."""
    measured = experiment_of(pool)

    def landscape(groups: Sequence[str], kind: str) -> Figure:
        if pool.energies is None:
            raise InputError(pool.missing["energies"])
        return grouped_landscape(pool.property("density"), pool.energies, groups, kind, measured)

    symbols = [symbol_of(value) for value in pool.property("spg")]
    yield "landscape", lambda: landscape(["" if one == UNKNOWN else one for one in symbols], "space group")
    labels = pool.labels
    if labels is not None and len(set(labels.tolist())) > 1:
        yield "landscape_by_cluster", lambda: landscape([str(label) for label in labels], "cluster")
    yield "z_primes", lambda: z_prime_chart(Z_primes)
    if any(pool.parents):
        before, words = energies_before(catalogue, pool)
        if pool.energies is not None and before is not None:
            after = pool.energies
            yield "energies_before_and_after", lambda: energy_changes(before, after, words, measured)


def _drawn(name: str, draw: Callable[[], Figure], folder: Path) -> Shown:
    """Draw and save one picture.

    Raises
    ------
    InputError
        When its files cannot be written.
    """
    try:
        figure = draw()
    except InputError as reason:
        return _shown(name, [], str(reason))
    try:
        return _shown(name, save(figure, folder / name, FORMATS), "")
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error


def _shown(name: str, files: Sequence[Path], left_out: str) -> Shown:
    title = TITLES.get(name, name.replace("_", " "))
    svg = next((file for file in files if file.suffix == ".svg"), None)
    text = "" if svg is None else inlined(svg.read_text(encoding="utf-8"), name, title)
    return Shown(name, title, text, left_out, tuple(files))


def _of(row: dict[str, Any]) -> str:
    """Return in words how many structures, or draws, a stage had."""
    if row["of"] is None:
        return ""
    return f"of {row['of']:,}" + (" draws" if row["of_draws"] else "")
