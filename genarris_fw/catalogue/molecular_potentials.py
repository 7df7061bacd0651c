"""The collection ``molecular_potentials``: what wave functions say of molecules, for all runs.

A document is named by its content: the molecule as such (however it is turned), the method and the charge. So it
belongs to no run and is never changed; whoever computes one that is there already changes nothing.
"""

from __future__ import annotations

from typing import Any, cast

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from genarris_fw.catalogue.documents import MolecularPotentialDocument


class MolecularPotentials:
    """Potentials by their keys, as a mapping that only grows."""

    def __init__(self, collection: Collection[MolecularPotentialDocument]) -> None:
        self.collection = collection

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a key, or None."""
        found = self.collection.find_one({"_id": key}, {"_id": False})
        return None if found is None else dict(found)

    def __setitem__(self, key: str, record: dict[str, Any]) -> None:
        """Keep a record, unless there is one."""
        try:
            self.collection.update_one({"_id": key}, {"$setOnInsert": cast(Any, record)}, upsert=True)
        except DuplicateKeyError:
            return
