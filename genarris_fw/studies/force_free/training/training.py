"""A training from its first point to its end, through stages of growing precision, and over interruptions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.training.curve import Curve
from genarris_fw.studies.force_free.training.line_search import Trial, line_search
from genarris_fw.studies.force_free.training.optimiser import Arrays, Step, Vector
from genarris_fw.studies.force_free.training.settings import Settings, made_optimiser
from genarris_fw.studies.force_free.training.stagnation import Stagnation

# Relative rounding of a loss in single precision: where values differ by no more, their slopes decide.
VALUE_NOISE = 1e-7


class LossFunction(Protocol):
    """What is made small. Where it has `last_terms`, these parts of its last value are in the curve."""

    def __call__(self, parameters: Vector, /) -> tuple[float, Vector]:
        """Return the value and its gradient, both in double precision."""


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Parameters
    ----------
    parameters : ndarray, shape (n,)
        Where it ended.
    value : float
        The loss there.
    curve : ndarray, shape (k, 8)
        The loss by iteration; columns as in `curve.COLUMNS`.
    why_ended : str
        In words.
    iterations, evaluations : int
        How many there were in all, over all resumptions.
    cpu_seconds : float
        CPU time of this and of the former processes.
    """

    parameters: Vector
    value: float
    curve: npt.NDArray[np.float64]
    why_ended: str
    iterations: int
    evaluations: int
    cpu_seconds: float


def train(
    loss: LossFunction | Sequence[LossFunction],
    start: Vector,
    settings: Settings,
    state: Mapping[str, npt.NDArray[np.generic]] | None = None,
    report: Callable[[Training], None] | None = None,
) -> Trained:
    """Minimise a loss.

    Parameters
    ----------
    loss : callable or sequence of callables
        The loss; or the same loss in growing precision, one for each stage. When a stage stagnates, the next begins
        with all that the optimiser has learned; after the last one the training ends.
    start : ndarray, shape (n,)
        The parameters at the start.
    settings : Settings
        The optimiser, and when to end.
    state : mapping of str to ndarray, optional
        `Training.state` of an interrupted training, which goes on to the same numbers, bit by bit, that it would
        have found (as long as `max_cpu_seconds` does not end it: CPU time is never twice the same).
    report : callable, optional
        Called with the training after each iteration; it may ask for `state()`, or raise to interrupt.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If the loss at the start is not a number, the state is of another training, or memory is lacking.
    """
    training = Training([loss] if callable(loss) else loss, start, settings)
    if state is not None:
        training.restore(state)
    return training.run(report)


