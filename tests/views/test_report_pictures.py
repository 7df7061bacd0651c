"""The pictures that reports have besides those of pools: what they hold, and what they refuse in one line."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from small_run import KJ_PER_MOL

from genarris_fw.errors import InputError
from genarris_fw.pictures.changes import energy_changes
from genarris_fw.pictures.funnel import funnel_chart
from genarris_fw.pictures.grouped_landscape import MOST_NAMED, grouped_landscape
from genarris_fw.pictures.hits import hits_chart
from genarris_fw.pictures.z_primes import z_prime_chart

NOTHING = float("nan")


def points(figure: Figure) -> np.ndarray:
    """All points of the first axes, without the star."""
    drawn = [c for c in figure.axes[0].collections if isinstance(c, PathCollection) and c.get_zorder() < 8]
    return np.concatenate([np.asarray(part.get_offsets()) for part in drawn])


def stars(figure: Figure) -> list[list[float]]:
    drawn = [c for c in figure.axes[0].collections if isinstance(c, PathCollection) and c.get_zorder() == 8]
    return [np.asarray(part.get_offsets())[0].tolist() for part in drawn]


def test_groups_have_their_colours_and_the_measured_crystal_its_star() -> None:
    names = [f"group {k}" for k in range(MOST_NAMED + 2) for _ in range(2)] + ["", "group 0"]
    n = len(names)
    energies = -5 + 0.01 * np.arange(n)
    energies[3] = NOTHING
    figure = grouped_landscape(np.linspace(1, 2, n), energies, names, "group", experiment=2)
    # The smallest two groups have no colour: the one of which an energy is missing, and the last by name.
    legend = figure.axes[0].get_legend()
    assert legend is not None
    said = [text.get_text() for text in legend.get_texts()]
    assert said[0] == "others (4)" and said[1] == "group 0 (3)" and len(said) == 1 + MOST_NAMED + 1
    assert len(points(figure)) == n - 1
    assert stars(figure) == [pytest.approx([1 + 2 / (n - 1), 0.02 * KJ_PER_MOL])]
    with pytest.raises(InputError, match="no structure has both"):
        grouped_landscape([1.0], [NOTHING], ["a"], "group")
    with pytest.raises(InputError, match="they differ"):
        grouped_landscape([1.0], [1.0, 2.0], ["a"], "group")


def test_energies_before_and_after_are_each_above_the_lowest() -> None:
    before, after = [-1.0, -0.9, NOTHING, -0.8], [-2.0, -2.1, -3.0, NOTHING]
    figure = energy_changes(before, after, ("before", "after"), experiment=1)
    np.testing.assert_allclose(points(figure), np.array([[0.0, 0.1], [0.1, 0.0]]) * KJ_PER_MOL, atol=1e-9)
    assert stars(figure) == [pytest.approx([0.1 * KJ_PER_MOL, 0.0])]
    for one, other in (([1.0], [NOTHING]), ([1.0], [1.0, 2.0])):
        with pytest.raises(InputError):
            energy_changes(one, other)


def test_hits_over_energies() -> None:
    figure = hits_chart([0.0, 1.0, 2.0, 3.0], [5, 1, NOTHING, 0], experiment=0)
    assert sorted(points(figure).tolist()) == [[0.0, 5.0], [1.0, 1.0]] and stars(figure) == [[0.0, 5.0]]
    assert figure.axes[0].get_yscale() == "log"
    for hits in ([NOTHING], []):
        with pytest.raises(InputError, match="no structure was met"):
            hits_chart([1.0], hits)


def test_z_primes_are_written_as_fractions() -> None:
    figure = z_prime_chart([1.0, 0.5, 0.5, 1 / 3, 2.0, NOTHING])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1/3", "1/2", "1", "2"]
    assert [bar.get_height() for bar in figure.axes[0].containers[0]] == [1, 2, 1, 1]
    with pytest.raises(InputError, match="of no structure"):
        z_prime_chart([NOTHING])


def test_the_funnel_is_logarithmic_where_stages_lie_far_apart() -> None:
    near = funnel_chart([("raw", 100, ""), ("$kept$", 40, "of 100")])
    far = funnel_chart([("raw", 100_000, ""), ("kept", 40, "of 100,000")])
    assert [figure.axes[0].get_xscale() for figure in (near, far)] == ["linear", "log"]
    assert [bar.get_width() for bar in far.axes[0].containers[0]] == [100_000, 40]
    assert [text.get_text() for text in near.axes[0].texts] == ["100", "40  of 100"]
    near.draw_without_rendering()  # a dollar in a name is no formula
    with pytest.raises(InputError, match="no stage"):
        funnel_chart([])
