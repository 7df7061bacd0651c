"""Self-scaled quasi-Newton methods: the whole inverse Hessian, for networks of up to some ten thousand parameters."""

from __future__ import annotations

from typing import Literal

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Arrays, Step, Vector
from genarris_fw.studies.force_free.training.scaling import Scale

MatrixType = Literal["float64", "float32"]

# H = factor * packed; beyond these the factor is multiplied in, so that neither overflows, in float32 either.
LEAST_FACTOR, LARGEST_FACTOR = 1e-10, 1e10


class SelfScaled:
    """A self-scaled method of Broyden's family (Urban, Stefanou & Pons 2025 J. Comput. Phys. 523 113656, eq. 12).

    H is symmetric; its lower triangle alone is kept, packed by columns, and changed in place.

    Parameters
    ----------
    parameters : int
        How many parameters, n.
    scale : callable
        How an update scales: `scaling.broyden` or `scaling.bfgs`.
    matrix : {"float64", "float32"}, optional
        The type of H. With float32 it takes half of the memory and of the time; it ends a little higher.
    """

    def __init__(self, parameters: int, scale: Scale, matrix: MatrixType = "float64") -> None:
        from scipy.linalg import get_blas_funcs

        self._parameters = parameters
        self._scale = scale
        self._fresh = True
        self._packed = np.zeros(parameters * (parameters + 1) // 2, dtype=matrix)
        self._times_vector, self._add_two, self._add_one = get_blas_funcs(("spmv", "spr2", "spr"), dtype=matrix)
        self.forget()

    @staticmethod
    def memory_needed(parameters: int, matrix: MatrixType = "float64") -> int:
        """Return the bytes that H takes."""
        return np.dtype(matrix).itemsize * parameters * (parameters + 1) // 2

    def direction(self, gradient: Vector) -> Vector:
        """Return -H g, shape (n,)."""
        return -self._image(gradient)

    def learn(self, step: Step) -> None:
        """Let a step change H.

        The update, (H - u u' / y.u + phi y.u v v') / tau + s s' / y.s with u = H y and v = s / y.s - u / y.u, is
        gathered by s s', s u' and u u'.
        """
        if not step.teaches:
            return None
        image = self._image(step.change)
        ys, yhy = step.curvature, float(step.change @ image)
        if not yhy > 0.0:  # rounding has made H indefinite
            return self.forget()
        tau, phi = self._scale(-step.length * step.slope / ys, yhy / ys, self._parameters, self._fresh)
        self._fresh = False
        self._multiply(1.0 / tau)
        ss = (phi * yhy / (tau * ys) + 1.0) / ys
        su = -phi / (tau * ys)
        uu = (phi - 1.0) / (tau * yhy)
        self._add(step.shift, 0.5 * ss * step.shift + su * image)
        if uu:
            n, image = self._parameters, image.astype(self._packed.dtype)
            self._packed = self._add_one(n, uu / self._factor, image, self._packed, lower=1, overwrite_ap=1)
        return None

    def forget(self) -> None:
        """Go back to H = 1."""
        self._packed[:] = 0.0
        columns = np.arange(self._parameters)
        self._packed[columns * self._parameters - columns * (columns - 1) // 2] = 1.0
        self._factor = 1.0
        self._fresh = True

    def state(self) -> Arrays:
        """Return the packed triangle itself, which is too large to copy, its factor, and whether H is still 1."""
        return {"packed": self._packed, "factor": np.array(self._factor), "fresh": np.array(self._fresh)}

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
        if state["packed"].dtype != self._packed.dtype:
            raise ValueError(f"its matrix is of {state['packed'].dtype} instead of {self._packed.dtype}")
        self._packed[:] = state["packed"]
        self._factor = float(state["factor"])
        self._fresh = bool(state["fresh"])

    def _image(self, vector: Vector) -> Vector:
        # In float32 a short vector would underflow, and so it is made one of length 1.
        length = float(np.linalg.norm(vector)) or 1.0
        unit = (vector / length).astype(self._packed.dtype)
        image = self._times_vector(self._parameters, 1.0, self._packed, unit, lower=1)
        result: Vector = image.astype(np.float64)
        result *= self._factor * length
        return result

    def _multiply(self, by: float) -> None:
        self._factor *= by
        if not LEAST_FACTOR < self._factor < LARGEST_FACTOR:
            self._packed *= self._packed.dtype.type(self._factor)
            self._factor = 1.0

    def _add(self, a: Vector, b: Vector) -> None:
        """Add a b' + b a'."""
        lengths = float(np.linalg.norm(a)) or 1.0, float(np.linalg.norm(b)) or 1.0
        units = [(vector / length).astype(self._packed.dtype) for vector, length in zip((a, b), lengths, strict=True)]
        weight = lengths[0] * lengths[1] / self._factor
        self._packed = self._add_two(self._parameters, weight, *units, self._packed, lower=1, overwrite_ap=1)
