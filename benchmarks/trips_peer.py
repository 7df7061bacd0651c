"""Other programs on the same trips: scipy's optimisers on the structured likelihood in numpy, and xlogit."""

from __future__ import annotations

from typing import Any

import numpy as np

from genarris_fw.studies.trips.model.problem import TripProblem
from genarris_fw.studies.trips.model.trips import Parameters, trips


class Likelihood:
    """Minus the log-likelihood per trip, of (gamma_2 .. gamma_D, beta), with gradient and Hessian times a vector."""

    def __init__(self, problem: TripProblem) -> None:
        self.problem = problem
        self.trips = problem.origins.sum()
        self.wanted = np.concatenate([problem.destinations[1:], -problem.total_costs])

    def _shares(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        d = self.problem.destination_zones - 1
        utility = np.append(0.0, x[:d]) - x[d:, None, None] * self.problem.costs
        highest = utility.max(axis=2)
        np.exp(utility - highest[:, :, None], out=utility)
        sums = utility.sum(axis=2)
        utility /= sums[:, :, None]
        return utility, highest + np.log(sums)

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        shares, logarithms = self._shares(x)
        value = (self.problem.origins * logarithms).sum() - x @ self.wanted
        shares *= self.problem.origins[:, :, None]
        found = np.append(shares.sum(axis=(0, 1))[1:], -np.einsum("nod,nod->n", shares, self.problem.costs))
        return value / self.trips, (found - self.wanted) / self.trips

    def times(self, x: np.ndarray, vector: np.ndarray) -> np.ndarray:
        d = self.problem.destination_zones - 1
        shares, _ = self._shares(x)
        along = np.append(0.0, vector[:d]) - vector[d:, None, None] * self.problem.costs
        along -= np.einsum("nod,nod->no", shares, along)[:, :, None]
        along *= shares * self.problem.origins[:, :, None]
        product = np.append(along.sum(axis=(0, 1))[1:], -np.einsum("nod,nod->n", along, self.problem.costs))
        return product / self.trips


def by_scipy(problem: TripProblem, method: str, start: Parameters) -> Parameters:
    """Calibrate by `scipy.optimize.minimize`, as near as it comes."""
    from scipy.optimize import minimize

    likelihood = Likelihood(problem)
    options: dict[str, Any] = {"maxiter": 10_000}
    options |= {"gtol": 1e-10} if method == "trust-ncg" else {"gtol": 1e-10, "ftol": 1e-16, "maxfun": 20_000}
    found = minimize(
        likelihood.value_and_gradient,
        np.concatenate([start.gamma[1:], start.beta]),
        jac=True,
        hessp=likelihood.times if method == "trust-ncg" else None,
        method=method,
        options=options,
    )
    d = problem.destination_zones - 1
    return Parameters(np.append(0.0, found.x[:d]), found.x[d:])


def by_xlogit(problem: TripProblem, parameters: Parameters) -> Parameters:
    """Calibrate by xlogit: a row for every alternative of every pair of zones and category, weighted by its trips.

    Its first inverse Hessian is right for weights of about 1. It ends where a step promises less than a millionth of
    log-likelihood, which cannot be set and is 2e-5 from the estimates, so that it begins anew from there a few times.
    """
    from xlogit import MultinomialLogit

    n, o, d = problem.costs.shape
    weights = trips(problem, parameters).reshape(-1)
    weights /= weights.mean()
    situations = n * o * d
    category = np.repeat(np.arange(n), o * d)
    design = np.zeros((situations, d, d - 1 + n))
    design[:, np.arange(1, d), np.arange(d - 1)] = 1.0
    costs = np.repeat(problem.costs.reshape(n * o, d), d, axis=0)
    design[np.arange(situations)[:, None], np.arange(d), d - 1 + category[:, None]] = -costs
    chosen = np.tile(np.arange(d), n * o)
    model, start = MultinomialLogit(), None
    for _ in range(6):
        model.fit(
            design.reshape(situations * d, -1),
            np.repeat(chosen, d),
            varnames=[f"gamma {i}" for i in range(1, d)] + [f"beta {i}" for i in range(n)],
            alts=np.tile(np.arange(d), situations),
            ids=np.repeat(np.arange(situations), d),
            weights=np.repeat(weights, d),
            init_coeff=start,
            tol_opts={"ftol": 1e-15},
            skip_std_errs=True,
            verbose=0,
        )
        start = model.coeff_
    return Parameters(np.append(0.0, model.coeff_[: d - 1]), model.coeff_[d - 1 :])
