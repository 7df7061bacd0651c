"""The options of Run_Rdf_Calc."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Flag,
    InputFolder,
    MatrixFile,
    OutputFolder,
    Real,
    Said,
    Whole,
    one_of,
    two_numbers,
)
from genarris_fw.options.base import MakesPool, OnStructures, pool_option
from genarris_fw.options.resolving.draft import Bench, Draft

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


class RunRdfCalcOptions(OnStructures, MakesPool):
    """Compute the radial descriptor of every structure, and all distances between them."""

    procedure: ClassVar[str] = "Run_Rdf_Calc"
    order: ClassVar[int] = 50
    synonyms: ClassVar[tuple[str, ...]] = ("Run_RSF_Calc",)
    no_effect: ClassVar[dict[str, str]] = {
        "device": "the descriptor is computed by a compiled kernel",
        "learn_rep": "no gradients of the descriptor are needed",
        "structure_suffix": "structures are documents",
    }

    structure_dir: InputFolder | None = pool_option("energies", "pressed", "generated", holds="to describe")
    dist_mat_fpath: MatrixFile = option(
        "File of the distance matrix",
        "rdf_distance_matrix.dat",
        default_2_0="rsf_distance_matrix.dat",
        again="suffix",
        holds="distances",
        written_if=("distance_matrix", True),
    )
    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of structures with vectors; no_new_output_dir keeps the input's",
        "no_new_output_dir",
        again="suffix",
        holds="described",
        no_path="no_new_output_dir",
    )
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

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """The structures stay in their pool unless a folder for another one is named."""
        source = bench.input_pool(draft)
        if draft.has("eta_range") and draft.options["init_scheme"] != "random":
            line, section = draft.where("eta_range")
            bench.remarks.notice(line, "eta_range has an effect with init_scheme = random only", section)
        matrix = draft.options["dist_mat_fpath"]
        if draft.options["distance_matrix"]:
            bench.matrices[matrix] = draft.step.name
        in_place = not cls.is_path("output_dir", draft.options["output_dir"])
        if in_place:
            # What was imported stays as it is: its structures with their vectors are written beside it.
            imported = draft.options["import_folder"] or draft.options.get("import_pool")
            folder = bench.absolute(draft.step.name) if imported else None
            draft.put("output_dir", folder, draft.origins["output_dir"])
        name = source.name if in_place else bench.output_pool(draft)
        pool = source.child(name)
        pool.matrix = (draft.step.name, matrix) if draft.options["distance_matrix"] else None
        pool.vectors = (draft.step.name, draft.options["property_name"])
        draft.put("output_pool", name or None, draft.origins["input_pool" if in_place else "output_dir"])
        bench.add_output(draft, "output_dir", pool, in_place=True)
