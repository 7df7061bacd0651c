"""Clustering of pools to a fixed number of clusters, duplicates, and choices among structures."""

from genarris_fw.clustering.affinity import (
    AFFINITY_TYPES,
    ClusterSearch,
    affinities,
    affinity_matrix,
    affinity_propagation,
)
from genarris_fw.clustering.diversity import most_diverse, most_diverse_of_vectors
from genarris_fw.clustering.duplicates import find_duplicates
from genarris_fw.clustering.exemplars import choose_by_energy
from genarris_fw.clustering.kmeans import minibatch_kmeans
from genarris_fw.clustering.kmedoids import kmedoids
from genarris_fw.clustering.memory import memory_needed, require_memory
from genarris_fw.clustering.propagation import Fit
from genarris_fw.clustering.result import Clustering, wanted_clusters

__all__ = [
    "AFFINITY_TYPES",
    "ClusterSearch",
    "Clustering",
    "Fit",
    "affinities",
    "affinity_matrix",
    "affinity_propagation",
    "choose_by_energy",
    "find_duplicates",
    "kmedoids",
    "memory_needed",
    "minibatch_kmeans",
    "most_diverse",
    "most_diverse_of_vectors",
    "require_memory",
    "wanted_clusters",
]
