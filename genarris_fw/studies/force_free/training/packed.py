"""A large symmetric matrix that is changed by two vectors at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from genarris_fw.studies.force_free.training.optimiser import Arrays, Vector

MatrixType = Literal["float64", "float32"]

# Changes are gathered and added together, so many columns at a time: one product of matrices instead of many passes
# through memory, which would take as long as the loss.
GATHERED = 16
COLUMNS_AT_ONCE = 64

# The matrix is factor * packed; beyond these the factor is multiplied in, so that nothing overflows, in float32 either.
LEAST_FACTOR, LARGEST_FACTOR = 1e-10, 1e10


class PackedSymmetric:
    """A symmetric matrix, 1 at first; its lower triangle alone is kept, packed by columns, and changed in place.

    It is factor * (packed + sum of the gathered changes).

    Parameters
    ----------
    size : int
        n.
    dtype : {"float64", "float32"}
        The type of the triangle.
    """

    def __init__(self, size: int, dtype: MatrixType) -> None:
        from scipy.linalg import get_blas_funcs

        self._size = size
        self._packed = np.zeros(size * (size + 1) // 2, dtype=dtype)
        self._packed_times = get_blas_funcs("spmv", dtype=dtype)
        columns = np.arange(size + 1)
        self._starts = columns * size - columns * (columns - 1) // 2
        # A change is a pair of rows a, b of length 1, and the coefficients of a a', a b' + b a' and b b'.
        self._rows = np.zeros((2 * GATHERED, size), dtype=dtype)
        self._coefficients = np.zeros((GATHERED, 2, 2))
        self.reset()

    @staticmethod
    def memory_needed(size: int, dtype: MatrixType) -> int:
        """Return the bytes that the matrix takes."""
        numbers = size * (size + 1) // 2 + 2 * GATHERED * size
        return np.dtype(dtype).itemsize * numbers

    def reset(self) -> None:
        """Go back to 1."""
        self._packed[:] = 0.0
        self._packed[self._starts[:-1]] = 1.0
        self._factor = 1.0
        self._gathered = 0

    def times(self, vector: Vector) -> Vector:
        """Return the product with a vector, shape (n,)."""
        # In float32 a short vector would underflow, and so it is made one of length 1.
        length = float(np.linalg.norm(vector)) or 1.0
        unit = (vector / length).astype(self._packed.dtype)
        image = self._packed_times(self._size, 1.0, self._packed, unit, lower=1)
        rows = self._rows[: 2 * self._gathered]
        image += self._weighted((rows @ unit)[:, None])[:, 0] @ rows
        result: Vector = image.astype(np.float64)
        result *= self._factor * length
        return result

    def multiply(self, by: float) -> None:
        """Multiply by a number."""
        self._factor *= by
        if not LEAST_FACTOR < self._factor < LARGEST_FACTOR:
            self._add_gathered()
            self._packed *= self._packed.dtype.type(self._factor)
            self._factor = 1.0

    def add(self, a: Vector, b: Vector, aa: float, ab: float, bb: float) -> None:
        """Add aa a a' + ab (a b' + b a') + bb b b'."""
        if self._gathered == GATHERED:
            self._add_gathered()
        lengths = np.array([float(np.linalg.norm(a)) or 1.0, float(np.linalg.norm(b)) or 1.0])
        row = 2 * self._gathered
        self._rows[row], self._rows[row + 1] = a / lengths[0], b / lengths[1]
        coefficients = np.array([[aa, ab], [ab, bb]]) * np.outer(lengths, lengths)
        self._coefficients[self._gathered] = coefficients / self._factor
        self._gathered += 1

    def state(self) -> Arrays:
        """Return the packed triangle itself, which is too large to copy, and what is not yet added to it."""
        return {
            "packed": self._packed,
            "factor": np.array(self._factor),
            "rows": self._rows[: 2 * self._gathered].copy(),
            "coefficients": self._coefficients[: self._gathered].copy(),
        }

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned; ValueError if it is of another type or size."""
        if state["packed"].dtype != self._packed.dtype:
            raise ValueError(f"its matrix is of {state['packed'].dtype} instead of {self._packed.dtype}")
        self._packed[:] = state["packed"]
        self._factor = float(state["factor"])
        self._gathered = len(state["coefficients"])
        self._rows[: 2 * self._gathered] = state["rows"]
        self._coefficients[: self._gathered] = state["coefficients"]

    def _weighted(self, products: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Multiply rows, shape (2 gathered, k), by the coefficients of each pair."""
        pairs = products.reshape(self._gathered, 2, products.shape[1])
        weighted: npt.NDArray[np.floating] = np.matmul(self._coefficients[: self._gathered], pairs)
        return weighted.reshape(products.shape).astype(self._packed.dtype)

    def _add_gathered(self) -> None:
        rows = self._rows[: 2 * self._gathered]
        weighted = self._weighted(rows)
        for first in range(0, self._size, COLUMNS_AT_ONCE):
            block = weighted[:, first : first + COLUMNS_AT_ONCE].T @ rows[:, first:]
            for index, column in enumerate(block):
                start, end = self._starts[first + index : first + index + 2]
                self._packed[start:end] += column[index:]
        self._gathered = 0
