"""The size of a field from place to place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.network.envelope import Envelope, as_envelope, fitted_envelope

GRID = Grid(((-1.0, 1.0), (-1.0, 1.0), (0.0, 2.0)), (9, 9, 9))


def test_a_number_is_a_constant_envelope():
    points = GRID.points()
    assert (as_envelope(4.0).at(points) == 4.0).all()
    assert not as_envelope(4.0).slopes(points).any()
    assert as_envelope(Envelope(2.0, 3.0, (0.0, 0.0, -1.0))).at(np.zeros((1, 3))) == [2.0]


def test_slopes_are_those_of_finite_differences():
    envelope = Envelope(2.0, 3.5, (0.1, -0.3, -0.4))
    points, h = GRID.points(), 1e-6
    for k in range(3):
        step = h * np.eye(3)[k]
        slope = (envelope.at(points + step) - envelope.at(points - step)) / (2 * h)
        np.testing.assert_allclose(envelope.slopes(points)[:, k], slope, rtol=1e-6, atol=1e-7)


@settings(max_examples=25)
@given(
    size=st.floats(1e-3, 1e3),
    power=st.floats(0.5, 8.0),
    centre=st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(-1.0, -0.1)),
)
def test_the_envelope_of_a_multipole_is_found(size, power, centre):
    wanted = Envelope(size, power, centre)
    values = np.zeros((3, *GRID.shape))
    values[1] = wanted.at(GRID.points()).reshape(GRID.shape)
    found = fitted_envelope(Field(GRID, values))
    np.testing.assert_allclose(found.at(GRID.points()), wanted.at(GRID.points()), rtol=1e-3)


def test_no_field_has_the_constant_envelope():
    assert fitted_envelope(Field(GRID, np.zeros((3, *GRID.shape)))) == Envelope()


@pytest.mark.parametrize("numbers", [(0.0,), (-1.0,), (1.0, float("nan")), (1.0, 2.0, (0.0, float("inf"), 0.0))])
def test_no_envelope(numbers):
    with pytest.raises(InputError, match="field_scale"):
        Envelope(*numbers)
