"""Field lines: curves along which a field runs, traced from many seeds at once."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.files import whole_file
from genarris_fw.studies.force_free.judging.interpolation import Trilinear

if TYPE_CHECKING:
    from genarris_fw.studies.force_free.fields.field import Field
    from genarris_fw.studies.force_free.fields.grid import Grid

Points = NDArray[np.float64]

# A line within so much of a cell of a face has come to it.
_AT_FACE = 1e-6


def paper_seeds(grid: Grid, number: int = 17) -> Points:
    """Return the seeds of the paper's figures 3 to 5: a square of points on the bottom of the box.

    Parameters
    ----------
    grid : Grid
        Whose box.
    number : int, optional
        Seeds along x and along y; 17 on the paper's box are 0.125 apart.

    Returns
    -------
    (number * number, 3) ndarray
        From edge to edge.

    Raises
    ------
    InputError
        For fewer than one seed.
    """
    if number < 1:
        raise InputError(f"{number} seeds of field lines along an edge: ask for at least 1")
    (x0, x1), (y0, y1), (z0, _) = grid.bounds
    x, y = np.meshgrid(_spread(x0, x1, number), _spread(y0, y1, number), indexing="ij")
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, float(z0))])


def _spread(low: float, high: float, number: int) -> Points:
    return np.linspace(low, high, number, dtype=np.float64) if number > 1 else np.array([(low + high) / 2])


def field_lines(
    field: Field,
    seeds: ArrayLike,
    step: float = 0.5,
    longest: float = 4.0,
    weakest: float = 1e-9,
) -> list[Points]:
    """Trace the field lines through seeds, forwards and backwards, all at once.

    Parameters
    ----------
    field : Field
        Linear between its nodes.
    seeds : (n, 3) array_like
        Points of the box.
    step : float, optional
        Length of a step of the classical Runge-Kutta method of fourth order, in the smallest spacing of the grid.
    longest : float, optional
        Where a line ends at the latest on either side of its seed, in the longest edge of the box.
    weakest : float, optional
        A line ends where the field is weaker than this part of its greatest strength.

    Returns
    -------
    list of (k, 3) ndarray
        A line for each seed, in the direction of the field. It ends on a face of the box, where the field is too
        weak, or at the greatest length. A line of one point is a seed where the field leads out of the box on both
        sides, or is too weak.

    Raises
    ------
    InputError
        For seeds that are not points of the box, or a step, a length or a strength that is not above 0.
    """
    given = np.asarray(seeds, dtype=float)
    _check(field.grid, given, {"step": step, "longest": longest, "weakest": weakest})
    at = Trilinear(field)
    length = step * float(at.spacing.min())
    steps = int(np.ceil(longest * float((at.upper - at.lower).max()) / length))
    threshold = max(weakest * float(np.sqrt((field.values**2).sum(axis=0).max())), np.finfo(float).tiny)
    forwards = _trace(at, given, length, steps, threshold)
    backwards = _trace(at, given, -length, steps, threshold)
    return [np.concatenate([back[:0:-1], forth]) for back, forth in zip(backwards, forwards)]


def _check(grid: Grid, seeds: Points, above_zero: dict[str, float]) -> None:
    if seeds.ndim != 2 or seeds.shape[1] != 3:
        raise InputError(f"seeds of field lines have the shape {seeds.shape}: give points (n, 3)")
    low, high = np.asarray(grid.bounds, dtype=float).T
    inside = ((seeds >= low) & (seeds <= high)).all(axis=1)
    if not inside.all():
        number = int(np.argmin(inside))
        place = ", ".join(f"{value:g}" for value in seeds[number])
        raise InputError(f"seed {number + 1} of field lines, ({place}), does not lie in the box: move it into it")
    for name, value in above_zero.items():
        if not 0 < value < np.inf:
            raise InputError(f"field lines with {name} = {value:g}: give a number above 0")


def _trace(at: Trilinear, seeds: Points, step: float, steps: int, threshold: float) -> list[Points]:
    """Follow the unit tangent from each seed until its line ends; lines that have ended are computed no longer."""
    places = seeds.copy()
    running = np.arange(len(seeds))
    taken = [(running, seeds)]
    for _ in range(steps):
        ahead, on_its_way = _runge_kutta(at, places[running], step, threshold)
        running, ahead = running[on_its_way], ahead[on_its_way]
        ahead, leaves = _stop_at_face(at, places[running], ahead)
        moved = np.abs(ahead - places[running]).max(axis=1, initial=0.0) > _AT_FACE * abs(step)
        places[running[moved]] = ahead[moved]
        taken.append((running[moved], ahead[moved]))
        running = running[moved & ~leaves]
        if not len(running):
            break
    order = np.argsort(np.concatenate([rows for rows, _ in taken]), kind="stable")
    rows = np.concatenate([rows for rows, _ in taken])[order]
    points = np.concatenate([points for _, points in taken])[order]
    return np.split(points, np.searchsorted(rows, np.arange(1, len(seeds))))


def _runge_kutta(at: Trilinear, places: Points, step: float, threshold: float) -> tuple[Points, NDArray[np.bool_]]:
    """One step of dx/ds = B/|B|, and where the field was strong enough for it."""
    strong = np.ones(len(places), dtype=bool)

    def tangent(points: Points) -> Points:
        values = at(points)
        strength = np.linalg.norm(values, axis=1)
        np.logical_and(strong, strength > threshold, out=strong)
        return np.asarray(values / np.maximum(strength, threshold)[:, None])

    first = tangent(places)
    second = tangent(places + 0.5 * step * first)
    third = tangent(places + 0.5 * step * second)
    fourth = tangent(places + step * third)
    return places + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth), strong


def _stop_at_face(at: Trilinear, places: Points, ahead: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Cut steps that lead out of the box at its face, and say which did."""
    outside = (ahead < at.lower) | (ahead > at.upper)
    leaves = outside.any(axis=1)
    way = ahead - places
    face = np.where(ahead < at.lower, at.lower, at.upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(outside, (face - places) / way, 1.0).min(axis=1, initial=1.0)
    cut = np.clip(places + part[:, None] * way, at.lower, at.upper)
    return np.where(leaves[:, None], cut, ahead), leaves


def kinds_of_lines(lines: Sequence[Points], grid: Grid) -> dict[str, int]:
    """Count field lines by where they end.

    Parameters
    ----------
    lines : sequence of (k, 3) ndarray
        Of `field_lines`.
    grid : Grid
        Whose box.

    Returns
    -------
    dict
        ``closed``: both ends on the bottom; ``open``: both on faces, one at least on another than the bottom;
        ``unfinished``: an end inside the box. A line of one point on a face is open: it leads nowhere.
    """
    low, high = np.asarray(grid.bounds, dtype=float).T
    near = _AT_FACE * np.asarray(grid.spacing, dtype=float)
    counts = {"closed": 0, "open": 0, "unfinished": 0}
    for line in lines:
        ends = line[[0, -1]]
        if len(line) > 1 and (np.abs(ends[:, 2] - low[2]) <= near[2]).all():
            counts["closed"] += 1
        elif ((ends - low <= near) | (high - ends <= near)).any(axis=1).all():
            counts["open"] += 1
        else:
            counts["unfinished"] += 1
    return counts


def lines_to_bytes(lines: Sequence[Points]) -> bytes:
    """Return the content of a file of field lines: npz with ``points`` (K, 3), and at which of them each line begins.

    Parameters
    ----------
    lines : sequence of (k, 3) ndarray
        Of `field_lines`.
    """
    content = io.BytesIO()
    points = np.concatenate([np.empty((0, 3)), *lines])
    starts = np.cumsum([0, *(len(line) for line in lines)])[:-1]
    np.savez_compressed(content, points=points, starts=starts)
    return content.getvalue()


def lines_from_bytes(content: bytes, name: str) -> list[Points]:
    """Return the field lines of a file's content, which messages call `name`.

    Raises
    ------
    InputError
        For content that is not of `lines_to_bytes`.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            points, starts = np.asarray(file["points"], dtype=float), file["starts"]
        if points.shape[1:] != (3,):
            raise ValueError(f"points of shape {points.shape}")
        return np.split(points, starts)[1:]  # before the first start there is nothing
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{name}: no file of field lines ({error}): give one that Field_Lines wrote") from None


def write_lines(lines: Sequence[Points], path: Path) -> None:
    """Write field lines (`lines_to_bytes`) to a file, which is whole or not there."""
    with whole_file(path) as partial:
        partial.write_bytes(lines_to_bytes(lines))


def read_lines(path: Path) -> list[Points]:
    """Read field lines that `write_lines` wrote.

    Raises
    ------
    InputError
        For a file that cannot be read, or is none of these.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return lines_from_bytes(content, str(path))
