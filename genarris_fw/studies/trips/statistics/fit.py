"""How well the model fits: likelihoods, information criteria, and the trip matrix beside one observed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

import genarris_fw._kernels.gravity as kernel
from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model.balancing import Array, allowed_of, blocks, passes
from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, log_likelihood


def fit_statistics(
    problem: TripProblem,
    parameters: Parameters,
    observed: npt.NDArray[np.float64] | None = None,
    threads: int = 1,
) -> dict[str, float]:
    """Return how well a calibrated model fits.

    Parameters
    ----------
    problem : TripProblem
        The problem.
    parameters : Parameters
        The estimates.
    observed : ndarray, shape (N, O, D), optional
        The trips that the totals are made of.
    threads : int, optional
        For the pass over the categories.

    Returns
    -------
    dict
        ``trips``; ``estimated``, the number of parameters K = D - 1 + N; ``log_likelihood`` L;
        ``null_log_likelihood`` L_0, of equal shares for all allowed destinations; ``rho2`` = 1 - L / L_0 and
        ``rho2_adjusted`` = 1 - (L - K) / L_0 (McFadden 1974); ``likelihood_ratio`` = 2 (L - L_0);
        ``aic`` = 2 K - 2 L; ``bic`` = K ln(trips) - 2 L.
        With `observed` (t) beside the model's T also ``chi2`` = sum (t - T)^2 / T and ``deviance`` = 2 sum t ln(t / T),
        both with ``degrees_of_freedom``; ``srmse``, the root of the mean square difference as a part of the mean;
        ``r2``, the squared correlation; ``common_part``, the part of the trips that both have (Sorensen).

    Raises
    ------
    InputError
        If the observed trips have another shape, are no numbers of trips, or go between forbidden pairs.
    """
    trips = float(problem.origins.sum())
    estimated = problem.destination_zones - 1 + problem.categories
    best, null = log_likelihood(problem, parameters), _null_log_likelihood(problem)
    found = {
        "trips": trips,
        "estimated": float(estimated),
        "log_likelihood": best,
        "null_log_likelihood": null,
        "rho2": _rho2(best, null),
        "rho2_adjusted": _rho2(best - estimated, null),
        "likelihood_ratio": 2.0 * (best - null),
        "aic": 2.0 * estimated - 2.0 * best,
        "bic": estimated * math.log(trips) - 2.0 * best,
    }
    if observed is not None:
        found |= _beside_observed(problem, parameters, observed, estimated, threads)
    return found


def _rho2(likelihood: float, null: float) -> float:
    """Return 1 - L / L_0; NaN where every origin has one destination, so that L_0 is 0."""
    return 1.0 - likelihood / null if null < 0.0 else math.nan


def _null_log_likelihood(problem: TripProblem) -> float:
    if problem.allowed is None:
        return -float(problem.origins.sum()) * math.log(problem.destination_zones)
    choices = problem.allowed.sum(axis=2)
    return -float((problem.origins * np.log(np.maximum(choices, 1))).sum())


def _refuse_wrong(problem: TripProblem, observed: Array) -> None:
    if observed.shape != problem.costs.shape:
        raise InputError(f"observed trips have the shape {observed.shape}, the problem's costs {problem.costs.shape}")
    for n, trips in enumerate(observed):
        wrong = ~(np.isfinite(trips) & (trips >= 0.0))
        what = "must be 0 or more"
        if not wrong.any():
            allowed = problem.allowed_in(n)
            if allowed is None:
                continue
            wrong, what = (trips > 0.0) & ~allowed, "go between a forbidden pair"
        if wrong.any():
            o, d = (int(i) for i in np.argwhere(wrong)[0])
            pair = problem.called.pair(o, d)
            raise InputError(f"{trips[o, d]:g} observed trips of {problem.called.category(n)} {pair} {what}")


def _beside_observed(
    problem: TripProblem, parameters: Parameters, observed: Array, estimated: int, threads: int
) -> dict[str, float]:
    """Compare block by block; no array of the model's trips is made."""
    _refuse_wrong(problem, observed)
    log_a = passes(problem, parameters.beta, parameters.gamma, threads).log_a
    # The sums of: t, T, t^2, T^2, t T, (t - T)^2 / T, t ln(t / T), the smaller of both; and how many pairs.
    sums, pairs = np.zeros(8), 0
    for block in blocks(problem):
        n, rows = block.category, block.rows
        model = np.empty_like(problem.costs[n, rows])
        mask = allowed_of(problem, block)
        kernel.fill(problem.costs[n, rows], mask, float(parameters.beta[n]), parameters.gamma, log_a[n, rows], model)
        possible = np.broadcast_to(problem.origins[n, rows, None] > 0.0, model.shape)
        if mask is not None:
            possible = possible & mask.astype(bool)
        t, m = observed[n, rows][possible], model[possible]
        some = t > 0.0
        sums += (
            t.sum(), m.sum(), t @ t, m @ m, t @ m,
            ((t - m) ** 2 / m).sum(), (t[some] * np.log(t[some] / m[some])).sum(), np.minimum(t, m).sum(),
        )  # fmt: skip
        pairs += len(t)
    there, model_sum, squares, model_squares, product, chi2, deviance, common = (float(value) for value in sums)
    covariance = product - there * model_sum / pairs
    variances = (squares - there**2 / pairs) * (model_squares - model_sum**2 / pairs)
    starts = int((problem.origins > 0.0).sum())
    return {
        "chi2": chi2,
        "deviance": 2.0 * deviance,
        "degrees_of_freedom": float(pairs - starts - estimated),
        "srmse": math.sqrt(max(0.0, squares - 2.0 * product + model_squares) / pairs) / (there / pairs),
        "r2": covariance**2 / variances if variances > 0.0 else math.nan,
        "common_part": 2.0 * common / (there + model_sum),
    }
