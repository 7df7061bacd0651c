"""How far a space group is drawn from: how much work its structures take, and when it is given up.

Work is counted and never timed, so that a group's fate is the same on every machine and for any number of workers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# A packing takes about a dozen evaluations of `modes.DRAWS_PER_EVALUATION` = 8 draws by rejection each.
WORK_OF_A_DRAW = {"rejection": 1.0, "packing": 100.0}
CONFIDENCE = 0.95
# A group is given up only where it takes so many times as much work for a structure as the median group.
TIMES_THE_USUAL = 1000.0
LEAP = 8  # times as far at most, where hardly anything was accepted yet
ENOUGH_TO_TELL = 10  # accepted: from then on the yield is believed
FEWEST_NEW = 0.05  # of what a group accepts: fewer new ones, and it has nothing more to give


@dataclass(frozen=True)
class Tally:
    """What was drawn in a space group.

    Attributes
    ----------
    mode : str
        ``rejection`` or ``packing``.
    draws : int
        On all its sites together.
    accepted : int
        How many of them gave a structure.
    """

    mode: str
    draws: int
    accepted: int

    @property
    def work(self) -> float:
        """Work in draws by rejection."""
        return self.draws * WORK_OF_A_DRAW[self.mode]

    @property
    def rate(self) -> float:
        """Structures per unit of work."""
        return self.accepted / self.work if self.draws else 0.0

    @property
    def rate_at_most(self) -> float:
        """Structures per unit of work, above which the rate is with a probability of 5 %.

        Of a Poisson process with a flat prior the posterior of the rate after n events in the work w is the gamma
        distribution with shape n + 1 and scale 1/w (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
        """
        return highest_mean(self.accepted) / self.work if self.draws else math.inf


def highest_mean(events: int) -> float:
    """Return the mean number of events that is exceeded with a probability of 5 %, after so many were seen."""
    from scipy.special import gammaincinv  # only here: commands that make no structures need no scipy

    return float(gammaincinv(events + 1.0, CONFIDENCE))


def usual_rate(tallies: Iterable[Tally]) -> float:
    """Return the median rate of the groups that gave anything; 0 where none did, and nobody knows what is usual."""
    rates = [tally.rate for tally in tallies if tally.accepted]
    return float(np.median(rates)) if rates else 0.0


def is_hopeless(tally: Tally, usual: float, work_per_structure: float) -> bool:
    """Tell whether a group is given up.

    Parameters
    ----------
    tally : Tally
        What was drawn in it.
    usual : float
        `usual_rate` of all groups.
    work_per_structure : float
        A group that gives a structure for so much work is never given up.

    Returns
    -------
    bool
        With a probability of 95 % a structure takes more than `work_per_structure`, and more than a thousand times what
        it takes in the median group.
    """
    return tally.rate_at_most < least_rate(usual, work_per_structure)


def least_rate(usual: float, work_per_structure: float) -> float:
    """Return the rate below which a group is given up."""
    return min(1.0 / work_per_structure, usual / TIMES_THE_USUAL)


def draws_to_tell(tally: Tally, usual: float, work_per_structure: float) -> float:
    """Return after how many draws a group is given up that gives nothing more; infinite where it never is."""
    least = least_rate(usual, work_per_structure)
    return highest_mean(tally.accepted) / (least * WORK_OF_A_DRAW[tally.mode]) if least else math.inf


def next_depth(depth: int, accepted: int, wanted: int, budget: int) -> int:
    """Return up to which draw of every site a group goes on.

    Parameters
    ----------
    depth : int
        So many draws of every site were made.
    accepted, wanted : int
        How many structures they gave, and how many there are to be.
    budget : int
        So many draws of every site at most.
    """
    times = float(LEAP)
    if accepted:
        expected = wanted / accepted * (1.0 + 1.0 / math.sqrt(accepted))
        times = expected if accepted >= ENOUGH_TO_TELL else min(expected, times)
    return min(budget, max(depth + 1, math.ceil(depth * times)))


def gives_nothing_new(compared: int, new: int) -> bool:
    """Tell whether hardly any of the structures that a group still gives is new, after so many were compared."""
    return highest_mean(new) < FEWEST_NEW * compared


def shared(total: int, weights: dict[int, int]) -> dict[int, int]:
    """Share out a number in proportion to weights, exactly; what is left goes to the largest fractions."""
    whole = sum(weights.values())
    shares = {group: total * weight // whole for group, weight in weights.items()}
    by_fraction = sorted(weights, key=lambda group: (-(total * weights[group] % whole), group))
    for group in by_fraction[: total - sum(shares.values())]:
        shares[group] += 1
    return shares
