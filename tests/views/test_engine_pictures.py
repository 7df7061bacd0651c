"""Pictures of equations of state, of convergence, and of two engines: what they say."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.energetics.comparison import compare
from genarris_fw.energetics.equation_of_state import EquationOfState
from genarris_fw.errors import InputError
from genarris_fw.pictures.comparison import comparison
from genarris_fw.pictures.convergence import convergence
from genarris_fw.pictures.equation_of_state import Curve, equation_of_state
from genarris_fw.pictures.saving import save

SI = EquationOfState(40.9, -15784.3, 88.5, 4.3)


def texts(figure):
    found = [text.get_text() for axes in figure.axes for text in [axes.xaxis.label, axes.yaxis.label]]
    for axes in figure.axes:
        legend = axes.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return found


def curves():
    volumes = SI.V0 * np.linspace(0.94, 1.06, 7)
    return {
        "ours": Curve(SI, 2, volumes, SI.energy(volumes) + 1e-3 * np.cos(np.arange(7))),
        "reference": Curve(EquationOfState(20.5, 0.0, 88.0, 4.2)),
    }


def test_curves_are_per_atom_and_named_with_their_numbers(tmp_path):
    figure = equation_of_state(curves(), "silicon")
    words = texts(figure)
    assert "ours\nV₀ 20.450 Å³/atom   B₀ 88.5 GPa   B₁ 4.30" in words
    assert "reference\nV₀ 20.500 Å³/atom   B₀ 88.0 GPa   B₁ 4.20" in words
    above, below = figure.axes
    points = next(line for line in above.get_lines() if line.get_marker() == "o")
    assert points.get_xdata() == pytest.approx(SI.V0 / 2 * np.linspace(0.94, 1.06, 7))
    expected = 1000 * (np.array(curves()["ours"].energies) - SI.E0) / 2
    assert points.get_ydata() == pytest.approx(expected)
    distances = next(line for line in below.get_lines() if line.get_marker() == "o")
    assert distances.get_ydata() == pytest.approx(0.5 * np.cos(np.arange(7)), abs=1e-6)
    [first] = save(figure, tmp_path / "one", ["svg"])
    [second] = save(equation_of_state(curves(), "silicon"), tmp_path / "other", ["svg"])
    assert first.read_bytes() == second.read_bytes()


def test_a_curve_without_any_point_is_no_picture():
    with pytest.raises(InputError, match="has a point"):
        equation_of_state({"reference": Curve(SI)})


def test_convergence_draws_both_axes_and_not_the_finest_with_itself():
    differences = np.array([[30.0, -20.0, 10.0], [8.0, 0.5, 0.001], [7.0, np.nan, 0.0]])
    figure = convergence([5, 6, 7], [[1, 1, 1], [2, 2, 2], [4, 4, 4]], differences, 1.0)
    left, right = figure.axes
    assert [t.get_text() for t in left.get_xticklabels()] == ["5", "6", "7"]
    assert [t.get_text() for t in right.get_xticklabels()] == ["1×1×1", "2×2×2", "4×4×4"]
    last = next(line for line in left.get_lines() if line.get_label() == "4×4×4").get_ydata()
    assert last[0] == 10.0 and last[1] == 0.01 and np.isnan(last[2])
    hole = next(line for line in right.get_lines() if line.get_label() == "7").get_ydata()
    assert hole[0] == 7.0 and np.isnan(hole[1])
    with pytest.raises(InputError):
        convergence([5, 6], [[1, 1, 1]], differences, 1.0)


@pytest.mark.parametrize(("rkmax", "grids"), [([7], [[2, 2, 2]]), ([6, 7], [[2, 2, 2]])])
def test_convergence_of_a_single_value(tmp_path, rkmax, grids):
    values = np.linspace(2.0, 0.0, len(rkmax)).reshape(-1, 1)
    assert save(convergence(rkmax, grids, values, 1.0), tmp_path / "one", ["png"])[0].stat().st_size > 3000


def test_comparison_says_how_well_they_agree():
    figure = comparison(compare([0.0, 1.0, 3.0], [-5.0, -3.0, -4.0]), ["quick", "reference"])
    [axes] = figure.axes
    title = axes.get_title(loc="left")
    assert "3 structures" in title and "Kendall τ 0.33" in title
    assert "the reference's lowest is number 1 of the other" in title
    across, up = axes.collections[0].get_offsets().T
    assert list(across) == pytest.approx([0.0, 2.0, 1.0])  # above the reference's lowest
    assert up.mean() == pytest.approx(across.mean())
    assert axes.get_xlabel().startswith("reference\n") and axes.get_ylabel().startswith("quick\n")
