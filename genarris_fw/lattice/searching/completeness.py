"""How many minima a search has not seen, by how often it has met those that it has seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

FEWEST = 10  # minima; strata that have shown fewer are one: alone they say nothing of the shape of their basins
SAMPLES = 4000
LEVEL = 0.95  # of the interval
MOST_HITS = 5000  # what was met more often says the same of the unseen: nothing


@dataclass(frozen=True)
class Completeness:
    """How many minima there are, seen and unseen together.

    Attributes
    ----------
    seen : int
        Different minima met so far.
    low, estimate, high : float
        Chao's estimate of the number of all minima, and the ends of its 95 % interval; none is below `seen`.
    coverage : float
        Chance that the next hit is a minimum already seen (Good and Turing); 0 before the first hit.
    """

    seen: int
    low: float
    estimate: float
    high: float
    coverage: float

    @property
    def unseen(self) -> float:
        """Estimated number of minima not yet met."""
        return self.estimate - self.seen


def completeness(hits: Mapping[str, Sequence[int]] | Sequence[int]) -> Completeness:
    """Estimate how many minima there are.

    Parameters
    ----------
    hits : sequence of int, or mapping of such
        How often every minimum was met, 1 or more. Where parts of the search (space groups and sites) were drawn from
        unequally often, by part: every minimum once, under the part that met it most often. Parts are estimated one by
        one and added; those with fewer than 10 minima are taken together.

    Returns
    -------
    Completeness

    Raises
    ------
    InputError
        For a number of hits below 1.

    Notes
    -----
    The estimate is Chao's, corrected for bias: seen + f1 (f1 - 1) / (2 (f2 + 1)), f1 and f2 being the numbers of minima
    met once and twice (Chao, Scand. J. Stat. 11, 265 (1984); Chao, Biometrics 43, 783 (1987)). Where basins differ in
    size it is too small on average. Its usual log-normal interval then holds in 30 to 80 % of cases instead of 95 %
    (the tests' populations), so that `high` comes from a model that lets basins differ: hits are Poisson numbers whose
    means follow a log-normal or a gamma distribution, of which all widths and means within wide limits count alike
    until the data speak (for the log-normal: Bulmer, Biometrics 30, 101 (1974)). With a prior of 1 / N on the number of
    minima, the number of unseen ones is negative binomial for each such distribution, and what is seen weighs them by
    its likelihood. Singletons alone leave wide basins and narrow ones possible, and so keep much mass for the unseen.
    `low` is the lower of this model's and Chao's log-normal limit.

    Coverage is 1 - f1 / n, n hits in all (Good, Biometrika 40, 237 (1953)).
    """
    parts = dict(hits) if isinstance(hits, Mapping) else {"": hits}
    counts = _pooled([np.asarray(part, dtype=np.int64) for _, part in sorted(parts.items())])
    for part in counts:
        if part.min() < 1:
            raise InputError("a minimum was met less than once; leave out what was never met")
    seen = sum(len(part) for part in counts)
    if not seen:
        return Completeness(0, 0.0, 0.0, np.inf, 0.0)
    once = sum(int((part == 1).sum()) for part in counts)
    total = sum(int(part.sum()) for part in counts)
    chao, variance = np.sum([_chao(part) for part in counts], axis=0)
    unseen = np.sum([_unseen(part) for part in counts], axis=0)
    ends = np.quantile(unseen, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    factor = float(np.exp(1.96 * np.sqrt(np.log1p(variance / chao**2)))) if chao else 1.0
    low = float(min(chao / factor, ends[0]))
    high = float(max(chao, ends[1]))
    return Completeness(seen, seen + low, seen + float(chao), seen + high, 1.0 - once / total)


def _pooled(parts: Iterable[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Parts with enough minima, and the others as one."""
    given = [part for part in parts if len(part)]
    large = [part for part in given if len(part) >= FEWEST]
    small = [part for part in given if len(part) < FEWEST]
    return large + ([np.concatenate(small)] if small else [])


def _chao(hits: NDArray[np.int64]) -> tuple[float, float]:
    """Chao's estimate of the unseen and its variance (Chao 1987; Colwell's EstimateS guide, equations 6 and 7)."""
    once, twice = float((hits == 1).sum()), float((hits == 2).sum())
    unseen = once * (once - 1) / (2 * (twice + 1))
    variance = unseen + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
    if twice:
        variance += once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    else:
        variance -= once**4 / (4 * (len(hits) + unseen))
    return unseen, max(variance, 0.0)


def _unseen(hits: NDArray[np.int64]) -> Floats:
    """Numbers of unseen minima that the hits leave possible, drawn from their distribution; (4000,)."""
    counts, often = np.unique(np.minimum(hits, MOST_HITS), return_counts=True)
    never = np.exp(_log_chances(0))
    likelihood = -len(hits) * np.log(-np.expm1(np.minimum(_log_chances(0), -1e-12))) + _log_prior()
    for count, times in zip(counts.tolist(), often.tolist()):
        likelihood = likelihood + times * _log_chances(count)
    weights = np.exp(likelihood - likelihood.max())
    # Always the same numbers: the estimate is a function of the hits.
    random = np.random.Generator(np.random.Philox(len(hits)))
    chosen = never[random.choice(len(weights), SAMPLES, p=weights / weights.sum())]
    means = random.gamma(len(hits), size=SAMPLES) * chosen / np.maximum(1.0 - chosen, 1e-12)
    return random.poisson(np.minimum(means, 1e12)).astype(float)


@cache
def _log_chances(count: int) -> Floats:
    """Logarithms of the chances to meet a minimum so often, one for every distribution of basins."""
    from scipy.special import gammaln

    # Log-normal: Gauss-Hermite quadrature over the logarithm of the mean.
    logs, spreads = (grid.ravel() for grid in np.meshgrid(np.linspace(-6, 9, 46), np.linspace(0.1, 3.0, 16)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    exponents = logs[:, None] + spreads[:, None] * nodes
    terms = count * exponents - np.exp(exponents) + np.log(weights / weights.sum()) - gammaln(count + 1)
    largest = terms.max(axis=1)
    normal = largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1))
    # Gamma: hits are negative binomial.
    means, shapes = (grid.ravel() for grid in np.meshgrid(np.exp(np.linspace(-5, 9, 43)), np.geomspace(0.3, 10, 10)))
    gamma = gammaln(count + shapes) - gammaln(shapes) - gammaln(count + 1)
    gamma += shapes * np.log(shapes / (shapes + means)) + count * np.log(means / (shapes + means))
    return np.concatenate([normal, gamma])


@cache
def _log_prior() -> Floats:
    """Both families alike, and all their members alike."""
    sizes = (46 * 16, 43 * 10)
    return np.concatenate([np.full(size, -np.log(size)) for size in sizes])
