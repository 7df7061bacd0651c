"""Which parts of a search get the next draws: those that still show new low minima for the work they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from genarris_fw.generation.group_choice import CSD_SHARES
from genarris_fw.lattice.searching.merging import Minimum

COMMON = 0.85  # share of the first draws for the space groups that are common among known crystals
DEPTH = 0.5  # of the window: a singleton so much above the lowest counts 1 / e of one at the bottom
NEVER = 0.02  # what a stratum without singletons counts as: it goes on being drawn from, ever more slowly


def first_shares(groups: Mapping[str, int]) -> dict[str, float]:
    """Share out the first draws.

    Parameters
    ----------
    groups : mapping of str to int
        Stratum -> its space group.

    Returns
    -------
    dict
        Stratum -> share; they add up to 1. 85 % go to the 20 commonest space groups by their frequency in the Cambridge
        Structural Database (`CSD_SHARES`), the rest to all others alike; the strata of one group get as much as each
        other.
    """
    strata: dict[int, list[str]] = {}
    for name, group in groups.items():
        strata.setdefault(group, []).append(name)
    common = {group: CSD_SHARES[group] for group in strata if group in CSD_SHARES}
    others = [group for group in strata if group not in CSD_SHARES]
    portion = COMMON if common and others else 1.0
    weights = {group: portion * share / sum(common.values()) for group, share in common.items()}
    weights |= {group: (1.0 - portion if common else 1.0) / len(others) for group in others}
    return {name: weights[group] / len(strata[group]) for name, group in groups.items()}


def singletons(minima: Sequence[Minimum], window: float) -> dict[str, float]:
    """Count the minima that one draw alone led to.

    Parameters
    ----------
    minima : sequence of Minimum
        The lowest first.
    window : float
        kJ/mol per molecule.

    Returns
    -------
    dict
        Stratum -> number, the higher ones counted for less. Divided by the stratum's draws, it is the chance that the
        next draw there is a low minimum not seen before (Good, Biometrika 40, 237 (1953)).
    """
    found: dict[str, float] = {}
    for one in minima:
        if one.total == 1:
            height = (one.energy - minima[0].energy) / (DEPTH * window)
            found[one.home] = found.get(one.home, 0.0) + math.exp(-height)
    return found


def shared_out(
    work: Mapping[str, float], once: Mapping[str, float], shares: Mapping[str, float], budget: float
) -> dict[str, float]:
    """Share out the work of a round.

    Parameters
    ----------
    work : mapping of str to float
        Stratum -> counted work so far.
    once : mapping of str to float
        As `singletons` counts them.
    shares : mapping of str to float
        As `first_shares`.
    budget : float
        Counted work to share out.

    Returns
    -------
    dict
        Stratum -> counted work; 0 for most. What a stratum yields, new low minima per work, is its singletons divided
        by its work, and falls as it is worked on. Shared out is so that the strata worked on end with the same yield,
        and no other has a higher one: work after the round is proportional to singletons, where it is not that already.
        A stratum without singletons counts as having a small number of them, by its share of the first draws.
    """
    scale = len(shares) * NEVER
    pull = {name: once.get(name, 0.0) + scale * shares[name] for name in sorted(work)}
    # The level at which the strata that are below it take up the whole budget.
    order = sorted(pull, key=lambda name: (work[name] / pull[name], name))
    level, pulled, done = 0.0, 0.0, 0.0
    for k, name in enumerate(order):
        pulled, done = pulled + pull[name], done + work[name]
        level = (budget + done) / pulled
        if k + 1 == len(order) or level <= work[order[k + 1]] / pull[order[k + 1]]:
            break
    return {name: max(0.0, level * pull[name] - work[name]) for name in pull}
