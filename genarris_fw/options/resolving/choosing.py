"""What the options of the procedures become that cluster structures and choose among them."""

from __future__ import annotations

from pathlib import Path

from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.sections import Given, marked

# Options that name the distance matrix of a procedure.
_MATRICES = {"dist_mat_fpath": "Run_Rdf_Calc", "diff_matrix_output": "RCD_Difference_Folder_Inner"}
SELECTIONS = ("energy_window", "best_per_cluster", "best_per_space_group", "most_diverse")
_ENERGIES = ["FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]
_STRUCTURES = [
    ("Run_FHI_Aims_Batch", "output_dir"),
    ("FHI_Aims_Energy_Evaluation", "output_dir"),
    ("Affinity_Propagation_Fixed_Clusters", "output_dir"),
    ("Rigid_Press", "output_dir"),
    ("Pygenarris_Structure_Generation", "output_dir"),
]


def affinity_propagation_fixed_clusters(bench: Bench, draft: Draft) -> None:
    """Resolve Affinity_Propagation_Fixed_Clusters."""
    options = draft.options
    source = bench.input_pool(
        draft,
        exemplars=False,
        fallback=[
            ("Run_Rdf_Calc", "output_dir"),
            ("RCD_Difference_Folder_Inner", "structure_dir"),
            ("RCD_Calculation", "output_dir"),
            ("Run_Rdf_Calc", "structure_dir"),
            ("FHI_Aims_Energy_Evaluation", "output_dir"),
            ("Rigid_Press", "output_dir"),
            ("Pygenarris_Structure_Generation", "output_dir"),
        ],
    )
    vectors = source.vectors or (None, "RDF" if bench.defaults == "manual" else "RSF")
    draft.put("vectors_step", vectors[0], "default")
    draft.put("vectors_name", vectors[1], "default")
    _distance_matrix(bench, draft, source)
    _energy_name(bench, draft, _ENERGIES[:1])
    if options["cluster_on_energy"]:
        _require_energies(bench, draft, source, "cluster_on_energy")
    if draft.has("preference") and bench.defaults == "2.0":
        line, section = draft.where("preference")
        bench.remarks.notice(line, "preference has no effect with defaults = 2.0: the search wins", section)
        draft.put("preference", None, "default")
    occurrence = draft.step.occurrence
    draft.put("exemplar_key", "AP_exemplar" + (f"_{occurrence}" if occurrence > 1 else ""), "default")
    _clustering_pools(bench, draft, source)


def _energy_name(bench: Bench, draft: Draft, procedures: list[str]) -> None:
    energy = bench.inherit(draft, "energy_name", procedures)
    if energy is None:
        draft.put("energy_name", "energy", "default")
    elif not draft.has("energy_name"):
        draft.put("energy_name", energy.value, f"inferred from [{energy.section}] energy_name (line {energy.line})")


def _require_energies(bench: Bench, draft: Draft, source: Pool, option: str) -> None:
    """Note a problem where an option compares energies that no structure of the pool can have."""
    name = draft.options["energy_name"]
    if source.energies is not None and name not in source.energies:
        line, section = draft.where(option)
        bench.missing_pool(
            line,
            f"{option}: no earlier procedure computes {quoted(name)} for the pool {quoted(source.name)}; "
            "expected FHI_Aims_Energy_Evaluation before it",
            section,
        )


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
        option, written = _written_matrix(bench)
        if written is None or source.energies is not None:
            bench.missing_pool(
                draft.line,
                f"no distance matrix of the pool {quoted(source.name)}; expected Run_Rdf_Calc before this "
                "procedure, on the same structures and with its matrix, or dist_mat_input_file",
                draft.section,
            )
        else:
            origin = f"inferred from [{written.section}] {option} (line {written.line})"
            draft.put("dist_mat_input_file", bench.absolute(str(written.value)), origin)
            bench.require_file(draft, option, "the distance matrix of the imported structures", written)
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
        for option, procedure in _MATRICES.items():
            written = bench.sections.of(procedure).base.get(option)
            if written and written.value is not None:
                return option, written
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


def select_structures(bench: Bench, draft: Draft) -> None:
    """Resolve Select_Structures."""
    options = draft.options
    source = bench.input_pool(draft, exemplars=False, fallback=_STRUCTURES)
    _energy_name(bench, draft, _ENERGIES)
    for option in ("energy_window", "best_per_cluster", "best_per_space_group"):
        if options[option] is not None:
            _require_energies(bench, draft, source, option)
    if all(options[option] is None for option in SELECTIONS):
        bench.remarks.problem(
            draft.line, f"nothing to select by; expected one or more of {', '.join(SELECTIONS)}", draft.section
        )
    draft.put("matrix_step", source.matrix[0] if source.matrix else None, "default")
    vectors = source.vectors or (None, "RDF" if bench.defaults == "manual" else "RSF")
    draft.put("vectors_name", vectors[1], "default")
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def remove_duplicates(bench: Bench, draft: Draft) -> None:
    """Resolve Remove_Duplicates."""
    source = bench.input_pool(draft, exemplars=False, fallback=_STRUCTURES)
    _energy_name(bench, draft, _ENERGIES)
    if draft.options["method"] == "structure_matcher" and not draft.options["mirror_images"]:
        line, section = draft.where("mirror_images")
        bench.remarks.problem(line, "structure_matcher cannot tell mirror images apart; use method = rmsd", section)
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)
