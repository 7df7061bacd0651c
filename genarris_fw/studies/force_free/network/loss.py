"""The loss of a network, a number, and its gradient by all parameters, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.studies.force_free.network.arithmetic import Array, NumpyArithmetic
from genarris_fw.studies.force_free.network.points import Points
from genarris_fw.studies.force_free.network.propagation import VALUES, VALUES_AND_DERIVATIVES, Propagation
from genarris_fw.studies.force_free.network.residuals import boundary_residual, divergence_residual, force_residual
from genarris_fw.studies.force_free.network.shape import Shape

TERMS = ("boundary", "divergence", "force")


class Loss:
    """The mean squares of what a network's field lacks: Zhang, Xu and Yan, equation 8.

    On one machine, with one number of threads, the same parameters give the same bits.

    Parameters
    ----------
    shape : Shape
    points : Points
    weights : (3,) sequence of float
        Of the boundary, the divergence and the force.
    term : str
        The force: ``sin2``, ``sin1`` or ``lorentz`` (`force_residual`).
    dtype : str
        ``float32`` or ``float64``, for the layers; sums are float64 always.
    device : str
        ``cpu`` or ``cuda``.
    chunk : int
        Points that are propagated at once; what their layers hold should fit into the processor's cache.
    length_scale : float
        The unit of the coordinates: derivatives are divided by it. So the divergence has the weight
        ``weights[1] / length_scale^2``, and ``sin2`` does not change (the paper's loss of active regions).
    field_scale : float
        The field is this times what the network gives.
    """

    def __init__(
        self,
        shape: Shape,
        points: Points,
        weights: Sequence[float] = (1.0, 1.0, 1.0),
        term: str = "sin2",
        dtype: str = "float32",
        device: str = "cpu",
        chunk: int = 500,
        length_scale: float = 1.0,
        field_scale: float = 1.0,
    ) -> None:
        self.shape = shape
        self.term = term
        self.field_scale = field_scale
        self.length_scale = length_scale
        self._arithmetic = NumpyArithmetic(dtype)
        self._boundary = self._arithmetic.array(points.boundary)
        self._boundary_field = self._arithmetic.array(points.boundary_field, precise=True)
        self._interior = self._arithmetic.array(points.interior)
        self._chunk = chunk
        self._factors = [
            weight / max(1, len(where))
            for weight, where in zip(weights, (self._boundary, self._interior, self._interior), strict=True)
        ]
        self._at_boundary = Propagation(shape, self._arithmetic, 4 * chunk, VALUES)
        self._inside = Propagation(shape, self._arithmetic, chunk, VALUES_AND_DERIVATIVES)

    def __call__(self, p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient, (parameters,), both in float64."""
        gradient = np.zeros(self.shape.parameters)
        gradient_there = self._arithmetic.array(gradient, precise=True)
        terms = self._terms(p, self.shape.unpack(gradient_there))
        return sum(terms.values()), self._arithmetic.numpy(gradient_there)

    def terms(self, p: NDArray[np.float64]) -> dict[str, float]:
        """Return the three summands of the loss, weights included: boundary, divergence, force."""
        return self._terms(p, None)

    def _terms(self, p: NDArray[np.float64], gradient: list[tuple[Array, Array]] | None) -> dict[str, float]:
        layers = self.shape.unpack(self._arithmetic.array(p))
        sums = [0.0, 0.0, 0.0]
        for part in _chunks(len(self._boundary), 4 * self._chunk):
            out = self._at_boundary.forward(layers, self._boundary[part])
            field = self.field_scale * out[0]
            found, adjoint = boundary_residual(field, self._boundary_field[part], self._factors[0] * self.field_scale)
            sums[0] = sums[0] + found
            if gradient is not None:
                self._at_boundary.backward(layers, adjoint[None], gradient)
        per_length = self.field_scale / self.length_scale
        for part in _chunks(len(self._interior), self._chunk):
            out = self._inside.forward(layers, self._interior[part])
            field, jacobian = self.field_scale * out[0], per_length * out[1:]
            adjoint = 0.0 * out
            sums[1] = sums[1] + divergence_residual(jacobian, adjoint[1:], self._factors[1])
            sums[2] = sums[2] + force_residual(field, jacobian, self.term, adjoint, self._factors[2])
            adjoint[0] *= self.field_scale
            adjoint[1:] *= per_length
            if gradient is not None:
                self._inside.backward(layers, adjoint, gradient)
        return {name: factor * float(found) for name, factor, found in zip(TERMS, self._factors, sums, strict=True)}


def _chunks(points: int, most: int) -> Iterator[slice]:
    """Parts of nearly the same length."""
    parts = -(-points // most)
    for i in range(parts):
        yield slice(points * i // parts, points * (i + 1) // parts)
