"""Molecules from SMILES, where RDKit is installed."""

import builtins

import numpy as np
import pytest

from genarris_fw.crystal import Reading, read, read_molecule, read_molecules
from genarris_fw.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::genarris_fw.crystal.ReadingWarning")


@pytest.fixture
def rdkit():
    return pytest.importorskip("rdkit")


def test_a_rigid_molecule_has_one_conformer(rdkit):
    reading = Reading()
    molecule = read_molecule("smiles: c1ccccc1", reading=reading)
    assert molecule.formula == "C6H6" and reading.notes == ["a geometry by MMFF94: relax it"]
    ring = molecule.positions[:6]
    sides = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
    assert sides == pytest.approx(1.39, abs=0.01)  # MMFF94: 1.394
    assert len(read_molecules("smiles: c1ccccc1")) == 1


def test_conformers_are_different_and_the_same_each_time(rdkit):
    """n-Butane: anti, and one of the two gauche, which are mirror images; 3 to 4 kJ/mol higher."""
    first = read_molecules("smiles: CCCC")
    again = read_molecules("smiles: CCCC")
    assert all(np.array_equal(one.positions, other.positions) for one, other in zip(first, again, strict=True))
    energies = [one.properties["relative_energy"] for one in first]
    assert energies[0] == 0.0 and len(energies) == 2
    assert energies[1:] == pytest.approx([3.3], abs=0.6)  # MMFF94: 3.2
    reading = Reading()
    lowest = read_molecule("smiles: CCCC", reading=reading)
    assert np.array_equal(lowest.positions, first[0].positions)
    assert any("a flexible molecule needs several" in note for note in reading.notes)
    second = read_molecule("smiles: CCCC", reading=Reading(record=2))
    assert np.array_equal(second.positions, first[1].positions)
    with pytest.raises(InputError, match=r"record = 9, but there are 2 conformers"):
        read_molecule("smiles: CCCC", reading=Reading(record=9))


def test_a_file_of_smiles(rdkit, tmp_path):
    file = tmp_path / "x.smi"
    file.write_text("# two\nc1ccccc1 benzene\nC=O formaldehyde\n")
    with pytest.raises(InputError, match="2 molecules; choose one by record = n, from 1 to 2"):
        read(file)
    assert read_molecule(file, reading=Reading(record=2)).formula == "CH2O"
    with pytest.raises(InputError, match="record = 3, but the file holds 2 molecules"):
        read_molecule(file, reading=Reading(record=3))
    file.write_text("C=O formaldehyde\n")
    assert len(read(file, reading=Reading())[0]) == 4


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C1CC", "cannot be read as SMILES"),
        ("", "no atoms in ''"),
        ("C*", "has a place .* without an element"),
        ("CC(=O)[O-].[NH4+]", "is a salt: C2H3O2- and H4N\\+"),
        ("CCO.O", "is several molecules: C2H6O and H2O"),
        ("C[N+](C)(C)C", r"an ion of charge \+1"),
        ("CC(O)C(N)C(=O)O", "several stereoisomers: none is given at C2, C4"),
        ("CC=CC", "several stereoisomers: none is given at C2"),
    ],
)
def test_smiles_that_are_no_molecule(rdkit, smiles, message):
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(f"smiles: {smiles}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "smiles",
    [
        *("N1=NN=NN1c1ccccc1", "c1nncnn1", "C1C2CC1C2", "[C-]#[O+]", "C=[N+]=[N-]", "C[N+]#[C-]", "FS(F)(F)(F)(F)F"),
        *("CS(C)=C", "C[Hg]C", "[H][H]", "[Ar]", "Clc1c(Cl)c(Cl)c(Cl)c(Cl)c1Cl", "C[N+](C)(C)CC(=O)[O-]"),
    ],
)
def test_unusual_molecules_are_possible(rdkit, smiles):
    reading = Reading()
    assert len(read_molecule(f"smiles: {smiles}", reading=reading)) > 0
    assert not any("is it right?" in note for note in reading.notes)


def test_stereo_centres(rdkit):
    reading = Reading()
    assert read_molecule("smiles: CC(F)Cl", reading=reading).formula == "C2H4ClF"
    assert "the stereo centre is not given: one of the mirror images is taken" in reading.notes
    # No choice in a cage, and none in which a centre is its own mirror image.
    for cage in ("C12C3C4C1C5C2C3C45", "CC1CC1"):
        reading = Reading()
        read_molecule(f"smiles: {cage}", reading=reading)
        assert not any("stereo" in note for note in reading.notes)
    left, right = (read_molecule(f"smiles: C[{turn}H](F)Cl").positions for turn in ("C@", "C@@"))
    arms = [points[[0, 2, 3]] - points[1] for points in (left, right)]
    assert np.sign(np.linalg.det(arms[0])) == -np.sign(np.linalg.det(arms[1]))


def test_where_rdkit_is_missing_its_extra_is_named(monkeypatch, tmp_path):
    there = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "rdkit":
            raise ImportError(name)
        return there(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    file = tmp_path / "x.smi"
    file.write_text("C=O\n")
    for path in ("smiles: C=O", file):
        with pytest.raises(InputError, match=r"pip install 'genarris-fw\[rdkit\]'"):
            read_molecule(path)
