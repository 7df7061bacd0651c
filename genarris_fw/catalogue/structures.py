"""The collection ``structures``: one document per structure, with its properties and its pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from genarris_fw.catalogue.documents import NewStructure, StructureDocument
from genarris_fw.catalogue.runs import Runs
from genarris_fw.energetics.comparable import FIELDS, Source
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.errors import DatabaseError

DUPLICATE_KEY = 11000
BATCH = 500
# A person who looks at the best structures does not read these.
_LARGE = {"geometry": 0, "properties.RDF": 0}

T = TypeVar("T")


def document_id(run: str, struct_id: str) -> str:
    """Return the ``_id`` of a structure's document."""
    return f"{run}:{struct_id}"


class Structures:
    """Structures as plain documents; conversion to and from the science's objects is not done here."""

    def __init__(self, collection: Collection[StructureDocument], runs: Runs) -> None:
        self.collection = collection
        self.spare = collection.database["spare_structures"].with_options(write_concern=collection.write_concern)
        self.runs = runs

    def write_new(self, run: str, step: str, documents: Iterable[tuple[NewStructure, int]]) -> None:
        """Write new structures under their deterministic ids; writing again has the same effect.

        Parameters
        ----------
        run, step : str
            The run, and the step whose fence guards the document.
        documents : iterable of (NewStructure, int)
            The document (with ``struct_id``) and the fencing token of the work item that made it.
        """
        self._bulk(
            UpdateOne(
                {"_id": document_id(run, document["struct_id"]), **_fence(step, token)},
                {
                    "$set": {key: value for key, value in document.items() if key != "pools"}
                    | {"run": run, f"fence.{step}": token},
                    "$setOnInsert": {"pools": []},
                },
                upsert=True,
            )
            for document, token in documents
        )

    def insert_missing(self, run: str, documents: Iterable[NewStructure]) -> int:
        """Insert structures that are not there; those that are stay as they are, with all that was computed.

        Parameters
        ----------
        run : str
            The run.
        documents : iterable of NewStructure
            The documents.

        Returns
        -------
        int
            How many were new.
        """
        inserted = 0
        for batch in _batches(list(documents)):
            result = self.collection.bulk_write(
                [
                    UpdateOne(
                        {"_id": document_id(run, document["struct_id"])},
                        {"$setOnInsert": {"run": run, "pools": [], **document}},
                        upsert=True,
                    )
                    for document in batch
                ],
                ordered=False,
            )
            inserted += result.upserted_count
        return inserted

    def set_fields(self, run: str, step: str, fields: Iterable[tuple[str, dict[str, Any], int]]) -> None:
        """Set fields of existing structures, unless a newer token has already written.

        Parameters
        ----------
        run, step : str
            The run, and the step whose fence guards the write.
        fields : iterable of (struct_id, dict, int)
            Dotted field names with their values (``properties.RDF``), and the fencing token.
        """
        self._bulk(
            UpdateOne(
                {"_id": document_id(run, struct_id), **_fence(step, token)},
                {"$set": values | {f"fence.{step}": token}},
            )
            for struct_id, values, token in fields
        )

    def add_to_pool(self, run: str, pool: str, struct_ids: Sequence[str]) -> None:
        """Make structures members of a pool; its size is counted once, here, and noted in the run's document."""
        self.add_members(run, pool, struct_ids)
        self.runs.set_pool(run, pool, self.count(run, pool))

    def add_members(self, run: str, pool: str, struct_ids: Sequence[str], fence: tuple[str, int] | None = None) -> None:
        """Make structures members of a pool.

        Parameters
        ----------
        run, pool : str
            The run and its pool.
        struct_ids : sequence of str
            The structures.
        fence : (str, int), optional
            What guards the write, and the token: a structure that a newer token has written stays as it is.
        """
        self._change_members(run, struct_ids, {"$addToSet": {"pools": pool}}, fence)

    def replace_members(
        self, run: str, pool: str, struct_ids: Sequence[str], fence: tuple[str, int] | None = None
    ) -> None:
        """Make a pool hold exactly these structures; `fence` as in `add_members`."""
        leaving = sorted(set(self.pool_ids(run, pool)).difference(struct_ids))
        self._change_members(run, leaving, {"$pull": {"pools": pool}}, fence)
        self.add_members(run, pool, struct_ids, fence)

    def replace_pool(self, run: str, pool: str, struct_ids: Sequence[str]) -> None:
        """Make a pool hold exactly these structures, and note its size in the run's document."""
        self.replace_members(run, pool, struct_ids)
        self.runs.set_pool(run, pool, self.count(run, pool))

    def _change_members(
        self, run: str, struct_ids: Sequence[str], change: dict[str, Any], fence: tuple[str, int] | None
    ) -> None:
        guard = {} if fence is None else _fence(*fence)
        # The first token has nobody before it to shut out.
        noted = {"$set": {f"fence.{fence[0]}": fence[1]}} if fence is not None and fence[1] > 1 else {}
        for batch in _batches(struct_ids):
            ids = {"_id": {"$in": [document_id(run, name) for name in batch]}}
            self.collection.update_many(ids | guard, change | noted)

    def pool_ids(self, run: str, pool: str) -> list[str]:
        """Return the ids of a pool's structures in ascending order."""
        query = {"run": run, "pools": pool}
        return [
            record["struct_id"]
            for record in self.collection.find(query, {"_id": 0, "struct_id": 1}).sort("struct_id", 1)
        ]

    def pools(self, run: str) -> list[str]:
        """Return the names of a run's pools."""
        return sorted(self.collection.distinct("pools", {"run": run}))

    def set_aside(self, run: str) -> None:
        """Keep what no pool of a finished run holds apart from what one does; again it has no further effect."""
        self._move({"run": run, "pools": []}, self.collection, self.spare)

    def take_back(self, run: str) -> None:
        """Undo `set_aside`: a step of the run goes on."""
        self._move({"run": run}, self.spare, self.collection)

    def _move(
        self, which: dict[str, Any], source: Collection[StructureDocument], target: Collection[StructureDocument]
    ) -> None:
        into = {"into": target.name, "whenMatched": "keepExisting"}
        # Of a cursor nothing is read: the server writes.
        source.aggregate([{"$match": which}, {"$merge": into}]).close()
        source.delete_many(which)

    def load(
        self, run: str, struct_ids: Sequence[str], fields: Sequence[str] | None = None, without: Sequence[str] = ()
    ) -> Iterator[StructureDocument]:
        """Yield the documents of these structures, in the order of the ids given.

        Parameters
        ----------
        run, struct_ids
            Which.
        fields : sequence of str, optional
            Only these, dotted where they lie within another.
        without : sequence of str
            All but these, where `fields` are not given.

        Raises
        ------
        DatabaseError
            When one of them is not there.
        """
        projection = dict.fromkeys(without, 0) if fields is None else {"struct_id": 1, **dict.fromkeys(fields, 1)}
        for batch in _batches(struct_ids):
            found = {
                record["struct_id"]: record
                for record in self.collection.find(
                    {"_id": {"$in": [document_id(run, name) for name in batch]}}, projection
                )
            }
            for name in batch:
                if name not in found:
                    raise DatabaseError(
                        f"run '{run}': structure {name} is not in the database any more: restore a backup that has it, "
                        "or delete the run and begin it again"
                    )
                yield found[name]

    def count(self, run: str, pool: str | None = None) -> int:
        """Return how many structures a pool has; without a pool, the run."""
        return self.collection.count_documents({"run": run} | ({} if pool is None else {"pools": pool}))

    def there(self, run: str, struct_ids: Sequence[str], fields: Sequence[str]) -> dict[str, StructureDocument]:
        """Return these fields of those of these structures that are there, by id."""
        projection = {"struct_id": 1, **dict.fromkeys(fields, 1)}
        found: dict[str, StructureDocument] = {}
        for batch in _batches(struct_ids):
            ids = {"_id": {"$in": [document_id(run, name) for name in batch]}}
            found |= {record["struct_id"]: record for record in self.collection.find(ids, projection)}
        return found

    def imported(self, run: str, pool: str, source: str) -> Iterator[tuple[str, str]]:
        """Yield of every structure of a pool that came from a source its part and stamp (`provenance`)."""
        query = {"run": run, "pools": pool, "provenance.imported_from": source}
        for record in self.collection.find(query, {"_id": 0, "provenance.file": 1, "provenance.stamp": 1}):
            provenance = record["provenance"]
            yield provenance.get("file", ""), provenance.get("stamp", "")

    def add_properties(self, run: str, properties: Mapping[str, Mapping[str, Any]]) -> None:
        """Give structures, by id, properties that they do not have; those that they have stay as they are."""
        self._bulk(
            UpdateOne(
                {"_id": document_id(run, struct_id)},
                [{"$set": {"properties": {"$mergeObjects": [{"$literal": dict(values)}, "$properties"]}}}],
            )
            for struct_id, values in properties.items()
        )

    def energies(self, run: str, struct_ids: Sequence[str]) -> dict[str, dict[str, EnergyRecord]]:
        """Return the energies, by their names, of those of these structures that are there, by id."""
        found = {}
        for batch in _batches(struct_ids):
            ids = {"_id": {"$in": [document_id(run, name) for name in batch]}}
            for document in self.collection.find(ids, {"struct_id": 1, "energies": 1}):
                found[document["struct_id"]] = document.get("energies") or {}
        return found

    def energy_sources(self, run: str, pool: str, energy_name: str) -> dict[Source, int]:
        """Return what a pool's energies of this name come from, and how many do."""
        source = {field: f"$energies.{energy_name}.{field}" for field in FIELDS}
        pipeline: list[dict[str, Any]] = [
            {"$match": _with_energy(run, pool, energy_name)},
            {"$group": {"_id": source, "number": {"$sum": 1}}},
        ]
        found = cast(Any, self.collection.aggregate(pipeline))
        return {Source.of(group["_id"]): group["number"] for group in found}

    def lowest(
        self, run: str, pool: str, energy_name: str, number: int, source: Source | None = None
    ) -> list[StructureDocument]:
        """Return the structures of a pool with the lowest energy per molecule, without their geometries.

        Parameters
        ----------
        run, pool, energy_name : str
            Whose, and which energy.
        number : int
            At most so many.
        source : Source, optional
            Only those whose energy comes from here (`energy_sources`).
        """
        at = f"energies.{energy_name}"
        query = _with_energy(run, pool, energy_name)
        if source is not None:
            query |= {f"{at}.{field}": {"$in": _as_stored(value)} for field, value in zip(FIELDS, source, strict=True)}
        by_energy = [(f"{at}.per_molecule", 1), ("struct_id", 1)]
        return list(self.collection.find(query, _LARGE).sort(by_energy).limit(number))

    def lift_fence(self, run: str, step: str) -> None:
        """Let the step write whatever its token: its items are made anew, and count theirs from one again."""
        self.collection.update_many({"run": run}, {"$unset": {f"fence.{step}": ""}})

    def _bulk(self, updates: Iterable[UpdateOne]) -> None:
        for batch in _batches(list(updates)):
            try:
                self.collection.bulk_write(batch, ordered=False)
            except BulkWriteError as error:
                # An upsert that meets a document fenced by a newer token: ours is superseded.
                others = [e for e in error.details["writeErrors"] if e["code"] != DUPLICATE_KEY]
                if others:
                    raise


def _fence(step: str, token: int) -> dict[str, Any]:
    field = f"fence.{step}"
    return {"$or": [{field: {"$exists": False}}, {field: {"$lte": token}}]}


def _with_energy(run: str, pool: str, energy_name: str) -> dict[str, Any]:
    return {"run": run, "pools": pool, f"energies.{energy_name}.per_molecule": {"$exists": True}}


def _batches(values: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), BATCH):
        yield list(values[start : start + BATCH])


def _as_stored(value: str) -> list[str | None]:
    """Return what a record may have for a part of its source: what is not known is absent or null."""
    return [None] if value == str(None) else [value]
