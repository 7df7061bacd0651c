"""Trajectories of a molecular dynamics are refused as such; relaxations and pools are not."""

import io
from pathlib import Path

import ase.io
import pytest
from ase import Atoms

from genarris_fw.crystal import read
from genarris_fw.errors import InputError


def frames(number: int, moving: bool, **info: list) -> str:
    stream, found = io.StringIO(), []
    for k in range(number):
        atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.13 + 0.01 * k]], cell=[8, 8, 8], pbc=True)
        atoms.info = {name: values[k] for name, values in info.items()}
        if moving:
            atoms.set_momenta([[0, 0, 1], [0, 0, -1]])
        found.append(atoms)
    ase.io.write(stream, found, format="extxyz")
    return stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        frames(3, True),
        frames(3, False, time=[0.0, 0.5, 1.0]),
        frames(3, False, md_step=[10, 20, 30]),
        "".join(f"2\n i = {k}, time = {k * 0.5:.3f}, E = -17.1\nC 0 0 0\nO 0 0 1.1{k}\n" for k in range(3)),
    ],
)
def test_dynamics(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.xyz"
    file.write_text(text)
    with pytest.raises(InputError, match=r"run\.xyz: a molecular dynamics \(3 frames"):
        read(file)


@pytest.mark.parametrize(
    "text",
    [
        frames(3, False, energy=[-1.0, -2.0, -3.0]),
        frames(3, False, step=[0, 1, 2]),
        frames(3, False, time=[2.0, 1.0, 3.0]),  # such as seconds that calculations took
        frames(1, True, time=[0.5]),
    ],
)
def test_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.extxyz"
    file.write_text(text)
    assert len(read(file)) in (1, 3)


def test_geometry_out(tmp_path: Path) -> None:
    block = (
        "####### BEGIN STRUCTURE #######\nlattice_vector 8 0 0\nlattice_vector 0 8 0\nlattice_vector 0 0 8\n"
        "atom 0 0 0 C\n    velocity 1 0 0\natom 0 0 1.13 O\n#######  END  STRUCTURE #######\n"
    )
    file = tmp_path / "x.out"
    file.write_text(block)
    assert len(read(file)) == 1
    file.write_text(block * 2)
    with pytest.raises(InputError, match=r"a molecular dynamics \(2 structures with velocities\)"):
        read(file)
