"""The language of filters, polygons, and what a selection is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.web.columns import Column, PoolColumns
from genarris_fw.web.filters import chosen, inside, within
from genarris_fw.web.selection import Selection, Stale

NAMES = ["a1", "a2", "b", "c,d"]
POOL = PoolColumns(
    "run",
    "pool",
    np.array([name.encode() for name in NAMES]),
    {
        "spg": Column("spg", "integer", np.array([2, 14, 19, np.nan], dtype=np.float32)),
        "density": Column("density", "number", np.array([1.1, 1.2, np.nan, 1.4], dtype=np.float32)),
        "odd:name": Column("odd:name", "number", np.array([1, 2, 3, 4], dtype=np.float32)),
        "mode": Column("mode", "text", np.array([0, 1, 1, np.nan], dtype=np.float32), ("a*b", "fast")),
        "converged": Column("converged", "flag", np.array([1, 0, np.nan, 1], dtype=np.float32)),
    },
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ([], [0, 1, 2, 3]),
        (["spg:14"], [1]),
        (["spg:2,19"], [0, 2]),
        (["spg:2..14"], [0, 1]),
        (["spg:..14"], [0, 1]),
        (["spg:14.."], [1, 2]),
        (["spg:!14"], [0, 2, 3]),
        (["spg:none"], [3]),
        (["spg:any"], [0, 1, 2]),
        (["spg:none,2"], [0, 3]),
        (["density:1.2"], [1]),  # as it was written, though kept in 32 bits
        (["density:1.15..1.4"], [1, 3]),
        (["spg:..20", "density:1.15.."], [1]),
        (["odd%3Aname:3.."], [2, 3]),
        (["mode:fast"], [1, 2]),
        (["mode:a%2Ab"], [0]),
        (["mode:f*"], [1, 2]),
        (["mode:!f*"], [0, 3]),
        (["converged:true"], [0, 3]),
        (["converged:false,none"], [1, 2]),
        (["converged:1"], [0, 3]),
        (["id:a*"], [0, 1]),
        (["id:c%2Cd"], [3]),
        (["id:!a*,b"], [3]),
        (["id:nobody"], []),
        (["density:-1e-3..1.15E+0"], [0]),
    ],
)
def test_filters(where: list[str], rows: list[int]) -> None:
    assert np.flatnonzero(chosen(POOL, where)).tolist() == rows


@pytest.mark.parametrize(
    "where",
    [
        *("", ":", "spg", "spg:", ":14", "spg:$gt", 'spg:{"$gt":1}', "spg:14..2", "spg:.."),
        *("spg:nan", "spg:inf..", "spg:1e9999..", "spg:0x10", "spg:1_0", "spg:١", "spg:1,,2"),
        *("nothing:1", "$where:1", "properties.spg:14", "mode:slow"),
        *("spg:" + "1," * 1000 + "1", "spg:" + "9" * 20000, "spg:__import__('os')", "density:1.2...1.3"),
    ],
)  # fmt: skip
def test_what_is_no_filter(where: str) -> None:
    with pytest.raises(InputError) as refused:
        chosen(POOL, [where])
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


def test_an_unknown_column_is_met_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'density'"):
        chosen(POOL, ["densty:1.."])


SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], dtype=float)


@given(st.lists(st.tuples(st.floats(-1, 5, width=32), st.floats(-1, 5, width=32)), max_size=20), st.integers(0, 3))
def test_a_square(points: list[tuple[float, float]], turned: int) -> None:
    x, y = np.array(points, dtype=np.float32).reshape(-1, 2).T
    found = inside(x, y, np.roll(SQUARE, turned, axis=0))
    on_the_edge = ((x == 0) | (x == 4) | (y == 0) | (y == 4)) & (x >= 0) & (x <= 4) & (y >= 0) & (y <= 4)
    expected = (x > 0) & (x < 4) & (y > 0) & (y < 4)
    assert (found == expected)[~on_the_edge].all()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=8),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10),
)
def test_polygons_by_their_winding(corners: list[tuple[int, int]], points: list[tuple[int, int]]) -> None:
    """The even-odd rule is the winding number modulo two."""
    at = np.array(points, dtype=float) + np.array([0.37, 0.613])  # on no edge
    polygon = np.array(corners, dtype=float)
    edges = np.roll(polygon, -1, axis=0) - polygon
    turns = np.zeros(len(at))
    for start, edge in zip(polygon, edges, strict=True):
        one, other = start - at, start + edge - at
        turns += np.arctan2(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0], (one * other).sum(axis=1))
    expected = np.rint(turns / (2 * np.pi)).astype(int) % 2 == 1
    clear = np.abs(turns / (2 * np.pi) - np.rint(turns / (2 * np.pi))) < 1e-6
    found = inside(at[:, 0].astype(np.float32), at[:, 1].astype(np.float32), polygon)
    # A skew edge may pass through a point.
    away = np.ones(len(at), dtype=bool)
    for start, edge in zip(polygon, edges, strict=True):
        to = at - start
        away &= np.abs(to[:, 0] * edge[1] - to[:, 1] * edge[0]) > 1e-4
    assert (found == expected)[away & clear].all()


def test_a_lasso() -> None:
    found = within(POOL, "density,odd%3Aname:1.15,0,1.5,0,1.5,9,1.15,9")
    assert np.flatnonzero(found).tolist() == [1, 3]


@pytest.mark.parametrize(
    "lasso",
    [
        *("", "density", "density,spg:", "density:1,2,3,4,5,6", "density,spg:1,2,3,4", "density,spg:1,2,3,4,5"),
        *("density,spg:1,2,3,4,5,x", "density,spg,spg:1,2,3,4,5,6", "density,no:1,2,3,4,5,6"),
        "density,spg:nan,2,3,4,5,6",
        "density,spg:" + ",".join(["1"] * 5000),
    ],
)  # fmt: skip
def test_what_is_no_lasso(lasso: str) -> None:
    with pytest.raises(InputError):
        within(POOL, lasso)


def test_a_selection() -> None:
    def rows(**about: object) -> list[int]:
        return Selection(run="run", pool="pool", **about).selected(POOL).tolist()  # type: ignore[arg-type]

    assert rows() == [0, 1, 2, 3]
    assert rows(ids=["b", "a1", "nobody"]) == [0, 2]
    assert rows(ids=["b"], where=["spg:2"]) == []
    assert rows(rows=[3, 1], version=POOL.version) == [1, 3]
    assert rows(rows=["3", "1"], version=POOL.version) == [1, 3]  # as they come in an address
    assert rows(ids=["c,d"]) == [3]  # names have commas
    with pytest.raises(Stale):
        rows(rows=[1], version="other")
    with pytest.raises(InputError, match="0 to 3"):
        rows(rows=[4], version=POOL.version)
    with pytest.raises(InputError, match="version"):
        rows(rows=[1])


def test_the_version_is_that_of_the_content() -> None:
    other = POOL.columns | {"spg": Column("spg", "integer", np.array([2, 14, 19, 5], dtype=np.float32))}
    again = PoolColumns("run", "pool", POOL.ids.copy(), dict(POOL.columns))
    assert again.version == POOL.version != PoolColumns("run", "pool", POOL.ids, other).version
