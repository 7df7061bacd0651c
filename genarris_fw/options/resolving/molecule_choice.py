"""Which molecule a step builds on, and how many of it a cell holds."""

from __future__ import annotations

from contextlib import suppress

from genarris_fw.errors import InputError
from genarris_fw.names import is_smiles
from genarris_fw.options.molecule_files import CHOICES, molecule_of
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.sections import Given


def choose_molecule(bench: Bench, draft: Draft, own_relaxation: bool = False) -> None:
    """Set molecule_path, and molecule_step where an earlier step relaxes the molecule."""
    before = None if own_relaxation else bench.last(lambda model: model.makes_molecule)
    relaxation = None if draft.has("molecule_path") else before
    if not own_relaxation:
        draft.put("molecule_step", relaxation.step.name if relaxation else None, "default")
    if relaxation:
        origin = f"the relaxed molecule of step {relaxation.step.name}"
        draft.put("molecule_path", relaxation.options.get("molecule_path"), origin)
        draft.origins["molecule_step"] = origin
        for name in CHOICES:
            draft.put(name, relaxation.options.get(name), origin)
        return
    if before:
        line, section = draft.where("molecule_path")
        bench.remarks.notice(
            line, f"molecule_path is given, so that the relaxed molecule of {before.step.name} is not used", section
        )
    given = bench.inherit(draft, "molecule_path")
    if given is None:
        bench.missing(draft, "molecule_path", " of the molecule")
        return
    if not is_smiles(given.value):
        bench.require_file(draft, "molecule_path", "the geometry file of the molecule", given)
    _choose_part(bench, draft)
    if not draft.has("molecule_path"):
        origin = f"inferred from [{given.section}] molecule_path (line {given.line})"
        draft.put("molecule_path", bench.absolute(str(given.value)), origin)
        for maker in () if own_relaxation else _makers(bench, given):
            bench.remarks.notice(
                given.line, f"{maker} is not among the procedures: the molecule is used as it is", given.section
            )
    _notes(bench, draft, given)


def _notes(bench: Bench, draft: Draft, given: Given) -> None:
    """Say, once for a run, what the reader of the molecule has to say; what cannot be read, the run will say."""
    if any(before.options.get("molecule_path") == draft.options["molecule_path"] for before in bench.drafts):
        return
    with suppress(InputError):
        for note in molecule_of(draft.options)[1]:
            bench.remarks.notice(given.line, f"molecule_path = {given.value}: {note}", given.section)


def _choose_part(bench: Bench, draft: Draft) -> None:
    """Set record and component, which go with the molecule's file, from the section that gives them."""
    for name in CHOICES:
        given = bench.inherit(draft, name)
        if given is not None and given.value is not None and not draft.has(name):
            draft.put(name, given.value, f"inferred from [{given.section}] {name} (line {given.line})")


def _makers(bench: Bench, given: Given) -> list[str]:
    """Return the procedures that make a molecule in whose section the given one stands."""
    makers = [model.procedure for model in bench.sections.models() if model.makes_molecule]
    return [name for name in makers if given in bench.sections.of(name).base.values()]


def molecules_per_cell(bench: Bench, draft: Draft, required: bool = True) -> None:
    """Set Z from the section that gives it."""
    given = bench.inherit(draft, "Z")
    if given is None:
        if required:
            bench.missing(draft, "Z", ", molecules per cell, in any section")
        return
    if not draft.has("Z"):
        # Crystals of a search over several numbers say their own.
        number = given.value[0] if isinstance(given.value, list) else given.value
        draft.put("Z", number, f"inferred from [{given.section}] Z (line {given.line})")
