"""The parameters that a training begins with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.network.shape import Shape


def initial_parameters(shape: Shape, seed: int) -> NDArray[np.float64]:
    """Draw the weights of a network: normal, of variance 2 / numbers that come in (He et al. 2015, arXiv 1502.01852).

    Parameters
    ----------
    shape : Shape
    seed : int

    Returns
    -------
    (parameters,) ndarray of float64
        Biases are 0. The weights of the quasi-output layer are 1: one number comes into each, and a draw near 0 would
        hold its component down.
    """
    random = np.random.default_rng(seed)
    p = np.zeros(shape.parameters)
    layers = shape.unpack(p)
    for (weight, _), (into, _) in zip(layers, shape.layers, strict=False):
        weight[...] = random.normal(0.0, np.sqrt(2.0 / into), weight.shape)
    if shape.quasi_output:
        layers[-1][0][...] = 1.0
    return p
