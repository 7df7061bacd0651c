"""The options of the procedures that describe structures and compare them: Run_Rdf_Calc and the two of RCD."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Flag,
    Format,
    InputFile,
    InputFolder,
    Key,
    MatrixFile,
    OutputFile,
    OutputFolder,
    Real,
    Said,
    Whole,
    one_of,
    two_numbers,
)
from genarris_fw.options.base import SharedOptions

METRICS = (
    *("braycurtis", "canberra", "chebyshev", "cityblock", "correlation", "cosine", "dice", "euclidean", "hamming"),
    *("jaccard", "jensenshannon", "mahalanobis", "minkowski", "rogerstanimoto", "russellrao", "seuclidean"),
    *("sokalsneath", "sqeuclidean", "yule"),
)

InitScheme = Annotated[
    str, BeforeValidator(one_of("shifted", "centered", "random")), Said("str", "shifted, centered or random")
]
PropertyName = Annotated[str, BeforeValidator(one_of("RDF", "RSF")), Said("str", "RDF or RSF")]
Convention = Annotated[str, BeforeValidator(one_of("mean", "2.0-manual")), Said("str", "mean or 2.0-manual")]
EtaRange = Annotated[
    list[float], BeforeValidator(two_numbers(0, 1000)), Said("list", "two numbers from 0 to 1000, [low, high]")
]
RsRange = Annotated[
    list[float], BeforeValidator(two_numbers(0, 100)), Said("list", "two numbers from 0 to 100, [low, high]")
]
Metric = Annotated[str, BeforeValidator(one_of(*METRICS)), Said("str", "one of " + ", ".join(METRICS))]


class RunRdfCalcOptions(SharedOptions):
    """Compute the radial descriptor of every structure, and all distances between them."""

    procedure: ClassVar[str] = "Run_Rdf_Calc"
    synonyms: ClassVar[tuple[str, ...]] = ("Run_RSF_Calc",)
    no_effect: ClassVar[dict[str, str]] = {
        "device": "the descriptor is computed by a compiled kernel",
        "learn_rep": "no gradients of the descriptor are needed",
        "structure_suffix": "structures are documents",
    }

    structure_dir: InputFolder = option(
        "Pool, or folder of structures, to work on",
        category="inferred",
        again="reset",
        default_words="the output of the previous procedure",
    )
    dist_mat_fpath: MatrixFile = option(
        "File of the distance matrix",
        "rdf_distance_matrix.dat",
        default_2_0="rsf_distance_matrix.dat",
        again="suffix",
    )
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of structures with vectors; no_new_output_dir keeps the input's",
        "no_new_output_dir",
        again="suffix",
    )
    output_format: Format = option("Format of the exported structures", "json")
    normalize_rdf_vectors: Flag = option(
        "Divide every column of the structures' vectors by its norm before the distances are taken",
        False,
        default_2_0=True,
        aliases=("normalize_rsf_vectors",),
    )
    standardize_distance_matrix: Flag = option(
        "Divide the distance matrix by its largest element", False, default_2_0=True
    )
    save_envs: Flag = option("Keep the vector of every atom as well", False)
    cutoff: Real = option("Radius within which neighbours count", 12.0, unit="Å", ge=0.1, le=100)
    n_D_inter: Whole = option("Number of radial functions per pair of elements", 12, ge=1, le=1000)
    init_scheme: InitScheme = option("How the radial functions are placed", "shifted")
    eta_range: EtaRange = option(
        "Range of the functions' eta; used by init_scheme = random only", [0.05, 0.5], unit="1/Å2"
    )
    Rs_range: RsRange = option("Range of the functions' centres", [0.1, 12.0], default_2_0=[1.0, 10.0], unit="Å")
    pdist_distance_type: Metric = option("Metric of the distances", "euclidean")
    rdf_convention: Convention = option(
        "How a structure's vector is made of its atoms': mean over all atoms of the cell, complete neighbours; "
        "2.0-manual as the code of the manual's date did (sums, 11 shifted functions for 12, two cells around)",
        "mean",
    )
    distance_matrix: Flag = option(
        "Compute the matrix of all distances; minibatch_kmeans does without, and a very large pool must", True
    )
    property_name: PropertyName = option("Name of the vector among a structure's properties", "RDF", default_2_0="RSF")


_STRUCTURE_DIR = "Pool, or folder of structures, to work on"


class RCDCalculationOptions(SharedOptions):
    """Compute the relative coordinate descriptor of every structure: how the nearest molecules lie and are turned."""

    procedure: ClassVar[str] = "RCD_Calculation"
    no_effect: ClassVar[dict[str, str]] = {
        "structure_suffix": "structures are documents",
        "structure_format": "structures are documents",
    }

    structure_dir: InputFolder = option(
        _STRUCTURE_DIR, category="inferred", again="reset", default_words="the output of the previous procedure"
    )
    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the structures with their descriptors",
        again="suffix",
        default_words="the step's name",
    )
    output_format: Format = option("Format of the exported structures", "json")
    molecule_path: InputFile = option(
        "Geometry file of the molecule, whose first atoms give the axes", category="inferred"
    )
    close_picks: Whole = option("Number of nearest molecules that are described", 16, ge=1, le=1000)
    property_name: Key = option("Property that holds the descriptor", "rcd")
    output_info_file: OutputFile = option("File of all descriptors as text", "rcd_vectors.info", again="suffix")
    report_file: OutputFile = option("File of the account of the calculation", "RCD_report.out", again="suffix")


class RCDDifferenceFolderInnerOptions(SharedOptions):
    """Compare all structures of a pool by their relative coordinate descriptors."""

    procedure: ClassVar[str] = "RCD_Difference_Folder_Inner"
    no_effect: ClassVar[dict[str, str]] = {"structure_suffix": "structures are documents"}

    structure_dir: InputFolder = option(
        _STRUCTURE_DIR, category="inferred", again="reset", default_words="the output of RCD_Calculation"
    )
    property_name: Key = option(
        "Property that holds the descriptor", category="inferred", default_words="from RCD_Calculation, else rcd"
    )
    diff_matrix_output: MatrixFile = option("File of the distance matrix", "rcd_difference_matrix.dat", again="suffix")
    contribution_ratio: Real = option("Weight of the orientations beside the positions", 1.0, ge=0, le=1e6)
    select_pairs: Whole = option("Number of nearest molecules that are paired", 4, ge=1, le=1000)
    disable_enantiomer: Flag = option("Tell a crystal from its mirror image", False)
