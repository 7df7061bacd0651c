"""Pools that are kept: read once, read again when they have changed, within bounded memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymongo import MongoClient
from small_run import EXEMPLARS, IDS, KJ_PER_MOL, RUN, energy_fields, fill

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.database.launchpads import database_name
from genarris_fw.web import cache
from genarris_fw.web.cache import Pools, StillReading
from genarris_fw.web.columns import PoolColumns
from genarris_fw.web.reading import read_columns
from genarris_fw.web.runs import NotThere


@pytest.fixture
def changing(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with MongoClient[Any](database_uri) as client:
        found = Catalogue(client[database_name(database_uri)])
        found.ensure_indexes()
        fill(found, tmp_path)
        yield found


@pytest.fixture
def pools(changing: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pools]:
    """As they are, but changes are looked for every time, and waited for."""
    monkeypatch.setattr(cache, "LOOKED_AGAIN", -1.0)
    monkeypatch.setattr(cache, "WAITED_FOR_CHANGES", 60.0)
    found = Pools(changing, patience=60.0)
    yield found
    found.close()


def test_a_pool_is_read_once(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(*about: Any) -> PoolColumns:
        read.append(about[2])
        return read_columns(*about)

    monkeypatch.setattr(cache, "read_columns", counted)
    with ThreadPoolExecutor(8) as many:
        found = list(many.map(lambda _: pools.get(RUN, "raw"), range(16)))
    assert read == ["raw"] and all(one is found[0] for one in found)


def test_what_is_added_is_seen(pools: Pools, changing: Catalogue) -> None:
    before = pools.get(RUN, "exemplars")
    assert len(before) == 4 and pools.get(RUN, "exemplars") is before
    changing.structures.add_to_pool(RUN, "exemplars", [IDS[1]])
    after = pools.get(RUN, "exemplars")
    assert len(after) == 5 and after.version != before.version and after.row(IDS[1]) == 1


def test_what_a_step_has_written_is_seen_when_it_is_done(pools: Pools, changing: Catalogue) -> None:
    before = pools.get(RUN, "exemplars")
    changing.structures.set_fields(RUN, "run_fhi_aims_batch", [(EXEMPLARS[0], energy_fields(-400.0), 9)])
    assert pools.get(RUN, "exemplars") is before
    changing.runs.step_finished(RUN, "run_fhi_aims_batch", {"relaxed": 2, "failed": 1})
    assert pools.get(RUN, "exemplars").version != before.version


def test_while_a_run_goes_on_its_pools_are_read_again(
    pools: Pools, changing: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pools.get(RUN, "exemplars")
    monkeypatch.setattr(cache, "READ_AGAIN", -1.0)
    monkeypatch.setattr(cache, "TIMES", -1.0)
    assert pools.get(RUN, "exemplars") is before  # read again, and the same
    changing.structures.set_fields(RUN, "run_fhi_aims_batch", [(EXEMPLARS[0], energy_fields(-400.0), 9)])
    assert pools.get(RUN, "exemplars").version != before.version


def test_the_oldest_make_room(pools: Pools) -> None:
    first = pools.get(RUN, "raw")
    pools.most_bytes = first.nbytes + 1
    pools.get(RUN, "exemplars")
    assert [pool for _, pool in pools._entries] == ["exemplars"]
    assert pools.get(RUN, "raw") is not first


def test_a_long_reading_is_told(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(catalogue: Catalogue, run: str, pool: str, progress: Any) -> PoolColumns:
        progress(3, 12)
        begun.set()
        assert go_on.wait(60)
        return read_columns(catalogue, run, pool)

    monkeypatch.setattr(cache, "read_columns", slow)
    pools.patience = 0.0
    with pytest.raises(StillReading):
        pools.get(RUN, "raw")
    assert begun.wait(60)
    with pytest.raises(StillReading) as still:
        pools.get(RUN, "raw")
    assert (still.value.done, still.value.of) == (3, 12)
    go_on.set()
    pools.patience = 60.0
    assert len(pools.get(RUN, "raw")) == 12


def test_a_server_that_ends_does_not_read_on(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(catalogue: Catalogue, run: str, pool: str, progress: Any) -> PoolColumns:
        begun.set()
        try:
            while True:
                progress(1, 12)
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(cache, "read_columns", endless)
    pools.patience = 0.0
    with pytest.raises(StillReading):
        pools.get(RUN, "raw")
    assert begun.wait(60)
    pools.close()
    assert ended.wait(60)


def test_what_is_not_there(pools: Pools, changing: Catalogue) -> None:
    for _ in range(2):
        with pytest.raises(NotThere):
            pools.get(RUN, "rwa")
    assert not pools._entries
    changing.structures.add_to_pool(RUN, "rwa", IDS[:2])
    assert len(pools.get(RUN, "rwa")) == 2


def test_odd_values_are_no_numbers(changing: Catalogue) -> None:
    """What others may have written: texts, lists and infinities where most structures have a number."""
    odd = ["1.5", [1.0], {"x": 1}, float("inf"), None, True, 2**60]
    for name, value in zip(IDS, odd, strict=False):
        changing.structures.collection.update_one({"struct_id": name}, {"$set": {"properties.density": value}})
    values = read_columns(changing, RUN, "raw").columns["density"].values
    known = [changing.structures.collection.find_one({"struct_id": name}) or {} for name in IDS[7:]]
    assert values[7:] == pytest.approx([one["properties"]["density"] for one in known], rel=1e-6)
    assert values[6] == pytest.approx(2.0**60, rel=1e-6)
    assert np.isnan(values[:6]).all()


def test_what_few_structures_have_is_not_missed(changing: Catalogue) -> None:
    """Properties are told by a sample; energies, and the measured crystal, are looked for in all structures."""
    first = changing.structures.collection.find_one({"struct_id": IDS[1]}) or {}
    names = [f"many_{i:04d}" for i in range(1000)]
    plain = {name: first["properties"][name] for name in ("density", "spg", "Z", "cell_vol")}
    documents = [
        {**first, "_id": f"{RUN}:{name}", "struct_id": name, "pools": ["many"], "properties": plain} for name in names
    ]
    for number, energy in ((500, -400.0), (501, -399.0)):
        fields = energy_fields(energy)
        documents[number]["energies"] = {"energy": fields["energies.energy"]}
        documents[number]["properties"] = plain | {"experiment_rank": 1, "lattice_energy": energy}
    changing.structures.collection.insert_many(documents)  # type: ignore[arg-type]
    columns = read_columns(changing, RUN, "many").columns
    for name in ("relative_energy", "lattice_energy", "experiment_rank"):
        assert np.flatnonzero(~np.isnan(columns[name].values)).tolist() == [500, 501]
    assert columns["relative_energy"].values[[500, 501]] == pytest.approx([0.0, KJ_PER_MOL], rel=1e-6)


def test_a_large_pool_is_read_as_the_disk_has_it(changing: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_columns(changing, RUN, "raw")
    kept = list(changing.structures.collection.find())
    changing.structures.collection.delete_many({})
    changing.structures.collection.insert_many(kept[::-1])
    monkeypatch.setattr(explored, "LARGE", 2)
    assert explored._way(changing, 12) == {"hint": {"$natural": 1}}
    assert read_columns(changing, RUN, "raw").version == expected.version
