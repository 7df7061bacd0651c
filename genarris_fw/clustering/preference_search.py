"""The search for a preference that gives a wanted number of clusters."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_STRIP = 256

# Positions on the axis are taken in such steps: coarse enough that what comes next can often be foretold.
_STEP = 1 / 16
_PARTS = 8

# Counts scatter by some percent around their trend, so a target that is jumped over may turn up where the trend is near
# to it. What is looked through then: gaps of this width, this near.
_WORTHWHILE = 0.01
_NEAR = 0.4


class TriedPreference(NamedTuple):
    """What one fit told."""

    preference: float
    n_clusters: int
    converged: bool


def greedy_gains(similarities: NDArray[np.float32], n_exemplars: int) -> NDArray[np.float64]:
    """Return what each further exemplar adds to the similarity of all rows to their exemplars, chosen greedily.

    A preference just below minus the k-th gain makes k clusters worthwhile, so far as greedy choice is near to the
    best. Gains never grow, so that only rows whose last known gain leads are computed again (Minoux, Accelerated
    greedy algorithms for maximizing submodular set functions, 1978).

    Parameters
    ----------
    similarities : (n, n) ndarray
        Taken as symmetric; 0 on the diagonal.
    n_exemplars : int
        At most n.

    Returns
    -------
    (n_exemplars - 1,) ndarray
        Falling: the first is the gain of a second exemplar.
    """
    n = len(similarities)
    first = int(np.argmax([row.sum(dtype=float) for row in similarities]))
    best = similarities[first].copy()
    bounds = np.empty(n)
    for start in range(0, n, _STRIP):
        block = similarities[start : start + _STRIP] - best
        bounds[start : start + _STRIP] = np.maximum(block, 0, out=block).sum(axis=1, dtype=float)
    gains = np.empty(n_exemplars - 1)
    for k in range(n_exemplars - 1):
        leader, known = int(np.argmax(bounds)), -1
        while leader != known:
            bounds[leader] = np.maximum(similarities[leader] - best, 0).sum(dtype=float)
            leader, known = int(np.argmax(bounds)), leader
        gains[k] = bounds[leader]
        bounds[leader] = 0.0
        np.maximum(best, similarities[leader], out=best)
    return gains


class Axis:
    """Preferences on a scale of the logarithm of the number of clusters to expect.

    Parameters
    ----------
    gains : (k,) ndarray
        See `greedy_gains`; twice the first of them is more than any second cluster is worth.
    largest : float
        The largest similarity; above it, every row is a cluster.
    scale : float
        Preferences nearer to zero than this are not told apart.
    n : int
        Number of structures.
    """

    def __init__(self, gains: NDArray[np.float64], largest: float, scale: float, n: int) -> None:
        self.scale = scale
        top = largest + 0.5 * scale
        knots = [(top, math.log(n))]
        for k in range(len(gains) - 1, -1, -1):
            # At minus the k-th gain, k + 1 and k + 2 clusters are equally good.
            if -gains[k] < knots[-1][0]:
                knots.append((-float(gains[k]), math.log(k + 1.5)))
        # Far below, messages swing more and more, to no end.
        knots.append((2 * min(knots[-1][0], 0.0) - scale, 0.0))
        knots.reverse()
        self._heights = [math.asinh(preference / scale) for preference, _ in knots]
        self._places = [place for _, place in knots]

    @property
    def ends(self) -> tuple[float, float]:
        """Places of one cluster and of as many clusters as structures."""
        return self._places[0], self._places[-1]

    def place(self, preference: float) -> float:
        """Return the place of a preference."""
        return _interpolate(math.asinh(preference / self.scale), self._heights, self._places)

    def preference(self, place: float) -> float:
        """Return the preference at a place.

        It is rounded, so that every machine and every order of the structures asks for the same.
        """
        return float(f"{self.scale * math.sinh(_interpolate(place, self._places, self._heights)):.8g}")


def _interpolate(x: float, xs: list[float], ys: list[float]) -> float:
    if x < xs[0]:
        return ys[0] + x - xs[0]
    if x > xs[-1]:
        return ys[-1] + x - xs[-1]
    return float(np.interp(x, xs, ys))


class _Knot(NamedTuple):
    """A known count at a place of the axis; `sampled` by a fit, or known without one."""

    x: float
    n_clusters: int
    sampled: bool


class _Gap(NamedTuple):
    """The axis between two neighbouring knots, and the widest part of it without a failed fit."""

    left: _Knot
    right: _Knot
    start: float
    end: float

    @property
    def width(self) -> float:
        return self.end - self.start

    @property
    def whole(self) -> bool:
        return self.start == self.left.x and self.end == self.right.x


@dataclass
class PreferenceSearch:
    """Asks for preferences to try, and is told the counts by `samples`; deterministic.

    The number of clusters rises nearly monotonically along the axis, from 1 to n. So the two ends are known without
    a fit, any target lies between them, and the gap that holds it is narrowed: by a step towards the target while
    only one side of it has been seen, then by interpolating the logarithm of the count (Illinois variant of the
    regula falsi), by halving once counts are close. Where the count jumps over the target or falls back, the other
    gaps are scanned, those with counts near the target and wide ones first.

    Parameters
    ----------
    target, tolerance : int
        A converged fit with a count within `tolerance` of `target` ends the search.
    axis : Axis
    n : int
        Number of structures.
    given_range : (low, high), optional
        The preferences to begin with, instead of the one where the axis expects the target.
    max_sampled : int
        Most fits.
    resolution : float
        Width of a gap that is not divided further.
    samples : list of Sample
        What was told; the caller appends the outcome of each fit that was asked for.
    """

    target: int
    tolerance: int
    axis: Axis
    n: int
    given_range: tuple[float, float] | None = None
    max_sampled: int = 100
    resolution: float = 1e-4
    samples: list[TriedPreference] = field(default_factory=list)

    @property
    def found(self) -> TriedPreference | None:
        """The first sample that meets the target."""
        return next((s for s in self.samples if s.converged and self._meets(s.n_clusters)), None)

    @property
    def closest(self) -> TriedPreference | None:
        """The sample with the count nearest to the target; converged ones first, then earlier ones."""
        clustered = [s for s in self.samples if s.n_clusters > 0]
        return min(clustered, key=self.rank, default=None)

    def rank(self, sample: TriedPreference) -> tuple[bool, int]:
        """Sort key of samples: the better, the smaller."""
        return not sample.converged, abs(sample.n_clusters - self.target)

    def ask(self) -> float | None:
        """Return the next preference to try, or None when the search is over."""
        if self.found is not None or len(self.samples) >= self.max_sampled:
            return None
        if len(self.samples) < 2 and (given := self._given()) is not None:
            return given
        if not self.samples:
            # Without the lower bound, one cluster would be looked for at the very end, where messages swing most.
            return self.axis.preference(math.log(max(self.target, 1.25)))
        gaps = [gap for gap in self._gaps() if gap.width > self.resolution]
        if not gaps:
            return None
        holding = [gap for gap in gaps if self._holds(gap)]
        if holding:
            return self.axis.preference(self._inside(max(holding, key=lambda gap: gap.width)))
        gaps = [gap for gap in gaps if gap.width > _WORTHWHILE and self._miss(gap) < _NEAR]
        if not gaps:
            return None
        best = max(gaps, key=self._promise)
        return self.axis.preference((best.start + best.end) / 2)

    def ask_ahead(self, k: int) -> list[float]:
        """Return what `ask` would return, and what it would ask next after likely outcomes: k preferences at most."""
        asked: list[float] = []
        states = deque([self])
        for _ in range(8 * k):
            if not states or len(asked) >= k:
                break
            state = states.popleft()
            preference = state.ask()
            if preference is None:
                continue
            if preference not in asked:
                asked.append(preference)
            outcomes = [TriedPreference(preference, count, True) for count in state._likely_counts()]
            states.extend(replace(state, samples=[*state.samples, outcome]) for outcome in outcomes)
        return asked

    def _likely_counts(self) -> list[int]:
        """Counts, near the target and less near, that the next fit may give without ending the search."""
        gap = max((gap for gap in self._gaps() if self._holds(gap)), key=lambda gap: gap.width, default=None)
        shares = (1.5 * _STEP, 2.5 * _STEP)
        below = above = 1.0
        if gap is not None and gap.left.sampled and gap.right.sampled:
            few, many = sorted((gap.left.n_clusters, gap.right.n_clusters))
            below, above = math.log(self.target / few), math.log(many / self.target)
            shares = (1.5 / _PARTS, 2.5 / _PARTS)
        counts = [self.target - self.tolerance - 1, self.target + self.tolerance + 1]
        for share in shares:
            counts += [round(self.target * math.exp(-share * below)), round(self.target * math.exp(share * above))]
        return [c for c in dict.fromkeys(counts) if 1 <= c <= self.n and not self._meets(c)]

    def _given(self) -> float | None:
        """The end of the given range that comes next; the upper one only where the target may lie on its side."""
        if self.given_range is None:
            return None
        low, high = self.given_range
        if not self.samples:
            return low
        first = self.samples[0]
        return high if low < high < 0 and not (first.converged and first.n_clusters > self.target) else None

    def _meets(self, n_clusters: int) -> bool:
        return abs(n_clusters - self.target) <= self.tolerance

    def _gaps(self) -> Iterator[_Gap]:
        tried = [(self.axis.place(s.preference), s) for s in self.samples]
        places = [*self.axis.ends, *(x for x, _ in tried)]
        # The known ends lie outside everything tried, so that the outermost gaps can be entered too.
        bottom = _Knot(min(places) - 1.0, 1, False)
        top = _Knot(max(places) + 1.0, self.n, False)
        knots = sorted({_Knot(x, s.n_clusters, True) for x, s in tried if s.converged})
        failed = sorted(x for x, s in tried if not s.converged)
        for left, right in pairwise([bottom, *knots, top]):
            cuts = [left.x, *(x for x in failed if left.x < x < right.x), right.x]
            start, end = max(pairwise(cuts), key=lambda part: part[1] - part[0])
            yield _Gap(left, right, start, end)

    def _holds(self, gap: _Gap) -> bool:
        few, many = sorted((gap.left.n_clusters, gap.right.n_clusters))
        return few <= self.target <= many

    def _same_side(self) -> int:
        """How many of the latest fits gave counts on the same side of the target, beyond the first of them."""
        sides = [s.n_clusters > self.target for s in self.samples if s.converged]
        return next((i for i, side in enumerate(reversed(sides)) if side != sides[-1]), len(sides)) - 1

    def _inside(self, gap: _Gap) -> float:
        left, right = gap.left, gap.right
        if not gap.whole or abs(left.n_clusters - right.n_clusters) <= _PARTS or not (left.sampled or right.sampled):
            return (gap.start + gap.end) / 2
        below, above = math.log(self.target / left.n_clusters), math.log(right.n_clusters / self.target)
        stale = 0.5 ** self._same_side()
        if not (left.sampled and right.sampled):
            miss = below if left.sampled else above
            step = min(max(math.ceil(abs(miss) / _STEP), 1) * _STEP / stale, gap.width / 2)
            return left.x + step if left.sampled else right.x - step
        # The end that stays for long counts less and less.
        if self.samples[-1].n_clusters > self.target:
            below *= stale
        else:
            above *= stale
        part = round(_PARTS * below / (below + above)) if below + above != 0 else _PARTS // 2
        return gap.start + min(max(part, 1), _PARTS - 1) / _PARTS * gap.width

    def _miss(self, gap: _Gap) -> float:
        """How far the trend in a gap is from the target."""
        return abs(math.log(gap.left.n_clusters * gap.right.n_clusters) / 2 - math.log(self.target))

    def _promise(self, gap: _Gap) -> float:
        return gap.width / (0.02 + self._miss(gap)) ** 2
