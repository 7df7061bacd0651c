"""A worker: launches the rockets of one run, one after the other, until the run is over."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.database.find import find_server
from genarris_fw.errors import GenarrisError
from genarris_fw.orphans import die_with_parent
from genarris_fw.owner import owner_name
from genarris_fw.patience import patiently
from genarris_fw.walltime import of_this_process

if TYPE_CHECKING:
    from fireworks import LaunchPad

POLL_SECONDS = 0.2
_LAUNCH_GONE = "No Launch exists with"  # FireWorks' words


def refuse_orphanhood(parent: int) -> None:
    """End where the parent was gone before :func:`die_with_parent`: Linux tells of later deaths only."""
    if os.getppid() != parent:
        sys.exit("the command that started this worker is gone")


def serve(launchpad: LaunchPad, run: str, stop: Callable[[], bool], before: Callable[[], None] = lambda: None) -> None:
    """Launch the rockets of one run in this process, one after the other, until the run is over.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run's fireworks are.
    run : str
        Name of the run.
    stop : callable
        Asked when nothing is ready; may wait a moment; True ends the loop.
    before : callable, optional
        Called before every rocket and every look.
    """
    from fireworks.core.rocket_launcher import launch_rocket

    from genarris_fw.catalogue import Catalogue
    from genarris_fw.catalogue.schema import refuse_newer
    from genarris_fw.farm.allow_list import AllowedOnly, allowed_query, enforce
    from genarris_fw.farm.fireworks.documents import anything_ready
    from genarris_fw.farm.fireworks.names import of_run

    enforce()
    # The launch names this process, so that a firework it was killed with is known to be lost at once.
    fworker = AllowedOnly(name=owner_name(0), query=of_run(run))
    allowed, runs = allowed_query(), Catalogue(launchpad.db).runs
    walltime = of_this_process()

    def any_ready() -> bool:
        # The short question first: rockets with nothing to do ask it all the time.
        return anything_ready(launchpad.db, run) and anything_ready(launchpad.db, run, allowed)

    def once() -> bool:
        """Launch a rocket, or look whether the run is over; tell whether to go on."""
        before()
        if any_ready():
            refuse_newer(launchpad.db)  # a newer package may have come meanwhile
            try:
                launch_rocket(launchpad, fworker, strm_lvl="WARNING")
            except ValueError as error:
                if _LAUNCH_GONE not in str(error):
                    raise  # else: somebody deleted the workflow meanwhile, and what was done is in the catalogue
            return True
        return runs.state(run) in (None, "running") and not stop()

    # What a rocket leaves half done when the database goes is repaired like what a dead one leaves.
    while not walltime.ending() and patiently(once):
        pass


def why_gone(uri: str, folder: Path, error: Exception) -> str:
    """Return one line about a database that went away: what became of the embedded one, else what the error says."""
    try:
        if server := find_server(folder, uri).server:
            server.refuse_end()
    except GenarrisError as known:
        return str(known)
    return f"the database is gone: {str(error).splitlines()[0][:200]}"


def main() -> None:
    """Read what to do from standard input, then launch rockets until the run ends or the input closes."""
    die_with_parent()
    message: dict[str, Any] = json.loads(sys.stdin.readline())
    refuse_orphanhood(message["parent"])
    from fireworks import LaunchPad
    from pymongo.errors import PyMongoError

    launchpad = LaunchPad.from_dict(message["launchpad"])
    place = Path(message["place"])
    place.mkdir(parents=True, exist_ok=True)
    os.chdir(place)
    try:
        serve(launchpad, message["run"], lambda: bool(select.select([sys.stdin], [], [], POLL_SECONDS)[0]))
    except PyMongoError as error:
        sys.exit(f"worker {message['name']}: {why_gone(str(launchpad.host), place.parents[1], error)}")
    except GenarrisError as error:
        sys.exit(f"worker {message['name']}: {error}")


if __name__ == "__main__":
    main()
