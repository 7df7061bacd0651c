"""The test of MPI: all ranks that the launcher started report, and calculate something together.

What can be wrong is seldom an error of MPI: under the launcher of another MPI library every process takes itself for
rank 0 of 1, and each would do the whole work alone.
"""

from __future__ import annotations

import json
import os
import socket
import warnings
from collections import Counter
from typing import Any

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.farm.crews.crew import world
from genarris_fw.farm.crews.ranks import VARIABLES, rank_and_size, replica_of

START = "mpirun -n 4 genarris-fw check --mpi"


def report() -> tuple[list[str], list[str]]:
    """Test MPI; every process of the launch calls this.

    Returns
    -------
    lines : list of str
        What to print: a line for each rank and a verdict; empty on all ranks but the first.
    problems : list of str
        What is wrong, a line each; not empty on any rank where something is.
    """
    rank, size = rank_and_size()
    try:
        with warnings.catch_warnings():  # mpi4py's, of the launcher of another library: we say it in one line
            warnings.filterwarnings("ignore", "suspicious MPI", RuntimeWarning)
            everybody = world()
    except (InputError, SystemExit) as error:
        problem = "MPI does not work" if isinstance(error, SystemExit) else _for_this_launch(str(error))
        return ([] if rank else _own_view(), [problem])
    found = _gathered(everybody, _about_me(everybody))
    problems = _problems(found, everybody.size) + _sums(everybody)
    if size == 1 and not _launched():
        problems.append(f"there is one rank only: start it under the launcher, {START}")
    if rank:
        return [], problems
    lines = [_line(one) for one in found]
    if not problems:
        lines.append(_verdict(found))
    return lines, problems


def _launched() -> bool:
    """Whether a launcher that we know has started this process."""
    return any(name in os.environ for pair in VARIABLES for name in pair)


def _for_this_launch(error: str) -> str:
    """What to say of a launch that cannot work: of a launcher we do not know, that it is so."""
    size = _size_of_mpi()
    if size is not None and size > 1 and not _launched():
        names = ", ".join(rank for rank, _ in VARIABLES)
        return f"the launcher does not tell its processes their rank (none of {names} is set): use mpirun or srun"
    return error


def _size_of_mpi() -> int | None:
    """How many ranks MPI knows, or None where it cannot be loaded."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError):
        return None
    return int(MPI.COMM_WORLD.size)


def _own_view() -> list[str]:
    """What this process takes itself for, where the launch is not what MPI thinks it is."""
    if _size_of_mpi() is None:
        return []
    from mpi4py import MPI

    if MPI.COMM_WORLD.rank:
        return []
    return [_line(_about_me(MPI.COMM_WORLD))]


def _about_me(everybody: Any) -> dict[str, Any]:
    from mpi4py import MPI, __version__

    return {
        "rank": everybody.rank,
        "size": everybody.size,
        "host": socket.gethostname(),
        "process": os.getpid(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "library": " ".join(MPI.Get_library_version().splitlines()[0].split(",")[0].split()),
        "mpi4py": __version__,
    }


def _line(one: dict[str, Any]) -> str:
    cores = "1 core" if one["cores"] == 1 else f"{one['cores']} cores"
    return f"rank {one['rank']} of {one['size']}: {one['host']}, process {one['process']}, {cores}, {one['library']}"


def _gathered(everybody: Any, mine: dict[str, Any]) -> list[dict[str, Any]]:
    """What all ranks say, as JSON text."""
    data = np.frombuffer(json.dumps(mine).encode(), np.uint8).copy()
    lengths = np.empty(everybody.size, np.int32)
    everybody.Allgather(np.array([data.size], np.int32), lengths)
    every = np.empty(int(lengths.sum()), np.uint8)
    everybody.Allgatherv(data, [every, lengths])
    ends = np.cumsum(lengths)
    return [json.loads(every[end - length : end].tobytes()) for length, end in zip(lengths, ends)]


def _problems(found: list[dict[str, Any]], size: int) -> list[str]:
    """What does not fit together in the ranks' own words."""
    problems = []
    ranks = [one["rank"] for one in found]
    if sorted(ranks) != list(range(size)):
        twice = sorted(rank for rank, number in Counter(ranks).items() if number > 1)
        problems.append(f"the ranks' numbers are not unique: {', '.join(map(str, twice))} more than once")
    for name, what in (("library", "MPI libraries"), ("mpi4py", "versions of mpi4py")):
        kinds = sorted({str(one[name]) for one in found})
        if len(kinds) > 1:
            problems.append(f"the ranks use {len(kinds)} {what} ({', '.join(kinds)}): use the same on all nodes")
    return problems


def _sums(everybody: Any) -> list[str]:
    """Sum the ranks' numbers over all, and over two teams at the same time, as replicas would."""
    size = everybody.size
    teams = [replica_of(rank, size, min(2, size)) for rank in range(size)]
    team = everybody.Split(teams[everybody.rank], everybody.rank)
    wrong = 0
    mates = [rank for rank in range(size) if teams[rank] == teams[everybody.rank]]
    for communicator, numbers in ((everybody, range(size)), (team, mates)):
        total = np.zeros(1, np.int64)
        communicator.Allreduce(np.array([everybody.rank], np.int64), total)
        wrong += int(total[0]) != sum(numbers)
    team.Free()
    of_all = np.zeros(1, np.int64)
    everybody.Allreduce(np.array([wrong], np.int64), of_all)
    return [f"sums over the ranks are wrong ({int(of_all[0])} of {2 * size})"] if of_all[0] else []


def _verdict(found: list[dict[str, Any]]) -> str:
    hosts = len({one["host"] for one in found})
    where = "1 host" if hosts == 1 else f"{hosts} hosts"
    if len(found) == 1:
        return f"MPI works: 1 rank on {where}"
    return f"MPI works: {len(found)} ranks on {where}, each has a number of its own, and they calculate together"
