"""How far to go along a direction: a strong Wolfe line search with cubic interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genarris_fw.studies.force_free.training.optimiser import Vector

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
MOST_TRIALS = 20
WIDEST_STRETCH = 10.0


@dataclass(frozen=True)
class Trial:
    """The function at one length along a direction.

    Parameters
    ----------
    length : float
        The step length alpha.
    value, slope : float
        phi(alpha) and phi'(alpha).
    gradient : ndarray, shape (n,)
        The gradient there.
    """

    length: float
    value: float
    slope: float
    gradient: Vector


@dataclass(frozen=True)
class Found:
    """What a line search found; no trial where nothing is lower. Exhausted, it has met no Wolfe conditions."""

    trial: Trial | None
    evaluations: int
    exhausted: bool


def line_search(
    evaluate: Callable[[float], Trial], start: Trial, first: float = 1.0, noise: float = 0.0, most: int = MOST_TRIALS
) -> Found:
    """Find a length that meets the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6).

    Parameters
    ----------
    evaluate : callable
        The function at a length.
    start : Trial
        The function at length 0; its slope is negative.
    first : float, optional
        The first length tried.
    noise : float, optional
        Relative error of the values. A value that differs from the first by no more counts as not higher, and the
        slopes decide (the approximate Wolfe conditions, Hager & Zhang 2005 SIAM J. Optim. 16 170, eq. 4.1).
    most : int, optional
        How many evaluations may be made. After these the lowest trial that has decreased enough is taken, if any.

    Returns
    -------
    Found
    """
    search = _Search(evaluate, start, noise, most)
    search.run(first)
    return Found(search.accepted or search.lowest, search.evaluations, exhausted=search.accepted is None)


def cubic_minimiser(value: float, slope: float, a: Trial, b: Trial) -> float:
    """Return where the cubic through phi(0), phi'(0), phi(a) and phi(b) is least (Nocedal & Wright 2006, eq. 3.58).

    NaN where it has no minimum, or where a value is not finite.
    """
    rest_a = (a.value - value - slope * a.length) / a.length**2
    rest_b = (b.value - value - slope * b.length) / b.length**2
    third = (rest_b - rest_a) / (b.length - a.length)
    second = rest_a - third * a.length
    discriminant = second**2 - 3.0 * third * slope
    if not discriminant >= 0.0:
        return math.nan
    # The root in the form that does not cancel: -slope / (second + sqrt(...)).
    divisor = second + math.sqrt(discriminant)
    return -slope / divisor if divisor > 0.0 else math.nan


def quadratic_minimiser(value: float, slope: float, a: Trial) -> float:
    """Return where the parabola through phi(0), phi'(0) and phi(a) is least; NaN where it has no minimum."""
    second = (a.value - value - slope * a.length) / a.length**2
    return -slope / (2.0 * second) if second > 0.0 and math.isfinite(second) else math.nan


class _Search:
    def __init__(self, evaluate: Callable[[float], Trial], start: Trial, noise: float, most: int) -> None:
        self.evaluate = evaluate
        self.start = start
        self.noise = noise * abs(start.value)
        self.most = most
        self.evaluations = 0
        self.accepted: Trial | None = None
        self.lowest: Trial | None = None

    def run(self, first: float) -> None:
        """Widen until a minimum is enclosed, then narrow down."""
        before, length = self.start, first
        while trial := self.tried(length):
            if not self.low_enough(trial) or (before.length > 0.0 and not trial.value < before.value):
                return self.zoom(before, trial)
            if self.flat_enough(trial):
                self.accepted = trial
                return None
            if trial.slope >= 0.0:
                return self.zoom(trial, before)
            before, length = trial, self.stretched(before, trial)
        return None

    def zoom(self, low: Trial, high: Trial) -> None:
        """Narrow the interval between the best trial so far and one beyond the minimum."""
        while trial := self.tried(self.between(low, high)):
            if not self.low_enough(trial) or not trial.value < low.value + self.noise:
                high = trial
                continue
            if self.flat_enough(trial):
                self.accepted = trial
                return
            if trial.slope * (high.length - low.length) >= 0.0:
                high = low
            low = trial

    def tried(self, length: float) -> Trial | None:
        if self.evaluations >= self.most:
            return None
        self.evaluations += 1
        trial = self.evaluate(length)
        if self.low_enough(trial) and (self.lowest is None or trial.value < self.lowest.value):
            self.lowest = trial
        return trial

    def low_enough(self, trial: Trial) -> bool:
        gain = self.start.slope * trial.length
        if trial.value <= self.start.value + SUFFICIENT_DECREASE * gain:
            return True
        nearly = trial.value <= self.start.value + self.noise
        return self.noise > 0.0 and nearly and trial.slope <= (2.0 * SUFFICIENT_DECREASE - 1.0) * self.start.slope

    def flat_enough(self, trial: Trial) -> bool:
        return abs(trial.slope) <= -CURVATURE * self.start.slope

    def between(self, low: Trial, high: Trial) -> float:
        """Return the minimum of the interpolation, or the middle where that is too near to an end."""
        guess = self.interpolated(low, high)
        least, most = sorted((low.length, high.length))
        margin = 0.1 * (most - least)
        if least + margin <= guess <= most - margin:
            return guess
        return 0.5 * (least + most)

    def stretched(self, before: Trial, trial: Trial) -> float:
        guess = self.interpolated(before, trial)
        if not math.isfinite(guess):
            return WIDEST_STRETCH * trial.length
        return float(np.clip(guess, 2.0 * trial.length, WIDEST_STRETCH * trial.length))

    def interpolated(self, a: Trial, b: Trial) -> float:
        trials = [trial for trial in (a, b) if trial.length > 0.0]
        if len(trials) == 1:
            return quadratic_minimiser(self.start.value, self.start.slope, trials[0])
        return cubic_minimiser(self.start.value, self.start.slope, *trials)
