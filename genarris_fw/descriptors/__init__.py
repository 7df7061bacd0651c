"""Descriptors of crystals, the distances between them, and matrix files."""

from genarris_fw.descriptors.distances import METRICS, column_norms, distance_matrix, metric_name
from genarris_fw.descriptors.matrix_file import read_matrix, submatrix, write_matrix
from genarris_fw.descriptors.radial_functions import INIT_SCHEMES, RadialFunctions, radial_functions
from genarris_fw.descriptors.rdf import pool_elements, rdf

__all__ = [
    "INIT_SCHEMES",
    "METRICS",
    "RadialFunctions",
    "column_norms",
    "distance_matrix",
    "metric_name",
    "pool_elements",
    "radial_functions",
    "rdf",
    "read_matrix",
    "submatrix",
    "write_matrix",
]
