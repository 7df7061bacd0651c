"""What the processes of the migration tests do; a module of its own so that a new interpreter can import it."""

from __future__ import annotations

import os
import signal

from pymongo import MongoClient, monitoring

from genarris_fw.catalogue.schema import check_schema


class Executioner(monitoring.CommandListener):
    """Ends the process before its n-th write."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.left -= event.command_name in ("insert", "update", "createIndexes", "dropIndexes")
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


def migrate(uri: str, writes: int) -> None:
    with MongoClient(uri, event_listeners=[Executioner(writes)]) as client:
        check_schema(client.get_default_database())
