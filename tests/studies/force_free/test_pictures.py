"""Pictures show what they are given; that they are well to look at, eyes have seen."""

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.pictures import save
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.judging.field_lines import field_lines, kinds_of_lines, paper_seeds
from genarris_fw.studies.force_free.showing import field_line_picture, height_picture, loss_picture, magnetogram_picture
from genarris_fw.studies.force_free.showing.field_line_pictures import CLOSED, OPEN

GRID = Grid(((-1, 1), (-1, 1), (0, 2)), (12, 11, 10))


@pytest.fixture(scope="module")
def fields():
    reference = low_lou_field(1, 1, 0.3, np.pi / 4, GRID)
    return {"reference": reference, "potential field": potential_field(reference)}


def test_field_lines_are_coloured_by_where_they_end(fields, tmp_path):
    figure = field_line_picture(fields, seeds=5, title="Case 1")
    assert [axes.get_title() for axes in figure.axes] == list(fields)
    for axes, field in zip(figure.axes, fields.values()):
        drawn = drawn_lines(axes)
        lines = [line for line in field_lines(field, paper_seeds(GRID, 5)) if len(line) > 1]
        kinds = kinds_of_lines(lines, GRID)
        assert drawn.get(CLOSED, 0) == kinds["closed"]
        assert drawn.get(OPEN, 0) == len(lines) - kinds["closed"]
    (png,) = save(figure, tmp_path / "lines", ["png"])
    assert png.stat().st_size > 10_000


def test_magnetograms_share_their_colours_and_the_difference_has_its_own(fields):
    reference, potential = fields.values()
    figure = magnetogram_picture(reference, potential, unit="G")
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 9
    assert np.allclose(images[0].get_array(), reference.values[0, :, :, 0].T)  # x to the right, y upwards
    assert np.allclose(images[5].get_array(), (potential.values - reference.values)[1, :, :, 0].T)
    assert images[0].get_clim() == images[1].get_clim() != images[2].get_clim()
    assert images[2].get_clim()[1] == pytest.approx(np.abs((potential.values - reference.values)[0, :, :, 0]).max())


def test_losses_of_two_groups():
    falling = [np.exp(-np.arange(20) / scale) for scale in (2.0, 4.0, 8.0)]
    figure = loss_picture({"with": falling, "without": [np.ones(20)]}, title="five seeds")
    (axes,) = figure.axes
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [f"with: {falling[1][-1]:.3g} ({falling[0][-1]:.3g} to {falling[2][-1]:.3g})", "without: 1"]
    assert axes.get_yscale() == "log"
    # Pairs of what is drawn across and the loss; what no logarithm has is left out.
    figure = loss_picture({"with": [[[0.5, 3.0], [1.5, 0.0], [2.5, 1.0], [3.5, np.nan]]]}, across="CPU seconds")
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0.5, 3.0], [2.5, 1.0]]


def test_factors_by_height(fields):
    factors = {name: height_factors(field) for name, field in fields.items()}
    figure = height_picture(factors, title="Case 1")
    left, right = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(fields)
    assert np.allclose(left.lines[1].get_ydata(), factors["potential field"]["divergence"])
    assert np.allclose(right.lines[0].get_xydata().T, [factors["reference"][name] for name in ("height", "force")])


def test_of_many_groups_the_best_are_named(fields):
    curves = {f"settings {k}": [[1.0, 0.1 * (20 - k)]] for k in range(1, 13)}
    words = [text.get_text() for text in loss_picture(curves).legends[0].get_texts()]
    assert words[0] == "settings 12: 0.8" and words[8:] == ["settings 4: 1.6", "3 others"]
    factors = height_factors(fields["reference"])
    figure = height_picture({f"field {k}": factors for k in range(12)})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [f"field {k}" for k in range(9)]
    assert len(figure.axes[0].lines) == 12
    assert len(field_line_picture({f"field {k}": fields["reference"] for k in range(4)}, seeds=2).axes) == 4


def test_what_cannot_be_drawn(fields):
    other = Field(Grid(((-1, 1), (-1, 1), (0, 2)), (3, 3, 3)), np.ones((3, 3, 3, 3)), {})
    for draw, said in (
        (lambda: field_line_picture({}), "no field whose lines"),
        (lambda: field_line_picture({"a": other}, seeds=0), "0 seeds of field lines"),
        (lambda: magnetogram_picture(fields["reference"], other), "both need the same grid"),
        (lambda: loss_picture({}), "no losses to be drawn"),
        (lambda: loss_picture({"with": []}), "no losses to be drawn"),
        (lambda: loss_picture({"with": [np.ones((2, 3))]}), r"losses of 'with' of shape \(2, 3\)"),
        (lambda: loss_picture({"with": [[np.nan, -1.0]]}), "losses of 'with' have no finite value above 0"),
        (lambda: height_picture({}), "no factors by height"),
        (
            lambda: height_picture({"a": {"height": [0], "divergence": [1, 2], "force": [1]}}),
            "factors of 'a' by height: arrays of different lengths",
        ),
    ):
        with pytest.raises(InputError, match=said):
            draw()


def drawn_lines(axes):
    """How many lines there are of each colour, the edges of the box aside."""
    from matplotlib.colors import to_hex
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    chosen = [one for one in axes.collections if isinstance(one, Line3DCollection) and len(one._segments3d)]
    return {to_hex(one.get_colors()[0]): len(one._segments3d) for one in chosen}
