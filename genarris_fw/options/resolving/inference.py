"""What each procedure's options become: the manual's inference, decided from the configuration alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genarris_fw.options.resolving.choosing import (
    affinity_propagation_fixed_clusters,
    remove_duplicates,
    select_structures,
)
from genarris_fw.options.resolving.comparing import rcd_calculation, rcd_difference_folder_inner, run_rdf_calc
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.engine_choice import choose_engine
from genarris_fw.options.resolving.molecule_choice import choose_molecule
from genarris_fw.options.resolving.references import (
    compare_engines,
    lapw_convergence,
    lapw_equation_of_state,
    run_lapw_batch,
)

_Z_ORDER = ["Pygenarris_Structure_Generation", "Estimate_Unit_Cell_Volume"]
PACKED_PER_GROUP = 10**6  # in the mode packing a draw is some ten arrangements
DRAWS_PER_GROUP = 10**9


def _molecules_per_cell(bench: Bench, draft: Draft, required: bool = True) -> None:
    given = bench.inherit(draft, "Z", _Z_ORDER)
    if given is None:
        if required:
            bench.missing(draft, "Z", ", molecules per cell, in any section")
        return
    if not draft.has("Z"):
        draft.put("Z", given.value, f"inferred from [{given.section}] Z (line {given.line})")


def _relax_single_molecule(bench: Bench, draft: Draft) -> None:
    choose_molecule(bench, draft, own_relaxation=True)
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
    choose_molecule(bench, draft)
    _molecules_per_cell(bench, draft)
    mean, std = draft.options["volume_mean"], draft.options["volume_std"]
    if mean is not None and std is None:
        relative = 3 * draft.options["std_of_predicted_errors"]
        draft.put("volume_std", relative * mean, "3 x std_of_predicted_errors x volume_mean")


def _pygenarris_structure_generation(bench: Bench, draft: Draft) -> None:
    choose_molecule(bench, draft)
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


_ENGINE_FALLBACK = [
    ("Select_Structures", "output_dir"),
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
    "Run_Rdf_Calc": run_rdf_calc,
    "RCD_Calculation": rcd_calculation,
    "RCD_Difference_Folder_Inner": rcd_difference_folder_inner,
    "Affinity_Propagation_Fixed_Clusters": affinity_propagation_fixed_clusters,
    "Remove_Duplicates": remove_duplicates,
    "Select_Structures": select_structures,
    "FHI_Aims_Energy_Evaluation": _fhi_aims_energy_evaluation,
    "Run_FHI_Aims_Batch": _run_fhi_aims_batch,
    "Run_LAPW_Batch": run_lapw_batch,
    "LAPW_Equation_Of_State": lapw_equation_of_state,
    "LAPW_Convergence": lapw_convergence,
    "Compare_Engines": compare_engines,
}
