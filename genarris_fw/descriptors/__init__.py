"""Descriptors of crystals, the distances between them, and matrix files."""

from genarris_fw.descriptors.amd import amd, amd_of_rows, nearest_distances, pdd
from genarris_fw.descriptors.distances import METRICS, column_norms, distance_matrix, metric_name
from genarris_fw.descriptors.matrix_file import read_matrix, submatrix, write_matrix
from genarris_fw.descriptors.radial_functions import INIT_SCHEMES, RadialFunctions, radial_functions
from genarris_fw.descriptors.rdf import pool_elements, rdf

__all__ = [
    "INIT_SCHEMES",
    "METRICS",
    "RadialFunctions",
    "amd",
    "amd_of_rows",
    "column_norms",
    "distance_matrix",
    "metric_name",
    "nearest_distances",
    "pdd",
    "pool_elements",
    "radial_functions",
    "rdf",
    "read_matrix",
    "submatrix",
    "write_matrix",
]
