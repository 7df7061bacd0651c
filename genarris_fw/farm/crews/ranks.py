"""Which rank of a parallel launch this process is, as the launchers tell it; no MPI library is needed for that.

And how the ranks of such a launch are dealt out to replicas.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

# (rank, number of ranks): MPICH and its kin, Open MPI, SLURM's srun.
VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)


def rank_and_size(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return this process's rank and the number of ranks; (0, 1) outside a parallel launch."""
    for rank, size in VARIABLES:
        if environment.get(rank, "").isdigit() and environment.get(size, "").isdigit():
            return int(environment[rank]), max(1, int(environment[size]))
    return 0, 1


def ranks_of(replicas: int, size: int) -> list[int]:
    """Return how many ranks each replica gets: the first ones get one more where it does not divide."""
    return [size // replicas + (i < size % replicas) for i in range(replicas)]


def replica_of(rank: int, size: int, replicas: int) -> int:
    """Return the replica that a rank belongs to; the ranks of a replica are contiguous."""
    fewest, more = divmod(size, replicas)
    in_larger = more * (fewest + 1)
    return rank // (fewest + 1) if rank < in_larger else more + (rank - in_larger) // fewest
