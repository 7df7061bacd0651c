"""The measured crystal of a run: read when ui.conf is, with what has to be said of it before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genarris_fw.errors import InputError
from genarris_fw.options.experimental_structure import ExperimentalStructureOptions
from genarris_fw.options.molecule_files import molecule_of
from genarris_fw.options.problems import quoted
from genarris_fw.options.resolving.draft import Bench
from genarris_fw.options.sections import Given

if TYPE_CHECKING:
    from genarris_fw.comparing.experiment import Experiment
    from genarris_fw.crystal import Molecule, Structure

SECTION = ExperimentalStructureOptions.procedure
AROUND = 20.0  # Å, of a molecule in a box of its own


def settings_of(bench: Bench) -> dict[str, Any] | None:
    """Return the options of the section as they hold, None where ui.conf has none."""
    layers = bench.sections.of(SECTION)
    if not layers.headers:
        return None
    given = layers.base
    found = {
        name: given[name].value if name in given and given[name].value is not None else info.default
        for name in ExperimentalStructureOptions.own()
        for info in [ExperimentalStructureOptions.info(name)]
    }
    path = _path(bench)
    return found | {"path": None if path is None else bench.absolute(str(path.value))}


def read_measured(bench: Bench) -> None:
    """Read the measured crystal, for the steps that follow; what it cannot be is a problem."""
    settings = settings_of(bench)
    if settings is None:
        return
    header, given = bench.sections.of(SECTION).headers[1], _path(bench)
    if given is None:
        if "path" not in bench.sections.invalid:
            words = "missing required option path; expected a crystal as it was measured (CIF, ...)"
            bench.remarks.problem(header.line, words, header.name)
        return
    if not bench.is_file(settings["path"]):
        words = f"path = {quoted(given.value)}: no such file; expected a crystal as it was measured (CIF, ...)"
        bench.remarks.problem(given.line, words, given.section)
        return
    from genarris_fw.comparing.experiment import read_experiment  # here: it is slow to import

    try:
        bench.measured = read_experiment(settings["path"], settings["record"])
    except InputError as error:
        bench.remarks.problem(given.line, f"path: {error}", given.section)


def compare_with_molecule(bench: Bench) -> None:
    """Refuse a crystal that no pool of the run's molecule can be compared with; note what is special of it."""
    given = _path(bench)
    if bench.measured is None or given is None:
        return
    remarks = bench.measured.remarks
    try:
        if (molecule := _molecule(bench)) is not None:
            from genarris_fw.comparing.experiment import common_form

            remarks = common_form(bench.measured, _alone(molecule), "the molecule of the run").remarks
    except InputError as error:
        bench.remarks.problem(given.line, f"path: {error}", given.section)
        return
    for remark in remarks:
        bench.remarks.notice(given.line, f"the measured crystal: {remark}", given.section)


def measured_content(measured: Experiment | None) -> dict[str, Any] | None:
    """Return the measured crystal as plain values, with the property ``remarks``; None where there is none."""
    if measured is None:
        return None
    from genarris_fw.comparing.experiment import carry

    return carry(measured).to_dict()


def _path(bench: Bench) -> Given | None:
    given = bench.sections.of(SECTION).base.get("path")
    return given if given is not None and given.value is not None else None


def _molecule(bench: Bench) -> Molecule | None:
    """The run's molecule, None where it has none or cannot be read: that is another problem, told elsewhere."""
    for draft in bench.drafts:
        if draft.options.get("molecule_path"):
            try:
                return molecule_of(draft.options)[0]
            except InputError:
                return None
    return None


def _alone(molecule: Molecule) -> Structure:
    """The molecule in a box so large that it touches none of its images."""
    import numpy as np  # here, since whoever looks at a run reads options without it

    from genarris_fw.crystal import Structure

    positions = molecule.positions - molecule.positions.min(axis=0)
    box = np.diag(positions.max(axis=0) + AROUND)
    return Structure(box, molecule.species, positions, {"number_of_atoms_in_molecule": len(molecule)})
