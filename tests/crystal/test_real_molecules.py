"""Molecules in the data set and inside the installed packages: each is read, or refused in one line of ours.

What is refused, and why, is a table: `python tests/crystal/test_real_molecules.py` prints it.
"""

import importlib.util
import re
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest

from genarris_fw.crystal import Reading, checked_molecule, read, read_molecule
from genarris_fw.errors import InputError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PACKAGES = ("ase", "pymatgen", "rdkit", "gemmi")
ENDINGS = (".mol", ".sdf", ".mol2", ".xyz", ".extxyz", ".smi")
MOST_RECORDS = 30  # of a file: each costs milliseconds
SLOW = ("query.smi", "sample_smiles_mol_trans.smi")  # seconds: RDKit makes conformers of them
# Why real files are refused: words of our errors.
REASONS = (
    *("a drawing (2D)", "an ion of charge", "stands for any of several atoms", "choose one by record", "records;"),
    *("hydrogens are missing", "molecules that no bond joins", "a salt", "a hydrate", "a cocrystal", "a solvate"),
    *("several kinds of molecules", "several stereoisomers", "only crystals of separate molecules", "is no element"),
    *("unknown line", "no atoms", "cannot be read as", "O alone is water", "the largest", "expected"),
)


def files():
    found = sorted(SHARED.glob("molecules/*")) + sorted(SHARED.glob("crystals/*.cif"))
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            found += sorted(file for file in Path(place).rglob("*") if file.suffix.lower() in ENDINGS)
    return found


def outcome(do):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            do()
    except InputError as error:
        assert "\n" not in str(error)
        reason = next((reason for reason in REASONS if reason in str(error)), None)
        assert reason is not None, f"a reason that is not in the table: {error}"
        return reason
    return "read"


def outcomes(file):
    """What becomes of a file's records."""
    if file.suffix.lower() != ".sdf":
        return Counter([outcome(lambda: read_molecule(file))])
    records = re.split(r"^\$\$\$\$.*\n", file.read_text(errors="replace"), flags=re.MULTILINE)
    found: Counter[str] = Counter()
    for number in range(1, min(len([one for one in records if one.strip()]), MOST_RECORDS) + 1):
        found[outcome(lambda number=number: _record(records[number - 1], number))] += 1
    return found


def _record(text, number):
    from genarris_fw.crystal.formats.mol_file import parse_mol

    [structure] = parse_mol(text, f"record {number}", Reading())
    checked_molecule(structure, f"record {number}")


def test_every_file_is_read_or_refused_in_our_words():
    found = files()
    if not found:
        pytest.skip("neither the data set nor a package with molecules is here")
    table = {file: outcomes(file) for file in found if file.name not in SLOW}
    for file, what in table.items():
        if file.parent in (SHARED / "molecules", SHARED / "crystals"):
            assert what == {"read": 1}, file
        if file.name == "egfr.sdf":  # docked inhibitors, hydrogens and all
            assert set(what) <= {"read", "an ion of charge"} and what["read"] > what.total() / 2
        if file.name == "first_200.props.sdf":  # NCI: drawings
            assert set(what) == {"a drawing (2D)"}


def test_the_crystals_are_molecules_too():
    """The molecule cut out of a crystal is that of the molecule's file, where the data set has both."""
    for name in ("urea", "benzene", "naphthalene", "acetic_acid"):
        crystal, alone = SHARED / "crystals" / f"{name}.cif", SHARED / "molecules" / f"{name}_in_crystal.in"
        if not crystal.exists():
            pytest.skip("the data set is not here")
        reading = Reading()
        molecule = read_molecule(crystal, reading=reading)
        [other] = read(alone)
        assert sorted(molecule.species) == sorted(other.species)
        assert any("of the crystal taken" in note for note in reading.notes)


if __name__ == "__main__":
    for file in files():
        what = ", ".join(f"{count} {reason}" for reason, count in outcomes(file).most_common())
        sys.stdout.write(f"{'/'.join(file.parts[-3:]):70} {what}\n")
