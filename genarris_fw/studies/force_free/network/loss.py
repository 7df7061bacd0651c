"""The loss of a network, a number, and its gradient by all parameters, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.network.arithmetic import Array, arithmetic_for
from genarris_fw.studies.force_free.network.envelope import Envelope, as_envelope
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
    field_scale : float or Envelope
        The field is this times what the network gives.
    relative : float
        Squares at the boundary and of the divergence are divided by this power of the field's scale there: 0 is the
        paper's loss, with 2 what is weak counts as much as what is strong.

    Attributes
    ----------
    last_terms : dict of str to float
        The three summands of the last loss that was asked for with its gradient: boundary, divergence, force.

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
        field_scale: float | Envelope = 1.0,
        relative: float = 0.0,
    ) -> None:
        _check(weights, term, chunk, length_scale, relative)
        self.shape = shape
        self.term = term
        self.last_terms: dict[str, float] = {}
        self._arithmetic = arithmetic_for(dtype, device)
        self._chunk = chunk = chunk or _CHUNKS[device]
        m, n = len(points.boundary), len(points.interior)
        require_memory(
            memory_needed(shape, m, n, dtype, chunk),
            f"{m:,} + {n:,} points, {chunk:,} at once,",
            self._arithmetic.memory(),
        )
        envelope = as_envelope(field_scale)
        at_boundary, inside = envelope.at(points.boundary)[:, None], envelope.at(points.interior)[:, None]
        self._weight = weights[2] / max(1, n)
        self._per_length = 1.0 / length_scale
        self._boundary = self._arithmetic.array(points.boundary)
        # A mean over the boundary by the points' weights: nodes that are hardly trusted do not take part.
        trusted = np.asarray(points.boundary_weights)
        trust = (trusted / (trusted.sum() or 1.0))[:, None] * at_boundary**-relative
        # Of each boundary point: the scale, the field that is known, the weight.
        self._known = [
            self._arithmetic.array(rows, precise=True)
            for rows in (at_boundary, points.boundary_field, weights[0] * trust)
        ]
        self._interior = self._arithmetic.array(points.interior)
        # Of each point inside: the scale, its slopes, the weight of the divergence.
        self._scales = [
            self._arithmetic.array(rows, precise=True)
            for rows in (inside, envelope.slopes(points.interior), weights[1] / max(1, n) * inside[:, 0] ** -relative)
        ]
        self._at_boundary = Propagation(shape, self._arithmetic, min(BOUNDARY_CHUNKS * chunk, m), VALUES)
        self._inside = Propagation(shape, self._arithmetic, min(chunk, n), VALUES_AND_DERIVATIVES)

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient, (parameters,), both in float64.

        Where parameters are so large that numbers overflow, the loss is not finite.
        """
        gradient = self._arithmetic.array(np.zeros(self.shape.parameters), precise=True)
        self.last_terms = self._terms(parameters, self.shape.unpack(gradient))
        return sum(self.last_terms.values()), self._arithmetic.numpy(gradient)

    def terms(self, parameters: NDArray[np.float64]) -> dict[str, float]:
        """Return the three summands of the loss, weights included: boundary, divergence, force."""
        return self._terms(parameters, None)

    def _terms(self, parameters: NDArray[np.float64], gradient: Layers | None) -> dict[str, float]:
        layers = self.shape.unpack(self._arithmetic.array(parameters))
        with np.errstate(over="ignore", invalid="ignore"):
            sums = [self._of_boundary(layers, gradient), *self._of_interior(layers, gradient)]
        return {name: float(found) for name, found in zip(TERMS, sums, strict=True)}

    def _of_boundary(self, layers: Layers, gradient: Layers | None) -> Array:
        """Return the sum over the boundary and add to the gradient, where there is one."""
        total = 0.0
        for part in _chunks(len(self._boundary), BOUNDARY_CHUNKS * self._chunk):
            scale, wanted, weights = (rows[part] for rows in self._known)
            field = scale * self._at_boundary.forward(layers, self._boundary[part])[0]
            found, adjoint = boundary_residual(field, wanted, weights)
            total = total + found
            if gradient is not None:
                self._at_boundary.backward(layers, (scale * adjoint)[None], gradient)
        return total

    def _of_interior(self, layers: Layers, gradient: Layers | None) -> tuple[Array, Array]:
        """Return the sums of divergence and force and add to the gradient, where there is one."""
        divergence, force = 0.0, 0.0
        for part in _chunks(len(self._interior), self._chunk):
            scale, slopes, weights = (rows[part] for rows in self._scales)
            slopes = slopes.T[:, :, None]
            out = self._inside.forward(layers, self._interior[part])
            # B = scale v, and dB = scale dv + v dscale; both ways, and the unit of length.
            field, jacobian = scale * out[0], self._per_length * (scale * out[1:] + slopes * out[0])
            adjoint = self._arithmetic.empty(*out.shape, precise=True)
            adjoint[...] = 0.0
            divergence = divergence + divergence_residual(jacobian, weights, adjoint[1:])
            force = force + force_residual(field, jacobian, self.term, self._weight, adjoint)
            if gradient is not None:
                adjoint[1:] *= self._per_length
                adjoint[0] = scale * adjoint[0] + (slopes * adjoint[1:]).sum(0)
                adjoint[1:] *= scale
                self._inside.backward(layers, adjoint, gradient)
        return divergence, force


def _check(weights: Sequence[float], term: str, chunk: int | None, length_scale: float, relative: float) -> None:
    if len(weights) != 3 or not all(np.isfinite(weight) and weight >= 0 for weight in weights):
        raise InputError(f"weights are {weights}; give three numbers, none below 0: boundary, divergence, force")
    if term not in FORCE_TERMS:
        raise InputError(f"the term of the force is {term!r}; choose one of {', '.join(FORCE_TERMS)}")
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk is {chunk}: at least one point is propagated at once")
    if not (np.isfinite(length_scale) and length_scale > 0):
        raise InputError(f"length_scale is {length_scale}; give a number above 0")
    if not np.isfinite(relative):
        raise InputError(f"relative is {relative}; give a power, such as 0, 1 or 2")


def _chunks(points: int, most: int) -> Iterator[slice]:
    """Parts of nearly the same length."""
    parts = -(-points // most)
    for i in range(parts):
        yield slice(points * i // parts, points * (i + 1) // parts)
