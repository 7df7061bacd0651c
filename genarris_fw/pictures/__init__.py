"""Figures of arrays and structures: histograms, space groups, energies, maps, distances, curves. No database."""

from genarris_fw.pictures.distances import heat_map, order_by_cluster
from genarris_fw.pictures.grouped_landscape import grouped_landscape
from genarris_fw.pictures.histograms import histogram, property_histogram
from genarris_fw.pictures.landscape import energy_landscape
from genarris_fw.pictures.manual import clustering_histograms
from genarris_fw.pictures.map import descriptor_map
from genarris_fw.pictures.of_pools import PoolData, PoolPicture
from genarris_fw.pictures.overview import pool_overview
from genarris_fw.pictures.projection import Projection, classical_scaling, principal_components
from genarris_fw.pictures.quantities import label_of, values_of
from genarris_fw.pictures.saving import FORMATS, save
from genarris_fw.pictures.space_groups import space_group_chart

__all__ = [
    "FORMATS",
    "PoolData",
    "PoolPicture",
    "Projection",
    "classical_scaling",
    "clustering_histograms",
    "descriptor_map",
    "energy_landscape",
    "grouped_landscape",
    "heat_map",
    "histogram",
    "label_of",
    "order_by_cluster",
    "pool_overview",
    "principal_components",
    "property_histogram",
    "save",
    "space_group_chart",
    "values_of",
]
