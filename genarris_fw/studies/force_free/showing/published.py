"""The rows that were published of the two test cases: tables 1 and 2 of the paper.

Zhang, Xu and Yan train a force-free neural network on fields of Low and Lou (1990, ApJ 352, 343) in a box of 64^3
nodes. The rows of the other methods are those of Schrijver et al. (2006, Solar Phys. 235, 161) and of Valori et al.
(2007, Solar Phys. 245, 263), as the paper gives them.
"""

from __future__ import annotations

from dataclasses import dataclass

# The columns of a row, in their order: what `metrics` calls them, and what the paper prints.
COLUMNS = {
    "C_vec": "C_vec",
    "C_CS": "C_CS",
    "E_n": "E_n'",
    "E_m": "E_m'",
    "energy": "ε",
    "energy_over_potential": "ε_p",
}
REFERENCE = "Low and Lou (1990)"
PAPER = "Zhang, Xu, Yan"


@dataclass(frozen=True)
class Row:
    """A method and how near it comes to the reference; a perfect one has 1 in every column but the last.

    Parameters
    ----------
    model : str
        The method.
    values : sequence of float
        In the order of `COLUMNS`, to the digits that were published.
    cpu_seconds : float, optional
        What the training took, where that is known.
    """

    model: str
    values: tuple[float, ...]
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class Case:
    """A test case: its field of Low and Lou, what is given on the boundary, and the published rows.

    Parameters
    ----------
    name : str
        As the paper calls it.
    n, m : int
        Which solution of Low and Lou.
    l, phi : float
        Depth of its centre below the box, and the angle (rad) by which its axis is turned.
    given : str
        On which faces of the box the field is known.
    rows : sequence of Row
        In the paper's order, the reference first.
    """

    name: str
    n: int
    m: int
    l: float  # noqa: E741  (the paper's letter)
    phi: float
    given: str
    rows: tuple[Row, ...]


CASE_1 = Case(
    "Case 1", 1, 1, 0.3, 0.7853981633974483, "all six faces",
    (
        Row(REFERENCE, (1, 1, 1, 1, 1, 1.29)),
        Row(PAPER, (1.00, 1.00, 0.98, 0.98, 0.99, 1.28)),
        Row("Wiegelmann", (1.00, 1.00, 0.98, 0.98, 1.02, 1.31)),
        Row("McTiernan", (1.00, 0.99, 0.92, 0.87, 1.00, 1.30)),
        Row("Valori", (0.99, 0.68, 0.71, 0.33, 0.98, 1.21)),
        Row("Wheatland", (0.98, 0.83, 0.64, 0.42, 0.90, 1.17)),
        Row("Régnier", (0.93, 0.49, 0.41, 0.09, 0.80, 1.04)),
        Row("linear force-free", (0.88, 0.90, 0.50, 0.42, 0.77, 1.00)),
        Row("potential", (0.85, 0.82, 0.45, 0.35, 0.77, 1)),
    ),
)  # fmt: skip

CASE_2 = Case(
    "Case 2", 3, 1, 0.3, 2.5132741228718345, "the bottom; the potential field on the other five",
    (
        Row(REFERENCE, (1, 1, 1, 1, 1, 1.10)),
        Row(PAPER, (1.00, 0.43, 0.79, 0.01, 0.99, 1.09)),
        Row("Wiegelmann", (1.00, 0.57, 0.86, -0.25, 1.04, 1.14)),
        Row("McTiernan", (1.00, 0.51, 0.84, -0.38, 1.04, 1.14)),
        Row("Valori", (0.99, 0.55, 0.75, -0.15, 1.02, 1.12)),
        Row("Wheatland", (0.99, 0.58, 0.69, 0.13, 0.96, 1.05)),
        Row("Régnier", (0.94, 0.28, 0.49, -1.7, 0.74, 0.82)),
        Row("linear force-free", (0.93, 0.08, -0.80, -37, 1.04, 1.15)),
        Row("potential", (0.92, 0.35, 0.47, -0.63, 0.91, 1)),
    ),
)  # fmt: skip
# The two cases by their number: fields, what is given, published rows.
CASES = {1: CASE_1, 2: CASE_2}
