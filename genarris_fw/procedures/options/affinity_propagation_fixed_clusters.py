"""The options of Affinity_Propagation_Fixed_Clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, derived, option
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
from genarris_fw.errors import InputError
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.known import name_energy, require_energies, vectors_of
from genarris_fw.options.sections import Given, marked
from genarris_fw.options.sizes import UNKNOWN, Count

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


class AffinityPropagationFixedClustersOptions(OnStructures, MakesPool):
    """Cluster a pool by affinity propagation into a wanted number of clusters."""

    procedure: ClassVar[str] = "Affinity_Propagation_Fixed_Clusters"
    order: ClassVar[int] = 80
    results: ClassVar[dict[str, str]] = {
        "structures": "{} structures",
        "clusters": "{} clusters",
    }
    no_effect: ClassVar[dict[str, str]] = {
        "structure_suffix": "structures are documents",
        "prop": "histograms are part of the report",
        "prop_*": "histograms are part of the report",
        "spg_bar_*": "histograms are part of the report",
    }

    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of all structures with their clusters",
        again="suffix",
        default_words="the step's name",
        holds="clustered",
    )
    structure_dir: InputFolder | None = pool_option(
        "described", "rcd compared", "rcd", "to describe", "energies", "pressed", "generated", holds="to cluster"
    )
    dist_mat_input_file: InputFile | None = option(
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
    dist_mat_ids_file: InputFile | None = option(
        "For a matrix without a .json of its ids, as the original writes them: a file with the id of each row, one a "
        "line, in their order",
        again="reset",
    )
    preference_range: Preferences | None = option(
        "Lowest and highest preference of the search",
        default_2_0=REQUIRED,
        default_words="begins where a greedy choice of exemplars expects the number wanted",
    )
    output_format: Format = option("Format of the exported structures", "both", changes_results=False)
    cluster_on_energy: Flag = option("Take the structure of lowest energy of each cluster as its exemplar", False)
    energy_name: Key = option(
        "Energy that cluster_on_energy compares",
        "energy",
        category="inferred",
        default_words="from FHI_Aims_Energy_Evaluation, else energy",
    )
    plot_histograms: Flag = option(
        "Plot histograms of volumes and space groups (<step>_histograms.png)", False, changes_results=False
    )
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
        written_if=("cluster_method", "affinity"),
    )
    damping: Real = option("Damping of the message passing", 0.5, ge=0.5, lt=1)
    convergence_iter: Whole = option("Iterations without change after which a fit has converged", 15, ge=1, le=10**9)
    max_iter: Whole = option("Iterations of one fit at most", 1000, ge=1, le=10**9)
    preference: Real | None = option(
        "One fit at this preference, without a search (defaults = 2.0: no effect, the search wins)",
        ge=-LARGEST_PREFERENCE,
        le=LARGEST_PREFERENCE,
        default_words="None",
    )
    property_key: Key = option("Property that holds a structure's cluster", "AP_cluster", again="suffix")
    output_file: OutputFile = option("File of the account of the clustering", "AP_cluster.info", again="suffix")
    exemplars_output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the exemplars",
        default_2_0=REQUIRED,
        again="suffix",
        default_words="none: exemplars are a pool all the same",
        holds="exemplars",
    )
    exemplars_output_format: Format = option("Format of the exported exemplars", "both", changes_results=False)

    vectors_step: str | None = derived("The earlier step that makes the structures' vectors")
    vectors_name: str = derived("Property that holds the vectors", "RDF")
    matrix_step: str | None = derived("The earlier step that makes the distance matrix")
    exemplars_matrix_file: OutputFile = derived("File of the exemplars' part of the matrix", changes_results=False)
    exemplar_key: str = derived("Property that marks exemplars", "AP_exemplar")
    exemplars_pool: str = derived("The pool of the exemplars", "", changes_results=False)

    def exemplars_made(self, before: Count) -> Count:
        """Return the number of clusters that is wanted."""
        from genarris_fw.clustering.result import wanted_clusters

        wanted, loose = self.num_of_clusters, "about" if self.num_of_clusters_tolerance or before.bound else ""
        if wanted < 1 and before.number is None:
            return UNKNOWN
        try:
            return Count(wanted_clusters(wanted, before.number) if before.number else int(wanted), loose)
        except InputError:
            return UNKNOWN

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the matrix of the pool; register the pools of all structures and of the exemplars."""
        options, occurrence = draft.options, draft.step.occurrence
        source = bench.input_pool(draft)
        step, name = vectors_of(bench, source)
        draft.put("vectors_step", step, "default")
        draft.put("vectors_name", name, "default")
        _distance_matrix(bench, draft, source)
        name_energy(bench, draft)
        if options["cluster_on_energy"]:
            require_energies(bench, draft, source, "cluster_on_energy")
        if draft.has("preference") and bench.defaults == "2.0":
            line, section = draft.where("preference")
            bench.remarks.notice(line, "preference has no effect with defaults = 2.0: the search wins", section)
            draft.put("preference", None, "default")
        draft.put("exemplar_key", "AP_exemplar" + (f"_{occurrence}" if occurrence > 1 else ""), "default")
        _clustering_pools(bench, draft, source)


