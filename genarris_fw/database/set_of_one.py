"""Our servers as replica sets of one: only a member of a set can be read as of one moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from genarris_fw.database.launchpads import CONNECT_MS, explained
from genarris_fw.database.mongod import REPLICA_SET
from genarris_fw.database.redaction import redact
from genarris_fw.errors import DatabaseError

if TYPE_CHECKING:
    from pymongo.database import Database

_ALREADY_INITIALIZED, _NOT_YET_INITIALIZED = 23, 94
_POLL_SECONDS = 0.005


def make_primary(uri: str, host: str, seconds: float) -> None:
    """Have a server that answers accept writes, as the primary of a set whose only member it is.

    Files of a server by itself become those of a member; those that listened elsewhere before (a folder that was
    moved or copied, a job of a queue) learn their new place.

    Parameters
    ----------
    uri : str
        The server, connected to directly.
    host : str
        Where it listens: a socket's path, or ``address:port``.
    seconds : float
        How long it may take.

    Raises
    ------
    DatabaseError
        When it takes longer, or the files belong to another set.
    """
    from pymongo import MongoClient

    deadline = time.monotonic() + seconds
    client: MongoClient[dict[str, Any]] = MongoClient(uri, serverSelectionTimeoutMS=CONNECT_MS)
    with explained(uri), client:
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() > deadline:
                raise DatabaseError(f"{redact(uri)}: the database does not become writable: see its log")
            _be_the_member(client.admin, host)
            time.sleep(_POLL_SECONDS)


def _be_the_member(admin: Database[dict[str, Any]], host: str) -> None:
    """Write the set's configuration where there is none, or it names another place."""
    from pymongo.errors import OperationFailure

    member = {"_id": 0, "host": host}
    try:
        config = admin.command("replSetGetConfig")["config"]
        if config["members"][0]["host"] != host:
            moved = config | {"members": [member], "version": config["version"] + 1}
            admin.command("replSetReconfig", moved, force=True)
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        try:
            admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except OperationFailure as refused:
            if refused.code != _ALREADY_INITIALIZED:  # it is reading its configuration
                raise
