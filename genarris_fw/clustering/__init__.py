"""Clustering of pools to a fixed number of clusters."""

from genarris_fw.clustering.affinity import (
    AFFINITY_TYPES,
    affinity_matrix,
    affinity_propagation,
    derived_preference_range,
)
from genarris_fw.clustering.exemplars import choose_by_energy
from genarris_fw.clustering.result import Clustering, wanted_clusters

__all__ = [
    "AFFINITY_TYPES",
    "Clustering",
    "affinity_matrix",
    "affinity_propagation",
    "choose_by_energy",
    "derived_preference_range",
    "wanted_clusters",
]
