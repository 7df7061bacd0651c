"""The options of Affinity_Propagation_Fixed_Clusters."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import (
    AffinityType,
    CountOrFraction,
    Flag,
    Format,
    InputFile,
    InputFolder,
    Key,
    OutputFile,
    OutputFolder,
    Real,
    Said,
    Whole,
    one_of,
    two_numbers,
)
from genarris_fw.options.base import SharedOptions

ClusterMethod = Annotated[
    str,
    BeforeValidator(one_of("affinity", "kmedoids", "minibatch_kmeans")),
    Said("str", "affinity, kmedoids or minibatch_kmeans"),
]
LARGEST_PREFERENCE = 10**15
Preferences = Annotated[
    list[float],
    BeforeValidator(two_numbers(-LARGEST_PREFERENCE, LARGEST_PREFERENCE)),
    Said("list", f"two numbers from -{LARGEST_PREFERENCE} to {LARGEST_PREFERENCE}, [low, high]"),
]
Solver = Annotated[str, BeforeValidator(one_of("compiled", "scikit-learn")), Said("str", "compiled or scikit-learn")]


class AffinityPropagationFixedClustersOptions(SharedOptions):
    """Cluster a pool by affinity propagation into a wanted number of clusters."""

    procedure: ClassVar[str] = "Affinity_Propagation_Fixed_Clusters"
    no_effect: ClassVar[dict[str, str]] = {
        "structure_suffix": "structures are documents",
        "prop": "histograms are part of the report",
        "prop_*": "histograms are part of the report",
        "spg_bar_*": "histograms are part of the report",
    }

    output_dir: OutputFolder = option(
        "Folder, and name of the pool, of all structures with their clusters",
        again="suffix",
        default_words="the step's name",
    )
    structure_dir: InputFolder = option(
        "Pool, or folder of structures, to work on",
        category="inferred",
        again="reset",
        default_words="the output of the previous procedure",
    )
    dist_mat_input_file: InputFile = option(
        "Distance matrix of the structures",
        category="inferred",
        again="reset",
        default_words="the matrix of Run_Rdf_Calc, for exemplars the part that their clustering wrote",
    )
    cluster_method: ClusterMethod = option(
        "How structures are clustered; beyond some 10^4 structures kmedoids needs far less memory, and "
        "minibatch_kmeans, on the structures' vectors, no matrix either",
        "affinity",
    )
    solver: Solver = option("Which program does affinity propagation: ours, or scikit-learn's", "compiled")
    dist_mat_ids_file: InputFile = option(
        "For a matrix without a .json of its ids, as the original writes them: a file with the id of each row, one a "
        "line, in their order",
        again="reset",
    )
    preference_range: Preferences = option(
        "Lowest and highest preference of the search",
        default_2_0=REQUIRED,
        default_words="begins where a greedy choice of exemplars expects the number wanted",
    )
    output_format: Format = option("Format of the exported structures", "both")
    cluster_on_energy: Flag = option("Take the structure of lowest energy of each cluster as its exemplar", False)
    energy_name: Key = option(
        "Energy that cluster_on_energy compares",
        category="inferred",
        default_words="from FHI_Aims_Energy_Evaluation, else energy",
    )
    plot_histograms: Flag = option("Plot histograms of volumes and space groups (<step>_histograms.png)", False)
    num_of_clusters: CountOrFraction = option(
        "Number of clusters, or the fraction of the structures that this is", 0.1, again="reset"
    )
    num_of_clusters_tolerance: Whole = option("Accepted deviation from num_of_clusters", 0, ge=0, le=10**9)
    max_sampled_preferences: Whole = option("Number of preferences to try at most", 100, ge=1, le=10**6)
    output_without_success: Flag = option("Accept the nearest number of clusters when the search fails", False)
    affinity_type: AffinityType = option(
        "Similarity S from distance D: multiplicative -a D, power -D^a, exponential -exp(a D)",
        ["multiplicative", 1000.0],
    )
    affinity_matrix_path: OutputFile = option(
        "File to which the similarities are written (a second clustering adds a 1)",
        "affinity_matrix.dat",
        again="number",
    )
    damping: Real = option("Damping of the message passing", 0.5, ge=0.5, lt=1)
    convergence_iter: Whole = option("Iterations without change after which a fit has converged", 15, ge=1, le=10**9)
    max_iter: Whole = option("Iterations of one fit at most", 1000, ge=1, le=10**9)
    preference: Real = option(
        "One fit at this preference, without a search (defaults = 2.0: no effect, the search wins)",
        ge=-LARGEST_PREFERENCE,
        le=LARGEST_PREFERENCE,
        default_words="None",
    )
    property_key: Key = option("Property that holds a structure's cluster", "AP_cluster", again="suffix")
    output_file: OutputFile = option("File of the account of the clustering", "AP_cluster.info", again="suffix")
    exemplars_output_dir: OutputFolder = option(
        "Folder, and name of the pool, of the exemplars",
        default_2_0=REQUIRED,
        again="suffix",
        default_words="none: exemplars are a pool all the same",
    )
    exemplars_output_format: Format = option("Format of the exported exemplars", "both")
