"""What a training minimises: by the options, by a potential field, and by a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.network.envelope import Envelope, fitted_envelope
from genarris_fw.studies.force_free.network.evaluate import field_of
from genarris_fw.studies.force_free.options.memory import memory_of_training
from genarris_fw.studies.force_free.options.training import PINNTrainOptions
from genarris_fw.studies.force_free.procedures.problem import Problem, envelope_of, needs_potential, problem

GRID = Grid(((-1.0, 1.0), (-1.0, 1.0), (0.0, 2.0)), (8, 8, 8))
FIELD = low_lou_field(1, 1, 0.3, np.pi / 4, GRID)
POTENTIAL = potential_field(FIELD)
PLAIN = {"boundary": "all", "sampler": "uniform", "field_scale": 1.0, "fit_iterations": 0}


def settings(**changes: Any) -> dict[str, Any]:
    """The defaults, of a small network, but for some."""
    [found] = PINNTrainOptions().settings()
    return found | {"hidden_layers": 2, "units": 8, "interior_points": 100, "fit_iterations": 30} | changes


def posed(seed: int = 0, **changes: Any) -> Problem:
    return problem(FIELD, POTENTIAL, settings(**changes), seed)


def value(what: Problem) -> float:
    return what.losses[-1](what.start)[0]


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"field_scale": "largest"}, False),
        ({"boundary": "bottom"}, False),
        ({"sampler": "strong"}, True),
        ({"field_scale": "potential"}, True),
        ({"boundary": "bottom_and_potential"}, True),
        ({"fit_iterations": 1}, True),
    ],
)
def test_whether_the_potential_field_is_needed(changes: dict[str, Any], needed: bool) -> None:
    assert needs_potential(PLAIN | changes) is needed
    if not needed:  # and then it goes without
        what = problem(FIELD, None, settings(**PLAIN | changes), 0)
        assert what.fitted() is None and np.isfinite(value(what))


def test_the_envelope_that_is_asked_for() -> None:
    assert posed(field_scale=2.5).envelope == Envelope(2.5)
    strongest = np.linalg.norm(FIELD.at_nodes()[GRID.on_surface()], axis=1).max()
    assert posed(field_scale="largest").envelope == Envelope(strongest)
    assert posed().envelope == fitted_envelope(POTENTIAL)
    nothing = Field(GRID, np.zeros((3, *GRID.shape)))
    points = problem(nothing, nothing, settings(field_scale="largest"), 0)
    assert points.envelope == Envelope(1.0)
    assert envelope_of(3, None, None) == Envelope(3.0)  # type: ignore[arg-type]


def test_the_fit_makes_a_network_like_the_potential_field() -> None:
    """Its loss is the mean square of the difference over the envelope, here computed from the network's field."""
    what = posed(max_cpu_seconds=0.1)
    assert what.fit_settings is not None and what.fit_settings.max_cpu_seconds is None  # that of the training
    fitted = what.fitted()
    assert fitted is not None and fitted.iterations == 30

    def difference(parameters: np.ndarray) -> float:
        found = field_of(what.shape, parameters, GRID, what.envelope).at_nodes()
        per_scale = (found - POTENTIAL.at_nodes()) / what.envelope.at(GRID.points())[:, None]
        return float((per_scale**2).sum(axis=1).mean())

    assert fitted.value == pytest.approx(difference(fitted.parameters), rel=1e-9)
    assert fitted.value < 0.3 * difference(what.start)
    again = posed(max_cpu_seconds=0.1).fitted()
    assert again is not None and np.array_equal(again.parameters, fitted.parameters)


def test_options_reach_the_loss() -> None:
    assert posed(fit_iterations=0).fit is None
    sides: dict[str, Any] = {"boundary": "bottom_and_potential"}
    values = {value(posed(**sides, **more)) for more in ({}, {"potential_weight": 1.0}, {"relative": 0.0})}
    values |= {value(posed(**sides, sampler=word)) for word in ("uniform", "sobol", "low")}
    values |= {value(posed(**sides, weights=[1.0, 1.0, 1.0])), value(posed(seed=1, **sides))}
    assert len(values) == 8
    assert value(posed(**sides)) == value(posed(**sides))


def test_the_divergence_is_divided_by_the_field_s_own_length_where_that_is_asked_for() -> None:
    long = Field(GRID, FIELD.values, dict(FIELD.about) | {"length_scale": 7.0})

    def divergence(length: float | str) -> float:
        what = problem(long, POTENTIAL, settings(length_scale=length), 0)
        return what.losses[-1].terms(what.start)["divergence"]

    assert divergence("field") == pytest.approx(divergence(1.0) / 49) == pytest.approx(divergence(7.0))
    assert settings()["length_scale"] == 1.0


def test_memory_includes_the_fit() -> None:
    shapes = [None, GRID.shape, (64, 64, 64)]
    for shape in shapes:
        more = memory_of_training(settings(), shape) - memory_of_training(settings(fit_iterations=0), shape)
        # At least the nodes in float64: where they are, the field there, its scale and weight.
        assert more > min(6000, 512 if shape == GRID.shape else 6000) * 8 * 3 * 3
