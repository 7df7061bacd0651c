"""Structures: fenced writes with the same effect however often, pools by id."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.structures import BATCH, document_id
from genarris_fw.errors import DatabaseError

RUN = "urea"


def new(name: str, **properties) -> dict:
    return {"struct_id": name, "n_atoms": 8, "Z": 2, "properties": properties}


def stored(catalogue: Catalogue, name: str) -> dict:
    return catalogue.database["structures"].find_one({"_id": document_id(RUN, name)})


def test_writing_again_has_the_same_effect(catalogue: Catalogue) -> None:
    for _ in range(2):
        catalogue.structures.write_new(RUN, "generate", [(new(f"s{i}", spg=i), 1) for i in range(5)])
    assert catalogue.database["structures"].count_documents({}) == 5
    assert stored(catalogue, "s3") == {
        "_id": "urea:s3",
        "run": RUN,
        "struct_id": "s3",
        "n_atoms": 8,
        "Z": 2,
        "pools": [],
        "properties": {"spg": 3},
        "fence": {"generate": 1},
    }


def test_an_older_token_writes_nothing(catalogue: Catalogue) -> None:
    catalogue.structures.write_new(RUN, "generate", [(new("s", spg=14), 2)])
    catalogue.structures.write_new(RUN, "generate", [(new("s", spg=1), 1), (new("t", spg=2), 1)])
    assert stored(catalogue, "s")["properties"] == {"spg": 14}
    assert stored(catalogue, "t")["properties"] == {"spg": 2}  # one fenced off does not stop the others
    catalogue.structures.set_fields(RUN, "rdf", [("s", {"properties.RDF": [1.0]}, 5)])
    catalogue.structures.set_fields(RUN, "rdf", [("s", {"properties.RDF": [0.0]}, 4)])
    catalogue.structures.set_fields(RUN, "energy", [("s", {"properties.energy": -1.0}, 1)])
    assert stored(catalogue, "s")["properties"] == {"spg": 14, "RDF": [1.0], "energy": -1.0}
    assert stored(catalogue, "s")["fence"] == {"generate": 2, "rdf": 5, "energy": 1}
    catalogue.structures.set_fields(RUN, "rdf", [("s", {"properties.RDF": [2.0]}, 5)])
    assert stored(catalogue, "s")["properties"]["RDF"] == [2.0]


def test_setting_fields_makes_no_structure(catalogue: Catalogue) -> None:
    catalogue.structures.set_fields(RUN, "rdf", [("nobody", {"properties.RDF": [1.0]}, 1)])
    assert catalogue.database["structures"].count_documents({}) == 0


def test_inserting_missing_ones_keeps_what_was_computed(catalogue: Catalogue) -> None:
    assert catalogue.structures.insert_missing(RUN, [new("s", spg=14)]) == 1
    catalogue.structures.set_fields(RUN, "rdf", [("s", {"properties.RDF": [1.0]}, 1)])
    assert catalogue.structures.insert_missing(RUN, [new("s", spg=1), new("t")]) == 1
    assert stored(catalogue, "s")["properties"] == {"spg": 14, "RDF": [1.0]}
    assert stored(catalogue, "t")["pools"] == []


def test_the_same_id_in_two_runs_is_two_structures(catalogue: Catalogue) -> None:
    for run in ("a", "b"):
        catalogue.structures.write_new(run, "import", [(new("s"), 0)])
        catalogue.structures.add_to_pool(run, "raw", ["s"])
    catalogue.structures.replace_pool("a", "raw", [])
    assert (catalogue.structures.count("a", "raw"), catalogue.structures.count("b", "raw")) == (0, 1)


def test_a_second_document_with_the_same_run_and_id_is_refused(catalogue: Catalogue) -> None:
    from pymongo.errors import DuplicateKeyError

    catalogue.structures.write_new(RUN, "generate", [(new("s"), 1)])
    with pytest.raises(DuplicateKeyError):
        catalogue.database["structures"].insert_one({"_id": "else", "run": RUN, "struct_id": "s"})


def test_many_more_than_a_batch(catalogue: Catalogue) -> None:
    names = [f"s{i:05d}" for i in range(2 * BATCH + 3)]
    catalogue.structures.write_new(RUN, "generate", [(new(name), 1) for name in names])
    catalogue.structures.replace_pool(RUN, "raw", names)
    assert catalogue.structures.pool_ids(RUN, "raw") == names
    wanted = names[::-2]
    assert [d["struct_id"] for d in catalogue.structures.load(RUN, wanted, ["n_atoms"])] == wanted
    catalogue.structures.replace_pool(RUN, "raw", names[:2])
    assert catalogue.structures.pool_ids(RUN, "raw") == names[:2]


def test_loading_reads_only_the_named_fields(catalogue: Catalogue) -> None:
    catalogue.structures.write_new(RUN, "generate", [(new("s", spg=14, RDF=[1.0]), 1)])
    [record] = catalogue.structures.load(RUN, ["s"], ["properties.spg"])
    assert record == {"_id": "urea:s", "struct_id": "s", "properties": {"spg": 14}}
    with pytest.raises(DatabaseError):
        list(catalogue.structures.load(RUN, ["s", "nobody"]))


names = st.sets(st.sampled_from([f"s{i}" for i in range(8)]))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.tuples(st.sampled_from(["raw", "diverse"]), st.booleans(), names), max_size=6))
def test_pools_behave_as_sets(catalogue: Catalogue, changes: list) -> None:
    everyone = [f"s{i}" for i in range(8)]
    catalogue.structures.write_new(RUN, "generate", [(new(name), 1) for name in everyone])
    model: dict[str, set[str]] = {"raw": set(), "diverse": set()}
    for pool in model:
        catalogue.structures.replace_pool(RUN, pool, [])
    for pool, replace, members in changes:
        if replace:
            catalogue.structures.replace_pool(RUN, pool, sorted(members))
            model[pool] = set(members)
        else:
            catalogue.structures.add_to_pool(RUN, pool, sorted(members))
            model[pool] |= members
    for pool, members in model.items():
        assert catalogue.structures.pool_ids(RUN, pool) == sorted(members)
        assert catalogue.structures.count(RUN, pool) == len(members)
    assert catalogue.structures.pools(RUN) == sorted(pool for pool, members in model.items() if members)
