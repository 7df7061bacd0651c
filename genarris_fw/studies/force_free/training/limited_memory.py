"""L-BFGS: the inverse Hessian from the last few steps."""

from __future__ import annotations

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Arrays, Step, Vector


class LimitedMemory:
    """L-BFGS by the two-loop recursion (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithm 7.4).

    The first approximation is that of eq. 7.20, C_k0 = (h.i / i.i) 1 of the last step.

    Parameters
    ----------
    parameters : int
        How many parameters, n.
    history : int
        How many steps are remembered: m_y of the paper.
    """

    def __init__(self, parameters: int, history: int) -> None:
        self._shifts = np.zeros((history, parameters))
        self._changes = np.zeros((history, parameters))
        self._learned = 0

    @staticmethod
    def memory_needed(parameters: int, history: int) -> int:
        """Return the bytes that the remembered steps take."""
        return 2 * 8 * parameters * history

    def direction(self, gradient: Vector) -> Vector:
        """Return -C g, shape (n,)."""
        found = -gradient
        rows = self._newest_first()
        weights = []
        for row in rows:
            weight = (self._shifts[row] @ found) / (self._shifts[row] @ self._changes[row])
            weights.append(weight)
            found -= weight * self._changes[row]
        if rows:
            newest = self._changes[rows[0]]
            found *= (self._shifts[rows[0]] @ newest) / (newest @ newest)
        for row, weight in zip(reversed(rows), reversed(weights), strict=True):
            back = (self._changes[row] @ found) / (self._shifts[row] @ self._changes[row])
            found += (weight - back) * self._shifts[row]
        return found

    def learn(self, step: Step) -> None:
        """Remember a step in place of the oldest one."""
        if not step.teaches:
            return
        row = self._learned % len(self._shifts)
        self._shifts[row] = step.shift
        self._changes[row] = step.change
        self._learned += 1

    def forget(self) -> None:
        """Forget all steps."""
        self._learned = 0

    def state(self) -> Arrays:
        """Return the remembered steps, and how many were learned."""
        kept = min(self._learned, len(self._shifts))
        return {
            "shifts": self._shifts[:kept].copy(),
            "changes": self._changes[:kept].copy(),
            "learned": np.array(self._learned),
        }

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
        kept = len(state["shifts"])
        if kept > len(self._shifts):
            raise ValueError(f"{kept} steps are remembered instead of at most {len(self._shifts)}")
        self._shifts[:kept] = state["shifts"]
        self._changes[:kept] = state["changes"]
        self._learned = int(state["learned"])

    def _newest_first(self) -> list[int]:
        history = len(self._shifts)
        return [count % history for count in range(self._learned - 1, max(self._learned - history, 0) - 1, -1)]