def _distance_matrix(bench: Bench, draft: Draft, source: Pool) -> None:
    """Set matrix_step and dist_mat_input_file: the matrix that covers the structures of the pool."""
    options = draft.options
    draft.put("matrix_step", None, "default")
    given = draft.given.get("dist_mat_input_file")
    if given and given.value is not None:
        step = bench.matrices.get(options["dist_mat_input_file"])
        draft.put("matrix_step", step, given.origin)
        if step is None:
            bench.require_file(draft, "dist_mat_input_file", "a distance matrix, of an earlier step or on disk")
    elif source.matrix:
        origin = f"inferred from step {source.matrix[0]}"
        draft.put("matrix_step", source.matrix[0], origin)
        draft.put("dist_mat_input_file", source.matrix[1], origin)
    elif options["cluster_method"] == "minibatch_kmeans" and (source.vectors or source.energies is None):
        draft.put("dist_mat_input_file", None, "default")  # the vectors are enough
    else:
        name, written = _written_matrix(bench)
        if written is None or source.energies is not None:
            bench.missing_pool(
                draft.line,
                f"no distance matrix of the pool {quoted(source.name)}; expected Run_Rdf_Calc before this "
                "procedure, on the same structures and with its matrix, or dist_mat_input_file",
                draft.section,
            )
        else:
            origin = f"inferred from [{written.section}] {name} (line {written.line})"
            draft.put("dist_mat_input_file", bench.absolute(str(written.value)), origin)
            bench.require_file(draft, name, "the distance matrix of the imported structures", written)
    if draft.has("dist_mat_ids_file"):
        bench.require_file(draft, "dist_mat_ids_file", "a file with one id a line")
    matrix = options["dist_mat_input_file"]
    first = _first_matrix(bench, draft) or matrix or bench.absolute("distance_matrix.dat")
    if not bench.holds(first):  # a matrix from elsewhere
        first = bench.absolute(Path(first).name)
    draft.put("exemplars_matrix_file", marked(first, str(draft.step.occurrence)), "the distance matrix's name")


def _written_matrix(bench: Bench) -> tuple[str, Given | None]:
    """Return the option and value of the section, of a procedure not carried out here, that names a matrix."""
    if not bench.matrices:
        for model in bench.sections.models():
            for name in model.declared():
                written = bench.sections.of(model.procedure).base.get(name)
                if model.info(name).holds == "distances" and written and written.value is not None:
                    return name, written
    return "", None


def _first_matrix(bench: Bench, draft: Draft) -> str | None:
    """Return the matrix that the clustering started from whose exemplars this one starts from."""
    maker = draft.options["matrix_step"]
    for before in bench.drafts:
        if before.step.name == maker and "exemplars_matrix_file" in before.options:
            return _first_matrix(bench, before) or before.options["dist_mat_input_file"]
    return None


def _clustering_pools(bench: Bench, draft: Draft, source: Pool) -> None:
    options, step = draft.options, draft.step.name
    bench.matrices[options["exemplars_matrix_file"]] = step
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)
    if options["exemplars_output_dir"] is None:
        name, origin = f"{step}_exemplars", "default"
    else:
        name, origin = bench.output_pool(draft, "exemplars_output_dir"), draft.origins["exemplars_output_dir"]
    exemplars = source.child(name)
    exemplars.matrix = (step, options["exemplars_matrix_file"])
    draft.put("exemplars_pool", name, origin)
    bench.add_output(draft, "exemplars_output_dir", exemplars)
