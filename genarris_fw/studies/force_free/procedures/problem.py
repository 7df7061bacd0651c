"""What is minimised in a training: from a field, the settings and a seed to the losses and the first point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.loss import Loss
from genarris_fw.studies.force_free.network.points import sample_points
from genarris_fw.studies.force_free.network.shape import Shape
from genarris_fw.studies.force_free.training.settings import Settings

# dtype of the option -> those of the stages.
STAGES = {"float32": ["float32"], "float64": ["float64"], "mixed": ["float32", "float64"]}


@dataclass(frozen=True)
class Problem:
    """A training before it begins.

    Attributes
    ----------
    shape : Shape
        The network.
    field_scale : float
        The field is this times what the network gives.
    losses : list of Loss
        One for each stage.
    start : (parameters,) ndarray
        The first parameters.
    settings : Settings
        Of the optimiser.
    """

    shape: Shape
    field_scale: float
    losses: list[Loss]
    start: NDArray[np.float64]
    settings: Settings


def problem(field: Field, potential: Field | None, settings: dict[str, Any], seed: int) -> Problem:
    """Return what a training minimises.

    Parameters
    ----------
    field : Field
        The field whose boundary is known.
    potential : Field or None
        Its potential field, where the settings ask for it.
    settings : dict
        The options of `PINNTrainOptions.settings`.
    seed : int
        Of the points and of the first parameters.

    Raises
    ------
    InputError
        As those who take the settings say it.
    """
    shape = shape_of(settings)
    points = sample_points(
        field,
        potential,
        settings["boundary"],
        interior=settings["interior_points"],
        boundary_points=settings["boundary_points"],
        bottom_points=settings["bottom_points"],
        sampler=settings["sampler"],
        seed=seed,
    )
    scale = settings["field_scale"]
    if scale == "largest":
        scale = float(np.linalg.norm(points.boundary_field, axis=1).max()) or 1.0
    length = settings["length_scale"]
    if length is None:
        length = float(field.about.get("length_scale", 1.0))
    losses = [
        Loss(
            shape,
            points,
            settings["weights"],
            settings["ff_term"],
            dtype,
            settings["device"],
            settings["chunk"],
            length,
            scale,
        )
        for dtype in STAGES[settings["dtype"]]
    ]
    optimiser = ("optimiser", "matrix", "history", "max_iterations", "max_cpu_seconds", "tolerance")
    return Problem(
        shape, scale, losses, initial_parameters(shape, seed), Settings(**{name: settings[name] for name in optimiser})
    )


def shape_of(settings: dict[str, Any]) -> Shape:
    """Return the network of some settings."""
    return Shape(settings["hidden_layers"], settings["units"], settings["quasi_output"])
