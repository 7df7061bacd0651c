"""A worker: launches the rockets of one run, one after the other, until the run is over."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from genarris_fw.farm.owner import owner_name

POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end this process when the command that started it is gone, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Read what to do from standard input, then launch rockets until the run ends or the input closes."""
    die_with_parent()
    message: dict[str, Any] = json.loads(sys.stdin.readline())
    from fireworks import FWorker, LaunchPad
    from fireworks.core.rocket_launcher import launch_rocket
    from pymongo.errors import PyMongoError

    run = message["run"]
    launchpad = LaunchPad.from_dict(message["launchpad"])
    # The launch names this process, so that a firework it was killed with is known to be lost at once.
    fworker = FWorker(name=owner_name(0), query={"spec.run": run})
    place = Path(message["place"])
    place.mkdir(parents=True, exist_ok=True)
    os.chdir(place)
    ready = {"spec.run": run, "state": "READY"}
    runs = launchpad.db["runs"]
    try:
        while True:
            if launchpad.fireworks.find_one(ready, {"_id": 1}) is not None:
                launch_rocket(launchpad, fworker, strm_lvl="WARNING")
                continue
            state = (runs.find_one({"_id": run}, {"state": 1}) or {}).get("state", "running")
            told_to_stop = select.select([sys.stdin], [], [], POLL_SECONDS)[0]
            if state != "running" or told_to_stop:
                return
    except PyMongoError as error:
        sys.exit(f"worker {message['name']}: the database is gone: {str(error).splitlines()[0][:200]}")


if __name__ == "__main__":
    main()
