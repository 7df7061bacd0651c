"""All pictures that a pool of the catalogue allows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genarris_fw.catalogue import Catalogue
from genarris_fw.declaring.door import PICTURES
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.names import made_safe
from genarris_fw.pictures.of_pools import PoolData, PoolPicture
from genarris_fw.pictures.saving import check_formats, save
from genarris_fw.views.gathering import distances_of, gather


@dataclass(frozen=True)
class Picture:
    """A picture of a pool, or why there is none.

    Attributes
    ----------
    name : str
        Under which it is registered (``volumes``, ``overview``, ...), or what it is called for this pool
        (``map_by_cluster``, or the property that colours the map).
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
    with distances_of(catalogue, found) as matrix:
        return pictures_of(replace(found, coloring=coloring, matrix=matrix), folder, chosen)


def pictures_of(
    pool: PoolData, folder: Path, formats: Sequence[str] = ("png", "svg"), without: Collection[str] = ()
) -> list[Picture]:
    """Draw all registered pictures of a pool that is gathered; as `pool_pictures`.

    Parameters
    ----------
    pool : PoolData
        With its matrix, and what colours the map.
    folder, formats
        As of `pool_pictures`.
    without : collection of str
        Registered pictures that are not drawn.
    """
    known, unusable = _registered()
    stem = folder / made_safe(pool.name, "pool")
    pictures: list[Picture] = []
    for name, picture in known:
        if name not in without:
            drawn = _drawn(pool, name, picture, stem, formats, [one.name for one in pictures])
            if drawn is not None:
                pictures.append(drawn)
    return pictures + unusable


def default_coloring(pool: PoolData) -> str:
    """Return what colours the map of a pool where nobody asks for something: its clusters, else its energies."""
    return "cluster" if pool.labels is not None else "energy" if pool.energies is not None else ""


def _coloring(pool: PoolData, color_by: str | None) -> str:
    """Return what colours the map, after checking that the pool has it."""
    if color_by is None:
        return default_coloring(pool)
    if color_by == "cluster" and pool.labels is None:
        raise InputError(f"pool '{pool.name}' cannot be coloured by cluster: {pool.missing['labels']}")
    if color_by == "energy" and pool.energies is None:
        raise InputError(f"pool '{pool.name}' cannot be coloured by energy: {pool.missing['energies']}")
    if color_by not in ("cluster", "energy"):
        pool.wanted_property(color_by)
    return color_by


def _registered() -> tuple[list[tuple[str, PoolPicture]], list[Picture]]:
    """Return the registered pictures in their order, with their names, and those that cannot be used here."""
    found: list[tuple[str, PoolPicture]] = []
    unusable: list[Picture] = []
    for name in PICTURES.names():
        try:
            found.append((name, PICTURES.load_as(name, PoolPicture)))
        except InputError as reason:
            unusable.append(Picture(name, left_out=str(reason)))
    return sorted(found, key=lambda pair: (pair[1].order, pair[0])), unusable


def _drawn(
    pool: PoolData, name: str, picture: PoolPicture, stem: Path, formats: Sequence[str], taken: Sequence[str]
) -> Picture | None:
    """Draw and save one picture; None where there is no such picture of this pool.

    Raises
    ------
    InputError
        When its files cannot be written.
    """
    from matplotlib.figure import Figure  # here, since it is slow to import

    called = name
    try:
        with PICTURES.blaming(name):
            called = picture.called(pool) if picture.called is not None else name
            if not called:
                return None
            if called in taken:
                raise InputError("another picture has this name")
            figure = picture.draw(pool)
            if not isinstance(figure, Figure):
                raise TypeError(f"it drew no Figure but a {type(figure).__name__}")
            path = stem.with_name(f"{stem.name}_{called.replace('/', '_')}")
            return Picture(called, tuple(save(figure, path, formats)))
    except GenarrisError as reason:  # what the picture needs is missing, or cannot be drawn
        return Picture(called, left_out=str(reason))
    except OSError as error:
        raise InputError(f"{error.filename or stem.parent}: cannot be written ({error.strerror})") from error
