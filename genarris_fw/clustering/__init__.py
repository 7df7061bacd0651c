"""Clustering of pools to a fixed number of clusters."""

from genarris_fw.clustering.affinity import (
    AFFINITY_TYPES,
    Clustering,
    affinity_matrix,
    affinity_propagation,
    choose_by_energy,
    derived_preference_range,
    wanted_clusters,
)

__all__ = [
    "AFFINITY_TYPES",
    "Clustering",
    "affinity_matrix",
    "affinity_propagation",
    "choose_by_energy",
    "derived_preference_range",
    "wanted_clusters",
]
