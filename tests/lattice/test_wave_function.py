"""Charges and multipoles of wave functions by pyscf: against pyscf's own moments, and the prototype's errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as built
from scipy.spatial.transform import Rotation
from shared_data import shared

from genarris_fw.crystal import Molecule
from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice.charges.by_method import described, electrostatics, error_elsewhere, found_or_computed
from genarris_fw.lattice.charges.electrostatics import Electrostatics, check_neutral
from genarris_fw.lattice.charges.molecular_potential import MolecularPotential
from genarris_fw.lattice.charges.shells import shell_points
from genarris_fw.lattice.molecule import wave_function
from genarris_fw.lattice.molecule.standard_frame import standard_frame
from genarris_fw.lattice.molecule.wave_function import WaveFunction
from genarris_fw.lattice.multipoles import BOHR, from_atomic_units, shifted

pytest.importorskip("pyscf", reason="pyscf is not installed: pip install genarris_fw[pyscf]")

# Urea as in its crystal (the X23 benchmark), with the axis along z.
UREA = Molecule(
    ["C", "O", "N", "N", "H", "H", "H", "H"],
    [
        [0.0, 0.0, 0.495583],
        [0.0, 0.0, 1.768661],
        [0.817003, 0.817003, -0.203195],
        [-0.817003, -0.817003, -0.203195],
        [1.447384, 1.447384, 0.293576],
        [-1.447384, -1.447384, 0.293576],
        [0.811121, 0.811121, -1.222504],
        [-0.811121, -0.811121, -1.222504],
    ],
)
OCC = Path(__file__).parents[1] / "data" / "lattice_occ_multipoles.json"
TURN = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()


@pytest.fixture(scope="module")
def kept() -> dict:
    return {}


@pytest.fixture(scope="module")
def source(kept: dict) -> MolecularPotential:
    return found_or_computed(UREA, kept=kept)


def test_urea_s_charges_fit_as_well_as_the_prototype_s(source: MolecularPotential) -> None:
    """The prototype's fits of 23 molecules: charges 1.2 to 4.9, with satellites 0.1 to 1.9 kJ/mol per e."""
    charges, with_satellites = (described(UREA, source, each) for each in (False, True))
    assert 1.2 < charges.error < 2.5 and with_satellites.error < 0.8
    assert len(charges.sites) == 8 and len(with_satellites.sites) == 8 + 5 + 2 * 2
    for found in (charges, with_satellites):
        check_neutral(found)
        q = found.multipoles[:, 0]
        assert abs(q.sum()) < 1e-14
        assert q[2] == q[3] and q[4] == q[5] and q[6] == q[7]
        assert np.array_equal(found.sites[:8], UREA.positions)
        assert error_elsewhere(UREA, source, found) < found.error


def test_multipoles_give_the_potential_where_nothing_was_fitted(source: MolecularPotential) -> None:
    errors = [error_elsewhere(UREA, source, described(UREA, source, rank=rank)) for rank in (1, 2, 3, 4)]
    assert errors[3] < 0.15 and errors[0] > errors[1] > errors[3]
    found = described(UREA, source, rank=4)
    assert found.multipoles.shape == (8, 25) and found.error < 0.3
    check_neutral(found)


@pytest.mark.parametrize("name", ["H2O", "CH3OH"])
def test_the_multipoles_are_those_of_another_program(name: str) -> None:
    """Stone's analysis as occ has it, of its own wave function."""
    atoms = built(name)
    positions = atoms.positions - atoms.positions.mean(axis=0)
    multipoles = WaveFunction(atoms.get_chemical_symbols(), positions, "HF", "6-31G**").multipoles()
    assert multipoles == pytest.approx(from_atomic_units(json.loads(OCC.read_text())[name]), abs=2e-5)


def test_the_potential_is_that_of_dmacrys_multipoles() -> None:
    """Acrolein in a golden case of DMACRYS, of a wave function that is not named: HF/6-31G** is 8 % more polar."""
    sites = json.loads(shared("lattice/dmacrys/01.lem_fit_AXOSOW.json").read_text())["molecule"]["sites"]
    places = np.array([site["position_bohr"] for site in sites]) * BOHR
    golden = Electrostatics(places, from_atomic_units([site["multipoles"]["components"] for site in sites]))
    one = Molecule([site["element"] for site in sites], places)
    found = electrostatics(one, rank=4)
    points = shell_points(one.species, one.positions)
    theirs, ours = golden.potential(points), found.potential(points)
    assert np.corrcoef(theirs, ours)[0, 1] > 0.998
    assert ours @ theirs / (theirs @ theirs) == pytest.approx(1.08, abs=0.02)


