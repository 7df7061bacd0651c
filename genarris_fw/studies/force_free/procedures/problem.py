"""What is minimised in a training: from a field, the settings and a seed to the losses and the first point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.network.envelope import Envelope, fitted_envelope
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.loss import Loss
from genarris_fw.studies.force_free.network.points import FITTED, Points, nodes_to_fit, sample_points
from genarris_fw.studies.force_free.network.shape import Shape
from genarris_fw.studies.force_free.training.settings import Settings
from genarris_fw.studies.force_free.training.training import Trained, train

# dtype of the option -> those of the stages.
STAGES = {"float32": ["float32"], "float64": ["float64"], "mixed": ["float32", "float64"]}


@dataclass(frozen=True)
class Problem:
    """A training before it begins.

    Attributes
    ----------
    shape : Shape
        The network.
    envelope : Envelope
        The field is this times what the network gives.
    fit : Loss or None
        What is minimised before: the difference to the potential field, relative to the envelope.
    fit_settings : Settings or None
        How.
    losses : list of Loss
        One for each stage.
    start : (parameters,) ndarray
        The first parameters.
    settings : Settings
        Of the optimiser.
    """

    shape: Shape
    envelope: Envelope
    fit: Loss | None
    fit_settings: Settings | None
    losses: list[Loss]
    start: NDArray[np.float64]
    settings: Settings

    def fitted(self) -> Trained | None:
        """Return the network that is like the potential field; None where none was asked for."""
        if self.fit is None or self.fit_settings is None:
            return None
        return train(self.fit, self.start, self.fit_settings)


def needs_potential(settings: dict[str, Any]) -> bool:
    """Tell whether a training needs the potential field of its field."""
    words = {"boundary": "bottom_and_potential", "sampler": "strong", "field_scale": "potential"}
    return any(settings[name] == word for name, word in words.items()) or bool(settings["fit_iterations"])


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
        potential_weight=settings["potential_weight"],
    )
    envelope = envelope_of(settings["field_scale"], points, potential)
    length = settings["length_scale"]
    if length == "field":
        length = float(field.about.get("length_scale", 1.0))
    same: dict[str, Any] = {
        "device": settings["device"],
        "chunk": settings["chunk"],
        "length_scale": length,
        "field_scale": envelope,
    }
    losses = [
        Loss(shape, points, settings["weights"], settings["ff_term"], dtype, relative=settings["relative"], **same)
        for dtype in STAGES[settings["dtype"]]
    ]
    optimiser = ("optimiser", "matrix", "history", "max_iterations", "max_cpu_seconds", "tolerance")
    how = Settings(**{name: settings[name] for name in optimiser})
    fit, fit_settings = None, None
    if settings["fit_iterations"] > 0 and potential is not None:
        nodes = nodes_to_fit(potential, min(FITTED, field.grid.size), seed)
        fit = Loss(shape, nodes, (1.0, 0.0, 0.0), dtype="float64", relative=2.0, **same)
        fit_settings = replace(how, max_iterations=settings["fit_iterations"], max_cpu_seconds=None)
    return Problem(shape, envelope, fit, fit_settings, losses, initial_parameters(shape, seed), how)


def envelope_of(scale: float | str, points: Points, potential: Field | None) -> Envelope:
    """Return what the option ``field_scale`` asks for: a number, the largest at the boundary, or by the potential."""
    if scale == "potential" and potential is not None:
        return fitted_envelope(potential)
    if scale == "largest":
        return Envelope(float(np.linalg.norm(points.boundary_field, axis=1).max()) or 1.0)
    return Envelope(float(scale))


def shape_of(settings: dict[str, Any]) -> Shape:
    """Return the network of some settings."""
    return Shape(settings["hidden_layers"], settings["units"], settings["quasi_output"])
