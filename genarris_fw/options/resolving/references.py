"""What the options of the procedures become that compute references and compare engines."""

from __future__ import annotations

import numpy as np

from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.engine_choice import choose_engine

# Where a reference is computed of structures that no step of this run makes.
_STRUCTURES = [
    ("Run_FHI_Aims_Batch", "output_dir"),
    ("FHI_Aims_Energy_Evaluation", "output_dir"),
    ("Select_Structures", "output_dir"),
    ("Affinity_Propagation_Fixed_Clusters", "exemplars_output_dir"),
    ("Rigid_Press", "output_dir"),
    ("Pygenarris_Structure_Generation", "output_dir"),
]
_WITH_ENERGIES = [("Run_LAPW_Batch", "output_dir"), *_STRUCTURES]
_ENERGIES = ["energy", "lapw_energy"]


def run_lapw_batch(bench: Bench, draft: Draft) -> None:
    """Resolve Run_LAPW_Batch."""
    source = _engine_on_structures(bench, draft)
    given = bench.inherit(draft, "Z", ["Pygenarris_Structure_Generation", "Estimate_Unit_Cell_Volume"])
    if given is not None and not draft.has("Z"):
        draft.put("Z", given.value, f"inferred from [{given.section}] Z (line {given.line})")
    draft.drop("molecule_path")
    pool = _same_structures(bench, draft, source)
    if pool.energies is not None:
        pool.energies.add(draft.options["energy_name"])


def lapw_equation_of_state(bench: Bench, draft: Draft) -> None:
    """Resolve LAPW_Equation_Of_State."""
    source = _engine_on_structures(bench, draft)
    if draft.options["volume_scales"] is None:
        low, high = draft.options["eos_range"]
        if low == high:
            line, section = draft.where("eos_range")
            bench.remarks.problem(
                line, f"eos_range = [{low}, {high}]: expected two different numbers from 0.5 to 2", section
            )
        scales = np.linspace(low, high, draft.options["eos_points"])
        draft.put("volume_scales", [round(float(scale), 8) for scale in scales], "from eos_range and eos_points")
    else:
        for option in ("eos_range", "eos_points"):
            if draft.has(option):
                line, section = draft.where(option)
                bench.remarks.notice(line, f"{option} has no effect, since volume_scales are given", section)
    draft.drop("eos_range", "eos_points")
    _same_structures(bench, draft, source)


def lapw_convergence(bench: Bench, draft: Draft) -> None:
    """Resolve LAPW_Convergence: it makes no pool."""
    _engine_on_structures(bench, draft)
    _refuse_without_cutoff(bench, draft)
    if draft.options["k_grids"] is not None and draft.has("k_spacings"):
        line, section = draft.where("k_spacings")
        bench.remarks.notice(line, "k_spacings has no effect, since k_grids are given", section)
    for option, instead in (("rkmax", "rkmax_values"), ("k_grid", "k_grids"), ("k_spacing", "k_spacings")):
        draft.options["engine_settings"].pop(option, None)
        given = draft.given.get(option)
        if given is not None and given.value is not None:
            bench.remarks.notice(given.line, f"{option} has no effect here, {instead} has", given.section)
    bench.output_pool(draft)  # a folder that nothing else writes; the structures stay in their pool


def _refuse_without_cutoff(bench: Bench, draft: Draft) -> None:
    """Note a problem where the engine has no basis and k grid to vary."""
    from genarris_fw.engines import registry

    name = draft.options["engine"]
    able = [other for other, engine in registry.working().items() if engine.at_cutoff({}, 7.0, [1, 1, 1]) is not None]
    if name is not None and name not in able:
        line, section = draft.where("engine")
        words = f"engine = {quoted(name)}: has no rkmax; expected {' or '.join(able)}"
        bench.remarks.problem(line, words, section)


def compare_engines(bench: Bench, draft: Draft) -> None:
    """Resolve Compare_Engines: it makes no pool."""
    source = bench.input_pool(draft, exemplars=True, fallback=_WITH_ENERGIES)
    options = draft.options
    curves = [d.options["eos_name"] for d in bench.drafts if d.step.procedure == "LAPW_Equation_Of_State"]
    if options["eos_names"] is None:
        found = list(dict.fromkeys(curves))
        draft.put("eos_names", found, "from the earlier LAPW_Equation_Of_State" if found else "default")
    # Where there are curves to compare, energies are compared as well if they are known to be there.
    known = (source.energies or set()) | {d.options.get("energy_name") for d in bench.drafts if d.options.get("engine")}
    if options["energy_names"] is None and (not options["eos_names"] or set(_ENERGIES) <= known):
        draft.put("energy_names", list(_ENERGIES), "default")
    if options["energy_names"] is not None and not _has(source, options["energy_names"]):
        line, section = draft.where("energy_names")
        bench.missing_pool(
            line,
            f"energy_names: the structures of the pool {quoted(source.name)} do not have both of "
            f"{' and '.join(options['energy_names'])}; expected two of {', '.join(sorted(source.energies or ()))}"
            if source.energies
            else f"energy_names: no earlier procedure computes energies for the pool {quoted(source.name)}; expected "
            "two that do, with different energy_names",
            section,
        )
    bench.output_pool(draft)


def _has(pool: Pool, names: list[str]) -> bool:
    """Tell whether a pool's structures have these energies; those of imported ones are not known beforehand."""
    return pool.energies is None or set(names) <= pool.energies


def _engine_on_structures(bench: Bench, draft: Draft) -> Pool:
    source = bench.input_pool(draft, exemplars=True, fallback=_STRUCTURES)
    choose_engine(bench, draft)
    if draft.options["aims_output_dir"] is None:
        draft.put("aims_output_dir", bench.absolute(f"engine_{draft.step.name}"), "default")
    draft.put("relax", False, "the procedure")
    return source


def _same_structures(bench: Bench, draft: Draft, source: Pool) -> Pool:
    """Register the step's output pool, of structures of its input."""
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)
    return pool
