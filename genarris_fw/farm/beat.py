"""One beat of a heartbeat: every lease of an owner is renewed."""

from __future__ import annotations

import contextlib
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from genarris_fw.catalogue.leases import Leases
from genarris_fw.catalogue.replicas import Replicas
from genarris_fw.catalogue.work_items import WorkItems

# A heartbeat looks after its parent, too: it does not wait for a server as long as a rocket may.
ANSWER_MS = 5000


class Beat:
    """Renews the leases of an owner when called; the arguments are those of `Heartbeat`."""

    def __init__(self, launchpad: dict[str, Any], owner: str, lease_seconds: float) -> None:
        self.owner, self.lease_seconds = owner, float(lease_seconds)
        database = open_database(launchpad)
        self.leases, self.work_items = Leases(database["leases"]), WorkItems(database["work_items"])
        self.replicas = Replicas(database["replicas"], database["work_items"])

    def __call__(self) -> None:
        """Renew; a server that is away for a moment is asked again at the next beat: the lease outlives four."""
        with contextlib.suppress(PyMongoError):
            self.leases.renew(self.owner, self.lease_seconds)
            self.work_items.renew(self.owner, self.lease_seconds)
            self.replicas.beat(self.owner)  # an item may take longer than a replica may be unseen


def open_database(launchpad: dict[str, Any]) -> Database[Any]:
    """Return the database of a LaunchPad's dictionary; importing FireWorks for it would take a second."""
    options = {**(launchpad.get("mongoclient_kwargs") or {}), "serverSelectionTimeoutMS": ANSWER_MS}
    if launchpad.get("uri_mode"):
        return MongoClient(launchpad["host"], **options)[launchpad["name"]]
    user = {"username": launchpad["username"], "password": launchpad["password"]} if launchpad.get("username") else {}
    if user:
        user["authSource"] = launchpad.get("authsource") or launchpad["name"]
    return MongoClient(launchpad["host"], launchpad["port"], **user, **options)[launchpad["name"]]
