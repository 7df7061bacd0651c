"""The pools that were looked at, kept in bounded memory, read anew when they have changed."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.web.columns import PoolColumns
from genarris_fw.web.reading import read_columns

MOST_BYTES = 220 * 2**20
LOOKED_AGAIN = 1.0  # seconds: so often it is asked whether a run has changed
# While a run goes on its steps write what no note in its document tells: its pools are read again after this time, or
# a number of times as long as reading takes.
READ_AGAIN, TIMES = 10.0, 20.0
PATIENCE = 1.5  # seconds that a request waits for a pool that is being read for the first time
WAITED_FOR_CHANGES = 0.25  # and for one that has changed, before it is answered with what was there before


class StillReading(Exception):
    """A pool is being read for the first time.

    Attributes
    ----------
    done, of : int
        Structures.
    """

    def __init__(self, done: int, of: int) -> None:
        super().__init__(f"the pool is being read: {done} of {of} structures")
        self.done, self.of = done, of


@dataclass(eq=False)
class _Entry:
    """A pool: what was read of it, from which state of its run, and the reading that is under way."""

    columns: PoolColumns | None = None
    state: Any = None
    running: bool = False
    read: float = 0.0
    reading: Future[PoolColumns] | None = None
    done: int = 0
    of: int = 0
    known: tuple[float, Any, bool] | None = None
    lock: Lock = field(default_factory=Lock)


class Pools:
    """Pools as columns.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    most_bytes : int, optional
        Of all pools; the one that was asked for last stays in any case.
    patience : float, optional
        Seconds that `get` waits for a pool that is not there yet.
    """

    def __init__(self, catalogue: Catalogue, most_bytes: int = MOST_BYTES, patience: float | None = None) -> None:
        self.catalogue = catalogue
        self.most_bytes = most_bytes
        self.patience = PATIENCE if patience is None else patience
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._lock = Lock()
        self._closed = Event()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")  # two at once are no quicker

    def close(self) -> None:
        """Begin no further reading, and end the one that is under way."""
        self._closed.set()
        self._reader.shutdown(wait=False, cancel_futures=True)

    def get(self, run: str, pool: str) -> PoolColumns:
        """Return a pool's columns; of a pool that has changed those before the change, while it is read anew.

        Raises
        ------
        InputError
            For an unknown run or pool.
        StillReading
            When it is not there yet.
        """
        with self._lock:
            entry = self._entries.setdefault((run, pool), _Entry())
            self._entries.move_to_end((run, pool))
        state, running = self._state(entry, run, pool)
        with entry.lock:
            future = entry.reading
            if future is None and self._is_old(entry, state):
                future = entry.reading = self._reader.submit(self._read, entry, run, pool, state, running)
        if future is not None:
            try:
                return future.result(self.patience if entry.columns is None else WAITED_FOR_CHANGES)
            except NotYet:
                if entry.columns is None:
                    raise StillReading(entry.done, entry.of) from None
            except BaseException:
                with self._lock:
                    self._entries.pop((run, pool), None)
                raise
        assert entry.columns is not None
        return entry.columns

    def _state(self, entry: _Entry, run: str, pool: str) -> tuple[Any, bool]:
        """Return what tells that a pool has changed, and whether its run goes on."""
        now = time.monotonic()
        if entry.known is None or now - entry.known[0] > LOOKED_AGAIN:
            record = self.catalogue.runs.overview(run)
            steps = {name: (at.get("state"), at.get("finished")) for name, at in record.get("steps", {}).items()}
            size = record["pools"].get(pool) if "pools" in record else None
            if not size or record["state"] == IMPORTED:
                size = self.catalogue.structures.count(run, pool)
            entry.known = (now, (record["created"], steps, size), record["state"] == "running")
        return entry.known[1], entry.known[2]

    @staticmethod
    def _is_old(entry: _Entry, state: Any) -> bool:
        if entry.columns is None or entry.state != state:
            return True
        age = time.monotonic() - entry.read
        return entry.running and age > max(READ_AGAIN, TIMES * entry.columns.seconds)

    def _read(self, entry: _Entry, run: str, pool: str, state: Any, running: bool) -> PoolColumns:
        def progress(done: int, of: int) -> None:
            entry.done, entry.of = done, of
            if self._closed.is_set():
                raise CancelledError

        try:
            columns = read_columns(self.catalogue, run, pool, progress)
            if entry.columns is None or entry.columns.version != columns.version:
                entry.columns = columns
            entry.state, entry.running, entry.read = state, running, time.monotonic()
        finally:
            with entry.lock:
                entry.reading = None
        self._make_room()
        return entry.columns

    def _make_room(self) -> None:
        """Forget the pools that were not looked at for longest."""
        with self._lock:
            total = 0
            for key, entry in reversed(list(self._entries.items())):
                total += entry.columns.nbytes if entry.columns is not None else 0
                if total > self.most_bytes and key != next(reversed(self._entries)) and entry.reading is None:
                    del self._entries[key]
