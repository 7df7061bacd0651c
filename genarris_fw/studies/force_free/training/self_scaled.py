"""Self-scaled quasi-Newton methods: the whole inverse Hessian, for networks of up to some ten thousand parameters."""

from __future__ import annotations

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Arrays, Step, Vector
from genarris_fw.studies.force_free.training.packed import MatrixType, PackedSymmetric
from genarris_fw.studies.force_free.training.scaling import Scale


class SelfScaled:
    """A self-scaled method of Broyden's family (Urban, Stefanou & Pons 2025 J. Comput. Phys. 523 113656, eq. 12).

    An iteration takes one product with H: H y is the difference of H g after the step and before.

    Parameters
    ----------
    parameters : int
        How many parameters, n.
    scale : callable
        How an update scales: `scaling.broyden` or `scaling.bfgs`.
    matrix : {"float64", "float32"}, optional
        The type of H. With float32 it takes half of the memory; it ends a little higher.
    """

    def __init__(self, parameters: int, scale: Scale, matrix: MatrixType = "float64") -> None:
        self._scale = scale
        self._matrix = PackedSymmetric(parameters, matrix)
        self._parameters = parameters
        self._fresh = True  # H is still 1
        self._gradient: Vector = np.zeros(parameters)
        self._image: Vector = np.zeros(parameters)  # H times this gradient

    @staticmethod
    def memory_needed(parameters: int, matrix: MatrixType = "float64") -> int:
        """Return the bytes that H takes."""
        return PackedSymmetric.memory_needed(parameters, matrix)

    def direction(self, gradient: Vector) -> Vector:
        """Return -H g, shape (n,)."""
        if not np.array_equal(gradient, self._gradient):
            self._gradient, self._image = gradient, self._matrix.times(gradient)
        return -self._image

    def learn(self, step: Step) -> None:
        """Let a step change H.

        The update, (H - u u' / y.u + phi y.u v v') / tau + s s' / y.s with u = H y and v = s / y.s - u / y.u, is
        gathered by s s', s u' and u u'.
        """
        if not step.teaches:
            return
        s, before = step.shift, -self.direction(step.before)
        after = self._matrix.times(step.after)
        u = after - before
        ys, yu = step.curvature, float(step.change @ u)
        if not yu > 0.0:  # rounding has made H indefinite
            self.forget()
            return
        tau, phi = self._scale(-step.length * step.slope / ys, yu / ys, self._parameters, self._fresh)
        ss, su, uu = (phi * yu / (tau * ys) + 1.0) / ys, -phi / (tau * ys), (phi - 1.0) / (tau * yu)
        self._matrix.multiply(1.0 / tau)
        self._matrix.add(s, u, ss, su, uu)
        sg, ug = float(s @ step.after), float(u @ step.after)
        self._gradient, self._image = step.after, after / tau + (ss * sg + su * ug) * s + (su * sg + uu * ug) * u
        self._fresh = False

    def forget(self) -> None:
        """Go back to H = 1."""
        self._matrix.reset()
        self._fresh = True
        self._gradient = self._image = np.zeros(self._parameters)

    def state(self) -> Arrays:
        """Return H, the last gradient with its product, and whether H is still 1."""
        return {
            **self._matrix.state(),
            "gradient": self._gradient,
            "image": self._image,
            "fresh": np.array(self._fresh),
        }

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
        self._matrix.restore(state)
        self._gradient, self._image = np.array(state["gradient"]), np.array(state["image"])
        self._fresh = bool(state["fresh"])
