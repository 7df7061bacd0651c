"""What the options of the procedures become that describe structures and compare them."""

from __future__ import annotations

from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.resolving.molecule_choice import choose_molecule
from genarris_fw.options.sections import keeps_the_input

_STRUCTURES = [
    ("FHI_Aims_Energy_Evaluation", "output_dir"),
    ("Rigid_Press", "output_dir"),
    ("Pygenarris_Structure_Generation", "output_dir"),
]


def run_rdf_calc(bench: Bench, draft: Draft) -> None:
    """Resolve Run_Rdf_Calc."""
    source = bench.input_pool(draft, exemplars=False, fallback=_STRUCTURES)
    if draft.has("eta_range") and draft.options["init_scheme"] != "random":
        line, section = draft.where("eta_range")
        bench.remarks.notice(line, "eta_range has an effect with init_scheme = random only", section)
    matrix = draft.options["dist_mat_fpath"]
    if draft.options["distance_matrix"]:
        bench.matrices[matrix] = draft.step.name
    in_place = keeps_the_input(draft.model, draft.options["output_dir"])
    if in_place:
        # What was imported stays as it is: its structures with their vectors are written beside it.
        folder = bench.absolute(draft.step.name) if draft.options["import_folder"] else None
        draft.put("output_dir", folder, draft.origins["output_dir"])
    name = source.name if in_place else bench.output_pool(draft)
    pool = source.child(name)
    pool.matrix = (draft.step.name, matrix) if draft.options["distance_matrix"] else None
    pool.vectors = (draft.step.name, draft.options["property_name"])
    draft.put("output_pool", name or None, draft.origins["input_pool" if in_place else "output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)


def rcd_calculation(bench: Bench, draft: Draft) -> None:
    """Resolve RCD_Calculation."""
    choose_molecule(bench, draft)
    source = bench.input_pool(draft, exemplars=False, fallback=_STRUCTURES)
    pool = source.child(bench.output_pool(draft))
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)


def rcd_difference_folder_inner(bench: Bench, draft: Draft) -> None:
    """Resolve RCD_Difference_Folder_Inner: the pool stays, and gets a distance matrix."""
    source = bench.input_pool(draft, exemplars=False, fallback=[("RCD_Calculation", "output_dir"), *_STRUCTURES])
    name = bench.inherit(draft, "property_name", ["RCD_Calculation"])
    if not draft.has("property_name"):
        value = name.value if name and name.section.lower().startswith("rcd") else None
        draft.put("property_name", value or "rcd", f"from [{name.section}]" if name and value else "default")
    matrix = draft.options["diff_matrix_output"]
    bench.matrices[matrix] = draft.step.name
    source.matrix = (draft.step.name, matrix)
    draft.put("output_pool", source.name or None, draft.origins["input_pool"])
