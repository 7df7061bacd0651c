"""What the farm survives: everything killed at random, and a worker on another host gone for good."""

from __future__ import annotations

import ctypes
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from farm_speed import Place
from farm_table import Bar, machine
from havoc import Havoc, disturbed, undisturbed
from killing import FORKS, Farm, rlaunch_for_ever

from genarris_fw.database.launchpads import with_database
from genarris_fw.database.server import Server

CLONE_NEWUTS = 0x04000000
ELSEWHERE = "elsewhere"
STEPS = 4
ITEM_SECONDS = 0.05


def kills(place: Place, seed: int = 0) -> Bar:
    """Many items under kills of everything: what was lost, what was counted twice. On a server of its own."""
    sizes = place.sizes
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        with server.use() as uri:
            items = sizes.kill_items // STEPS
            truth = undisturbed(with_database(uri, "undisturbed"), Path(name) / "undisturbed", items, STEPS)
            farm = Farm(uri, Path(name))
            havoc = Havoc(farm, server, rockets=2, workers=2, seed=seed)
            settings = {"items": items, "steps": STEPS, "seconds": 0.03, "lease_seconds": 3.0, "replicas": 4}
            try:
                verdict = disturbed(havoc, truth, sizes.kills, **settings, plan_seconds=0.5, collect_seconds=0.5)
            finally:
                havoc.close()
                farm.close()
    measured = f"{verdict.lost} lost, {verdict.twice} twice, {verdict.kills} kills, "
    measured += "the same result" if verdict.equal else "ANOTHER RESULT"
    bar = f"0 lost, 0 twice, the same result; >= {sizes.kills} kills"
    details = verdict.to_dict() | machine()
    name = f"{verdict.items:,} items under SIGKILL of everything"
    return Bar(name, bar, measured, verdict.good() and verdict.kills >= sizes.kills, details)


def lost_worker(place: Place) -> Bar:
    """A worker on another host is killed while it holds the gate and items: when are they in other hands?

    Once with others that soon have nothing else to do, once with work for three leases.
    """
    lease = place.sizes.lease_seconds
    idle, busy = (_lost_worker(place, lease, max(100, int(n * lease / ITEM_SECONDS))) for n in (0.3, 3.0))
    details = {"lease s": lease, "others idle": idle, "others busy": busy, **machine()}
    worst = max(idle["items s"], idle["gate s"], busy["items s"])
    measured = (
        f"{idle['items s']:.0f} s, its gate {idle['gate s']:.0f} s; {busy['items s']:.0f} s where others are busy"
    )
    return Bar("lost worker noticed, its items taken over", "<= 2 min", measured, worst <= 120.0, details)


def _lost_worker(place: Place, lease: float, items: int) -> dict[str, Any]:
    """Lose a worker on another host; return how long its items and its gate were in nobody's hands."""
    with tempfile.TemporaryDirectory() as name:
        farm = Farm(with_database(place.uri, "lost"), Path(name))
        running: list[Any] = []
        try:
            farm.add(items=items, seconds=ITEM_SECONDS, steps=1, replicas=2, lease_seconds=lease)
            gone = _rocket(running, elsewhere, farm, "there")
            gate = _wait(lambda: _gate(farm), 60)
            _rocket(running, rlaunch_for_ever, farm, "here")
            held = _wait(lambda: _held(farm, gate["owner"]) if _done_here(farm) else None, 60)
            killed = time.monotonic()
            gone.kill()
            gone.join()
            _wait(lambda: not farm.catalogue.work_items.collection.find_one(_still(held, gate["owner"])), 10 * lease)
            taken_over = time.monotonic() - killed
            _wait(lambda: _in_other_hands(farm, gate["owner"]), 10 * lease)
            gate_taken_over = time.monotonic() - killed
            farm.check(farm.finish(120), items=items, steps=1)
            finished = time.monotonic() - killed
        finally:
            for process in running:
                process.kill()
                process.join()
            farm.launchpad.connection.drop_database(farm.launchpad.name)
            farm.close()
    seconds = {"items s": taken_over, "gate s": gate_taken_over, "run finished s": finished}
    return {"owner": gate["owner"].split(":")[0], "held": len(held)} | {k: round(v, 1) for k, v in seconds.items()}


def elsewhere(config: str, place: str) -> None:
    """Be a rocket on another host: one with another name, as far as this machine lets us say so."""
    name = ELSEWHERE.encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUTS) or libc.sethostname(name, len(name)):
        socket.gethostname = lambda: ELSEWHERE  # not root: only the names of owners change
    assert socket.gethostname() == ELSEWHERE
    rlaunch_for_ever(config, place)


def _rocket(running: list[Any], what: Any, farm: Farm, name: str) -> Any:
    process = FORKS.Process(target=what, args=(str(farm.config), str(farm.folder / f"rockets-{name}")))
    process.start()
    running.append(process)
    return process


def _wait(condition: Any, seconds: float) -> Any:
    """Return what a condition gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise TimeoutError(f"it did not happen within {seconds} s")


def _gate(farm: Farm) -> dict[str, Any] | None:
    lease = farm.catalogue.leases.find(farm.run, "sleepy_0", "gate") or {}
    return lease if str(lease.get("owner", "")).startswith(ELSEWHERE) else None


def _in_other_hands(farm: Farm, owner: str) -> bool:
    return (farm.catalogue.leases.find(farm.run, "sleepy_0", "gate") or {}).get("owner") not in (None, owner)


def _done_here(farm: Farm) -> bool:
    query = {"state": "done", "done_by": {"$regex": f"^{socket.gethostname()}:"}}
    return farm.catalogue.work_items.collection.find_one(query) is not None


def _held(farm: Farm, owner: str) -> list[str]:
    return [record["_id"] for record in farm.catalogue.work_items.collection.find({"lease.owner": owner}, {"_id": 1})]


def _still(held: list[str], owner: str) -> dict[str, Any]:
    """Return the query for those items that nobody else has taken."""
    return {"_id": {"$in": held}, "$or": [{"lease.owner": owner}, {"state": "waiting"}]}
