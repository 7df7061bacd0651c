"""The collection ``publications``: results that are prepared, and become visible when they are committed.

A publication is a list of parts, each a small dictionary with a ``kind``. It is a field of the lease's commit where it
is small; the parts of a large one are documents of their own, under the token that prepared them. Nobody looks at these
before a commit names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bson
from pymongo.collection import Collection

from genarris_fw.catalogue.documents import Committed, PreparedResult, PublicationDocument

# A lease is read often: a larger publication has documents of its own.
LARGEST_IN_LEASE = 256 * 1024
_BATCH = 20


class Publications:
    """Prepared results of all runs."""

    def __init__(self, collection: Collection[PublicationDocument]) -> None:
        self.collection = collection

    def prepare(self, run: str, lease: str, token: int, parts: Sequence[dict[str, Any]]) -> PreparedResult:
        """Store the parts of a publication and return what the commit has to hold.

        Parameters
        ----------
        run, lease, token : str, str, int
            The run, and the lease with the token of its holder.
        parts : sequence of dict
            None of them larger than a document may be.
        """
        if sum(len(bson.encode(part)) for part in parts) <= LARGEST_IN_LEASE:
            return {"parts": list(parts)}
        self.collection.delete_many({"lease": lease, "token": token})  # of an attempt that an outage broke off
        for start in range(0, len(parts), _BATCH):
            batch: list[PublicationDocument] = [
                {"_id": f"{lease}:{token}:{number:06d}", "run": run, "lease": lease, "token": token, "part": part}
                for number, part in enumerate(parts[start : start + _BATCH], start)
            ]
            self.collection.insert_many(batch)
        return {"stored": len(parts)}

    def parts(self, lease: str, committed: Committed) -> Iterator[dict[str, Any]]:
        """Yield the parts of a committed publication in their order."""
        if "parts" in committed:
            yield from committed["parts"]
            return
        query = {"lease": lease, "token": committed["token"]}
        for record in self.collection.find(query).sort("_id", 1):
            yield record["part"]

    def forget(self, run: str) -> None:
        """Remove what was prepared in a run whose results are all visible."""
        self.collection.delete_many({"run": run})
