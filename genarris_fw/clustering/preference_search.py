"""The search for a preference that gives a wanted number of clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple


class Sample(NamedTuple):
    """What one fit told."""

    preference: float
    n_clusters: int
    converged: bool


class _Knot(NamedTuple):
    """A known count at a place of the preference axis."""

    x: float
    n_clusters: int


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
    """Asks for preferences to try and is told the counts; deterministic.

    The number of clusters falls nearly monotonically from n at preferences above every similarity to 1 far
    below them, about as a power of the preference. So the two ends of the axis are known without a fit,
    any target lies between them, and the gap that holds it is narrowed by interpolating the logarithm of
    the count over the logarithm of the preference, in turn with halving. Where the count jumps over the
    target or falls back, the other gaps are scanned, those with counts near the target and wide ones first.

    Parameters
    ----------
    target, tolerance : int
        A converged fit with a count within `tolerance` of `target` ends the search.
    low, high : float
        The preferences to begin with.
    lowest : float
        A preference so low that there is one cluster.
    scale : float
        Preferences nearer to zero than this are not told apart; the unit of the logarithm.
    n : int
        Number of structures.
    max_sampled : int
        Most fits.
    resolution : float
        Relative width of a gap that is not divided further.
    """

    target: int
    tolerance: int
    low: float
    high: float
    lowest: float
    scale: float
    n: int
    max_sampled: int = 100
    resolution: float = 1e-4
    samples: list[Sample] = field(default_factory=list)

    @property
    def found(self) -> Sample | None:
        """The first sample that meets the target."""
        return next((s for s in self.samples if s.converged and self._meets(s.n_clusters)), None)

    @property
    def closest(self) -> Sample | None:
        """The sample with the count nearest to the target; converged ones first, then earlier ones."""
        clustered = [s for s in self.samples if s.n_clusters > 0]
        return min(clustered, key=self.rank, default=None)

    def rank(self, sample: Sample) -> tuple[bool, int]:
        """Sort key of samples: the better, the smaller."""
        return not sample.converged, abs(sample.n_clusters - self.target)

    def tell(self, preference: float, n_clusters: int, converged: bool) -> None:
        """Take in the outcome of a fit."""
        self.samples.append(Sample(preference, n_clusters, converged))

    def ask(self) -> float | None:
        """Return the next preference to try, or None when the search is over."""
        if self.found is not None or len(self.samples) >= self.max_sampled:
            return None
        if not self.samples:
            return self.low
        # The other end is worth a fit only where the target lies on its side and its count is unknown.
        if len(self.samples) == 1 and self.low < self.high < 0:
            first = self.samples[0]
            if not first.converged or first.n_clusters < self.target:
                return self.high
        gaps = [gap for gap in self._gaps() if gap.width > self.resolution]
        if not gaps:
            return None
        holding = [gap for gap in gaps if self._holds(gap)]
        if holding:
            return self._preference(self._inside(max(holding, key=lambda gap: gap.width)))
        best = max(gaps, key=self._promise)
        return self._preference((best.start + best.end) / 2)

    def _meets(self, n_clusters: int) -> bool:
        return abs(n_clusters - self.target) <= self.tolerance

    def _place(self, preference: float) -> float:
        return math.asinh(preference / self.scale)

    def _preference(self, x: float) -> float:
        return self.scale * math.sinh(x)

    def _gaps(self) -> Iterator[_Gap]:
        tried = [(self._place(s.preference), s) for s in self.samples]
        # The known ends lie outside everything tried, so that the outermost gaps can be entered too.
        bottom = _Knot(min(self._place(self.lowest), self._place(self.low) - 1.0), 1)
        top = _Knot(max(0.0, self._place(self.high)) + 1.0, self.n)
        knots = sorted({_Knot(x, s.n_clusters) for x, s in tried if s.converged})
        failed = sorted(x for x, s in tried if not s.converged)
        for left, right in pairwise([bottom, *knots, top]):
            cuts = [left.x, *(x for x in failed if left.x < x < right.x), right.x]
            start, end = max(pairwise(cuts), key=lambda part: part[1] - part[0])
            yield _Gap(left, right, start, end)

    def _holds(self, gap: _Gap) -> bool:
        few, many = sorted((gap.left.n_clusters, gap.right.n_clusters))
        return few <= self.target <= many

    def _inside(self, gap: _Gap) -> float:
        few, many = math.log(gap.left.n_clusters), math.log(gap.right.n_clusters)
        if not gap.whole or few == many or len(self.samples) % 3 == 0:
            return (gap.start + gap.end) / 2
        fraction = (math.log(self.target) - few) / (many - few)
        return gap.start + min(max(fraction, 0.05), 0.95) * gap.width

    def _promise(self, gap: _Gap) -> float:
        miss = min(abs(gap.left.n_clusters - self.target), abs(gap.right.n_clusters - self.target))
        return gap.width / (1 + miss) ** 2
