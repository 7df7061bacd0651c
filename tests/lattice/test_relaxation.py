"""Molecules relaxed by themselves."""

import numpy as np
import pytest

from genarris_fw.crystal import Molecule, point_group, symmetrize
from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice import relaxed
from genarris_fw.lattice.molecule import relaxation
from genarris_fw.lattice.molecule.gfn2 import gfn2_forces
from genarris_fw.lattice.molecule.wave_function import WaveFunction

WATER = Molecule(["O", "H", "H"], np.array([[0.0, 0.0, 0.0], [0.98, 0.0, 0.0], [-0.2, 0.97, 0.05]]))


def bond_and_angle(water):
    a, b = water.positions[1:] - water.positions[0]
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    return np.mean(lengths), np.degrees(np.arccos(a @ b / (lengths[0] * lengths[1])))


# HF/6-31G**: Hehre, Radom, Schleyer & Pople, Ab Initio Molecular Orbital Theory (1986), table 6.6; GFN2-xTB: its own.
@pytest.mark.parametrize(("method", "bond", "angle"), [("HF/6-31G**", 0.943, 106.0), ("GFN2", 0.959, 107.2)])
def test_water(method, bond, angle):
    found = relaxed(WATER, method)
    length, between = bond_and_angle(found)
    assert length == pytest.approx(bond, abs=0.002)
    assert between == pytest.approx(angle, abs=0.3)
    assert point_group(found, 0.005).symbol == "mm2"
    assert point_group(symmetrize(found, tol=0.005)).symbol == "mm2"


def slope(energy, positions, atom, axis, h=1e-3):
    moved = [positions.copy(), positions.copy()]
    moved[0][atom, axis] += h
    moved[1][atom, axis] -= h
    return (energy(moved[0]) - energy(moved[1])) / (2 * h)


def test_forces_are_the_slope_of_the_energy():
    species, positions = WATER.species, WATER.positions
    ours = WaveFunction(species, positions, "HF", "STO-3G").forces()
    wanted = -slope(lambda x: WaveFunction(species, x, "HF", "STO-3G").energy, positions, 1, 0)
    assert ours[1, 0] == pytest.approx(wanted, abs=1e-4)
    _, ours = gfn2_forces(species, positions)
    assert ours[1, 0] == pytest.approx(-slope(lambda x: gfn2_forces(species, x)[0], positions, 1, 0), abs=1e-3)


def test_what_is_not_relaxed_is_told(monkeypatch):
    monkeypatch.setattr(relaxation, "MOST_STEPS", 1)
    with pytest.raises(EngineError, match="H2O: not relaxed by GFN2 in 1 steps"):
        relaxed(WATER, "GFN2")


def test_bad_input():
    with pytest.raises(InputError, match="9 electrons"):
        relaxed(Molecule(["O", "H"], np.array([[0, 0, 0], [0.97, 0, 0.0]])), "GFN2")
    far = Molecule(["H", "H"], np.array([[0, 0, 0], [1.6, 0, 0.0]]))
    with pytest.raises(EngineError, match="other bonds"):
        relaxed(far, "GFN2")
