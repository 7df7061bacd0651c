"""The measured crystal and those of a pool: clusters of molecules laid upon each other, and powder patterns."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.comparing.cluster_match import ClusterMatch, Tolerances, match_clusters
    from genarris_fw.comparing.experiment import Experiment, read_experiment
    from genarris_fw.comparing.pool import Compared, PoolComparison, compare_pool
    from genarris_fw.comparing.powder import Powder, pattern, patterns, similarities, similarity
    from genarris_fw.comparing.variable_cell import variable_cell_similarity

# Loaded when they are asked for, as those of genarris_fw.lattice.
_FROM = {
    **dict.fromkeys(("ClusterMatch", "Tolerances", "match_clusters"), "cluster_match"),
    **dict.fromkeys(("Experiment", "read_experiment"), "experiment"),
    **dict.fromkeys(("Compared", "PoolComparison", "compare_pool"), "pool"),
    **dict.fromkeys(("Powder", "pattern", "patterns", "similarities", "similarity"), "powder"),
    "variable_cell_similarity": "variable_cell",
}

__all__ = [
    "ClusterMatch",
    "Compared",
    "Experiment",
    "PoolComparison",
    "Powder",
    "Tolerances",
    "compare_pool",
    "match_clusters",
    "pattern",
    "patterns",
    "read_experiment",
    "similarities",
    "similarity",
    "variable_cell_similarity",
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'genarris_fw.comparing' has no attribute '{name}'")
    return getattr(importlib.import_module(f"genarris_fw.comparing.{_FROM[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