@pytest.mark.parametrize(("name", "basis"), [("CH3OH", "6-31G**"), ("SH2", "6-311G**")])
def test_the_multipoles_sum_to_the_moments_of_the_density(name: str, basis: str) -> None:
    """Stone's analysis shares the density out and loses nothing: against pyscf's own dipole and quadrupole.

    6-311G** of sulphur has the same Gaussian in several shells.
    """
    atoms = built(name)
    positions = atoms.positions - atoms.positions.mean(axis=0)
    wave = WaveFunction(atoms.get_chemical_symbols(), positions, "HF", basis)
    multipoles = wave.multipoles()
    total = sum(shifted(multipoles[i], positions[i]) for i in range(len(positions)))
    mol, density = wave._mol, wave._density
    bohr, nuclei = 0.529177210903, mol.atom_charges()
    dipole = nuclei @ positions - np.einsum("kij,ij->k", mol.intor("int1e_r"), density) * bohr
    assert total[0] == pytest.approx(0, abs=1e-9)
    assert total[[2, 3, 1]] == pytest.approx(dipole, abs=1e-8)
    second = np.einsum("k,ka,kb->ab", nuclei, positions, positions)
    second -= np.einsum("kij,ij->k", mol.intor("int1e_rr"), density).reshape(3, 3) * bohr**2
    xx, yy, zz = np.diag(second)
    expected = [
        zz - (xx + yy) / 2,
        *(np.sqrt(3) * second[[0, 1], 2]),
        np.sqrt(0.75) * (xx - yy),
        np.sqrt(3) * second[0, 1],
    ]
    assert total[4:9] == pytest.approx(expected, abs=1e-7)


def test_the_potential_is_that_of_the_density() -> None:
    """Against pyscf's other integrals, and far away against the multipoles."""
    water = built("H2O")
    wave = WaveFunction(water.get_chemical_symbols(), water.positions, "HF", "6-31G**")
    points = np.array([[2.5, 0.3, -1.0], [0.0, 0.1, 3.0], [30.0, 20.0, -10.0]])
    bohr = 0.529177210903
    integrals = wave._mol.intor("int1e_grids", grids=points / bohr)
    direct = -np.einsum("pij,ij->p", integrals, wave._density)
    direct += (wave._mol.atom_charges() / np.linalg.norm(points[:, None] - water.positions, axis=2) * bohr).sum(axis=1)
    found = wave.potential(points)
    assert found == pytest.approx(direct * 2625.4996, rel=1e-7)
    multipoles = Electrostatics(water.positions, wave.multipoles())
    assert multipoles.potential(points[2:]) == pytest.approx(found[2:], abs=1e-5)


def test_a_turned_molecule_has_the_same_charges(kept: dict, source: MolecularPotential) -> None:
    other = Molecule(UREA.species, UREA.positions @ TURN.T + 5.0)
    fresh = found_or_computed(other)
    assert fresh.potential == pytest.approx(source.potential, abs=1e-6)
    one, turned = electrostatics(UREA, kept=kept), electrostatics(other, kept=kept)
    assert len(kept) == 1
    assert np.allclose(turned.sites, one.sites @ TURN.T + 5.0, atol=2e-6)
    assert np.array_equal(turned.multipoles, one.multipoles)
    ranks, turned = (electrostatics(each, rank=4, kept=kept) for each in (UREA, other))
    points = standard_frame(UREA.positions).outside(source.points[::50])
    assert turned.potential(points @ TURN.T + 5.0) == pytest.approx(ranks.potential(points), abs=1e-4)


def test_ions_and_functionals() -> None:
    hydroxide = Molecule(["O", "H"], [[0, 0, 0], [0, 0, 0.96]])
    found = electrostatics(hydroxide, "B3LYP/6-31G", charge=-1)
    assert found.charge == pytest.approx(-1.0, abs=1e-14)
    assert "B3LYP/6-31G" in found.method
    check_neutral(found, -1)
    with pytest.raises(InputError, match="sum to -1"):
        check_neutral(found)


def test_a_basis_set_comes_with_its_core_potential() -> None:
    """Iodine in def2-SVP, whose core is a potential, against all its electrons in 6-311G**; without it C has +1.4 e."""
    hydrogens = [[1.03 * np.cos(t), 1.03 * np.sin(t), -0.35] for t in np.radians([0, 120, 240])]
    iodomethane = Molecule(["C", "I", "H", "H", "H"], [[0, 0, 0], [0, 0, 2.14], *hydrogens])
    by_potential, by_electrons = (
        electrostatics(iodomethane, method, satellites=False) for method in ("HF/def2-SVP", "HF/6-311G**")
    )
    np.testing.assert_allclose(by_potential.multipoles[:, 0], by_electrons.multipoles[:, 0], atol=0.1)


@pytest.mark.parametrize(
    ("method", "words"), [("HF/6-31Q", "no basis set 6-31Q"), ("B4LYP/6-31G", "no density functional B4LYP")]
)
def test_unknown_methods(method: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        electrostatics(Molecule(["H", "H"], [[0, 0, 0], [0, 0, 0.74]]), method)
    assert "\n" not in str(refused.value)


def test_a_field_that_does_not_converge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wave_function, "MOST_CYCLES", 1)
    with pytest.raises(EngineError, match=r"HF/6-31G did not converge in 1 cycles") as failed:
        electrostatics(Molecule(["O", "H", "H"], built("H2O").positions), "HF/6-31G")
    assert failed.value.kind == "scf" and failed.value.permanent
