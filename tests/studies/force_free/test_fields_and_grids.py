"""Grids and their nodes, fields and their files."""

import pickle
import random

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field, field_from_bytes, read_field, write_field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID, Grid

BOX = ((-1, 2), (0, 1), (5, 5.5))


def field(shape=(2, 3, 4), bounds=BOX, seed=0, **about):
    return Field(Grid(bounds, shape), np.random.default_rng(seed).normal(size=(3, *shape)), about)


def test_nodes_are_in_the_order_of_the_values():
    some = field()
    x, y, z = some.grid.axes
    at = some.at_nodes()
    for i, point in enumerate(some.grid.points()):
        ix, iy, iz = np.unravel_index(i, some.grid.shape)
        assert (point == (x[ix], y[iy], z[iz])).all()
        assert (at[i] == some.values[:, ix, iy, iz]).all()
    assert some.grid.size == len(at) == 24


def test_the_papers_grid_has_the_papers_nodes():
    x, y, z = PAPER_GRID.axes
    i = np.arange(1, 65)
    np.testing.assert_allclose(x, -1 + 2 / 63 * (i - 1), atol=1e-15)
    assert (x[-1], y[-1], z[-1]) == (1, 1, 2)
    np.testing.assert_allclose(PAPER_GRID.spacing, 2 / 63)
    # The boundary points of the paper's two cases: 23,816, and 4,096 of them at the bottom.
    assert (PAPER_GRID.on_surface().sum(), PAPER_GRID.on_bottom().sum()) == (23_816, 4_096)


def test_surface_and_bottom_are_where_a_coordinate_is_at_an_end():
    grid = Grid(BOX, (3, 4, 5))
    low, high = np.transpose(grid.bounds)
    points = grid.points()
    assert (grid.on_surface() == ((points == low) | (points == high)).any(axis=1)).all()
    assert (grid.on_bottom() == (points[:, 2] == low[2])).all()


def test_equal_grids_are_equal_whatever_they_are_made_of():
    made = Grid(np.array(BOX).tolist(), np.array([2, 3, 4]))
    assert made == Grid(BOX, (2, 3, 4)) and hash(made) == hash(Grid(BOX, (2, 3, 4)))


@pytest.mark.parametrize(
    ("bounds", "shape", "says"),
    [
        (((0, 1), (2, 2), (0, 1)), (3, 3, 3), "y from 2 to 2: a box of no volume"),
        (((0, 1), (0, 1), (1, 0)), (3, 3, 3), "z from 1 to 0: a box of no volume"),
        (((0, 1), (0, 1), (0, float("nan"))), (3, 3, 3), "three pairs of finite numbers"),
        (((0, 1), (0, 1)), (3, 3, 3), "three pairs of finite numbers"),
        (((0, 1), (0, 1), (0,)), (3, 3, 3), "three pairs of finite numbers"),
        (BOX, (3, 3), "three whole numbers"),
        (BOX, (3, 1, 3), "at least 2"),
        (BOX, (3, 2.5, 3), "whole number"),
        (BOX, "abc", "three whole numbers"),
    ],
)
def test_a_box_that_is_none_is_refused_in_a_line(bounds, shape, says):
    with pytest.raises(InputError, match=says) as refused:
        Grid(bounds, shape)
    assert "\n" not in str(refused.value)


def test_a_value_that_is_no_number_is_named():
    values = np.zeros((3, 2, 3, 4))
    values[1, 0, 2, 3] = np.nan
    values[2, 1, 0, 0] = np.inf
    with pytest.raises(InputError, match=r"2 values are not finite, the first is By at node \(0, 2, 3\)"):
        Field(Grid(BOX, (2, 3, 4)), values)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"\(3, 4, 3, 2\) do not fit the grid: \(3, 2, 3, 4\) is wanted"):
        Field(Grid(BOX, (2, 3, 4)), np.zeros((3, 4, 3, 2)))


def test_a_file_gives_back_the_field(tmp_path):
    some = field(kind="made up", seed=1)
    write_field(some, tmp_path / "a.field")
    again = read_field(tmp_path / "a.field")
    assert (again.grid, again.about, again.digest) == (some.grid, some.about, some.digest)
    assert (again.values == some.values).all()
    assert again.to_bytes() == (tmp_path / "a.field").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["a.field"]


def test_the_digest_is_of_grid_and_values_alone():
    some = field(name="a")
    assert some.digest == field(name="b").digest
    moved = ((-1, 2), (0, 1), (5, 5.6))
    others = {some.digest, field(seed=1).digest, field(bounds=moved).digest}
    nudged = some.values.copy()
    nudged[2, 1, 2, 3] = np.nextafter(nudged[2, 1, 2, 3], 9)
    others.add(Field(some.grid, nudged).digest)
    assert len(others) == 4


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz cannot be read: No such file"):
        read_field(tmp_path / "none.npz")


def arrays(**changes):
    some = field()
    return {
        "bounds": np.asarray(some.grid.bounds), "shape": np.asarray(some.grid.shape), "values": some.values,
        "about": np.asarray("{}"), **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"values": np.full((3, 2, 3, 4), np.nan)}, "72 values are not finite"),
        ({"values": np.zeros((3, 2, 3, 5))}, "do not fit the grid"),
        ({"values": np.zeros((3, 2, 3, 4), dtype=complex)}, "no field's file"),
        ({"values": np.full((3, 2, 3, 4), "a")}, "no field's file"),
        ({"values": np.full((3, 2, 3, 4), {}, dtype=object)}, "no field's file"),
        ({"bounds": np.zeros((3, 2))}, "no volume"),
        ({"shape": np.asarray(["a", "b", "c"])}, "three whole numbers"),
        ({"about": np.asarray("[1]")}, "no field's file"),
        ({"about": np.asarray("{")}, "no field's file"),
    ],
)
def test_a_file_with_something_else_in_it_is_named(tmp_path, changes, says):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays(**changes))
    with pytest.raises(InputError, match=says) as refused:
        read_field(path)
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)


def test_nothing_is_unpickled(tmp_path, capsys):
    class Loud:
        def __reduce__(self):
            return (print, ("unpickled",))

    for content in (pickle.dumps(Loud()), b"", b"text", np.zeros(3).tobytes()):
        with pytest.raises(InputError, match="x is no field's file"):
            field_from_bytes(content, "x")
    for name in arrays():
        np.savez(tmp_path / "loud.npz", **arrays(**{name: np.array([Loud()])}))
        with pytest.raises(InputError, match="no field's file"):
            read_field(tmp_path / "loud.npz")
    assert capsys.readouterr().out == ""


def test_a_damaged_file_is_refused_in_a_line_or_still_a_field():
    chance = random.Random(19)
    content = field((2, 2, 2)).to_bytes()
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        try:
            field_from_bytes(bytes(damaged), "damaged")
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 200
