"""Descriptors of crystals, the distances between them, and matrix files."""

from genarris_fw.descriptors.amd import amd, amd_of_rows, nearest_distances, pdd
from genarris_fw.descriptors.distances import (
    METRICS,
    Comparison,
    column_norms,
    distance_matrix,
    distance_rows,
    metric_name,
)
from genarris_fw.descriptors.matrix_file import read_matrix, submatrix, write_blocks, write_matrix
from genarris_fw.descriptors.radial_functions import INIT_SCHEMES, RDF_CONVENTIONS, RadialFunctions, radial_functions
from genarris_fw.descriptors.rcd import rcd, rcd_difference, rcd_difference_rows
from genarris_fw.descriptors.rcd_descriptor import RelativeCoordinates
from genarris_fw.descriptors.rdf import pool_elements, rdf

__all__ = [
    "INIT_SCHEMES",
    "METRICS",
    "RDF_CONVENTIONS",
    "Comparison",
    "RadialFunctions",
    "RelativeCoordinates",
    "amd",
    "amd_of_rows",
    "column_norms",
    "distance_matrix",
    "distance_rows",
    "metric_name",
    "nearest_distances",
    "pdd",
    "pool_elements",
    "radial_functions",
    "rcd",
    "rcd_difference",
    "rcd_difference_rows",
    "rdf",
    "read_matrix",
    "submatrix",
    "write_blocks",
    "write_matrix",
]
