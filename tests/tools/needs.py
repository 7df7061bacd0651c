"""What tests need, as markers: said once, by the tools and fixtures that a test uses, and checked before it runs."""

from __future__ import annotations

import functools
import os
import shutil
from types import ModuleType

import pytest

# Tests of science compute: they start a process at most to compute in it, and none watches a clock.
SCIENCE = {"clustering", "crystal", "descriptors", "generation", "lattice", "options"}
# A test file that uses something of these modules needs what the module works with.
MODULES = {
    "processes": {
        *("subprocess", "multiprocessing", "browser", "command", "freezing", "havoc", "killing", "queued", "signalled"),
        *("aims_library_build", "crew_evaluation_ranks", "faults", "mpi", "slow_proxy", "slurm", "two_hosts"),
        *("genarris_fw.engines.programs.process", "genarris_fw.engines.programs.process"),
    },
    "mongod": {
        *("havoc", "queued", "signalled", "two_hosts.site", "slow_proxy"),
        *("genarris_fw.database.server", "genarris_fw.database.mongod", "genarris_fw.database.server"),
    },
    "mpi": {"mpi"},
    "slurm": {"slurm", "queued"},
    "root": {"slurm", "queued", "two_hosts.site"},
}
# A test that asks for one of these fixtures.
FIXTURES = {"mongod": {"mongod", "guarded"}, "slurm": {"slurm"}, "mpi": {"mpi"}}
# Programs that a test only runs with: what Debian calls the package.
PROGRAMS = {"elk": ("elk-lapw", "elk-lapw"), "cp2k": ("cp2k_shell", "cp2k")}


def mark_needs(item: pytest.Item) -> None:
    """Give a test the markers of what it needs; what a decorator says stays."""
    if item.path.parent.name in SCIENCE:
        return
    used = used_by(item)
    fixtures = set(item.fixturenames)  # type: ignore[attr-defined]
    for need in sorted(MODULES.keys() | FIXTURES.keys()):
        if used & MODULES.get(need, set()) or fixtures & FIXTURES.get(need, set()):
            item.add_marker(need)


def used_by(item: pytest.Item) -> frozenset[str]:
    """Return what a test's file imports: modules, and as ``module`` and ``module.name`` what it takes from them."""
    return _used_by(item.module)  # type: ignore[attr-defined]


@functools.cache
def _used_by(file: ModuleType) -> frozenset[str]:
    found = set()
    for name, value in vars(file).items():
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        found |= {str(module), f"{module}.{name}"}
    return frozenset(found)


def skip_without(item: pytest.Item) -> None:
    """Skip a test that needs a program, or root, that is not here; other needs are looked for by tools and fixtures."""
    for need, (program, package) in PROGRAMS.items():
        if item.get_closest_marker(need) and shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine: apt-get install {package}")
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("it needs root")
