"""What each procedure's options become: the manual's inference, decided from the configuration alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genarris_fw.options.draft import Bench, Draft, Pool
from genarris_fw.options.engine_choice import choose_engine
from genarris_fw.options.problems import quoted
from genarris_fw.options.sections import keeps_the_input, marked

_MOLECULE_ORDER = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Relax_Single_Molecule"]
_Z_ORDER = ["Pygenarris_Structure_Generation", "Estimate_Unit_Cell_Volume"]
PACKED_PER_GROUP = 10**6  # in the mode packing a draw is some ten arrangements
DRAWS_PER_GROUP = 10**9


def _molecule(bench: Bench, draft: Draft, own_relaxation: bool = False) -> None:
    """Set molecule_path, and molecule_step where an earlier step relaxes the molecule."""
    relaxation = None if own_relaxation or draft.has("molecule_path") else bench.earlier("Relax_Single_Molecule")
    if not own_relaxation:
        draft.put("molecule_step", relaxation.step.name if relaxation else None, "default")
    if relaxation:
        origin = f"the relaxed molecule of step {relaxation.step.name}"
        draft.put("molecule_path", relaxation.options.get("molecule_path"), origin)
        draft.origins["molecule_step"] = origin
        return
    before = None if own_relaxation else bench.earlier("Relax_Single_Molecule")
    if before:
        line, section = draft.where("molecule_path")
        bench.remarks.notice(
            line, f"molecule_path is given, so that the relaxed molecule of {before.step.name} is not used", section
        )
    given = bench.inherit(draft, "molecule_path", _MOLECULE_ORDER)
    if given is None:
        bench.missing(draft, "molecule_path", " of the molecule")
        return
    bench.require_file(draft, "molecule_path", "the geometry file of the molecule", given)
    if not draft.has("molecule_path"):
        origin = f"inferred from [{given.section}] molecule_path (line {given.line})"
        draft.put("molecule_path", bench.absolute(str(given.value)), origin)
        if given in bench.sections.of("Relax_Single_Molecule").base.values() and not own_relaxation:
            bench.remarks.notice(
                given.line,
                "Relax_Single_Molecule is not among the procedures: the molecule is used as it is",
                given.section,
            )


def _molecules_per_cell(bench: Bench, draft: Draft, required: bool = True) -> None:
    given = bench.inherit(draft, "Z", _Z_ORDER)
    if given is None:
        if required:
            bench.missing(draft, "Z", ", molecules per cell, in any section")
        return
    if not draft.has("Z"):
        draft.put("Z", given.value, f"inferred from [{given.section}] Z (line {given.line})")


def _relax_single_molecule(bench: Bench, draft: Draft) -> None:
    _molecule(bench, draft, own_relaxation=True)
    _molecules_per_cell(bench, draft, required=False)
    choose_engine(bench, draft)
    _engine_outputs(bench, draft)
    pool = Pool(bench.output_pool(draft), energies={draft.options["energy_name"]})
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _engine_outputs(bench: Bench, draft: Draft) -> None:
    if draft.options["aims_output_dir"] is None:
        draft.put("aims_output_dir", bench.absolute(f"aims_{draft.step.name}"), "default")


def _estimate_unit_cell_volume(bench: Bench, draft: Draft) -> None:
    _molecule(bench, draft)
    _molecules_per_cell(bench, draft)
    mean, std = draft.options["volume_mean"], draft.options["volume_std"]
    if mean is not None and std is None:
        relative = 3 * draft.options["std_of_predicted_errors"]
        draft.put("volume_std", relative * mean, "3 x std_of_predicted_errors x volume_mean")


def _pygenarris_structure_generation(bench: Bench, draft: Draft) -> None:
    _molecule(bench, draft)
    _molecules_per_cell(bench, draft)
    _volume(bench, draft)
    _numbers_per_group(bench, draft)
    pool = Pool(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _volume(bench: Bench, draft: Draft) -> None:
    estimate = bench.earlier("Estimate_Unit_Cell_Volume")
    draft.put("volume_step", None, "default")
    section = bench.sections.of("Estimate_Unit_Cell_Volume").base
    if estimate is None:
        for option in ("volume_mean", "volume_std"):
            given = section.get(option)
            if not draft.has(option) and given and given.value is not None:
                draft.put(option, given.value, f"inferred from [{given.section}] {option} (line {given.line})")
    elif draft.options["volume_mean"] is None:
        draft.put("volume_step", estimate.step.name, "an earlier step")
        for option in ("volume_mean", "volume_std"):
            if not draft.has(option):
                draft.origins[option] = f"from step {estimate.step.name}"
        return
    elif draft.options["volume_std"] is None and estimate.options["volume_std"] is not None:
        draft.put("volume_std", estimate.options["volume_std"], f"from step {estimate.step.name}")
    mean = draft.options["volume_mean"]
    if mean is None:
        bench.remarks.notice(
            draft.line,
            "no volume_mean and no Estimate_Unit_Cell_Volume before: the cell volume will be estimated from "
            "the molecule",
            draft.section,
        )
        draft.origins["volume_mean"] = "estimated when the procedure starts"
    elif draft.options["volume_std"] is None:
        error = section.get("std_of_predicted_errors")
        relative = 3 * (error.value if error and error.value is not None else 0.025)
        draft.put("volume_std", relative * mean, f"{relative:g} x volume_mean")


def _numbers_per_group(bench: Bench, draft: Draft) -> None:
    """Turn the manual's numbers per rank into numbers per space group; `ranks` counts cores as ranks."""
    options = draft.options
    per_rank = options["max_attempts_per_spg_per_rank"]
    cores = options["num_cores"] or 1
    if draft.has("max_attempts_per_spg") and draft.has("max_attempts_per_spg_per_rank"):
        line, section = draft.where("max_attempts_per_spg_per_rank")
        bench.remarks.problem(
            line,
            "max_attempts_per_spg and max_attempts_per_spg_per_rank exclude each other; expected one",
            section,
        )
    if options["max_attempts_per_spg"] is not None:
        draft.put("max_attempts", options["max_attempts_per_spg"], draft.origins["max_attempts_per_spg"])
    elif per_rank is not None:
        draft.put("max_attempts", per_rank * cores, f"max_attempts_per_spg_per_rank x {cores}")
    else:
        draft.put("max_attempts", DRAWS_PER_GROUP, "default")
    draft.options["max_attempts"] = min(draft.options["max_attempts"], 2**63 - 1)
    packed = PACKED_PER_GROUP if draft.origins["max_attempts"] == "default" else draft.options["max_attempts"]
    draft.put("max_packed_attempts", packed, draft.origins["max_attempts"])
    per_group = options["num_structures_per_allowed_SG_per_rank"]
    if per_group is not None:
        draft.put("structures_per_group", per_group * cores, f"num_structures_per_allowed_SG_per_rank x {cores}")
    elif options["num_structures"] is None:
        draft.put("structures_per_group", 1, "default")
    else:
        draft.put("structures_per_group", None, "num_structures shared by the compatible space groups")
    ranks = cores if bench.defaults == "manual" else 1
    draft.put("ranks", ranks, "num_cores" if ranks > 1 else "default")
    if options["truncate_to_num_structures"] and options["num_structures"] is None:
        line, section = draft.where("truncate_to_num_structures")
        bench.remarks.problem(line, "truncate_to_num_structures needs num_structures", section)
    if options["num_cores"] is None:
        for option in ("max_attempts_per_spg_per_rank", "num_structures_per_allowed_SG_per_rank"):
            if draft.has(option):
                line, section = draft.where(option)
                bench.remarks.notice(line, f"{option} is counted once, since num_cores is not given", section)
    draft.drop("max_attempts_per_spg", "max_attempts_per_spg_per_rank", "num_structures_per_allowed_SG_per_rank")


