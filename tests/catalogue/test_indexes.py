"""The plans of the farm's and the views' own queries: every one by index, and no sort in memory for a claim."""

from pathlib import Path
from typing import Any

import pytest
from mongo_shell import stages
from small_run import EXEMPLARS, OWNER, RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.work_items import Item, claimable


@pytest.fixture
def filled(catalogue: Catalogue, tmp_path: Path) -> Catalogue:
    """Enough documents, of several runs and procedures, that a planner has something to decide."""
    for run in (RUN, "another"):
        fill(catalogue, tmp_path, run)
        for procedure in ("claims", "more"):
            items = [Item(f"{i}", {"struct_id": f"{i}"}, priority=i % 3) for i in range(150)]
            catalogue.work_items.insert(run, procedure, items)
        catalogue.work_items.claim(run, "claims", "lost:1:1:1:aa", 5, 60)
        catalogue.work_items.release_lost("lost:1:1:1:aa")
        catalogue.work_items.claim(run, "claims", OWNER, 50, 60)
        for number in range(20):
            catalogue.replicas.begin(f"host:{number}:1:1:aa", run, ("claims", "more")[number % 2], "side", 1)
    return catalogue


def plan(filled: Catalogue, collection: str, query: dict[str, Any], **about: Any) -> set[str]:
    command = {"find": collection, "filter": query, **about}
    explained = filled.database.command("explain", command, verbosity="executionStats")
    stats = explained["executionStats"]
    # Nothing beside the index's own matches is read (a few keys are skipped at the borders of its bounds).
    assert stats["totalDocsExamined"] <= stats["nReturned"] + 10
    return stages(explained["queryPlanner"]["winningPlan"])


@pytest.mark.parametrize("part", [{"$gte": 0.4}, {"$lt": 0.4}])
def test_a_claim_reads_its_candidates_in_the_order_of_the_index(filled: Catalogue, part: dict[str, float]) -> None:
    command = {"aggregate": "work_items", "pipeline": claimable(RUN, "claims", part, 10), "cursor": {}}
    explained = filled.database.command("explain", command, verbosity="executionStats")
    used = stages(explained)
    assert "IXSCAN" in used
    assert not used & {"COLLSCAN", "SORT"}
    assert "$sort" not in str(explained.get("stages", ""))
    keys, documents = totals(explained)
    assert documents <= 10 and keys <= 40


def totals(explained: dict[str, Any]) -> tuple[int, int]:
    """Keys and documents examined, wherever the server's version puts them."""
    for part in (explained, *(stage.get("$cursor", {}) for stage in explained.get("stages", []))):
        if "executionStats" in part:
            return part["executionStats"]["totalKeysExamined"], part["executionStats"]["totalDocsExamined"]
    raise AssertionError(f"no executionStats in {sorted(explained)}")


def test_a_claims_own_items(filled: Catalogue) -> None:
    claim = filled.database["work_items"].find_one({"lease.claim": {"$exists": True}})["lease"]["claim"]
    assert "IXSCAN" in plan(filled, "work_items", {"lease.claim": claim, "state": "leased"})


def test_a_pool_comes_sorted_by_id_from_the_index(filled: Catalogue) -> None:
    used = plan(filled, "structures", {"run": RUN, "pools": "raw"}, sort={"struct_id": 1})
    assert "IXSCAN" in used and not used & {"COLLSCAN", "SORT"}


def test_the_best_energies_come_sorted_from_the_index(filled: Catalogue) -> None:
    used = plan(filled, "structures", {"run": RUN, "pools": "raw"}, sort={"properties.energy": 1}, limit=5)
    assert "IXSCAN" in used and not used & {"COLLSCAN", "SORT"}


OWN_QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("runs", {"state": "running"}),
    ("structures", {"run": RUN, "struct_id": EXEMPLARS[0]}),
    ("structures", {"run": RUN, "properties.spg": 14}),
    ("structures", {"run": RUN, "properties.AP_cluster": 2}),
    ("structures", {"run": RUN, "parent": EXEMPLARS[0]}),
    ("structures", {"properties.duplicate_of": EXEMPLARS[0], "run": RUN}),
    ("spare_structures", {"properties.duplicate_of": EXEMPLARS[0], "run": RUN}),
    ("work_items", {"run": RUN, "step": "claims", "state": {"$in": ["waiting", "leased"]}}),
    ("work_items", {"run": RUN, "step": "claims", "state": "done"}),
    ("work_items", {"run": RUN, "state": "failed"}),
    ("work_items", {"lease.owner": OWNER, "state": "leased"}),
    ("work_items", {"run": RUN, "lost": {"$gt": 0}}),
    ("replicas", {"run": RUN, "step": "claims"}),
    ("leases", {"run": RUN, "state": "open"}),
    ("leases", {"owner": OWNER}),
    ("leases", {"fw_id": 9, "state": "open"}),
    ("artifacts", {"run": RUN, "name": "matrix"}),
    ("workflows", {"metadata.run": RUN, "metadata.side_of": {"$exists": False}}),
    ("fireworks", {"spec.run": RUN, "state": {"$in": ["RUNNING", "RESERVED"]}}),
]


@pytest.mark.parametrize(("collection", "query"), OWN_QUERIES, ids=[f"{c}-{'-'.join(q)}" for c, q in OWN_QUERIES])
def test_what_the_farm_asks_is_indexed(filled: Catalogue, collection: str, query: dict[str, Any]) -> None:
    used = plan(filled, collection, query)
    assert "COLLSCAN" not in used and used & {"IXSCAN", "EOF"}


def test_counting_items_reads_only_the_index(filled: Catalogue) -> None:
    query = {"run": RUN, "step": "claims", "state": "waiting"}
    command = {"count": "work_items", "query": query}
    explained = filled.database.command("explain", command, verbosity="executionStats")
    assert explained["executionStats"]["totalDocsExamined"] == 0
    pipeline = [
        {"$match": {"run": RUN, "step": {"$in": ["claims", "more"]}}},
        {"$group": {"_id": {"step": "$step", "state": "$state"}, "number": {"$sum": 1}}},
    ]
    command = {"aggregate": "work_items", "pipeline": pipeline, "cursor": {}}
    explained = filled.database.command("explain", command, verbosity="executionStats")
    assert totals(explained)[1] == 0


def test_making_the_indexes_again_changes_nothing(filled: Catalogue) -> None:
    before = {name: filled.database[name].index_information() for name in ("structures", "work_items", "leases")}
    filled.ensure_indexes()
    assert before == {name: filled.database[name].index_information() for name in before}
