"""All pictures that a pool of the catalogue allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.names import made_safe
from genarris_fw.pictures.distances import heat_map
from genarris_fw.pictures.histograms import histogram
from genarris_fw.pictures.landscape import energy_landscape
from genarris_fw.pictures.map import descriptor_map
from genarris_fw.pictures.overview import pool_overview
from genarris_fw.pictures.projection import Projection, classical_scaling, principal_components
from genarris_fw.pictures.quantities import label_of
from genarris_fw.pictures.saving import check_formats, save
from genarris_fw.pictures.space_groups import space_group_chart
from genarris_fw.views.gathering import Pool, distances_of, gather

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
# A distance matrix, and the row of every structure in it.
Matrix = tuple[NDArray[np.float32], NDArray[np.intp]] | None


@dataclass(frozen=True)
class Picture:
    """A picture of a pool, or why there is none.

    Attributes
    ----------
    name : str
        What it shows: ``volumes``, ``densities``, ``space_groups``, ``energy_landscape``, ``map_by_cluster``,
        ``distances_by_cluster``, ``overview``, or the name of a property.
    files : tuple of Path
        Its files; empty when it was left out.
    left_out : str
        Why it was left out; empty when it was drawn.
    """

    name: str
    files: tuple[Path, ...] = ()
    left_out: str = ""


def pool_pictures(
    catalogue: Catalogue,
    run: str,
    pool: str,
    folder: Path,
    formats: Sequence[str] = ("png", "svg"),
    color_by: str | None = None,
) -> list[Picture]:
    """Draw all that is known of a pool.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        Which structures.
    folder : Path
        Made when it is not there. Files are called ``<pool>_<picture>.<format>``.
    formats : sequence of str
        Of ``png``, ``svg``, ``pdf``.
    color_by : str, optional
        What colours the map: ``cluster``, ``energy``, or a property, which is drawn as a histogram too. By default
        the cluster, else the energy, else nothing.

    Returns
    -------
    list of Picture
        Those drawn, and those left out because something is missing.

    Raises
    ------
    InputError
        For an unknown run, pool, format or property, clusters or energies that `color_by` asks for and the pool
        lacks, or a folder that cannot be written.
    """
    chosen = check_formats(formats)
    found = gather(catalogue, run, pool)
    coloring = _coloring(found, color_by)
    stem = made_safe(pool, "pool")
    pictures = []
    with distances_of(catalogue, found) as matrix:
        for name, draw in _drawings(found, coloring, matrix).items():
            try:
                figure = draw()
            except InputError as reason:
                # What the picture needs is missing, or cannot be drawn.
                pictures.append(Picture(name, left_out=str(reason)))
                continue
            try:
                pictures.append(Picture(name, tuple(save(figure, folder / f"{stem}_{name.replace('/', '_')}", chosen))))
            except OSError as error:
                raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    return pictures


def _coloring(pool: Pool, color_by: str | None) -> str:
    """Return what colours the map, after checking that the pool has it."""
    if color_by is None:
        return "cluster" if pool.labels is not None else "energy" if pool.energies is not None else ""
    if color_by == "cluster" and pool.labels is None:
        raise InputError(f"pool '{pool.name}' cannot be coloured by cluster: {pool.missing['labels']}")
    if color_by == "energy" and pool.energies is None:
        raise InputError(f"pool '{pool.name}' cannot be coloured by energy: {pool.missing['energies']}")
    if color_by not in ("cluster", "energy"):
        pool.wanted_property(color_by)
    return color_by


def _drawings(pool: Pool, coloring: str, matrix: Matrix) -> dict[str, Callable[[], Figure]]:
    """Return the function that draws each picture, by the picture's name."""
    drawings: dict[str, Callable[[], Figure]] = {
        "volumes": lambda: _histogram(pool, *pool.volumes()),
        "densities": lambda: _histogram(pool, pool.property("density"), "density"),
        "space_groups": lambda: space_group_chart(_known_groups(pool)),
        "energy_landscape": lambda: _landscape(pool),
        f"map_by_{coloring}" if coloring else "map": lambda: _map(pool, coloring, matrix),
        "distances_by_cluster": lambda: _distances(pool, matrix),
        "overview": lambda: _overview(pool, matrix),
    }
    if coloring not in ("", "cluster", "energy", "density"):
        drawings[coloring] = lambda: _histogram(pool, pool.property(coloring), coloring)
    return drawings


def _sets(pool: Pool, values: Array) -> dict[str, Array]:
    """Return the numbers of the pool and of its exemplars, where it has some beside others."""
    sets = {"pool": values[np.isfinite(values)]}
    if 0 < len(pool.exemplars) < len(pool.ids):
        exemplars = values[pool.exemplars]
        if np.isfinite(exemplars).any():
            sets["exemplars"] = exemplars[np.isfinite(exemplars)]
    return sets


def _histogram(pool: Pool, values: Array, name: str) -> Figure:
    return histogram(_known_values(pool, values, name), label_of(name))


def _known_values(pool: Pool, values: Array, name: str) -> dict[str, Array]:
    if not np.isfinite(values).any():
        raise InputError(f"no structure has a {name.replace('_', ' ')}")
    return _sets(pool, values)


def _known_groups(pool: Pool) -> dict[str, list[float]]:
    groups = pool.property("spg")
    if not np.isfinite(groups).any():
        raise InputError("no structure has a space group")
    # An unknown group is a bar of its own.
    known = np.where(np.isfinite(groups), groups, 0.0)
    return {name: list(values) for name, values in _sets(pool, known).items()}


def _landscape(pool: Pool) -> Figure:
    densities = pool.property("density")
    if pool.energies is None:
        raise InputError(pool.missing["energies"])
    if not np.isfinite(densities + pool.energies).any():
        raise InputError("no structure has both an energy and a density")
    chosen = pool.exemplars if len(pool.exemplars) < len(pool.ids) else None
    return energy_landscape(densities, pool.energies, chosen, pool.ids)


def _projection(pool: Pool, matrix: Matrix) -> Projection:
    if pool.vectors is not None:
        return principal_components(pool.vectors, pool.normalize)
    if matrix is not None:
        return classical_scaling(*matrix)
    raise InputError(f"{pool.missing['vectors']}, and no distance matrix")


def _map(pool: Pool, coloring: str, matrix: Matrix) -> Figure:
    projection = _projection(pool, matrix)
    if coloring in ("", "cluster"):
        return descriptor_map(projection, pool.labels, pool.exemplars)
    if coloring == "energy":
        values, label = pool.relative_energies(), label_of("relative_energy")
    else:
        values, label = pool.property(coloring), label_of(coloring)
    return descriptor_map(projection, pool.labels, pool.exemplars, values, label)


def _needed(pool: Pool, matrix: Matrix) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """Return labels, matrix and rows for a picture of distances by cluster."""
    if pool.labels is None:
        raise InputError(pool.missing["labels"])
    if matrix is None:
        raise InputError("no distance matrix of these structures")
    return pool.labels, *matrix


def _distances(pool: Pool, matrix: Matrix) -> Figure:
    labels, distances, rows = _needed(pool, matrix)
    return heat_map(distances, labels, pool.exemplars, rows)


def _overview(pool: Pool, matrix: Matrix) -> Figure:
    labels, distances, rows = _needed(pool, matrix)
    volumes, name = pool.volumes()
    return pool_overview(
        _known_values(pool, volumes, name),
        _known_groups(pool),
        _projection(pool, matrix),
        labels,
        pool.exemplars,
        distances,
        rows,
        label_of(name),
    )
