"""One object that holds the collections of the catalogue."""

from __future__ import annotations

from typing import Any

from pymongo import WriteConcern
from pymongo.database import Database

from genarris_fw.catalogue.artifacts import Artifacts
from genarris_fw.catalogue.costs import ItemCosts
from genarris_fw.catalogue.engine_results import EngineResults
from genarris_fw.catalogue.indexes import ensure_indexes
from genarris_fw.catalogue.leases import Leases
from genarris_fw.catalogue.molecular_potentials import MolecularPotentials
from genarris_fw.catalogue.publications import Publications
from genarris_fw.catalogue.replicas import Replicas
from genarris_fw.catalogue.runs import Runs
from genarris_fw.catalogue.structures import Structures
from genarris_fw.catalogue.work_items import WorkItems
from genarris_fw.telling import Told, untold

# What is removed with a run, so many documents at a time.
_OF_RUNS = (*("structures", "spare_structures", "engine_results", "work_items", "replicas", "leases", "publications"),)
_AT_A_TIME = 5000
# An acknowledged write is on the disk of the majority: nothing acknowledged is lost by a kill.
DURABLE = WriteConcern(w="majority", j=True)
# A set of one is its own majority: its journal is all that there is to wait for, and it waits for no other write.
DURABLE_ALONE = WriteConcern(w=1, j=True)


def durable(database: Database[Any]) -> WriteConcern:
    """Return the write concern under which an acknowledged write is lost by no kill, on this server.

    Parameters
    ----------
    database : pymongo.database.Database
        Of a client that has had an answer; of one that has not, nothing is known yet, and the majority is waited for.
    """
    servers = list(database.client.topology_description.server_descriptions().values())
    alone = len(servers) == 1 and servers[0].replica_set_name is not None and len(servers[0].all_hosts) == 1
    return DURABLE_ALONE if alone else DURABLE


class Catalogue:
    """The collections of the catalogue in one database.

    Parameters
    ----------
    database : pymongo.database.Database
        Usually a LaunchPad's database (``launchpad.db``).

    Attributes
    ----------
    runs, structures, work_items, replicas, leases, publications, artifacts, engine_results, molecular_potentials
        The collections, each behind a small class of its own; the last one belongs to no run.
    item_costs
        What the attempts on the work items cost.
    """

    def __init__(self, database: Database[Any]) -> None:
        self.database: Database[Any] = database.with_options(write_concern=durable(database))
        self.runs = Runs(self.database["runs"])
        self.structures = Structures(self.database["structures"], self.runs)
        self.work_items = WorkItems(self.database["work_items"])
        self.item_costs = ItemCosts(self.database["work_items"])
        self.replicas = Replicas(self.database["replicas"], self.database["work_items"])
        self.leases = Leases(self.database["leases"])
        self.publications = Publications(self.database["publications"])
        self.artifacts = Artifacts(self.database)
        self.engine_results = EngineResults(self.database["engine_results"], self.database["work_items"])
        self.molecular_potentials = MolecularPotentials(self.database["molecular_potentials"])

    def ensure_indexes(self) -> None:
        """Create the indexes that the queries of the farm and of the documentation need."""
        ensure_indexes(self.database)

    def delete_run(self, run: str, told: Told = untold) -> dict[str, int]:
        """Remove every document of a run; return how many of each collection. `told` is told how far it is."""
        removed = {name: self._delete(name, run, told) for name in _OF_RUNS}
        removed["artifacts"] = self.artifacts.delete(run)
        removed["runs"] = self.database["runs"].delete_many({"_id": run}).deleted_count
        return removed

    def _delete(self, name: str, run: str, told: Told) -> int:
        """Remove a run's documents from a collection, so many at a time where they are many."""
        collection, removed = self.database[name], 0
        of = collection.count_documents({"run": run})
        while of - removed > _AT_A_TIME:
            told(f"removing {name.replace('_', ' ')}", removed, of)
            some = [document["_id"] for document in collection.find({"run": run}, {"_id": 1}).limit(_AT_A_TIME)]
            if not some:
                break
            removed += collection.delete_many({"_id": {"$in": some}}).deleted_count
        return removed + collection.delete_many({"run": run}).deleted_count
