"""Whether a stage of a training still gets anywhere."""

from __future__ import annotations

from collections import deque

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Arrays
from genarris_fw.studies.force_free.training.settings import Settings


class Stagnation:
    """The values and evaluation counts of the last iterations, and what they say.

    Parameters
    ----------
    settings : Settings
        Its `window`, `tolerance` and `most_evaluations`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: deque[tuple[float, float]] = deque(maxlen=settings.window + 1)

    def see(self, value: float, evaluations: int) -> None:
        """Take note of an iteration: its value, and all evaluations until then."""
        self._seen.append((value, float(evaluations)))

    def reason(self) -> str:
        """Say in words why the stage stagnates; empty while it does not, or while the window is not full."""
        window = self._settings.window
        if len(self._seen) <= window:
            return ""
        (old, old_evaluations), (new, new_evaluations) = self._seen[0], self._seen[-1]
        each = (new_evaluations - old_evaluations) / window
        if each > self._settings.most_evaluations:
            return f"{each:.1f} evaluations per iteration in the last {window}"
        if old - new < self._settings.tolerance * abs(old):
            fall = (old - new) / abs(old)
            return f"the loss fell by {fall:.1e} of itself in the last {window} iterations"
        return ""

    def forget(self) -> None:
        """Begin anew, as for a new stage."""
        self._seen.clear()

    def state(self) -> Arrays:
        """Return what was seen."""
        return {"seen": np.array(self._seen, dtype=np.float64).reshape(-1, 2)}

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` returned."""
        self._seen.clear()
        self._seen.extend((float(value), float(evaluations)) for value, evaluations in state["seen"])
