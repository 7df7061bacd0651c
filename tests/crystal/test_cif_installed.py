"""Every CIF file that comes with an installed package or with the data set: read, or refused in one line."""

import sysconfig
import warnings
from pathlib import Path

import pytest
from shared_data import shared

from genarris_fw.crystal import Reading, read
from genarris_fw.errors import InputError

PACKAGES = Path(sysconfig.get_paths()["purelib"])
# What is no crystal of whole atoms, by what the reason says; nothing else may be refused.
REASONS = ("disordered: ", "a magnetic structure", "hydrogens in the cell have no coordinates", "not a CIF file")


def files() -> list[Path]:
    """Those of every package: ASE's minerals at least, where its tests are installed."""
    endings = ("*.cif", "*.mcif")
    return sorted(file for ending in endings for file in PACKAGES.rglob(ending) if file.stat().st_size < 2**20)


def outcome(file: Path) -> tuple[str, int]:
    """Reason of the refusal and number of atoms."""
    try:
        return "", sum(len(structure) for structure in read(file, format="cif", reading=Reading()))
    except InputError as error:
        line = str(error)
        assert line.startswith(f"{file}: ")
        assert "\n" not in line
        return line.removeprefix(f"{file}: "), 0


def atoms_by_ase(file: Path) -> int | None:
    """As many as ASE reads, None where it cannot."""
    import ase.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return sum(len(atoms) for atoms in ase.io.read(file, index=":", format="cif"))
        except Exception:  # its readers raise errors of every class
            return None


def test_files_of_installed_packages():
    """As many atoms as ASE reads where it reads them; refused for what is no crystal of whole atoms alone."""
    found = files()
    if not found:
        pytest.skip("no installed package has CIF files")
    outcomes = {file: outcome(file) for file in found}
    assert [
        (file.name, reason) for file, (reason, _) in outcomes.items() if reason and not reason.startswith(REASONS)
    ] == []
    by_ase = {file: atoms_by_ase(file) for file, (_, number) in list(outcomes.items())[:20] if number}
    differing = {
        file.name: (outcomes[file][1], number) for file, number in by_ase.items() if number != outcomes[file][1]
    }
    assert {name: pair for name, pair in differing.items() if pair[1] is not None} == {}


def test_files_of_the_data_set():
    crystals = sorted(shared("crystals").glob("*.cif"))
    assert {file.name: reason for file in crystals if (reason := outcome(file)[0])} == {}
    faults = {file.name: outcome(file)[0] for file in sorted(shared("faults").rglob("*.cif"))}
    refused = {name: reason for name, reason in faults.items() if reason and "latin" not in name}
    assert set(refused) == {"21_disorder.cif", "22_missing_H.cif"}
