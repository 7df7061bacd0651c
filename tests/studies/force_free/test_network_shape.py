"""The shape of the network and the parameters it begins with."""

import itertools

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.shape import Shape


@pytest.mark.parametrize(
    ("layers", "units", "quasi_output", "parameters"),
    # Counted by hand: 4 N + (L - 1)(N^2 + N) + 3 N + 3, and 6 of the quasi-output layer. The paper gives some of it for
    # L = 10, N = 100: "10,70x".
    [(5, 128, True, 66_953), (5, 128, False, 66_947), (10, 100, True, 91_609), (1, 1, False, 10)],
)
def test_parameters_are_counted(layers, units, quasi_output, parameters):
    assert Shape(layers, units, quasi_output).parameters == parameters


def test_unpacked_parts_are_views_of_all_parameters():
    shape = Shape(2, 4)
    p = np.zeros(shape.parameters)
    layers = shape.unpack(p)
    assert [(weight.shape, bias.shape) for weight, bias in layers] == [
        ((3, 4), (4,)),
        ((4, 4), (4,)),
        ((4, 3), (3,)),
        ((3,), (3,)),
    ]
    for part in itertools.chain(*layers):
        part[...] = 1.0
    assert (p == 1.0).all()


def test_first_parameters():
    shape = Shape(3, 200)
    p = initial_parameters(shape, 7)
    assert p.dtype == np.float64
    assert np.array_equal(p, initial_parameters(shape, 7))
    assert not np.array_equal(p, initial_parameters(shape, 8))
    *layers, (scales, shifts) = shape.unpack(p)
    for weight, bias in layers:
        # He et al.: the variance is 2 / numbers that come in; of n numbers it is known to sqrt(2 / n).
        assert weight.var() == pytest.approx(2.0 / len(weight), rel=5 * np.sqrt(2.0 / weight.size))
        assert not bias.any()
    assert (scales == 1.0).all() and not shifts.any()


@pytest.mark.parametrize(
    ("shape", "what"), [((0, 8), "hidden_layers"), ((2, 0), "units"), ((2.5, 8), "hidden_layers"), ((2, True), "units")]
)
def test_no_such_network(shape, what):
    with pytest.raises(InputError, match=f"{what} of the network is"):
        Shape(*shape)


def test_parameters_of_another_network():
    with pytest.raises(InputError, match="has 57 parameters, not an array of shape"):
        Shape(2, 4).unpack(initial_parameters(Shape(2, 5), 0))
