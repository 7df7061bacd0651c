"""What somebody who explores a run asks of its documents; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import ExecutionTimeout

from genarris_fw.catalogue.catalogue import Catalogue
from genarris_fw.catalogue.documents import MoleculeRead, RunDocument, StructureDocument, WorkItemDocument
from genarris_fw.catalogue.structures import document_id

MOST_MILLISECONDS = 250  # a database that an older version made has no index of duplicates
LARGE, SHARE = 50_000, 4  # a pool of more structures, and more than a quarter of all, is read as the disk has it


def structure(catalogue: Catalogue, run: str, struct_id: str) -> StructureDocument | None:
    """Return a structure's document, also where no pool of its finished run holds it any more; None without one."""
    for collection in _everywhere(catalogue):
        found = collection.find_one({"_id": document_id(run, struct_id)})
        if found is not None and found["run"] == run:
            return found
    return None


def molecules(catalogue: Catalogue, run: str) -> list[MoleculeRead]:
    """Return the molecules that the steps of a run name."""
    record = catalogue.runs.collection.find_one({"_id": run}, {"molecules": 1}) or {}
    return [one for one in (record.get("molecules") or {}).values() if one.get("species")]


def children(catalogue: Catalogue, run: str, struct_id: str, most: int) -> list[StructureDocument] | None:
    """Return ids and steps of at most so many structures made from one; None where that would take long."""
    return _related(catalogue.structures.collection, {"parent": struct_id, "run": run}, most)


def duplicates(catalogue: Catalogue, run: str, struct_id: str, most: int) -> list[StructureDocument] | None:
    """Return ids and distances of at most so many duplicates of a structure; None where that would take long."""
    found: list[StructureDocument] = []
    for collection in _everywhere(catalogue):
        some = _related(collection, {"properties.duplicate_of": struct_id, "run": run}, most)
        if some is None:
            return None
        found += some
    return found[:most]


def steps(catalogue: Catalogue, run: str) -> RunDocument:
    """Return of a run's document the steps, with their names, procedures and how far they are; empty without one."""
    fields = {"options.steps.name": 1, "options.steps.procedure": 1, "steps": 1}
    return catalogue.runs.collection.find_one({"_id": run}, fields) or {}


def items(catalogue: Catalogue, ids: Sequence[str]) -> list[WorkItemDocument]:
    """Return what work items of some ids came to, without their payloads and outcomes."""
    fields = dict.fromkeys(("step", "key", "seconds", "done_by", "failed_by", "state", "attempts"), 1)
    return list(catalogue.work_items.collection.find({"_id": {"$in": list(ids)}}, fields))


def failures(
    catalogue: Catalogue, run: str, steps: Sequence[str], after: str | None, limit: int
) -> list[WorkItemDocument]:
    """Return the failed items of some steps by their ids, those after one of them (``<step>:<key>``)."""
    query: dict[str, Any] = {"run": run, "state": "failed", "step": {"$in": list(steps)}}
    if after is not None:
        query["_id"] = {"$gt": f"{run}:{after}"}
    fields = dict.fromkeys(("step", "key", "payload.struct_id", "error", "attempts", "failure"), 1)
    return list(catalogue.work_items.collection.find(query, fields).sort("_id", 1).limit(limit))


def ends(catalogue: Catalogue, run: str, pool: str, number: int) -> list[Mapping[str, Any]]:
    """Return ``struct_id`` and ``properties`` of so many structures from either end of a pool."""
    found: dict[str, Mapping[str, Any]] = {}
    fields = {"_id": 0, "struct_id": 1, "properties": 1}
    for direction in (1, -1):
        some = catalogue.structures.collection.find({"run": run, "pools": pool}, fields)
        found |= {one["struct_id"]: one for one in some.sort("struct_id", direction).limit(number)}
    return list(found.values())


def geometries(catalogue: Catalogue, ids: Sequence[str]) -> dict[str, Any]:
    """Return the geometries of structures by their ``_id``; those that are gone are left out."""
    found = catalogue.structures.collection.find({"_id": {"$in": list(ids)}}, {"geometry": 1})
    return {one["_id"]: one["geometry"] for one in found}


def all_runs(catalogue: Catalogue, fields: Sequence[str]) -> Iterator[RunDocument]:
    """Yield some fields of every run's document."""
    yield from catalogue.runs.collection.find({}, dict.fromkeys(fields, 1))


def in_pools(catalogue: Catalogue, run: str) -> set[str]:
    """Return the ``_id`` of every structure of a run that is in some pool."""
    return {one["_id"] for one in catalogue.structures.collection.find(_in_pools(run), {"_id": 1})}


def rows_in_pools(
    catalogue: Catalogue, run: str, projection: Mapping[str, Any], batch: int
) -> Iterator[Mapping[str, Any]]:
    """Yield what a projection makes of each structure of a run that is in some pool."""
    stages: list[Mapping[str, Any]] = [{"$match": _in_pools(run)}, {"$project": projection}]
    yield from catalogue.structures.collection.aggregate(stages, batchSize=batch)


def _in_pools(run: str) -> dict[str, Any]:
    return {"run": run, "pools": {"$nin": [None, []]}}


def ids_where(catalogue: Catalogue, run: str, pool: str, query: Mapping[str, Any]) -> list[str]:
    """Return in ascending order the ids of a pool's structures that a query finds."""
    both = {"$and": [{"run": run, "pools": pool}, query]}
    found = catalogue.structures.collection.find(both, {"_id": 0, "struct_id": 1})
    return sorted(one["struct_id"] for one in found)


def rows(
    catalogue: Catalogue,
    run: str,
    pool: str,
    projection: Mapping[str, Any],
    size: int,
    batch: int,
    without: Sequence[str] = (),
) -> Iterator[Mapping[str, Any]]:
    """Yield what a projection makes of each structure of a pool of about that size, without some fields of it."""
    stages: list[Mapping[str, Any]] = [{"$match": {"run": run, "pools": pool}}, {"$project": projection}]
    stages += [{"$unset": list(without)}] if without else []
    yield from catalogue.structures.collection.aggregate(stages, batchSize=batch, **_way(catalogue, size))


def _way(catalogue: Catalogue, size: int) -> dict[str, Any]:
    """Return how a pool is gone through: what is most of the database in the order of the disk, five times as quick."""
    everything = catalogue.structures.collection.estimated_document_count()
    return {"hint": {"$natural": 1}} if size > LARGE and SHARE * size > everything else {}


def _everywhere(catalogue: Catalogue) -> tuple[Collection[StructureDocument], Collection[StructureDocument]]:
    return catalogue.structures.collection, catalogue.structures.spare


def _related(
    collection: Collection[StructureDocument], query: dict[str, Any], most: int
) -> list[StructureDocument] | None:
    fields = {"struct_id": 1, "provenance.step": 1, "properties.duplicate_rmsd": 1}
    try:
        return list(collection.find(query, fields).limit(most).max_time_ms(MOST_MILLISECONDS))
    except ExecutionTimeout:
        return None
