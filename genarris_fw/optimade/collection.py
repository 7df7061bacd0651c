"""The structures as the library asks for them: found in the index, with their coordinates from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from optimade.exceptions import BadRequest
from optimade.models import StructureResource
from optimade.server.config import ServerConfig
from optimade.server.entry_collections.entry_collections import EntryCollection
from optimade.server.entry_collections.mongo import MongoCollection
from optimade.server.mappers import StructureMapper

from genarris_fw.catalogue import explored
from genarris_fw.optimade.entries import OWN
from genarris_fw.optimade.filters import COORDINATES, Filters, Parser
from genarris_fw.optimade.index import Index

MOST_MILLISECONDS = 20_000  # that a query takes
_NO_ATTRIBUTES = ("_id", "type", "relationships", OWN)
_NO_LATTICE = [[None] * 3] * 3  # as the specification wants it
_OF_GEOMETRY = {*COORDINATES, "species_at_sites"}


class Mapper(StructureMapper):
    """Our own properties lie within one field of an entry, without the prefix; the id is MongoDB's."""

    @cached_property
    def all_aliases(self) -> tuple[tuple[str, str], ...]:
        """Name for OPTIMADE and name in the index, of every property that is called differently there."""
        beginning = f"_{self.config.provider.prefix}_"
        names = [field["name"] for field in self.config.provider_fields.get("structures", [])]
        return ("id", "_id"), *((name, f"{OWN}.{name.removeprefix(beginning)}") for name in names)

    def get_backend_field(self, optimade_field: str) -> str:
        """Return the name in the index."""
        name, dot, rest = optimade_field.partition(".")
        return self._in_the_index.get(name, name) + dot + rest

    @property
    def types(self) -> dict[str, str]:
        """By name in the index: the type of a property, as OPTIMADE has types."""
        standard = {name: str(about["type"].value) for name, about in self.ENTRY_RESOURCE_ATTRIBUTES_MAP.items()}
        ours = {field["name"]: field["type"] for field in self.config.provider_fields.get("structures", [])}
        return {self.get_backend_field(name): type_ for name, type_ in (standard | ours).items()}

    @cached_property
    def _in_the_index(self) -> dict[str, str]:
        return dict(self.all_aliases)

    def map_back(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Return an entry as OPTIMADE has resources."""
        beginning = f"_{self.config.provider.prefix}_"
        attributes = {name: value for name, value in doc.items() if name not in _NO_ATTRIBUTES}
        attributes |= {f"{beginning}{name}": value for name, value in doc.get(OWN, {}).items()}
        found = {"id": doc["_id"], "type": "structures", "attributes": attributes}
        return found | ({"relationships": doc["relationships"]} if doc.get("relationships") else {})


class Structures(MongoCollection):
    """The collection behind ``/structures``.

    Parameters
    ----------
    index : Index
        Where is looked.
    config : ServerConfig
        With the properties of our own that there are.
    """

    def __init__(self, index: Index, config: ServerConfig) -> None:
        mapper = Mapper(config)
        # Not the parent's own, which would connect to a server by a URI.
        EntryCollection.__init__(self, StructureResource, mapper, Filters(mapper, mapper.types), config)
        self.collection, self.index, self.parser = index.entries, index, Parser()

    def __len__(self) -> int:
        """Return how many structures are served."""
        return int(self.count(filter={}) or 0)

    def count(self, **kwargs: Any) -> int | None:
        """Return how many structures a query finds, None where that takes too long."""
        if not kwargs.get("filter") and not self.index.served:
            return int(self.collection.estimated_document_count())
        return super().count(**kwargs | {"filter": self._served(kwargs.get("filter"))})  # type: ignore[no-any-return]

    def _served(self, query: dict[str, Any] | None) -> dict[str, Any]:
        return {"$and": [query, self.index.served]} if query and self.index.served else query or self.index.served

    def handle_query_params(self, params: Any) -> dict[str, Any]:
        """Return what is asked of MongoDB: no more fields than are answered, in an order that stays."""
        found: dict[str, Any] = super().handle_query_params(params)
        asked = (found["fields"] & self.all_fields) | self.resource_mapper.get_required_fields()
        names = {self.resource_mapper.get_backend_field(name) for name in asked}
        order = [*found.get("sort", []), ("_id", 1)]
        if found.get("skip", 0) > 2**31:
            raise BadRequest(detail="page_offset is too large: no database has so many structures")
        return found | {"projection": dict.fromkeys(names, True), "sort": order}

    def parse_sort_params(self, sort_params: str) -> Iterable[tuple[str, int]]:
        """Refuse to sort by coordinates."""
        for name in sort_params.split(","):
            if name.removeprefix("-") in _OF_GEOMETRY:
                raise BadRequest(detail=f"cannot sort by {name.removeprefix('-')}")
        return super().parse_sort_params(sort_params)  # type: ignore[no-any-return]

    def _run_db_query(
        self, criteria: dict[str, Any], single_entry: bool = False
    ) -> tuple[list[dict[str, Any]], int | None, bool]:
        limits = {"max_time_ms": MOST_MILLISECONDS, "allow_disk_use": True}
        query = criteria | {"filter": self._served(criteria["filter"])}
        found = list(self.collection.find(**query, **limits))
        if _OF_GEOMETRY & criteria["projection"].keys():
            found = list(self._with_geometry(found))
        if single_entry:
            return found, len(found), False
        number, skipped = self.count(filter=criteria["filter"]), criteria.get("skip", 0)
        more = len(found) == criteria["limit"] if number is None else skipped + len(found) < number
        return found, number, more

    def _with_geometry(self, entries: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Yield entries with true values where the index has stand-ins; nulls where a structure is gone since."""
        ids = [one["_id"] for one in entries]
        there = explored.geometries(self.index.catalogue, ids)
        for one in entries:
            geometry: Any = there.get(one["_id"]) or {"lattice": None, "positions": None, "species": None}
            true = {
                "lattice_vectors": geometry["lattice"] or _NO_LATTICE,
                "cartesian_site_positions": geometry["positions"],
                "species_at_sites": geometry["species"],
            }
            yield one | {name: value for name, value in true.items() if name in one}
