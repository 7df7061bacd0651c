"""Which tests run beside which, where pytest-xdist runs them (``-n 5 --dist loadgroup``).

What waits (processes, leases, servers) is handed out first, test by test, so that the waiters wait together; what
computes comes after it, file by file. The fifth worker computes from the start: four waiters leave the cores half idle.
A worker that comes to its first computing test makes itself nice and stays so: the heartbeats of what others still
watch always get their core.
"""

from __future__ import annotations

import os
import re

import pytest
from needs import used_by
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

# One at a time: what shares a port, a lock, an address or all cores. The order is that in which groups are begun.
GROUPS = {
    "slurm": {"slurm", "queued"},
    "hosts": {"two_hosts.site"},
    "soak": {"havoc", "signalled"},
    "mpi": {"crews", "crew_evaluation_ranks", "collective_engine"},
    "browser": {"browser"},
}
NICE = 19
COMPUTES = "gw4"


def distribute(items: list[pytest.Item]) -> None:
    """Give every test its group, and put groups, waiting tests and computing tests in this order."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None and (name := _group(item)):
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=_rank)


class Alongside(LoadGroupScheduling):
    """Hand out from the beginning, where what waits stands, and from the end to the worker that computes."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node.gateway.id == COMPUTES:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def without_group(name: str) -> str:
    """Return a test's name without the group that pytest-xdist puts behind it."""
    return re.sub(r"@[^@\]]*$", "", name)


def _group(item: pytest.Item) -> str:
    """Return the group of a test; none where it may run beside all others of its file."""
    used = used_by(item)
    for name, tools in GROUPS.items():
        if used & tools:
            return name
    return item.nodeid.partition("::")[0] if not _waits(item) or _has_fixtures_of_its_file(item) else ""


def _waits(item: pytest.Item) -> bool:
    return item.get_closest_marker("processes") is not None


def _has_fixtures_of_its_file(item: pytest.Item) -> bool:
    """Tell whether a test uses what is made once for all tests of its file."""
    known = item._fixtureinfo.name2fixturedefs.values()  # type: ignore[attr-defined]
    return any(fixture.scope == "module" for fixtures in known for fixture in fixtures)


def _rank(item: pytest.Item) -> int:
    mark = item.get_closest_marker("xdist_group")
    group = mark.args[0] if mark else ""
    if group in GROUPS:
        return list(GROUPS).index(group)
    return len(GROUPS) + (not _waits(item))


def be_nice(item: pytest.Item) -> None:
    """Make a worker of pytest-xdist nice before a computing test; nice it stays, only root could take it back."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _waits(item):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
