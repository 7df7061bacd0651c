"""The commands of the documentation that are not run where all others are: why, and which test runs them instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from documented.commands import Command


@dataclass(frozen=True)
class Elsewhere:
    """Commands that another test runs.

    Attributes
    ----------
    pattern : str
        A regular expression that the whole command fits.
    why : str
        What it needs that the prepared run has not.
    tests : tuple of str
        ``path`` or ``path::test`` of what runs it, or ``.ci/run``.
    """

    pattern: str
    why: str
    tests: tuple[str, ...]


_INSTALLS = "installs packages"
_WHOLE = "runs the tests themselves"
_CLUSTER = "needs a queueing system"
_MPI = "needs the launcher of an MPI library"
_SERVER = "starts or ends a server of the folder; the prepared run is on another one"

ELSEWHERE = (
    # ---- what installs, builds and tests
    Elsewhere(r"make (demo|install|dev|lint|test|docs)( .*)?", _INSTALLS, (".ci/run",)),
    Elsewhere(r"make test-quick", _WHOLE, ("tests/test_building.py",)),
    Elsewhere(r"make (wheel|wheel-check|sdist)", "builds", ("tests/test_building.py",)),
    Elsewhere(r"make linkcheck", "asks other servers", ("tests/documentation/test_links.py",)),
    Elsewhere(r"sed .*generator\.c", "looks at what a compilation left", ("tests/test_building.py",)),
    Elsewhere(r"sudo apt-get install .*", "installs packages of the system", (".ci/run",)),
    Elsewhere(r"(pip|python3? -m pip) install .*", _INSTALLS, (".ci/run", "tests/test_plugin.py")),
    Elsewhere(r"python3 -m venv .*", _INSTALLS, (".ci/run",)),
    Elsewhere(r"pytest .*", _WHOLE, (".ci/run",)),
    Elsewhere(r"python tests/tools/in_a_row\.py .*", _WHOLE, ("tests/test_again.py",)),
    Elsewhere(r"python tests/tools/plant_faults\.py .*", _WHOLE, ("tests/test_planted_faults.py",)),
    # ---- what takes minutes
    Elsewhere(
        r"genarris-fw (run|status|pictures) benzene.*",
        "takes ten minutes",
        ("tests/documentation/test_tutorials.py::test_the_tutorial_of_the_manual",),
    ),
    Elsewhere(
        r"genarris-fw (check|run|status) case_1.*",
        "is a campaign of trainings",
        ("tests/studies/force_free/test_page.py",),
    ),
    # ---- clusters
    Elsewhere(r"qlaunch .*", _CLUSTER, ("tests/cluster/test_slurm.py",)),
    Elsewhere(r"(srun|sbatch) .*", _CLUSTER, ("tests/cluster/test_job_script.py",)),
    Elsewhere(r"genarris-fw db start --in-allocation.*", _CLUSTER, ("tests/cluster/test_in_allocation.py",)),
    Elsewhere(r"mpirun .* genarris-fw rockets .*", _MPI, ("tests/farm/test_mpi.py",)),
    Elsewhere(r"(mpirun .* )?genarris-fw check --mpi", _MPI, ("tests/farm/test_mpi_check.py",)),
    Elsewhere(r"mpirun .* genarris-fw check --engine .*", _MPI, ("tests/cli/test_check.py",)),
    Elsewhere(r"mongod .*|mongosh --eval 'rs\.initiate\(\)'", _SERVER, ("tests/farm/test_tls.py",)),
    Elsewhere(r"cd /path/to/run.*", "is a line of the job script", ("tests/cluster/test_job_script.py",)),
    # ---- FHI-aims, which nobody here has
    Elsewhere(r"(cd launchers/aims_library|make (LIBAIMS|check).*)", "builds", ("tests/farm/test_mpi_library.py",)),
    Elsewhere(r"(mpirun .* )?genarris-fw verify .*", "needs FHI-aims", ("tests/cli/test_verify.py",)),
    # ---- the folder's own server
    Elsewhere(r"genarris-fw db (start|stop|status|backup|restore)( .*)?", _SERVER, ("tests/cli/test_db.py",)),
    Elsewhere(r"curl .*/api/download.*", "asks the explorer while it is open", ("tests/web/test_api.py",)),
    Elsewhere(r"genarris-fw completion zsh .*", "writes where zsh says", ("tests/cli/test_completion.py",)),
    Elsewhere(r"genarris-fw serve-optimade .*--host.*", "serves others", ("tests/optimade/test_command.py",)),
    Elsewhere(r"curl .*:8700/.*", "asks the server while it is there", ("tests/optimade/test_answers.py",)),
    Elsewhere(r"genarris-fw (web|metrics) .*(--host|--serve).*", "serves others", ("tests/web/test_server.py",)),
)

# Pages whose Python is run by a test of its own.
PYTHON = {
    "docs/queries.md": "tests/catalogue",
    "docs/studies/force_free.md": "tests/studies/force_free/test_page.py",
}


def elsewhere(command: Command) -> Elsewhere | None:
    """Return what says that a command is run elsewhere; None where it is run with all others."""
    return next((entry for entry in ELSEWHERE if re.fullmatch(entry.pattern, command.text)), None)
