"""The shape of the network, and where its weights and biases lie in the vector of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

Layer = tuple[NDArray[np.floating], NDArray[np.floating]]


@dataclass(frozen=True)
class Shape:
    """A network from a point (x, y, z) to the field there, by layers of tanh units (Zhang, Xu and Yan, section 2).

    Parameters
    ----------
    hidden_layers : int
        L, layers of tanh units.
    units : int
        N, units of each of them.
    quasi_output : bool
        Whether each component of the last layer is once more multiplied by a weight and shifted by a bias (equation 9
        of the paper). The functions that the network can be are the same ones without.

    Raises
    ------
    InputError
        When there would be no layer or no unit.
    """

    hidden_layers: int
    units: int
    quasi_output: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("hidden_layers", "units"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name} of the network is {value!r}; give a whole number, at least 1")

    @cached_property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """Numbers that go into, and come out of, each full layer: the hidden ones and the one that gives the field."""
        return tuple(pairwise([3, *[self.units] * self.hidden_layers, 3]))

    @cached_property
    def parameters(self) -> int:
        """How many numbers the network has: 66,953 for 5 layers of 128 units."""
        return sum(into * out + out for into, out in self.layers) + (6 if self.quasi_output else 0)

    def unpack(self, p: NDArray[np.floating]) -> list[Layer]:
        """Return weights and biases as views of the vector of parameters.

        Parameters
        ----------
        p : (parameters,) ndarray
            Or a tensor of torch.

        Returns
        -------
        list of (weight, bias)
            A weight has one row for each number that comes in, so that a layer is ``u @ weight + bias``. With the
            quasi-output layer, its weights (3,) and biases (3,) are the last pair.

        Raises
        ------
        InputError
            When there are more or fewer parameters than the network has.
        """
        if p.shape != (self.parameters,):
            raise InputError(f"{self} has {self.parameters} parameters, not an array of shape {tuple(p.shape)}")
        found = []
        place = 0
        for into, out in self.layers:
            weight = p[place : place + into * out].reshape(into, out)
            place += into * out
            found.append((weight, p[place : place + out]))
            place += out
        if self.quasi_output:
            found.append((p[place : place + 3], p[place + 3 :]))
        return found
