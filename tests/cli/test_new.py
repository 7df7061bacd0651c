"""genarris-fw new: a ui.conf that check passes as it is; what cannot be searched is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from ase.collections import g2
from ase.io import write as ase_write
from command_line import call
from lattice_urea import UREA
from shared_data import FOLDER, shared

from genarris_fw.crystal import Molecule, Structure, read, read_molecule, whole_molecules
from genarris_fw.errors import InputError
from genarris_fw.options import load
from genarris_fw.options.starting import POTENTIALS, extent_for, numbers_for, ranking_engine, start_of

DIIODOBENZENE = Path(__file__).parents[1] / "data" / "faults" / "p_diiodobenzene.xyz"


@pytest.fixture(autouse=True)
def _pyscf() -> None:
    pytest.importorskip("pyscf")


def step(path: Path, name: str) -> dict:
    return next(one.options for one in load(path).steps if one.name == name)


def test_urea_with_its_crystal(capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = call(capsys, "new", UREA, "--experiment", shared("crystals/urea.cif"))
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[0] == "ui.conf" and "genarris-fw check ui.conf" in made.out
    checked = call(capsys, "check", "--no-engine-test", "ui.conf", "--json")
    assert checked.code == 0 and checked.json["problems"] == [] and checked.json["notices"] == []
    search = step(tmp_path / "ui.conf", "crystal_search")
    assert (search["Z"], search["window"], search["space_groups"]) == ([2], 10.0, "all")
    assert search["experiment"].endswith("urea.cif")
    assert step(tmp_path / "ui.conf", "molecular_electrostatics")["method"] == "HF/6-31G**"
    lines = (tmp_path / "ui.conf").read_text().splitlines()
    # Every option says what it means.
    options = [k for k, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    told = [k for k in options if any(one.startswith("#") for one in lines[max(k - 2, 0) : k])]
    assert len(options) > 18 and len(told) > 14


def test_nothing_is_overwritten_unasked(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    conf = tmp_path / "ui.conf"
    conf.write_text("mine\n")
    made = call(capsys, "new", UREA, "--output", conf)
    assert made.code == 2 and "there already, and nothing was written" in made.err and conf.read_text() == "mine\n"
    assert call(capsys, "new", UREA, "--output", tmp_path).code == 2  # the folder: its ui.conf
    assert call(capsys, "new", UREA, "--output", conf, "--force").code == 0 and "crystal_search" in conf.read_text()
    assert call(capsys, "new", UREA, "--output", f"{tmp_path / 'further'}/").code == 0
    assert (tmp_path / "further" / "ui.conf").is_file()


def test_short_hydrogens_are_put_right_in_a_copy(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    crystal = whole_molecules(read(shared("crystals/acrolein.cif"))[0])
    size = crystal.properties["number_of_atoms_in_molecule"]
    file = tmp_path / "acrolein.xyz"
    ase_write(file, Structure(None, crystal.species[:size], crystal.positions[:size]).to_ase(), plain=True)
    made = call(capsys, "new", file, "--output", tmp_path / "ui.conf")
    assert made.code == 0 and "hydrogens as X-rays see them" in made.out and "acrolein_prepared.in" in made.out
    # It is flexible: said on the terminal, and in the file.
    assert "1 rotatable bond: one conformer" in made.err
    text = (tmp_path / "ui.conf").read_text()
    assert "# WARNING: C3H4O has 1 rotatable bond" in text and "molecule_path = acrolein_prepared.in" in text
    start = start_of(read_molecule(file))
    assert abs(read_molecule(tmp_path / "acrolein_prepared.in").positions - start.molecule.positions).max() < 1e-9
    kept = call(capsys, "new", file, "--output", tmp_path / "other.conf")
    assert kept.code == 2 and "acrolein_prepared.in: there already" in kept.err
    assert not (tmp_path / "other.conf").exists()


def test_elements_choose_method_and_potential(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    assert call(capsys, "new", DIIODOBENZENE, "--output", tmp_path / "i.conf", "--z", "1,2").code == 0
    assert step(tmp_path / "i.conf", "molecular_electrostatics")["method"] == "HF/6-311G**"  # 6-31G** has no iodine
    assert step(tmp_path / "i.conf", "crystal_search")["Z"] == [1, 2]
    file = tmp_path / "silane.xyz"
    ase_write(file, g2["CH3SH"], plain=True)
    made = call(capsys, "new", file, "--output", tmp_path / "s.conf")
    assert made.code == 0 and "W99star has not all atoms of CH4S" in made.err
    assert step(tmp_path / "s.conf", "crystal_search")["potential"] in POTENTIALS[1:]
    assert ranking_engine(["C", "H", "Xe"]) != "so3lr"


def test_what_size_changes() -> None:
    small, usual = Molecule(["O", "H", "H"], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]), read_molecule(UREA)
    large = Molecule(["C"] * 50, [[1.4 * k, 0, 0] for k in range(50)])
    assert [extent_for(one).space_groups for one in (small, usual, large)] == ["all", "all", "csd"]
    assert numbers_for(small) == [1, 2, 4] and numbers_for(usual) == numbers_for(large) == [2, 4]
    assert numbers_for(usual, Structure([[9, 0, 0], [0, 9, 0], [0, 0, 9]], usual.species * 3, [[0, 0, 0]] * 24)) == [3]


REFUSED = {
    "salt": ("Na 0 0 0\nCl 5 0 0", "2 molecules"),
    "metal": ("Zn 0 0 0\nC 1.93 0 0\nC -1.93 0 0\n" + "H 2.3 1 0\nH 2.3 -.5 .9\nH 2.3 -.5 -.9\n"
              "H -2.3 1 0\nH -2.3 -.5 .9\nH -2.3 -.5 -.9", "it has nothing for Zn"),
    "carbon": ("C 0 0 0\nO 1.21 0 0\nH -.6 .94 0", "seems to lack a hydrogen atom"),
    "radical": ("N 0 0 0\nO 1.15 0 0", "odd|even"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_searched_is_refused_as_by_predict(
    name: str, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    atoms, said = REFUSED[name]
    file = tmp_path / "molecule.xyz"
    file.write_text(f"{len(atoms.splitlines())}\n\n{atoms}\n")
    made = call(capsys, "new", file, "--output", tmp_path / "ui.conf")
    assert made.code == 2 and any(word in made.err for word in said.split("|")), made.err
    assert len(made.err.splitlines()) == 1 and not (tmp_path / "ui.conf").exists()
    assert call(capsys, "predict", file, "--max-cpu-seconds", 1).err == made.err


def molecules(folder: Path) -> Iterator[Path]:
    """Molecules of the shared data, those of its crystals, and of ASE's wheel: what predict takes."""
    yield from sorted((FOLDER / "molecules").glob("*.in"))
    for path in sorted((FOLDER / "crystals").glob("*.cif")):
        crystal = whole_molecules(read(path)[0])
        size = crystal.properties["number_of_atoms_in_molecule"]
        one = Structure(None, crystal.species[:size], crystal.positions[:size])
        ase_write(folder / f"{path.stem}.xyz", one.to_ase(), plain=True)
        yield folder / f"{path.stem}.xyz"
    for name in g2.names:
        file = folder / f"g2_{name}.xyz"
        ase_write(file, g2[name], plain=True)
        try:
            start_of(read_molecule(file))
        except InputError:  # radicals, metals, lone atoms: as predict does
            continue
        yield file


