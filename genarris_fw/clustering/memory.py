"""How much memory clustering a pool takes: asked before anything is allocated."""

from __future__ import annotations

from genarris_fw.errors import InputError
from genarris_fw.memory import address_space_left, gigabytes, memory_here

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
            f"cluster_method = {what} needs {gigabytes(needed)} for {n:,} structures,"
            f" this node has {gigabytes(max(0, there))}: choose {ways}a node with more memory"
        )
    if method == "kmedoids" and available is None:
        left = address_space_left()
        if left is not None and needed + 4 * n * n > left:
            raise InputError(
                f"cluster_method = kmedoids maps a matrix of {gigabytes(4 * n * n)} for {n:,} structures, but"
                f" {gigabytes(max(0, left))} of address space are left: raise the limit (ulimit -v)"
            )


def _ways_out(method: str, n: int, features: int, solver: str, there: int) -> str:
    """What else would fit, as a part of the message."""
    ways = ""
    compiled = memory_needed(method, n, features)
    if solver != "compiled" and compiled <= there:
        ways += f"the solver compiled ({gigabytes(compiled)}), "
    others = {other: memory_needed(other, n, features) for other in METHODS if other != method}
    fitting = [f"{other} ({gigabytes(size)})" for other, size in others.items() if size <= there]
    if fitting:
        ways += f"cluster_method {' or '.join(fitting)}, "
    return f"{ways}or " if ways else ""
