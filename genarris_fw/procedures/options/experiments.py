"""The experimental crystal that a procedure of lattice energies looks for among its minima."""

from __future__ import annotations

from collections import Counter
from typing import Any

from genarris_fw.crystal import Molecule, Structure, read
from genarris_fw.crystal.molecules import molecules_of
from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import InputFile, PlainDict
from genarris_fw.errors import InputError
from genarris_fw.names import is_smiles
from genarris_fw.options.experimental_structure import ExperimentalStructureOptions
from genarris_fw.options.molecule_files import molecule_of
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.lattice_models import LatticeModelOptions

WHAT = "a crystal as it was measured (CIF or another format that is read)"


class FindsExperiment(LatticeModelOptions):
    """A procedure of lattice energies that names the experimental crystal among its minima."""

    experiment: InputFile | None = option(
        "Measured crystal (CIF, ...) to look for: its rank, energy and RMSD_15 are said",
        category="inferred",
        default_words="that of another section, or of [experimental_structure]; else none",
        lends=1,
        changes_results=False,  # its content does
    )
    experiment_content: PlainDict | None = derived("The crystal in the file of experiment")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Read the experiment: whoever works on the step may not see its file."""
        super().resolve(bench, draft)
        given = bench.inherit(draft, "experiment")
        if given is None or given.value is None:
            cls._take_that_of_the_run(bench, draft)
            return
        path = bench.absolute(str(given.value))
        if not draft.has("experiment"):
            draft.put("experiment", path, f"inferred from [{given.section}] experiment (line {given.line})")
        if not bench.is_file(path):
            bench.require_file(draft, "experiment", WHAT, given)
            return
        try:
            crystal = one_crystal(path)
            if (path := draft.options["molecule_path"]) and (is_smiles(path) or bench.is_file(path)):
                _check_composition(crystal, molecule_of(draft.options)[0])
        except InputError as error:
            bench.remarks.problem(given.line, f"experiment: {error}", given.section)
            return
        draft.put("experiment_content", crystal.to_dict(), "the file of experiment")

    @classmethod
    def _take_that_of_the_run(cls, bench: Bench, draft: Draft) -> None:
        """Take the crystal of [experimental_structure], where a model can minimise it: with all its atoms."""
        if bench.measured is None:
            return
        given, crystal = bench.sections.of(ExperimentalStructureOptions.procedure).base["path"], bench.measured.crystal
        try:
            if (path := draft.options["molecule_path"]) and (is_smiles(path) or bench.is_file(path)):
                _check_composition(crystal, molecule_of(draft.options)[0])
        except InputError as error:
            words = f"{draft.step.name} compares the measured crystal as it is, and does not minimise it: {error}"
            bench.remarks.notice(given.line, words, given.section)
            return
        origin = f"inferred from [{given.section}] path (line {given.line})"
        draft.put("experiment", bench.absolute(str(given.value)), origin)
        draft.put("experiment_content", crystal.to_dict(), origin)


def one_crystal(path: str) -> Structure:
    """Read the one crystal that is in a file.

    Raises
    ------
    InputError
        For a file that cannot be read, and one that does not hold one crystal.
    """
    structures = read(path)
    if len(structures) != 1 or structures[0].lattice is None:
        what = "a structure without a cell" if len(structures) == 1 else f"{len(structures)} structures"
        raise InputError(f"{path}: expected one crystal, there is {what}")
    return structures[0]


def experiment_for(path: str, molecule: Molecule) -> Structure:
    """Read the measured crystal of a molecule; one of another composition is told before a search, not after it.

    Raises
    ------
    InputError
        As of `one_crystal`, and for a crystal that is not of so many whole molecules.
    """
    crystal = one_crystal(path)
    atoms, own = Counter(crystal.species), Counter(molecule.species)
    Z, rest = divmod(len(crystal), len(molecule))
    if rest or atoms != Counter({element: Z * number for element, number in own.items()}):
        formula = " ".join(f"{element}{number}" for element, number in sorted(atoms.items()))
        raise InputError(
            f"{path}: its cell holds {formula}, which is no whole number of molecules {molecule.formula}; expected "
            "crystals of that molecule alone"
        )
    return crystal


def experiment_of(options: FindsExperiment) -> Structure | None:
    """Return the experimental crystal of a step."""
    content: dict[str, Any] | None = options.experiment_content
    return None if content is None else Structure.from_dict(content)


def _check_composition(crystal: Structure, molecule: Molecule) -> None:
    """Refuse a crystal that is not made of the molecule, here rather than when the search is done."""
    _, parts = molecules_of(crystal, molecule)
    for part in parts:
        species = [crystal.species[atom] for atom in part]
        if sorted(species) != sorted(molecule.species):
            found = Structure(None, species, crystal.positions[part]).to_ase().get_chemical_formula("hill")
            raise InputError(
                f"a molecule of the crystal is {found}, the molecule of the run is {molecule.formula}; expected a "
                "crystal of this molecule, hydrogens included, without disorder"
            )
