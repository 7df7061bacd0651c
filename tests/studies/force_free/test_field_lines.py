"""Field lines against fields whose lines are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID, Grid
from genarris_fw.studies.force_free.fields.low_lou import generating_function, low_lou_field
from genarris_fw.studies.force_free.judging.field_lines import (
    field_lines,
    kinds_of_lines,
    paper_seeds,
    read_lines,
    write_lines,
)
from genarris_fw.studies.force_free.judging.interpolation import Trilinear

BOX = Grid(((-1.0, 1.0), (-1.0, 1.0), (0.0, 2.0)), (33, 33, 33))


def field_of(formula, grid=BOX):
    """A field with the components that the formula gives at x, y, z."""
    components = np.broadcast_arrays(*formula(*np.meshgrid(*grid.axes, indexing="ij")))
    return Field(grid, np.array(components, dtype=float), {})


def test_the_seeds_of_the_paper():
    seeds = paper_seeds(BOX)
    assert seeds.shape == (289, 3) and (seeds[:, 2] == 0).all()
    assert np.allclose(np.unique(seeds[:, 0]), np.arange(-1, 1.01, 0.125), atol=1e-15)
    assert np.allclose(paper_seeds(BOX, 1), [[0.0, 0.0, 0.0]])


def test_between_the_nodes_a_field_is_that_of_scipy():
    rng = np.random.default_rng(0)
    grid = Grid(((-1, 2), (0, 1), (-0.5, 0.5)), (6, 5, 4))
    field = Field(grid, rng.normal(size=(3, *grid.shape)))
    low, high = np.array(grid.bounds).T
    points = np.concatenate([rng.uniform(low, high, (500, 3)), grid.points()])
    theirs = RegularGridInterpolator(grid.axes, np.moveaxis(field.values, 0, -1))(points)
    assert np.allclose(Trilinear(field)(points), theirs, atol=1e-13)
    assert np.allclose(Trilinear(field)(high[None] + 1), theirs[-1])  # outside: as at the nearest point


def test_a_uniform_field_has_straight_lines_from_face_to_face():
    (line,) = field_lines(field_of(lambda x, y, z: (0 * x, 0 * x, 1 + 0 * x)), [[0.3, -0.2, 0.7]])
    assert np.allclose(line[:, :2], [0.3, -0.2], atol=1e-14)
    assert line[0, 2] == 0.0 and line[-1, 2] == 2.0
    assert (np.diff(line[:, 2]) > 0).all()  # in the direction of the field


def test_a_field_linear_in_space_has_helices_as_its_lines():
    # Trilinear interpolation is exact here: what is left is the error of the integration.
    pitch = 0.4
    field = field_of(lambda x, y, z: (-y, x, pitch + 0 * x))
    (line,) = field_lines(field, [[0.5, 0.0, 0.0]])
    turned = line[:, 2] / pitch
    exact = np.column_stack([0.5 * np.cos(turned), 0.5 * np.sin(turned), line[:, 2]])
    assert line[-1, 2] == 2.0
    assert np.abs(line[:-1] - exact[:-1]).max() < 2e-7
    half, whole = (
        np.abs(np.hypot(*field_lines(field, [[0.5, 0, 0]], step=step)[0][:-1, :2].T) - 0.5).max() for step in (2, 4)
    )
    assert whole / half > 10  # of fourth order


def test_closed_lines_end_at_the_greatest_length():
    field = field_of(lambda x, y, z: (-y, x, 0 * x))
    (line,) = field_lines(field, [[0.5, 0.0, 1.0]], longest=1.0)
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    assert length == pytest.approx(4.0, abs=0.05)  # 2 on either side
    assert kinds_of_lines([line], BOX) == {"closed": 0, "open": 0, "unfinished": 1}


def test_a_line_ends_where_the_field_is_weak():
    field = field_of(lambda x, y, z: (0 * x, 0 * x, np.maximum(1.0 - z, 0.0)))
    (line,) = field_lines(field, [[0.0, 0.0, 0.0]], weakest=0.2)
    assert 0.7 < line[-1, 2] < 0.85
    (nothing,) = field_lines(field_of(lambda x, y, z: (0 * x, 0 * x, 0 * x)), [[0.0, 0.0, 1.0]])
    assert nothing.tolist() == [[0.0, 0.0, 1.0]]


def test_an_arcade_closes_over_the_bottom():
    # B = curl of (0, exp(-k z) cos(k x) / k, 0), a potential field: its lines keep exp(-k z) cos(k x).
    k = np.pi / 2
    field = field_of(
        lambda x, y, z: (np.exp(-k * z) * np.cos(k * x), 0 * x, -np.exp(-k * z) * np.sin(k * x)),
        Grid(BOX.bounds, (65, 5, 65)),
    )
    seeds = [[-0.6, 0.1, 0.0], [0.4, 0.0, 0.0]]
    lines = field_lines(field, seeds)
    assert kinds_of_lines(lines, BOX) == {"closed": 2, "open": 0, "unfinished": 0}
    for line, seed in zip(lines, seeds):
        flux = np.exp(-k * line[:, 2]) * np.cos(k * line[:, 0])
        assert np.abs(flux / np.cos(k * seed[0]) - 1).max() < 2e-3
        assert np.allclose(line[[0, -1], 0], [-abs(seed[0]), abs(seed[0])], atol=2e-3)


def test_a_seed_from_which_the_field_leads_out_on_both_sides_is_no_closed_line():
    field = field_of(lambda x, y, z: (1 + 0 * x, 0 * x, 1 + 0 * x))
    lines = field_lines(field, [[1.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    assert [len(line) for line in lines[:1]] == [1] and np.allclose(lines[1][-1], [1.0, 0.0, 0.5])
    assert kinds_of_lines(lines, BOX) == {"closed": 0, "open": 2, "unfinished": 0}


def test_lines_of_a_low_lou_field_stay_on_surfaces_of_equal_flux():
    # A = P(mu) / r^n about the source's axis is constant along every line (Low and Lou 1990, equation 2).
    depth, phi = 0.3, np.pi / 4
    field = low_lou_field(1, 1, depth, phi, PAPER_GRID)
    flux = generating_function(1, 1)

    def flux_at(points):
        x, y, z = points.T
        along = x * np.sin(phi) + (z + depth) * np.cos(phi)
        r = np.sqrt(x**2 + y**2 + (z + depth) ** 2)
        return flux(along / r)[0] / r

    lines = field_lines(field, paper_seeds(PAPER_GRID, 9))
    changes = [np.ptp(flux_at(line)) for line in lines]
    assert max(changes) < 1e-3 * np.ptp(flux_at(PAPER_GRID.points()))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.25, 0.5, 1.0]))
def test_lines_stay_in_the_box_go_through_their_seeds_and_follow_the_field(seed, step):
    rng = np.random.default_rng(seed)
    grid = Grid(((-1.0, 2.0), (0.0, 1.0), (-0.5, 0.5)), (6, 5, 4))
    field = Field(grid, rng.normal(size=(3, 6, 5, 4)), {})
    low, high = np.array(grid.bounds).T
    seeds = rng.uniform(low, high, (7, 3))
    lines = field_lines(field, seeds, step=step, longest=1.0)
    for line, at in zip(lines, seeds):
        assert (line >= low).all() and (line <= high).all()
        assert (line == at).all(axis=1).any()
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max(initial=0) <= step * min(grid.spacing) * (1 + 1e-9)
    assert sum(kinds_of_lines(lines, grid).values()) == 7
    # All at once or one by one: the same lines.
    alone = field_lines(field, seeds[3:4], step=step, longest=1.0)[0]
    assert np.array_equal(alone, lines[3])


def test_lines_in_a_file(tmp_path):
    lines = field_lines(field_of(lambda x, y, z: (-y, x, 0.3 + 0 * x)), [[0.5, 0, 0], [0.1, 0.1, 0.5]])
    write_lines(lines, tmp_path / "lines.npz")
    found = read_lines(tmp_path / "lines.npz")
    assert len(found) == 2 and all(np.array_equal(one, other) for one, other in zip(lines, found))
    write_lines([], tmp_path / "none.npz")
    assert read_lines(tmp_path / "none.npz") == []


@pytest.mark.parametrize(
    ("seeds", "options", "said"),
    [
        ([[0, 0, 3.0]], {}, r"seed 1 of field lines, \(0, 0, 3\), does not lie in the box"),
        ([[0, 0, 1.0], [0, np.nan, 1.0]], {}, r"seed 2 of field lines, \(0, nan, 1\), does not lie"),
        ([0, 0, 1.0], {}, r"have the shape \(3,\)"),
        ([[0, 0, 1.0]], {"step": 0.0}, "step = 0: give a number above 0"),
        ([[0, 0, 1.0]], {"longest": -1.0}, "longest = -1"),
        ([[0, 0, 1.0]], {"weakest": np.nan}, "weakest = nan"),
    ],
)
def test_what_cannot_be_traced(seeds, options, said):
    with pytest.raises(InputError, match=said):
        field_lines(field_of(lambda x, y, z: (x, y, z)), seeds, **options)


def test_seeds_along_no_edge():
    with pytest.raises(InputError, match="0 seeds of field lines along an edge"):
        paper_seeds(BOX, 0)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_a_file_that_holds_no_lines(tmp_path, content):
    (tmp_path / "lines.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"lines.npz: no file of field lines") as said:
        read_lines(tmp_path / "lines.npz")
    assert "\n" not in str(said.value)
