"""Pages by key: complete and in order, whatever is added or removed between one page and the next."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.web.columns import ID, Column, PoolColumns
from genarris_fw.web.tables import Key, Sorting, page

SORTS = ("number", "text", ID)
# Few different values, so that there are ties; and none.
VALUES = st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 0.1, 2.5e9]))
TEXTS = st.sampled_from([None, "fast", "packing", "Ä"])
STRUCTURES = st.dictionaries(st.text("abcXY", min_size=1, max_size=3), st.tuples(VALUES, TEXTS), max_size=40)


def pool(structures: dict[str, tuple[float | None, str | None]]) -> PoolColumns:
    names = sorted(structures)
    ids = np.array([name.encode() for name in names], dtype=np.bytes_) if names else np.zeros(0, "S1")
    numbers = np.array([np.nan if structures[n][0] is None else structures[n][0] for n in names], dtype=np.float32)
    words = tuple(sorted({structures[name][1] for name in names} - {None}))
    codes = [np.nan if structures[name][1] is None else words.index(structures[name][1]) for name in names]
    text = Column("text", "text", np.array(codes, dtype=np.float32), words)
    return PoolColumns("run", "pool", ids, {"number": Column("number", "number", numbers), "text": text})


def in_order(structures: dict, sort: str, descending: bool) -> list[str]:
    """What a person would expect: by value, then by id; without a value last."""
    place = {"number": 0, "text": 1}.get(sort)
    known = sorted(
        (name for name in structures if place is None or structures[name][place] is not None),
        key=lambda name: (name if place is None else structures[name][place], name),
        reverse=descending,
    )
    rest = sorted((name for name in structures if name not in known), reverse=descending)
    return known + rest


def walk(pools: list[PoolColumns], sort: str, descending: bool, limit: int) -> list[list[str]]:
    """All pages, each of the next of some states of a pool; the last state stays."""
    pages, after, turn = [], None, 0
    while True:
        now = pools[min(turn, len(pools) - 1)]
        found = page(Sorting(now, sort, descending), None, limit, after=after)
        pages.append([now.name(row) for row in found["rows"]])
        turn += 1
        if found["next"] is None:
            return pages
        after = Key.of(found["next"])


@given(STRUCTURES, st.sampled_from(SORTS), st.booleans(), st.integers(1, 7))
def test_pages_are_complete_and_in_order(structures: dict, sort: str, descending: bool, limit: int) -> None:
    seen = [name for some in walk([pool(structures)], sort, descending, limit) for name in some]
    assert seen == in_order(structures, sort, descending)


@given(STRUCTURES, STRUCTURES, st.sampled_from(SORTS), st.booleans(), st.integers(1, 5))
def test_what_is_added_between_pages_moves_nothing(
    first: dict, added: dict, sort: str, descending: bool, limit: int
) -> None:
    later = added | first
    seen = [name for some in walk([pool(first), pool(later)], sort, descending, limit) for name in some]
    assert len(seen) == len(set(seen))
    assert set(first) <= set(seen) or len(first) <= limit  # all that was there from the first page on
    assert seen[limit:] == [name for name in in_order(later, sort, descending) if name in seen[limit:]]


@given(STRUCTURES, STRUCTURES, st.sampled_from(SORTS), st.booleans(), st.integers(1, 5))
def test_what_is_removed_between_pages_hides_nothing_else(
    kept: dict, removed: dict, sort: str, descending: bool, limit: int
) -> None:
    before, after = removed | kept, kept
    pages = walk([pool(before), pool(after)], sort, descending, limit)
    if len(before) > limit:
        assert set(kept) <= {name for some in pages for name in some}


@given(STRUCTURES, st.sampled_from(SORTS), st.booleans(), st.integers(1, 6), st.data())
def test_back_and_to_a_structure(
    structures: dict, sort: str, descending: bool, limit: int, data: st.DataObject
) -> None:
    if not structures:
        return
    now = pool(structures)
    sorting, expected = Sorting(now, sort, descending), in_order(structures, sort, descending)
    name = data.draw(st.sampled_from(expected))
    place, key = expected.index(name), sorting.key(now.row(name))
    assert Key.of(key.text()) == key
    at = page(sorting, None, limit, at=key)
    assert at["position"] == place and now.name(at["rows"][0]) == name
    back = page(sorting, None, limit, before=key)
    assert [now.name(row) for row in back["rows"]] == expected[max(0, place - limit) : place]
    assert (back["previous"] is None) == (place <= limit)


@given(STRUCTURES, st.booleans(), st.data())
def test_filtered_pages(structures: dict, descending: bool, data: st.DataObject) -> None:
    now = pool(structures)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(now), max_size=len(now))), dtype=bool)
    seen, after = [], None
    while True:
        found = page(Sorting(now, "number", descending), mask, 3, after=after)
        assert found["matched"] == mask.sum() and found["position"] == len(seen)
        seen += [now.name(row) for row in found["rows"]]
        if found["next"] is None:
            break
        after = Key.of(found["next"])
    expected = in_order(structures, "number", descending)
    assert seen == [name for name in expected if mask[now.row(name)]]


@pytest.mark.parametrize(
    "text",
    ["", "x", "WzEsMl0", "bnVsbA", "W10", "WzEsIlx1ZDgwMCJd", "W05hTiwiYSJd", "WzFlOTk5LCJhIl0", "Ä", "A" * 3000],
)
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(InputError):
        Key.of(text)


def test_a_key_of_another_column() -> None:
    now = pool({"a": (1.0, "fast")})
    for sort, key in (("number", Key("fast", "a")), ("text", Key(1.0, "a"))):
        with pytest.raises(InputError, match="another column"):
            page(Sorting(now, sort), None, 5, after=key)
