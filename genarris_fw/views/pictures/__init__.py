"""Pictures of pools: histograms, space groups, energies, maps and distances, as matplotlib figures and files."""

from genarris_fw.views.pictures.distances import heat_map, order_by_cluster
from genarris_fw.views.pictures.histograms import histogram, property_histogram
from genarris_fw.views.pictures.landscape import energy_landscape
from genarris_fw.views.pictures.manual import clustering_histograms
from genarris_fw.views.pictures.map import descriptor_map
from genarris_fw.views.pictures.overview import pool_overview
from genarris_fw.views.pictures.pool import Picture, pool_pictures
from genarris_fw.views.pictures.projection import Projection, classical_scaling, principal_components
from genarris_fw.views.pictures.quantities import label_of, values_of
from genarris_fw.views.pictures.saving import FORMATS, save
from genarris_fw.views.pictures.space_groups import space_group_chart

__all__ = [
    "FORMATS",
    "Picture",
    "Projection",
    "classical_scaling",
    "clustering_histograms",
    "descriptor_map",
    "energy_landscape",
    "heat_map",
    "histogram",
    "label_of",
    "order_by_cluster",
    "pool_overview",
    "pool_pictures",
    "principal_components",
    "property_histogram",
    "save",
    "space_group_chart",
    "values_of",
]
