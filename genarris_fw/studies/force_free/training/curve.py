"""The loss by iteration, thinned so that a long training keeps no more rows than a short one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

COLUMNS = ("iteration", "evaluations", "cpu_seconds", "value", "boundary", "divergence", "force", "stage")
MOST_ROWS = 1000


class Curve:
    """Rows of a training, at iterations that are multiples of a stride; it doubles when there are too many rows.

    The last iteration is always the last row, so a curve that ends says where.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._stride = 1

    def add(self, row: tuple[float, ...]) -> None:
        """Add a row of `COLUMNS`; it takes the place of the last one where that was off the stride."""
        if self._rows and self._rows[-1][0] % self._stride:
            self._rows.pop()
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            self._stride *= 2
            self._rows = [kept for kept in self._rows if kept[0] % self._stride == 0 or kept is row]

    def rows(self) -> npt.NDArray[np.float64]:
        """Return the rows, shape (k, 8), columns as in `COLUMNS`."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, len(COLUMNS))

    @classmethod
    def of(cls, rows: npt.NDArray[np.float64], stride: int) -> Curve:
        """Return the curve that has these rows."""
        curve = cls()
        curve._rows = [tuple(float(number) for number in row) for row in rows]
        curve._stride = stride
        return curve

    @property
    def stride(self) -> int:
        """Every how many iterations a row is kept."""
        return self._stride
