"""How much memory this process may still use: asked before anything large is allocated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


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


def address_space_left() -> int | None:
    """Return how many bytes the limit of address space (``ulimit -v``) leaves; None where there is no limit."""
    return next(_of_address_space(Path("/")), None)


def gigabytes(size: int) -> str:
    """Write a number of bytes for a person."""
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
