"""How groups of lines are told apart: by their colours, as far as these go."""

from __future__ import annotations

from genarris_fw.pictures.style import CLUSTERS, FAINT, SETS

# As many groups are told apart; of more the others are faint.
MOST = len(CLUSTERS)
_FEW = (SETS[2], SETS[1], SETS[3], SETS[0])


def colors(number: int) -> list[str]:
    """Return a colour for each of so many groups; those after the first `MOST` are all of the same faint one."""
    if number <= len(_FEW):
        return list(_FEW[:number])
    return [*CLUSTERS[:number], *[FAINT] * (number - MOST)]