def _rigid_press(bench: Bench, draft: Draft) -> None:
    bench.input_pool(draft, exemplars=False, fallback=[("Pygenarris_Structure_Generation", "output_dir")])
    for option, default in (("contact_rules", "2.0"), ("custom_radii", None), ("custom_radii_by_pairs", None)):
        given = bench.inherit(draft, option, ["Pygenarris_Structure_Generation"])
        if given is None:
            draft.put(option, default, "default")
        elif not draft.has(option):
            draft.put(option, given.value, f"inferred from [{given.section}] {option} (line {given.line})")
    # Energies and distances belong to the structures as they were: the pressed ones have none.
    pool = Pool(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _run_rdf_calc(bench: Bench, draft: Draft) -> None:
    source = bench.input_pool(
        draft,
        exemplars=False,
        fallback=[
            ("FHI_Aims_Energy_Evaluation", "output_dir"),
            ("Rigid_Press", "output_dir"),
            ("Pygenarris_Structure_Generation", "output_dir"),
        ],
    )
    if draft.has("eta_range") and draft.options["init_scheme"] != "random":
        line, section = draft.where("eta_range")
        bench.remarks.notice(line, "eta_range has an effect with init_scheme = random only", section)
    matrix = draft.options["dist_mat_fpath"]
    _own_file(bench, draft, "dist_mat_fpath")
    bench.matrices[matrix] = draft.step.name
    in_place = keeps_the_input(draft.model, draft.options["output_dir"])
    if in_place:
        draft.put("output_dir", None, draft.origins["output_dir"])
    name = source.name if in_place else bench.output_pool(draft)
    pool = source.child(name)
    pool.matrix = (draft.step.name, matrix)
    draft.put("output_pool", name or None, draft.origins["input_pool" if in_place else "output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)


def _own_file(bench: Bench, draft: Draft, option: str) -> None:
    path = draft.options[option]
    maker = bench.matrices.get(path)
    if maker:
        line, section = draft.where(option)
        bench.remarks.problem(line, f"{option}: step {maker} writes this file too; expected another file", section)


def _affinity_propagation_fixed_clusters(bench: Bench, draft: Draft) -> None:
    options = draft.options
    source = bench.input_pool(
        draft,
        exemplars=False,
        fallback=[
            ("Run_Rdf_Calc", "output_dir"),
            ("Run_Rdf_Calc", "structure_dir"),
            ("FHI_Aims_Energy_Evaluation", "output_dir"),
            ("Rigid_Press", "output_dir"),
            ("Pygenarris_Structure_Generation", "output_dir"),
        ],
    )
    _distance_matrix(bench, draft, source)
    energy = bench.inherit(draft, "energy_name", ["FHI_Aims_Energy_Evaluation"])
    if energy is None:
        draft.put("energy_name", "energy", "default")
    elif not draft.has("energy_name"):
        draft.put("energy_name", energy.value, f"inferred from [{energy.section}] energy_name (line {energy.line})")
    if options["cluster_on_energy"] and source.energies is not None and options["energy_name"] not in source.energies:
        line, section = draft.where("cluster_on_energy")
        bench.missing_pool(
            line,
            f"cluster_on_energy: no earlier procedure computes {quoted(options['energy_name'])} for the pool "
            f"{quoted(source.name)}; expected FHI_Aims_Energy_Evaluation before it",
            section,
        )
    if draft.has("preference") and bench.defaults == "2.0":
        line, section = draft.where("preference")
        bench.remarks.notice(line, "preference has no effect with defaults = 2.0: the search wins", section)
        draft.put("preference", None, "default")
    occurrence = draft.step.occurrence
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
    else:
        written = bench.sections.find("dist_mat_fpath", ["Run_Rdf_Calc"]) if not bench.matrices else None
        if written is None or source.energies is not None:
            bench.missing_pool(
                draft.line,
                f"no distance matrix of the pool {quoted(source.name)}; expected Run_Rdf_Calc before this "
                "procedure, on the same structures, or dist_mat_input_file",
                draft.section,
            )
        else:
            origin = f"inferred from [{written.section}] dist_mat_fpath (line {written.line})"
            draft.put("dist_mat_input_file", bench.absolute(str(written.value)), origin)
            bench.require_file(draft, "dist_mat_fpath", "the distance matrix of the imported structures", written)
    matrix = options["dist_mat_input_file"]
    first = _first_matrix(bench, draft) or matrix or bench.absolute("distance_matrix.dat")
    draft.put("exemplars_matrix_file", marked(first, str(draft.step.occurrence)), "the distance matrix's name")


def _first_matrix(bench: Bench, draft: Draft) -> str | None:
    """Return the matrix that the clustering started from whose exemplars this one starts from."""
    maker = draft.options["matrix_step"]
    for before in bench.drafts:
        if before.step.name == maker and "exemplars_matrix_file" in before.options:
            return _first_matrix(bench, before) or before.options["dist_mat_input_file"]
    return None


def _clustering_pools(bench: Bench, draft: Draft, source: Pool) -> None:
    options, step = draft.options, draft.step.name
    _own_file(bench, draft, "exemplars_matrix_file")
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


_ENGINE_FALLBACK = [
    ("Affinity_Propagation_Fixed_Clusters", "exemplars_output_dir_2"),
    ("Affinity_Propagation_Fixed_Clusters", "exemplars_output_dir"),
    ("Rigid_Press", "output_dir"),
    ("Pygenarris_Structure_Generation", "output_dir"),
    ("Affinity_Propagation_Fixed_Clusters", "structure_dir"),
]


def _fhi_aims_energy_evaluation(bench: Bench, draft: Draft) -> None:
    source = _engine_on_pool(bench, draft)
    pool = source.child(bench.output_pool(draft))
    if pool.energies is not None:
        pool.energies.add(draft.options["energy_name"])
    draft.put("relax", False, "the procedure")
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)


def _run_fhi_aims_batch(bench: Bench, draft: Draft) -> None:
    _engine_on_pool(bench, draft)
    pool = Pool(bench.output_pool(draft), energies={draft.options["energy_name"]})
    draft.put("relax", True, "the procedure")
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _engine_on_pool(bench: Bench, draft: Draft) -> Pool:
    source = bench.input_pool(draft, exemplars=True, fallback=_ENGINE_FALLBACK)
    _molecules_per_cell(bench, draft)
    choose_engine(bench, draft)
    _engine_outputs(bench, draft)
    draft.drop("molecule_path")
    return source


RESOLVE: dict[str, Callable[[Bench, Draft], Any]] = {
    "Relax_Single_Molecule": _relax_single_molecule,
    "Estimate_Unit_Cell_Volume": _estimate_unit_cell_volume,
    "Pygenarris_Structure_Generation": _pygenarris_structure_generation,
    "Rigid_Press": _rigid_press,
    "Run_Rdf_Calc": _run_rdf_calc,
    "Affinity_Propagation_Fixed_Clusters": _affinity_propagation_fixed_clusters,
    "FHI_Aims_Energy_Evaluation": _fhi_aims_energy_evaluation,
    "Run_FHI_Aims_Batch": _run_fhi_aims_batch,
}
