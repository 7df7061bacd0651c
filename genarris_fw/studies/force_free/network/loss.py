"""The loss of a network, a number, and its gradient by all parameters, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.network.arithmetic import Array, arithmetic_for
from genarris_fw.studies.force_free.network.memory import BOUNDARY_CHUNKS, memory_needed, require_memory
from genarris_fw.studies.force_free.network.points import Points
from genarris_fw.studies.force_free.network.propagation import VALUES, VALUES_AND_DERIVATIVES, Layers, Propagation
from genarris_fw.studies.force_free.network.residuals import (
    FORCE_TERMS,
    boundary_residual,
    divergence_residual,
    force_residual,
)
from genarris_fw.studies.force_free.network.shape import Shape

TERMS = ("boundary", "divergence", "force")

_CHUNKS = {"cpu": 500, "cuda": 20_000}


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
    chunk : int, optional
        Points that are propagated at once. What their layers hold should fit into a processor's cache, and occupy a
        GPU: 500 and 20,000 by default.
    length_scale : float
        The unit of the coordinates: derivatives are divided by it. So the divergence has the weight
        ``weights[1] / length_scale^2``, and ``sin2`` does not change (the paper's loss of active regions).
    field_scale : float
        The field is this times what the network gives.

    Raises
    ------
    InputError
        For a word or number that cannot be, too little memory (said before any is taken), and with ``cuda`` when
        there is no torch or no GPU.
    """

    def __init__(
        self,
        shape: Shape,
        points: Points,
        weights: Sequence[float] = (1.0, 1.0, 1.0),
        term: str = "sin2",
        dtype: str = "float32",
        device: str = "cpu",
        chunk: int | None = None,
        length_scale: float = 1.0,
        field_scale: float = 1.0,
    ) -> None:
        _check(weights, term, chunk, length_scale, field_scale)
        self.shape = shape
        self.term = term
        self._arithmetic = arithmetic_for(dtype, device)
        self._chunk = chunk = chunk or _CHUNKS[device]
        m, n = len(points.boundary), len(points.interior)
        require_memory(
            memory_needed(shape, m, n, dtype, chunk),
            f"{m:,} + {n:,} points, {chunk:,} at once,",
            self._arithmetic.memory(),
        )
        self._field_scale = field_scale
        self._per_length = field_scale / length_scale
        self._factors = (weights[0] / m, weights[1] / n, weights[2] / n)
        self._boundary = self._arithmetic.array(points.boundary)
        self._boundary_field = self._arithmetic.array(points.boundary_field, precise=True)
        self._interior = self._arithmetic.array(points.interior)
        self._at_boundary = Propagation(shape, self._arithmetic, BOUNDARY_CHUNKS * chunk, VALUES)
        self._inside = Propagation(shape, self._arithmetic, chunk, VALUES_AND_DERIVATIVES)

    def __call__(self, p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient, (parameters,), both in float64.

        Where parameters are so large that numbers overflow, the loss is not finite.
        """
        gradient = self._arithmetic.array(np.zeros(self.shape.parameters), precise=True)
        terms = self._terms(p, self.shape.unpack(gradient))
        return sum(terms.values()), self._arithmetic.numpy(gradient)

    def terms(self, p: NDArray[np.float64]) -> dict[str, float]:
        """Return the three summands of the loss, weights included: boundary, divergence, force."""
        return self._terms(p, None)

    def _terms(self, p: NDArray[np.float64], gradient: Layers | None) -> dict[str, float]:
        layers = self.shape.unpack(self._arithmetic.array(p))
        with np.errstate(over="ignore", invalid="ignore"):
            sums = [self._of_boundary(layers, gradient), *self._of_interior(layers, gradient)]
        return {name: factor * float(found) for name, factor, found in zip(TERMS, self._factors, sums, strict=True)}

    def _of_boundary(self, layers: Layers, gradient: Layers | None) -> Array:
        """Return the sum over the boundary and add to the gradient, where there is one."""
        total = 0.0
        for part in _chunks(len(self._boundary), BOUNDARY_CHUNKS * self._chunk):
            field = self._field_scale * self._at_boundary.forward(layers, self._boundary[part])[0]
            found, adjoint = boundary_residual(field, self._boundary_field[part], self._factors[0] * self._field_scale)
            total = total + found
            if gradient is not None:
                self._at_boundary.backward(layers, adjoint[None], gradient)
        return total

    def _of_interior(self, layers: Layers, gradient: Layers | None) -> tuple[Array, Array]:
        """Return the sums of divergence and force and add to the gradient, where there is one."""
        divergence, force = 0.0, 0.0
        for part in _chunks(len(self._interior), self._chunk):
            out = self._inside.forward(layers, self._interior[part])
            field, jacobian = self._field_scale * out[0], self._per_length * out[1:]
            adjoint = self._arithmetic.empty(*out.shape, precise=True)
            adjoint[...] = 0.0
            divergence = divergence + divergence_residual(jacobian, adjoint[1:], self._factors[1])
            force = force + force_residual(field, jacobian, self.term, adjoint, self._factors[2])
            if gradient is not None:
                adjoint[0] *= self._field_scale
                adjoint[1:] *= self._per_length
                self._inside.backward(layers, adjoint, gradient)
        return divergence, force


def _check(weights: Sequence[float], term: str, chunk: int | None, length_scale: float, field_scale: float) -> None:
    if len(weights) != 3 or not all(np.isfinite(weight) and weight >= 0 for weight in weights):
        raise InputError(f"weights are {weights}; give three numbers, none below 0: boundary, divergence, force")
    if term not in FORCE_TERMS:
        raise InputError(f"the term of the force is {term!r}; choose one of {', '.join(FORCE_TERMS)}")
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk is {chunk}: at least one point is propagated at once")
    for name, scale in (("length_scale", length_scale), ("field_scale", field_scale)):
        if not (np.isfinite(scale) and scale > 0):
            raise InputError(f"{name} is {scale}; give a number above 0")


def _chunks(points: int, most: int) -> Iterator[slice]:
    """Parts of nearly the same length."""
    parts = -(-points // most)
    for i in range(parts):
        yield slice(points * i // parts, points * (i + 1) // parts)
