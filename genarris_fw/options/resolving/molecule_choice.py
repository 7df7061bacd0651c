"""Which molecule a step builds on."""

from __future__ import annotations

from genarris_fw.options.resolving.draft import Bench, Draft

_MOLECULE_ORDER = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Relax_Single_Molecule"]


def choose_molecule(bench: Bench, draft: Draft, own_relaxation: bool = False) -> None:
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
