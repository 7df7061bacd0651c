"""The points of a training: boundary nodes and points inside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID, Grid
from genarris_fw.studies.force_free.network.points import SAMPLERS, Points, nodes_to_fit, sample_points

GRID = Grid(((-1.0, 1.0), (-2.0, 2.0), (0.0, 3.0)), (5, 6, 7))


def some_field(seed, grid=GRID):
    return Field(grid, np.random.default_rng(seed).normal(size=(3, *grid.shape)))


FIELD, POTENTIAL = some_field(0), some_field(1)


def in_space(field):
    """The field by place, to look a point up."""
    return {tuple(place): tuple(value) for place, value in zip(field.grid.points(), field.at_nodes(), strict=True)}


def found(points):
    return list(zip(map(tuple, points.boundary), map(tuple, points.boundary_field), strict=True))


def test_all_nodes_of_the_paper():
    """64^3 - 62^3 nodes of the six faces, 64^2 of the lower one."""
    field = Field(PAPER_GRID, np.zeros((3, 64, 64, 64)))
    assert len(sample_points(field, interior=1).boundary) == 23_816
    assert len(sample_points(field, boundary="bottom", interior=1).boundary) == 4096


def test_the_field_is_that_of_the_node():
    known, potential = in_space(FIELD), in_space(POTENTIAL)
    for place, value in found(sample_points(FIELD, boundary="all", interior=1)):
        assert value == known[place]
    for place, value in found(sample_points(FIELD, boundary="bottom", interior=1)):
        assert place[2] == 0.0 and value == known[place]
    both = found(sample_points(FIELD, POTENTIAL, "bottom_and_potential", interior=1))
    assert len(both) == 150
    trusted = sample_points(FIELD, POTENTIAL, "bottom_and_potential", interior=1, potential_weight=0.1)
    assert np.array_equal(trusted.boundary_weights, np.where(trusted.boundary[:, 2] == 0.0, 1.0, 0.1))
    for place, value in both:
        assert value == (known if place[2] == 0.0 else potential)[place]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    interior=st.integers(1, 300),
    boundary_points=st.integers(30, 120),
    bottom_points=st.none() | st.integers(0, 30),
    sampler=st.sampled_from(SAMPLERS),
)
def test_what_was_asked_for(seed, interior, boundary_points, bottom_points, sampler):
    points, again = (
        sample_points(
            FIELD,
            POTENTIAL,
            interior=interior,
            boundary_points=boundary_points,
            bottom_points=bottom_points,
            sampler=sampler,
            seed=seed,
        )
        for _ in range(2)
    )
    assert points.interior.shape == (interior, 3)
    assert (points.interior >= [-1, -2, 0]).all() and (points.interior <= [1, 2, 3]).all()
    assert len({place for place, _ in found(points)}) == boundary_points
    if bottom_points is not None:
        assert (points.boundary[:, 2] == 0.0).sum() == bottom_points
    for name in ("boundary", "boundary_field", "interior"):
        assert np.array_equal(getattr(points, name), getattr(again, name))


def test_seeds_differ():
    first, second = (sample_points(FIELD, interior=20, boundary_points=60, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.boundary, second.boundary)
    assert not np.isin(first.interior, second.interior).any()


def test_where_the_samplers_put_points():
    """Each of 8 x 8 x 8 parts of the box gets one of 512 of Sobol's points; half of "low" is uniform."""
    inside = sample_points(FIELD, interior=512, sampler="sobol").interior
    parts = np.add(inside, [1, 2, 0]) / [2, 4, 3] * 8
    assert len({tuple(part) for part in parts.astype(int)}) == 512
    names = ("uniform", "sobol", "low")
    heights = {name: sample_points(FIELD, interior=20_000, sampler=name).interior[:, 2] / 3 for name in names}
    for height in (0.1, 0.2, 0.5, 0.9):
        # The exponential of scale 1/5, cut at the top of the box.
        low = 0.5 * height + 0.5 * (1 - np.exp(-5 * height)) / (1 - np.exp(-5))
        for name, part in {"uniform": height, "sobol": height, "low": low}.items():
            assert (heights[name] < height).mean() == pytest.approx(part, abs=0.015)


def test_more_points_where_the_potential_field_is_strong():
    """Nine times the field in the lower half of the box: three times the points there, of one half of them."""
    values = np.ones((3, 5, 6, 8))
    values[..., :4] *= 9
    potential = Field(Grid(GRID.bounds, (5, 6, 8)), values)
    height = sample_points(FIELD, potential, interior=20_000, sampler="strong").interior[:, 2]
    assert (height < 1.5).mean() == pytest.approx(0.5 * 0.5 + 0.5 * 0.75, abs=0.015)


def test_no_field_is_nowhere_strong():
    nothing = Field(GRID, np.zeros((3, *GRID.shape)))
    assert sample_points(FIELD, nothing, interior=9, sampler="strong").interior.shape == (9, 3)


def test_nodes_to_fit():
    known = in_space(FIELD)
    points = nodes_to_fit(FIELD, 100, seed=3)
    assert len({place for place, _ in found(points)}) == 100
    assert all(known[place] == value for place, value in found(points))
    assert len(points.interior) == 0
    assert np.array_equal(points.boundary, nodes_to_fit(FIELD, 100, seed=3).boundary)
    with pytest.raises(InputError, match="211 points on the grid: it has 210 nodes"):
        nodes_to_fit(FIELD, 211)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"interior": 0}, "0 interior points"),
        ({"boundary": "top"}, "choose one of all, bottom, bottom_and_potential"),
        ({"sampler": "halton"}, "choose one of uniform, sobol, low, strong"),
        ({"sampler": "strong"}, "sampler = strong needs the potential field"),
        ({"boundary": "bottom_and_potential"}, "needs the potential field on the grid"),
        (
            {
                "boundary": "bottom_and_potential",
                "potential": some_field(0, Grid(((-1, 1), (-1, 1), (0, 1)), (5, 6, 7))),
            },
            "on the grid of the field",
        ),
        ({"boundary_points": 151}, r"151 points on the boundary: it has 150 nodes"),
        ({"boundary_points": -1}, r"-1 points on the boundary"),
        ({"boundary_points": 50, "bottom_points": 31}, r"31 points on the lower face: it has 30 nodes"),
        ({"boundary_points": 5, "bottom_points": 6}, r"-1 points on the other faces"),
        ({"interior": 10**14}, r"100,000,000,000,000 interior points need 7200000.0 GB, and there are"),
    ],
)
def test_bad_input(options, what):
    with pytest.raises(InputError, match=what) as caught:
        sample_points(FIELD, **{"interior": 10} | options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((np.zeros((3, 2)), np.zeros((3, 3)), np.zeros((1, 3))), r"boundary points have the shape \(3, 2\)"),
        ((np.zeros((3, 3)), np.zeros((2, 3)), np.zeros((1, 3))), "3 boundary points, but the field at 2"),
        ((np.zeros((3, 3)), np.full((3, 3), np.nan), np.zeros((1, 3))), "boundary_field: a number .* not finite"),
        ((np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((1, 3)), [1, 1]), "boundary_weights: a number, not below 0"),
        ((np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((1, 3)), [1, 1, -1]), "boundary_weights: a number, not below 0"),
        ((np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3))), "no points, neither at the boundary nor inside"),
    ],
)
def test_points_that_cannot_be(rows, what):
    with pytest.raises(InputError, match=what):
        Points(*rows)
