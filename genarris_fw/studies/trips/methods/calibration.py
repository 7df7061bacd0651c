"""Calibrating by any of the methods: when it ends and why."""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.methods.sweeps import Method, NotEnoughMemory, Sweep
from genarris_fw.studies.trips.model.balancing import Array
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters

WhyEnded = Literal["converged", "diverged", "too slow", "time", "memory"]
# Every method has a module of its own in this room; its function has the module's name.
METHODS = (
    "newton_ml",
    "newton_me",
    "pf_newton",
    "pf_newton_b",
    "pf_mart",
    "hyman",
    "pf_pivot",
    "pf_newton_bs",
    "pf_centred",
    "newton_cg",
)
# A method diverges where its residual has no new least in so many sweeps.
WITHOUT_GAIN = 100


@dataclass(frozen=True)
class Calibration:
    """What a method found, and how it went.

    Parameters
    ----------
    parameters : Parameters
        Where it ended; the best seen where it did not converge.
    method : str
        Its name.
    converged : bool
        Whether every constraint is met to the tolerance.
    why_ended : {"converged", "diverged", "too slow", "time", "memory"}
        Why it ended.
    detail : str
        The same in a sentence.
    sweeps : int
        How many sweeps it took.
    seconds, cpu_seconds : float
        By the clock, and of this process on all cores.
    residuals : dict
        Largest relative errors of ``origins``, ``destinations`` and ``mean_costs`` at the parameters.
    history : ndarray, shape (sweeps + 1,)
        The largest residual at the start and after each sweep.
    """

    parameters: Parameters
    method: str
    converged: bool
    why_ended: WhyEnded
    detail: str
    sweeps: int
    seconds: float
    cpu_seconds: float
    residuals: dict[str, float]
    history: Array


@dataclass
class Judge:
    """Decides after every sweep whether a calibration goes on.

    Parameters
    ----------
    tolerance : float
        The largest relative residual of a calibration that has converged.
    max_sweeps : int
        It is too slow after so many sweeps.
    time_limit : float, optional
        Seconds by the clock.
    """

    tolerance: float
    max_sweeps: int
    time_limit: float | None
    began: float = field(default_factory=time.monotonic)
    history: list[float] = field(default_factory=list)
    best: Sweep | None = None
    best_at: int = 0

    def see(self, sweep: Sweep) -> tuple[WhyEnded, str] | None:
        """Take note of a sweep; return why it ends there, or None."""
        worst, sweeps = sweep.worst, len(self.history)
        self.history.append(worst)
        if not (math.isfinite(worst) and np.isfinite(sweep.parameters.beta).all()):
            return "diverged", f"a number is no longer finite after {sweeps} sweeps"
        if self.best is None or worst < self.best.worst:
            self.best, self.best_at = sweep, sweeps
        least = self.best.worst
        if worst <= self.tolerance:
            return "converged", f"every constraint is met to {worst:.1e} after {sweeps} sweeps"
        if sweeps - self.best_at >= WITHOUT_GAIN:
            return "diverged", f"the residual has not fallen below {least:.1e} in {WITHOUT_GAIN} sweeps"
        if sweeps >= self.max_sweeps:
            return "too slow", f"the residual is {worst:.1e} after {sweeps} sweeps"
        if self.time_limit is not None and time.monotonic() - self.began > self.time_limit:
            return "time", f"the residual is {worst:.1e} after {sweeps} sweeps and {self.time_limit:g} s"
        return None


def method_named(name: str) -> Method:
    """Return the function of a method.

    Raises
    ------
    InputError
        If there is no such method.
    """
    if name not in METHODS:
        raise InputError(f"method = {name} of a calibration is not known; there are {', '.join(METHODS)}")
    method: Method = getattr(importlib.import_module(f"genarris_fw.studies.trips.methods.{name}"), name)
    return method


def first_parameters(problem: TripProblem) -> Parameters:
    """Return where the methods begin: ln B_d = ln D_d, and beta = 1 / mean cost as in Hyman's method."""
    return Parameters(np.log(problem.destinations), 1.0 / problem.mean_costs)


def calibrate(
    problem: TripProblem,
    method: str,
    tolerance: float = 1e-6,
    max_sweeps: int = 10_000,
    time_limit: float | None = None,
    threads: int = 1,
    start: Parameters | None = None,
) -> Calibration:
    """Calibrate gamma and beta.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    method : str
        One of `METHODS`.
    tolerance : float, optional
        The largest relative error of a constraint.
    max_sweeps : int, optional
        After so many sweeps the method is too slow.
    time_limit : float, optional
        Seconds by the clock; looked at after each sweep.
    threads : int, optional
        For the passes over the categories.
    start : Parameters, optional
        Where to begin.

    Returns
    -------
    Calibration
        Also of a method that did not converge.

    Raises
    ------
    InputError
        If there is no such method, a limit makes no sense, or the start is that of another problem.
    """
    function = method_named(method)
    if not tolerance > 0.0:
        raise InputError(f"tolerance = {tolerance} of a calibration must be above 0")
    if max_sweeps < 1 or threads < 1:
        raise InputError(f"max_sweeps = {max_sweeps} and threads = {threads} of a calibration must be 1 or more")
    if time_limit is not None and not time_limit > 0.0:
        raise InputError(f"time_limit = {time_limit} of a calibration must be above 0")
    first = start if start is not None else first_parameters(problem)
    zones, categories = problem.destination_zones, problem.categories
    if first.gamma.shape != (zones,) or first.beta.shape != (categories,):
        raise InputError(
            f"a calibration's start has {first.gamma.size} gamma and {first.beta.size} beta; the problem has {zones} "
            f"destinations and {categories} categories"
        )
    judge = Judge(tolerance, max_sweeps, time_limit)
    cpu = time.process_time()
    why: WhyEnded
    try:
        # Numbers that overflow are seen by the judge.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for sweep in function(problem, first, threads):
                ended = judge.see(sweep)
                if ended:
                    why, detail = ended
                    break
            else:
                why, detail = "diverged", f"nothing better is found after {len(judge.history) - 1} sweeps"
    except NotEnoughMemory as error:
        why, detail = "memory", str(error)
    except np.linalg.LinAlgError as error:
        why, detail = "diverged", f"after {len(judge.history)} sweeps the equations cannot be solved: {error}"
    best = judge.best or Sweep(first, dict.fromkeys(("origins", "destinations", "mean_costs"), math.nan))
    return Calibration(
        parameters=best.parameters,
        method=method,
        converged=why == "converged",
        why_ended=why,
        detail=detail,
        sweeps=max(0, len(judge.history) - 1),
        seconds=time.monotonic() - judge.began,
        cpu_seconds=time.process_time() - cpu,
        residuals=best.residuals,
        history=np.array(judge.history),
    )
