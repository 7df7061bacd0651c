"""How much memory clustering a pool takes, and how much there is: asked before anything is allocated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from genarris_fw.errors import InputError

METHODS = ("affinity", "kmedoids", "minibatch_kmeans")
SOLVERS = ("compiled", "scikit-learn")

# Measured (peak of resident memory, 1500 to 60,000 structures), rounded up: bytes for each pair of structures, for
# each structure, and for each number of the vectors.
_PER_PAIR = {"compiled": 12.1, "scikit-learn": 52.0}
_PER_STRUCTURE = {"affinity": 1024, "kmedoids": 128, "minibatch_kmeans": 256}
_PER_FEATURE = 36
# Of vectors whose length is not known: 12 functions for each pair of four elements.
_USUAL_FEATURES = 192
_ALWAYS = 16 << 20


def memory_needed(method: str, n: int, features: int = 0, solver: str = "compiled") -> int:
    """Return how much memory clustering takes.

    Parameters
    ----------
    method : str
        ``affinity``, ``kmedoids`` or ``minibatch_kmeans``.
    n : int
        Structures.
    features : int
        Length of their vectors, for ``minibatch_kmeans``; 0 where it is not known: then 192.
    solver : str
        ``compiled`` or ``scikit-learn``, for ``affinity``.

    Returns
    -------
    int
        Bytes. For ``kmedoids``, what is needed beside the matrix of distances, which stays on disk; it is read from
        beginning to end several times, so it is fast where 4 n^2 bytes more are free for the system's cache.

    Raises
    ------
    InputError
        For an unknown method or solver, or numbers that cannot be.
    """
    if method not in METHODS:
        raise InputError(f"cluster_method is {method!r}; choose one of {', '.join(METHODS)}")
    if solver not in SOLVERS:
        raise InputError(f"the solver of affinity propagation is {solver!r}; choose one of {', '.join(SOLVERS)}")
    if n < 1 or features < 0:
        raise InputError(f"{n} structures with {features} features cannot be clustered")
    needed = _ALWAYS + _PER_STRUCTURE[method] * n
    if method == "affinity":
        needed += int(_PER_PAIR[solver] * n * n)
    if method == "minibatch_kmeans":
        needed += _PER_FEATURE * n * (features or _USUAL_FEATURES)
    return needed


def memory_here(root: str | os.PathLike[str] = "/") -> int:
    """Return how much more memory this process may use.

    Parameters
    ----------
    root : path
        The folder that holds ``proc`` and ``sys``.

    Returns
    -------
    int
        Bytes: the least of what the machine has available, what the control groups (version 1 or 2) of this process
        leave, and what its limit of address space (``ulimit -v``) leaves.
    """
    base = Path(root)
    return max(0, min([_of_the_machine(base), *_of_control_groups(base), *_of_address_space(base)]))


def require_memory(
    method: str, n: int, features: int = 0, solver: str = "compiled", available: int | None = None
) -> None:
    """Refuse a clustering that has no room, before it begins.

    Parameters
    ----------
    method, n, features, solver
        As in `memory_needed`.
    available : int, optional
        Bytes; by default `memory_here`. For ``kmedoids``, call it before the matrix is opened: a file that is mapped
        takes no memory, but it takes 4 n^2 bytes of address space, which may be limited.

    Raises
    ------
    InputError
        It names what is needed, what there is, and the methods that would fit.
    """
    needed = memory_needed(method, n, features, solver)
    there = memory_here() if available is None else available
    if needed > there:
        what = f"{method} with {solver}" if method == "affinity" and solver != "compiled" else method
        ways = _ways_out(method, n, features, solver, there)
        raise InputError(
            f"cluster_method = {what} needs {_gigabytes(needed)} for {n:,} structures,"
            f" this node has {_gigabytes(max(0, there))}: choose {ways}a node with more memory"
        )
    if method == "kmedoids" and available is None:
        for left in _of_address_space(Path("/")):
            if needed + 4 * n * n > left:
                raise InputError(
                    f"cluster_method = kmedoids maps a matrix of {_gigabytes(4 * n * n)} for {n:,} structures, but"
                    f" {_gigabytes(max(0, left))} of address space are left: raise the limit (ulimit -v)"
                )


def _ways_out(method: str, n: int, features: int, solver: str, there: int) -> str:
    """What else would fit, as a part of the message."""
    ways = ""
    compiled = memory_needed(method, n, features)
    if solver != "compiled" and compiled <= there:
        ways += f"the solver compiled ({_gigabytes(compiled)}), "
    others = {other: memory_needed(other, n, features) for other in METHODS if other != method}
    fitting = [f"{other} ({_gigabytes(size)})" for other, size in others.items() if size <= there]
    if fitting:
        ways += f"cluster_method {' or '.join(fitting)}, "
    return f"{ways}or " if ways else ""


def _gigabytes(size: int) -> str:
    value = size / 1e9
    return f"{value:.1f} GB" if value >= 1 else f"{value:.2g} GB"


def _of_the_machine(root: Path) -> int:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_control_groups(root: Path) -> Iterator[int]:
    """What every group leaves, from that of this process to the outermost one."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, files = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # In a container the path is that of the host, and only its own group is seen, at the top.
        group = top / path.strip("/")
        for folder in [group, *group.parents]:
            if folder.is_relative_to(top):
                yield from _of_one_group(folder, *files)


def _of_one_group(folder: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    most, used = _lines(folder / limit), _lines(folder / usage)
    if not most or not used or most[0] == "max":
        return
    # Files that were read count as used, though they make way for anything else.
    cached = [int(line.split()[1]) for line in _lines(folder / "memory.stat") if line.startswith(f"{reclaimable} ")]
    yield int(most[0]) - int(used[0]) + sum(cached)


def _of_address_space(root: Path) -> Iterator[int]:
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    sizes = _lines(root / "proc/self/statm")
    if most != resource.RLIM_INFINITY:
        yield most - (int(sizes[0].split()[0]) * resource.getpagesize() if sizes else 0)


def _lines(path: Path) -> list[str]:
    """Lines of a file, none where it is not there or not ours to read."""
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
