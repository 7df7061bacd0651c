"""Outputs of FHI-aims as files of structures; a molecular dynamics is refused."""

from pathlib import Path

import pytest

from genarris_fw.crystal import read
from genarris_fw.engines.aims import BEGINNING, parse_output
from genarris_fw.engines.aims.control import Control, refuse_unusable
from genarris_fw.engines.aims_output import AIMS
from genarris_fw.errors import EngineError, InputError

DATA = Path(__file__).parents[1] / "data" / "engines_aims"
# As FHI-aims writes it at every step (ASE's test of its reader, ase/test/fio/aims/test_aims_out_chunks.py).
STEP = """
  Advancing structure using Born-Oppenheimer Molecular Dynamics:
  Complete information for previous time-step:
  | Time step number          :        1
"""


@pytest.mark.parametrize("name", ["molecule.out", "relaxed_crystal.out"])
def test_an_output_is_its_last_geometry_with_its_energy(name: str) -> None:
    [structure] = read(DATA / name)
    output = parse_output(DATA / name)
    assert structure.properties["energy"] == output.energy
    assert (structure.positions == output.structure.positions).all()
    assert structure.struct_id == name.removesuffix(".out")


@pytest.mark.parametrize("cut", [False, True])
def test_a_molecular_dynamics_is_refused(tmp_path: Path, cut: bool) -> None:
    text = (DATA / "molecule.out").read_text()
    at = text.index("Self-consistency cycle converged.")
    file = tmp_path / "md.out"
    file.write_text(text[:at] + STEP + (text[at:] if not cut else ""))
    with pytest.raises(EngineError, match="molecular dynamics"):
        parse_output(file)
    with pytest.raises(InputError, match=r"md\.out: an output of a molecular dynamics \(MD_run\)"):
        read(file)


def test_a_dynamics_that_the_repeated_control_asks_for(tmp_path: Path) -> None:
    text = (DATA / "molecule.out").read_text()
    echo = "Parsing control.in (first pass over file, find array dimensions only)."
    rule = "-" * 70
    asked = f"{echo}\n{rule}\n  MD_run 5. NVE\n{rule}\nCompleted first pass over input file control.in\n"
    begin = text.find(echo)
    file = tmp_path / "md.out"
    file.write_text((text[:begin] + asked + text[begin:]) if begin >= 0 else text + asked)
    with pytest.raises(InputError, match="molecular dynamics"):
        read(file)


def test_a_control_in_of_a_dynamics() -> None:
    [structure] = read(DATA / "molecule.out")
    with pytest.raises(EngineError, match="asks for a molecular dynamics; take its line 'MD_run' out"):
        refuse_unusable(Control("xc pbe\nMD_run 5. NVE\n"), structure, relax=False)


def test_a_cut_output_is_refused(tmp_path: Path) -> None:
    text = (DATA / "molecule.out").read_text()
    file = tmp_path / "aims.out"
    file.write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match="not a whole FHI-aims output"):
        read(file)


def test_the_mark_is_the_engines() -> None:
    assert AIMS.is_marked(Path("x"), BEGINNING)
