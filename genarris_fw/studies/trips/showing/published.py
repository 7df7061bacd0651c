"""Tables 1 to 3 of the paper: seconds that each method took, as published.

The machine was a Mac Pro with two Xeon 5400 at 2.8 GHz, the programs Ox 5.00. Of the table's two versions in the text
the first is taken, that with the numbers of parameters; the row of 300 zones and 25 categories is of the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Our methods in the order of the paper's columns, and what the paper calls them.
COLUMNS: Final = {
    "newton_ml": "Newton-ML",
    "newton_me": "Newton-ME",
    "pf_newton": "PF-β-Newton",
    "pf_newton_b": "PF-β-NewtonB",
    "pf_mart": "PF-β-MART",
    "pf_pivot": "PF-β-Pivot",
    "pf_newton_bs": "PF-β-NewtonBS",
    "hyman": "Hyman",
}


@dataclass(frozen=True)
class Row:
    """A problem, and the seconds of each method.

    Parameters
    ----------
    zones, categories : int
        The problem's size.
    variance : float
        Of the costs.
    seconds : sequence of float or None
        In the order of `COLUMNS`; None where the paper gives none ("too long").
    """

    zones: int
    categories: int
    variance: float
    seconds: tuple[float | None, ...]


TABLE_1: Final = (
    Row(100, 15, 0.36, (20, 305, 54, 112687, 377395, 4, 3, 1)),
    Row(200, 15, 0.36, (77, 1358, 232, None, None, 11, 12, 3)),
    Row(300, 15, 0.36, (185, 3326, 571, None, None, 32, 29, 8)),
    Row(400, 15, 0.36, (335, 5971, 848, None, None, 48, 57, 13)),
    Row(500, 15, 0.36, (561, 10099, 1415, None, None, 101, 100, 22)),
)
TABLE_2: Final = (
    Row(100, 5, 0.36, (4.5, 96, 10, 141, 271, 0.63, 0.89, 0.27)),
    Row(300, 5, 0.36, (60, 1052, 205, None, None, 11, 9, 3)),
    Row(300, 10, 0.36, (149, 2232, 386, None, None, 23, 20, 5)),
    Row(300, 15, 0.36, (185, 3326, 571, None, None, 32, 29, 8)),
    Row(300, 20, 0.36, (259, 4530, 728, None, None, 38, 40, 11)),
    Row(300, 25, 0.36, (448, 5734, 1273, None, None, 75, 53, 14)),
)
TABLE_3: Final = (
    Row(300, 15, 0.36, (185, 3326, 571, None, None, 32, 29, 8)),
    Row(300, 15, 3.27, (356, 3304, 1365, None, None, 68, 27, 9)),
    Row(300, 15, 13.1, (526, 3006, 1690, None, None, 159, 22, 11)),
    Row(300, 15, 29.4, (727, 2586, 3271, None, None, 252, 24, 11)),
    Row(300, 15, 52.3, (3630, 1880, 2744, None, None, 298, 27, 11)),
)
TABLES: Final = {1: TABLE_1, 2: TABLE_2, 3: TABLE_3}
