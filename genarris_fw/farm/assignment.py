"""A step of a run as the farm carries it out: where it is, how patient it is, what it has prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.publication import Publication
from genarris_fw.logs import Log
from genarris_fw.walltime import Walltime


class Assignment:
    """A step of a run that a rocket works for.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    record : RunDocument
        The run's document.
    step : str
        Name of the step (``run_rdf_calc``; a second occurrence ends in ``_2``).
    log : Log
        Where events go.

    Attributes
    ----------
    run, step : str
        Names of the run and the step.
    folder : Path
        The run's folder.
    lease_seconds : float
        Length of a lease.
    max_attempts : int
        How often an item may fail before it is given up.
    retry_delay : float
        Seconds before a failed item's second attempt.
    quarantine_after : int
        After so many different items failed in a row a replica stands back.
    idle_limit : float
        Seconds without work after which a side replica ends.
    walltime : Walltime
        When this process has to end.
    publication : Publication
        What plan or collect has prepared to be seen when it is committed: pools, fields of structures, files.
    """

    def __init__(self, catalogue: Catalogue, record: RunDocument, step: str, log: Log) -> None:
        self.catalogue = catalogue
        self.record = record
        self.run: str = record["name"]
        self.step = step
        self.log = log
        self.folder = Path(record["folder"])
        master = record["options"]["master"]
        self.lease_seconds = float(master["lease_seconds"])
        self.max_attempts = int(master["max_attempts"])
        # Runs that an earlier version began lack these.
        self.retry_delay = float(master.get("retry_delay", 1.0))
        self.quarantine_after = int(master.get("quarantine_after", 5))
        self.idle_limit = float(master.get("idle_limit", 600.0))
        self.walltime = Walltime()
        self._owner = ""
        self.publication = Publication(self.folder)

    def begin_work(self, owner: str, walltime: Walltime) -> None:
        """Note under which name this replica holds its items, and when it has to end."""
        self._owner, self.walltime = owner, walltime

    def keep(self, item: Item, checkpoint: dict[str, Any]) -> bool:
        """Keep what the work on an item has reached, for whoever goes on; False when it is not ours."""
        return self.catalogue.work_items.keep(self.run, self.step, self._owner, item, checkpoint)

    def prepare_input(self) -> None:
        """Bring in what the step works on, before its first items are planned; what is made is prepared, not seen."""
