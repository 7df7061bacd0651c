"""The points at which the network is asked to be a force-free field."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.network.memory import memory_of_points, require_memory

Rows = NDArray[np.float64]

BOUNDARIES = ("all", "bottom", "bottom_and_potential")
SAMPLERS = ("uniform", "sobol", "low", "strong")
# Nodes of the potential field to which a network is fitted before a training, at most.
FITTED = 6000

# Of "low": the height, as a part of the box's, over which the density of the lower half of the points falls to 1/e.
_FALL = 0.2


@dataclass(frozen=True)
class Points:
    """Where the field is known, and where its equations are to hold.

    Parameters
    ----------
    boundary : (m, 3) ndarray
    boundary_field : (m, 3) ndarray
        The field there.
    interior : (n, 3) ndarray
    boundary_weights : (m,) ndarray, optional
        How much the field at a boundary point is trusted, 1 by default.

    Raises
    ------
    InputError
        When the shapes do not fit together, or something is no finite number.
    """

    boundary: Rows
    boundary_field: Rows
    interior: Rows
    boundary_weights: Rows | None = None

    def __post_init__(self) -> None:
        """Check the arrays."""
        for name in ("boundary", "boundary_field", "interior"):
            rows = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if rows.ndim != 2 or rows.shape[1] != 3:
                raise InputError(f"{name} points have the shape {rows.shape}; three numbers for each are wanted")
            if not np.isfinite(rows).all():
                raise InputError(f"{name}: a number of a point is not finite; leave out or mend what it came from")
            object.__setattr__(self, name, rows)
        if len(self.boundary) != len(self.boundary_field):
            raise InputError(f"{len(self.boundary)} boundary points, but the field at {len(self.boundary_field)}")
        if len(self.boundary) + len(self.interior) == 0:
            raise InputError("no points, neither at the boundary nor inside")
        given = self.boundary_weights
        weights = np.ones(len(self.boundary)) if given is None else np.asarray(given, dtype=np.float64)
        if weights.shape != (len(self.boundary),) or not (np.isfinite(weights) & (weights >= 0)).all():
            raise InputError("boundary_weights: a number, not below 0, is wanted for each boundary point")
        object.__setattr__(self, "boundary_weights", weights)


def sample_points(
    field: Field,
    potential: Field | None = None,
    boundary: str = "all",
    *,
    interior: int,
    boundary_points: int | None = None,
    bottom_points: int | None = None,
    sampler: str = "uniform",
    seed: int = 0,
    potential_weight: float = 1.0,
) -> Points:
    """Choose boundary nodes, and points inside.

    Parameters
    ----------
    field : Field
        Known at the boundary.
    potential : Field, optional
        On the same grid; what is known on the other five faces, with ``bottom_and_potential``.
    boundary : str
        ``all``: `field` on the six faces. ``bottom``: `field` on the lower face alone. ``bottom_and_potential``:
        `field` on the lower face, `potential` on the others.
    interior : int
        Points inside.
    boundary_points : int, optional
        Boundary nodes, drawn without return; all of them by default.
    bottom_points : int, optional
        How many of these are on the lower face; by default every node is as likely.
    sampler : str
        Of the points inside: ``uniform``; ``sobol``, a scrambled sequence of Sobol, which leaves fewer gaps; ``low``,
        half of them uniform, and the density of the others falls with height, to 1/e over a fifth of the box;
        ``strong``, half of them uniform, and the others the denser the stronger the potential field, by its root.
    seed : int
        The same seed gives the same points.
    potential_weight : float
        The weight of nodes where the potential field stands for what is not known.

    Raises
    ------
    InputError
        For an unknown word, more nodes than there are, a potential field that is missing or on another grid,
        or points for which there is no memory.
    """
    _check_words(boundary, sampler)
    if interior < 1:
        raise InputError(f"{interior} interior points: at least 1 is needed")
    require_memory(memory_of_points(field.grid.size, interior), f"{interior:,} interior points")
    random = np.random.default_rng(seed)
    on_bottom = field.grid.on_bottom()
    known = on_bottom if boundary == "bottom" else field.grid.on_surface()
    values = field.at_nodes()
    weights = np.ones(len(values))
    if boundary == "bottom_and_potential":
        if potential is None or potential.grid != field.grid:
            raise InputError("boundary = bottom_and_potential needs the potential field on the grid of the field")
        values = np.where(on_bottom[:, None], values, potential.at_nodes())
        weights[~on_bottom] = potential_weight
    nodes = _nodes(random, np.flatnonzero(known), on_bottom, boundary_points, bottom_points)
    low, high = np.asarray(field.grid.bounds).T
    inside = low + (high - low) * _in_unit_cube(random, interior, sampler)
    if sampler == "strong":
        if potential is None:
            raise InputError("sampler = strong needs the potential field, which is missing; choose another sampler")
        inside[interior // 2 :] = _near_strong(random, potential, interior - interior // 2)
    return Points(field.grid.points()[nodes], values[nodes], inside, weights[nodes])


def nodes_to_fit(field: Field, nodes: int, seed: int = 0) -> Points:
    """Choose nodes of a field all over its box, as boundary points: with these a network is fitted to the field.

    Raises
    ------
    InputError
        When there are fewer nodes.
    """
    random = np.random.default_rng(seed)
    drawn = _drawn(random, np.arange(field.grid.size), nodes, "the grid")
    return Points(field.grid.points()[drawn], field.at_nodes()[drawn], np.empty((0, 3)))


def _check_words(boundary: str, sampler: str) -> None:
    for name, word, words in (("boundary", boundary, BOUNDARIES), ("sampler", sampler, SAMPLERS)):
        if word not in words:
            raise InputError(f"{name} is {word!r}; choose one of {', '.join(words)}")


def _nodes(
    random: np.random.Generator,
    known: NDArray[np.intp],
    on_bottom: NDArray[np.bool_],
    wanted: int | None,
    of_bottom: int | None,
) -> NDArray[np.intp]:
    """Boundary nodes, in their order."""
    wanted = len(known) if wanted is None else wanted
    if of_bottom is None:
        return _drawn(random, known, wanted, "the boundary")
    below = known[on_bottom[known]]
    others = known[~on_bottom[known]]
    return np.concatenate(
        [
            _drawn(random, below, of_bottom, "the lower face"),
            _drawn(random, others, wanted - of_bottom, "the other faces"),
        ]
    )


def _drawn(random: np.random.Generator, nodes: NDArray[np.intp], wanted: int, where: str) -> NDArray[np.intp]:
    if not 0 <= wanted <= len(nodes):
        raise InputError(f"{wanted} points on {where}: it has {len(nodes)} nodes; ask for 0 to {len(nodes)}")
    if wanted == len(nodes):
        return nodes
    return np.sort(random.choice(nodes, wanted, replace=False))


def _in_unit_cube(random: np.random.Generator, count: int, sampler: str) -> Rows:
    if sampler == "sobol":
        from scipy.stats import qmc

        with warnings.catch_warnings():
            # Any number of points is taken; only a power of two has all the balance there is.
            warnings.simplefilter("ignore", UserWarning)
            return np.asarray(qmc.Sobol(3, seed=random).random(count))
    cube = random.random((count, 3))
    if sampler == "low":
        lower = cube[count // 2 :, 2]
        lower[...] = -_FALL * np.log1p(-lower * (1.0 - np.exp(-1.0 / _FALL)))
    return cube


def _near_strong(random: np.random.Generator, field: Field, count: int) -> Rows:
    """Points in the cells around nodes, which are drawn by the root of the field's size."""
    roots = np.sqrt(np.linalg.norm(field.at_nodes(), axis=1))
    total = roots.sum()
    nodes = random.choice(len(roots), count, p=roots / total if total > 0 else None)
    low, high = np.asarray(field.grid.bounds).T
    near = field.grid.points()[nodes] + field.grid.spacing * (random.random((count, 3)) - 0.5)
    return np.asarray(np.clip(near, low, high))