class Training:
    """A training under way.

    Parameters
    ----------
    losses : sequence of callables
        The loss of each stage.
    start : ndarray, shape (n,)
        The parameters at the start.
    settings : Settings
        The optimiser, and when to end.
    """

    def __init__(self, losses: Sequence[LossFunction], start: Vector, settings: Settings) -> None:
        self.settings = settings
        self.parameters: Vector = np.array(start, dtype=np.float64)
        self.value = math.nan
        self.gradient: Vector = np.zeros_like(self.parameters)
        self.iterations = self.evaluations = self.stage = 0
        self.why_ended = ""
        self._losses = losses
        self._optimiser = made_optimiser(settings, self.parameters.size)
        self._stagnation = Stagnation(settings)
        self._curve = Curve()
        self._steepest = True  # H = 1
        self._former_value = math.nan  # before the last step; NaN where there is none
        self._former_cpu = 0.0
        self._began = time.process_time()

    @property
    def cpu_seconds(self) -> float:
        """CPU time of this and of the former processes."""
        return self._former_cpu + time.process_time() - self._began

    def run(self, report: Callable[[Training], None] | None = None) -> Trained:
        """Go on to the end; `report` as of `train`."""
        while not self.ended():
            self.advance()
            if report is not None:
                report(self)
        return self.result()

    def ended(self) -> bool:
        """Tell whether the training is over; `why_ended` says why."""
        if not self.why_ended:
            if self.iterations >= self.settings.max_iterations:
                self.why_ended = f"all {self.settings.max_iterations} iterations are done"
            elif self.settings.max_cpu_seconds is not None and self.cpu_seconds >= self.settings.max_cpu_seconds:
                self.why_ended = f"{self.settings.max_cpu_seconds:g} CPU seconds are spent"
        return bool(self.why_ended)

    def advance(self) -> None:
        """Do one iteration."""
        if not self.evaluations:
            self._begin()
        if not self.gradient.any():
            self.why_ended = "the gradient is zero"
            return None
        direction = self._optimiser.direction(self.gradient)
        slope = float(self.gradient @ direction)
        if not slope < 0.0:
            return self._stuck("the direction does not lead down")
        start = Trial(0.0, self.value, slope, self.gradient)
        first = self._first_length(direction, slope)
        found = line_search(lambda length: self._tried(direction, length), start, first, VALUE_NOISE)
        if found.trial is None:
            return self._stuck("the line search found no lower loss")
        self._take(direction, start, found.trial)
        if found.exhausted and self._more_precision():
            # Values are rougher than the slope: more of this precision would only spoil what the optimiser has learned.
            self._next_stage("the line search ended with its evaluations")
        elif reason := self._stagnation.reason():
            self._next_stage(reason)
        return None

    def result(self) -> Trained:
        """Return what the training came to."""
        return Trained(
            self.parameters,
            self.value,
            self._curve.rows(),
            self.why_ended,
            self.iterations,
            self.evaluations,
            self.cpu_seconds,
        )

    def state(self) -> Arrays:
        """Return all that is needed to go on, as arrays.

        They are those of the training itself where they are large: write them before it goes on.
        """
        counts = [self.iterations, self.evaluations, self.stage, int(self._steepest), self._curve.stride]
        return {
            "parameters": self.parameters,
            "gradient": self.gradient,
            "numbers": np.array([self.value, self._former_value, self.cpu_seconds]),
            "counts": np.array(counts),
            "why_ended": np.array(self.why_ended),
            "curve": self._curve.rows(),
            **self._stagnation.state(),
            **{f"optimiser/{name}": array for name, array in self._optimiser.state().items()},
        }

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Take up a state that `state` returned.

        Raises
        ------
        InputError
            If it is that of a training with other settings.
        """
        try:
            if state["parameters"].shape != self.parameters.shape:
                raise ValueError(f"it has {state['parameters'].size} parameters instead of {self.parameters.size}")
            self.parameters = np.array(state["parameters"], dtype=np.float64)
            self.gradient = np.array(state["gradient"], dtype=np.float64)
            self.value, self._former_value, self._former_cpu = (float(number) for number in state["numbers"])
            self.iterations, self.evaluations, self.stage, steepest, stride = (int(count) for count in state["counts"])
            self._steepest = bool(steepest)
            if self.stage >= len(self._losses):
                raise ValueError(f"it is at stage {self.stage + 1} of {len(self._losses)}")
            self.why_ended = str(state["why_ended"])
            self._curve = Curve.of(np.asarray(state["curve"], dtype=np.float64), stride)
            self._stagnation.restore({"seen": state["seen"]})
            prefix = "optimiser/"
            learned = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
            self._optimiser.restore(learned)
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(f"the state of the training does not fit its settings: {error}") from error
        self._began = time.process_time()

    def _begin(self) -> None:
        self.value, self.gradient = self._evaluated(self.parameters)
        if not math.isfinite(self.value) or not np.isfinite(self.gradient).all():
            raise InputError(
                f"the loss at the start of the training is {self.value}, or its gradient is not finite: "
                "look at the field for values that are no numbers, and at the weights"
            )
        self._note()

    def _evaluated(self, parameters: Vector) -> tuple[float, Vector]:
        self.evaluations += 1
        value, gradient = self._losses[self.stage](parameters)
        return float(value), np.asarray(gradient, dtype=np.float64)

    def _first_length(self, direction: Vector, slope: float) -> float:
        """Return the first length to try.

        It is that of a step of length 1 at the beginning; then one at which the loss falls as much as in the last step
        (Nocedal & Wright 2006, eq. 3.60), at most 1. Always 1 takes more evaluations, and ends higher.
        """
        if self._steepest:
            return 1.0 / float(np.linalg.norm(direction))
        guess = 1.01 * 2.0 * (self.value - self._former_value) / slope
        return min(1.0, guess) if guess > 0.0 else 1.0

    def _tried(self, direction: Vector, length: float) -> Trial:
        value, gradient = self._evaluated(self.parameters + length * direction)
        slope = float(gradient @ direction)
        if not (math.isfinite(value) and math.isfinite(slope)):
            value, slope = math.inf, math.inf
        return Trial(length, value, slope, gradient)

    def _take(self, direction: Vector, start: Trial, trial: Trial) -> None:
        shift = trial.length * direction
        self._optimiser.learn(Step(shift, start.gradient, trial.gradient, trial.length))
        self.parameters = self.parameters + shift
        self._former_value, self.value, self.gradient = self.value, trial.value, trial.gradient
        self._steepest = False
        self.iterations += 1
        self._note()

    def _note(self) -> None:
        self._stagnation.see(self.value, self.evaluations)
        terms: Mapping[str, float] = getattr(self._losses[self.stage], "last_terms", {})
        parts = (float(terms.get(name, math.nan)) for name in ("boundary", "divergence", "force"))
        self._curve.add((self.iterations, self.evaluations, self.cpu_seconds, self.value, *parts, self.stage))

    def _stuck(self, reason: str) -> None:
        """Go on with more precision; without it, once more from the steepest descent."""
        if self._steepest or self._more_precision():
            self._next_stage(reason)
        else:
            self._optimiser.forget()
            self._steepest = True

    def _more_precision(self) -> bool:
        return self.stage + 1 < len(self._losses)

    def _next_stage(self, reason: str) -> None:
        if not self._more_precision():
            self.why_ended = reason
            return
        self.stage += 1
        self._stagnation.forget()
        self._former_value = math.nan
        self.value, self.gradient = self._evaluated(self.parameters)
        self._note()
