"""The index: made of the catalogue, which it leaves as it is; brought up to date with what has changed alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import landscape
import pytest
import small_run
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from starlette.testclient import TestClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name
from genarris_fw.database.roles import role
from genarris_fw.optimade.app import Service
from genarris_fw.optimade.composition import composition
from genarris_fw.optimade.index import Index, may_write
from genarris_fw.optimade.place import place_of_index
from genarris_fw.optimade.properties import provider_fields
from genarris_fw.optimade.settings import Provider

ALL = len(small_run.IDS) + len(small_run.CHILDREN)


@pytest.fixture
def own(database_uri: str, tmp_path: Path) -> Iterator[Catalogue]:
    with MongoClient[Any](database_uri) as client:
        catalogue = Catalogue(client[database_name(database_uri)])
        small_run.fill(catalogue, tmp_path)
        catalogue.runs.set(small_run.RUN, state="finished")
        yield catalogue


@pytest.fixture
def index(own: Catalogue) -> Index:
    index = Index(own, own.database)
    assert index.update() == ALL
    return index


def written(catalogue: Catalogue) -> dict[str, list[Any]]:
    """All documents but those of the index."""
    names = [name for name in catalogue.database.list_collection_names() if not name.startswith("optimade_")]
    return {name: list(catalogue.database[name].find().sort("_id", 1)) for name in names}


def test_what_is_there_is_left_as_it_is(own: Catalogue) -> None:
    before = written(own)
    assert Index(own, own.database).update() == ALL
    assert written(own) == before and before["structures"]


def test_a_second_time_nothing_is_written(own: Catalogue, index: Index) -> None:
    assert index.update() == 0
    own.runs.set(small_run.RUN, state="running")  # which is looked through each time
    assert index.update() == index.update() == 0
    assert Index(own, own.database).update() == 0  # another server
    assert index.entries.estimated_document_count() == ALL


def test_what_changed_is_written_alone(own: Catalogue, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
    monkeypatch.setattr("genarris_fw.optimade.index._now", lambda: later)
    own.runs.set(small_run.RUN, state="running")
    index.update()
    before = {one["_id"]: one for one in index.entries.find()}
    name, gone = small_run.IDS[5], small_run.CHILDREN[1]
    own.structures.set_fields(small_run.RUN, "a_step", [(name, {"properties.density": 2.5}, 1)])
    own.structures.replace_pool(small_run.RUN, "relaxed", small_run.CHILDREN[:1])
    assert index.update() == 2
    after = {one["_id"]: one for one in index.entries.find()}
    key = f"{small_run.RUN}:{name}"
    assert before.keys() - after.keys() == {f"{small_run.RUN}:{gone}"}
    assert {one for one in after if after[one] != before[one]} == {key}
    assert after[key]["own"]["density"] == 2.5
    assert before[key]["last_modified"] < after[key]["last_modified"] == later
    assert after[key]["immutable_id"] == before[key]["immutable_id"]


def test_a_run_that_is_gone_and_one_of_its_name(own: Catalogue, index: Index, tmp_path: Path) -> None:
    before = {one["immutable_id"] for one in index.entries.find()}
    own.delete_run(small_run.RUN)
    assert index.update() == ALL and index.entries.count_documents({}) == 0 and index.kinds() == {}
    small_run.fill(own, tmp_path)
    own.runs.set(small_run.RUN, created=datetime(2025, 7, 1, tzinfo=timezone.utc))
    assert index.update() == ALL
    assert not before & {one["immutable_id"] for one in index.entries.find()}


def test_structures_of_no_pool_are_not_served(own: Catalogue) -> None:
    for pool in ("raw", "clusters", "exemplars", "energies"):
        own.structures.replace_pool(small_run.RUN, pool, [])
    index = Index(own, own.database)
    assert index.update() == len(small_run.CHILDREN)
    assert all(not one["relationships"] for one in index.entries.find())  # to a parent that is not served


def test_only_the_runs_that_are_named(own: Catalogue, index: Index) -> None:
    landscape.fill(own, "/nowhere")
    some = Index(own, own.database, [landscape.RUN])
    assert some.update() == len(landscape.IDS)
    assert "ap_cluster" not in some.kinds() and "ap_cluster" in index.kinds()
    with TestClient(Service(some, Provider()).app, base_url="http://127.0.0.1") as client:
        meta = client.get("/v1/structures", params={"page_limit": 1}).json()["meta"]
        assert meta["data_available"] == meta["data_returned"] == len(landscape.IDS)
        assert client.get(f"/v1/structures/{small_run.RUN}:{small_run.IDS[0]}").json()["data"] is None
        of_the_other = {"filter": f'_gfw_run = "{small_run.RUN}"'}
        assert client.get("/v1/structures", params=of_the_other).json()["meta"]["data_returned"] == 0


def test_a_new_property_is_told(own: Catalogue, index: Index) -> None:
    service = Service(index, Provider(prefix="lab"))
    with TestClient(service.app, base_url="http://127.0.0.1") as client:
        assert client.get("/v1/structures", params={"filter": "_lab_colour_2 = 3"}).status_code == 400
        own.structures.set_fields(small_run.RUN, "a_step", [(small_run.IDS[0], {"properties.Colour.2": 3}, 1)])
        own.runs.set(small_run.RUN, finished=datetime.now(timezone.utc))
        service.refresh()
        assert client.get("/v1/structures", params={"filter": "_lab_colour_2 = 3"}).json()["meta"]["data_returned"] == 1
        about = client.get("/v1/info/structures").json()["data"]["properties"]["_lab_colour_2"]
        assert about["type"] == "integer" and "colour_2" in about["description"]


def test_what_json_has_no_word_for(own: Catalogue) -> None:
    name = small_run.IDS[0]
    own.structures.collection.update_one(
        {"struct_id": name},
        {"$set": {"properties.odd": float("nan"), "properties.eos": {"B0": float("inf"), "B1": 4.0}}},
    )
    index = Index(own, own.database)
    index.update()
    with TestClient(Service(index, Provider()).app, base_url="http://127.0.0.1") as client:
        attributes = client.get(f"/v1/structures/{small_run.RUN}:{name}").json()["data"]["attributes"]
    assert attributes["_gfw_eos_b1"] == 4.0 and "_gfw_odd" not in attributes and "_gfw_eos_b0" not in attributes


def test_a_structure_that_is_gone_since(own: Catalogue, index: Index) -> None:
    own.structures.collection.delete_one({"struct_id": small_run.IDS[0]})
    with TestClient(Service(index, Provider()).app, base_url="http://127.0.0.1") as client:
        page = client.get("/v1/structures").json()
    assert len(page["data"]) == ALL and not page["meta"]["more_data_available"]
    sites = {one["id"]: one["attributes"]["cartesian_site_positions"] for one in page["data"]}
    assert sites.pop(f"{small_run.RUN}:{small_run.IDS[0]}") is None and all(sites.values())


def test_the_database_is_away(own: Catalogue, index: Index) -> None:
    with TestClient(Service(index, Provider()).app, base_url="http://127.0.0.1") as client:
        own.database.client.close()
        answer = client.get("/v1/structures")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["detail"] == "the database does not answer; ask again later"


def test_it_goes_on_without_being_asked(own: Catalogue, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genarris_fw.optimade.app.LOOKED_AGAIN", 0.0)
    monkeypatch.setattr("genarris_fw.optimade.app.TIMES", 0.0)
    service, seen = Service(index, Provider()), threading.Event()
    refresh: Callable[[], None] = service.refresh

    def looked() -> None:
        refresh()
        if index.entries.count_documents({}) == 0:
            seen.set()

    monkeypatch.setattr(service, "refresh", looked)
    with service.refreshing():
        own.delete_run(small_run.RUN)
        assert seen.wait(120)


def test_who_may_only_read_is_served_from_elsewhere(guarded: str, tmp_path: Path) -> None:
    socket = quote_plus(guarded)
    with MongoClient[Any](f"mongodb://ada:{quote_plus('p:w@1')}@{socket}/") as admin:
        database = admin["to_read"]
        small_run.fill(Catalogue(database), tmp_path)
        database.command(role("reader", "to_read"))
        database.command("createUser", "bea", pwd="read", roles=["genarris_reader_to_read"])
        before = sorted(database.list_collection_names())
        with MongoClient[Any](f"mongodb://bea:read@{socket}/to_read?authSource=to_read") as reader:
            catalogue = Catalogue(reader["to_read"])
            assert not may_write(catalogue.database) and may_write(database)
            with place_of_index(catalogue.database) as place:
                assert Index(catalogue, place).update() == ALL
        assert sorted(database.list_collection_names()) == before


def test_properties_of_two_types_are_left_out() -> None:
    kinds = {"a": {"int", "float"}, "b": {"int", "str"}, "my_settings_hash": {"str"}, "my_engine": {"str"}}
    fields = {one["name"]: one for one in provider_fields(kinds, "x")}
    assert fields.keys() == {"_x_a", "_x_my_engine", "_x_my_settings_hash"}
    assert fields["_x_a"]["type"] == "float" and "engine" in fields["_x_my_engine"]["description"]


@given(
    st.lists(st.sampled_from(["H", "C", "N", "O", "Cl", "Br"]), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_formulas(molecule: list[str], Z: int) -> None:
    from ase.formula import Formula
    from optimade.models import StructureResourceAttributes

    made = composition(tuple(molecule * Z), Z)
    counts = Formula.from_list(molecule).count()
    assert Formula(made["chemical_formula_descriptive"]).count() == counts
    first = [one for one in "CH" if "C" in counts and one in counts]
    in_turn = {one: counts[one] * Z for one in [*first, *sorted(counts.keys() - set(first))]}
    assert made["chemical_formula_hill"] == str(Formula.from_dict(in_turn))
    assert Formula(made["chemical_formula_reduced"]).count() == Formula.from_list(molecule).reduce()[0].count()
    assert sum(made["elements_ratios"]) == pytest.approx(1) and made["elements"] == sorted(counts)
    # The library's model refuses what the specification does not allow.
    sites = {"cartesian_site_positions": [[0.0, 0.0, 0.0]] * made["nsites"], "species_at_sites": molecule * Z}
    periodic = {"dimension_types": [0, 0, 0], "nperiodic_dimensions": 0, "lattice_vectors": [[None] * 3] * 3}
    more = {"structure_features": [], "last_modified": datetime.now(timezone.utc)}
    StructureResourceAttributes(**made, **sites, **periodic, **more)
