"""Patience with a database that is away for a while: a cut cable, a restart, a change of the primary."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from pymongo.errors import AutoReconnect, BulkWriteError, PyMongoError

Result = TypeVar("Result")

VARIABLE = "GENARRIS_FW_PATIENCE"  # seconds, for who wants to wait longer or not at all


def _from_environment(otherwise: float) -> float:
    with suppress(ValueError):
        return max(0.0, float(os.environ.get(VARIABLE, "")))
    return otherwise


# A server that moves to another node, or a network under repair, is back within this time.
OUTAGE_SECONDS = _from_environment(600.0)
PAUSES = (0.2, 5.0)  # between two attempts: the first one, and the longest
# A call that went on so long after the database had answered again has met a new outage.
NEW_OUTAGE_AFTER = 60.0
# Write concern errors of a server that stops or is no primary any more; the majority was not reached in time.
_PASSING = frozenset({64, 91, 189, 10107, 11600, 11602, 13435, 13436})


class DatabaseAway(AutoReconnect):
    """The database has been away for longer than anybody wants to wait."""


def is_outage(error: BaseException) -> bool:
    """Tell whether an error says that the database is away, and not that it refuses something."""
    if isinstance(error, AutoReconnect):
        return not isinstance(error, DatabaseAway)
    if isinstance(error, BulkWriteError):
        passing = error.details.get("writeConcernErrors", [])
        return (
            bool(passing)
            and not error.details.get("writeErrors")
            and all(entry.get("code") in _PASSING for entry in passing)
        )
    return isinstance(error, PyMongoError) and error.has_error_label("RetryableWriteError")


def patiently(
    function: Callable[[], Result],
    seconds: float = OUTAGE_SECONDS,
    again: Callable[[], object] | None = None,
) -> Result:
    """Call a function, and call it again while the database is away.

    Only what may be done twice may be called so: a fenced commit, a tally, a loop that claims. A write whose
    answer was lost has happened, or has not.

    Parameters
    ----------
    function : callable
        What is called.
    seconds : float, optional
        How long an outage may last.
    again : callable, optional
        Called before every further attempt: gives back what the broken one may have claimed.

    Raises
    ------
    DatabaseAway
        When the outage lasts longer. Any other error passes at once.
    """
    since: float | None = None
    pause = PAUSES[0]
    while True:
        answered: float | None = None
        try:
            if since is not None and again is not None:
                again()
                answered = time.monotonic()
            return function()
        except PyMongoError as error:
            if not is_outage(error):
                raise
            now = time.monotonic()
            if since is None or (answered is not None and now - answered > NEW_OUTAGE_AFTER):
                since, pause = now, PAUSES[0]
            if now + pause - since > seconds:
                raise DatabaseAway(f"away for {now - since:.0f} s: {error}") from error
        time.sleep(pause)
        pause = min(2 * pause, PAUSES[1])