def passes(capsys: pytest.CaptureFixture, file: Path, folder: Path) -> None:
    made = call(capsys, "new", file, "--output", folder / "ui.conf")
    assert made.code == 0, f"{file.name}: {made.err}"
    checked = call(capsys, "check", "--no-engine-test", folder / "ui.conf", "--json")
    assert checked.code == 0, f"{file.name}: {checked.json['problems']}"


def test_a_molecule_from_anything(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """What was chosen from a file, or made of SMILES, is written down beside the ui.conf, and used."""
    record = "3\nwater\nO 0 0 0\nH 0.757 0.587 0\nH -0.757 0.587 0\n"
    (tmp_path / "two.xyz").write_text(2 * record)
    refused = call(capsys, "new", tmp_path / "two.xyz", "--output", tmp_path / "ui.conf")
    assert refused.code == 2 and "choose by record = n" in refused.err
    made = call(capsys, "new", tmp_path / "two.xyz", "--record", 2, "--output", tmp_path / "ui.conf")
    assert made.code == 0, made.err
    text = (tmp_path / "ui.conf").read_text()
    assert "molecule_path = two_prepared.in" in text
    pytest.importorskip("rdkit")
    folder = tmp_path / "smiles"
    made = call(capsys, "new", "smiles: C=O", "--output", folder / "ui.conf")
    assert made.code == 0, made.err
    assert "a geometry by MMFF94: relax it" in made.out
    assert read_molecule(folder / "CH2O_prepared.in").formula == "CH2O"
    assert "\nrun_name = smiles\n" in (folder / "ui.conf").read_text()  # the folder's name, a file's name else
    assert "\nrun_name = two\n" in text
    assert call(capsys, "check", "--no-engine-test", folder / "ui.conf", "--json").code == 0


def test_some_molecules_pass_without_editing(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    names = random.Random(1).sample(["C6H6", "CH3OH", "C2H4", "CO2", "H2O", "CH3CN", "C4H4O", "HCOOH", "NH3"], 3)
    for name in names:
        ase_write(tmp_path / f"{name}.xyz", g2[name], plain=True)
        passes(capsys, tmp_path / f"{name}.xyz", tmp_path / name)


@pytest.mark.slow
def test_thirty_molecules_pass_without_editing(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    shared("molecules")
    tried = list(molecules(tmp_path))
    assert len(tried) >= 100
    for k, file in enumerate(random.Random(0).sample(tried, 30)):
        passes(capsys, file, tmp_path / str(k))
