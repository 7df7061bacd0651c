"""A molecule's charges without a wave function: frames, shells, satellites, symmetry, the fit, charges by hand."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule as built
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule, point_group
from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice import Model, Potential
from genarris_fw.lattice.charges.by_method import described, electrostatics, found_or_computed
from genarris_fw.lattice.charges.electrostatics import Electrostatics, check_neutral
from genarris_fw.lattice.charges.equal_sites import averaged, classes, symmetry
from genarris_fw.lattice.charges.fit import fit_charges
from genarris_fw.lattice.charges.molecular_potential import MolecularPotential, key_of
from genarris_fw.lattice.charges.satellites import satellites
from genarris_fw.lattice.charges.shells import OTHER_SHELLS, SHELLS, shell_points, sphere
from genarris_fw.lattice.molecule import gfn2, wave_function
from genarris_fw.lattice.molecule.standard_frame import rounded, standard_frame
from genarris_fw.lattice.multipoles import COULOMB, potential, rotated

TURN = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
SHIFT = np.array([3.0, -7.0, 11.0])


def molecule(name: str) -> Molecule:
    atoms = built(name)
    return Molecule(atoms.get_chemical_symbols(), atoms.positions)


def moved(one: Molecule, matrix: np.ndarray = TURN) -> Molecule:
    return Molecule(one.species, one.positions @ matrix.T + SHIFT)


def synthetic(one: Molecule, charges: np.ndarray, charge: int = 0) -> MolecularPotential:
    """The potential of point charges at the nuclei, as if a wave function had it."""
    positions = rounded(standard_frame(one.positions).inside(one.positions))
    values = np.zeros((len(one), 25))
    values[:, 0] = charges
    at = shell_points(one.species, positions)
    return MolecularPotential(
        one.species, positions, charge, "made up", potential(at, positions, values), np.zeros(0), values
    )


@pytest.mark.parametrize("name", ["H2O", "CH3CONH2", "C6H6", "CO2", "NH3", "CH3OH"])
def test_a_turned_molecule_is_the_same_in_its_frame(name: str) -> None:
    one = molecule(name)
    other = moved(one)
    frame, frame_2 = standard_frame(one.positions), standard_frame(other.positions)
    assert np.linalg.det(frame.axes) == pytest.approx(1.0)
    inside = frame.inside(one.positions)
    assert np.array_equal(rounded(inside), rounded(frame_2.inside(other.positions)))
    assert np.allclose(frame.outside(inside), one.positions, atol=1e-12)
    assert key_of(one, "HF/6-31G**") == key_of(other, "hf/6-31g**")


def test_the_key_tells_molecules_methods_and_charges_apart() -> None:
    one = molecule("CH3CONH2")
    farther = Molecule(one.species, one.positions + np.eye(len(one), 3) * 1e-5)
    chiral = Molecule(
        ["C", "H", "F", "Cl", "Br"], [[0, 0, 0], [0, 0, 1.1], [1.3, 0, -0.4], [-0.8, 1.5, -0.5], [-0.9, -1.6, -0.6]]
    )
    mirror = Molecule(chiral.species, chiral.positions * [1, 1, -1])
    keys = [
        key_of(one, "HF/6-31G**"),
        key_of(one, "HF/6-31G*"),
        key_of(one, "HF/6-31G**", 2),
        key_of(farther, "HF/6-31G**"),
    ]
    keys += [key_of(each, "HF/6-31G**") for each in (chiral, mirror)]
    assert len(set(keys)) == 6


def test_points_lie_on_their_shells_and_outside_of_all_others() -> None:
    one = molecule("CH3CONH2")
    radii = np.array([{"H": 1.2, "C": 1.7, "N": 1.55, "O": 1.52}[name] for name in one.species])
    for shells in (SHELLS, OTHER_SHELLS):
        points = shell_points(one.species, one.positions, shells)
        factors = (np.linalg.norm(points[:, None] - one.positions, axis=2) / radii).min(axis=1)
        assert np.abs(factors[:, None] - shells).min(axis=1).max() < 1e-8
        assert {round(float(f), 6) for f in factors} == set(shells)
    assert not set(SHELLS) & set(OTHER_SHELLS)


def test_a_sphere_is_covered_evenly() -> None:
    points = sphere(400)
    # All spherical harmonics up to rank 4 but the first average to nearly nothing.
    from genarris_fw.lattice.multipoles import regular

    assert np.abs(regular(points, 4).mean(axis=0)[1:]).max() < 0.005
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(400))


def test_satellites_are_where_lone_pairs_are() -> None:
    formaldehyde = molecule("H2CO")
    found = satellites(formaldehyde.species, formaldehyde.positions) - formaldehyde.positions[0]
    assert formaldehyde.species[0] == "O"
    axis = formaldehyde.positions[0] - formaldehyde.positions[1]
    axis /= np.linalg.norm(axis)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.full(5, 0.35))
    # One along the bond, two to the sides in the plane of the molecule (x = 0), two above and below it.
    assert found @ axis == pytest.approx([0.35, 0, 0, 0, 0], abs=1e-9)
    assert np.abs(found[1:3, 0]).max() < 1e-9
    assert np.abs(found[3:, 0]) == pytest.approx([0.35, 0.35])


@pytest.mark.parametrize(
    ("name", "number"),
    [("H2O", 3), ("NH3", 2), ("CO2", 2), ("HCN", 1), ("CH3OCH3", 3), ("CH3NO2", 12), ("C4H4S", 3), ("C6H6", 0)],
)
def test_satellites_have_the_molecule_s_symmetry_and_turn_with_it(name: str, number: int) -> None:
    one = molecule(name)
    found = satellites(one.species, one.positions)
    assert len(found) == number
    other = moved(one)
    turned = satellites(other.species, other.positions)
    if number:
        gaps = np.linalg.norm(turned[:, None] - (found @ TURN.T + SHIFT), axis=2)
        assert gaps.min(axis=1).max() < 1e-6
        group = point_group(one, 0.03)
        for operation in group.operations if not group.infinite else []:
            image = (found - group.centre) @ operation.T + group.centre
            assert np.linalg.norm(image[:, None] - found, axis=2).min(axis=1).max() < 0.05


def test_symmetry_makes_sites_equal() -> None:
    benzene = molecule("C6H6")
    assert classes(symmetry(benzene), benzene.positions).tolist() == [0] * 6 + [1] * 6
    water = molecule("H2O")
    sites = np.concatenate([water.positions, satellites(water.species, water.positions)])
    assert classes(symmetry(water), sites).tolist() == [0, 1, 1, 2, 3, 3]


def test_averaged_multipoles_have_the_symmetry() -> None:
    ammonia = molecule("NH3")
    group = symmetry(ammonia)
    values = averaged(group, ammonia.positions, np.random.default_rng(0).normal(size=(4, 25)))
    for operation, permutation in zip(group.operations, group.permutations):
        assert rotated(values, operation) == pytest.approx(values[permutation], abs=1e-9)
    with pytest.raises(InputError, match="symmetry of the molecule"):
        averaged(group, ammonia.positions[:3], values[:3])


def test_charges_that_made_a_potential_are_found_again() -> None:
    one = molecule("CH3CONH2")
    charges = np.array([-0.6, 0.7, -0.9, -0.3, 0.4, 0.4, 0.1, 0.1, 0.1])
    charges[-1] -= charges.sum()
    points = shell_points(one.species, one.positions)
    values = potential(points, one.positions, charges[:, None])
    found, error = fit_charges(points, values, one.positions, np.arange(9))
    assert found == pytest.approx(charges, abs=5e-3)  # the ridge
    assert error < 0.02
    assert abs(found.sum()) < 1e-14
    # A sum that the potential does not have is kept all the same; equal charges are equal to the last bit.
    labels = np.array([0, 1, 2, 3, 4, 4, 5, 5, 5])
    tied, larger = fit_charges(points, values, one.positions, labels, charge=1.0)
    assert tied.sum() == pytest.approx(1.0, abs=1e-14)
    assert tied[4] == tied[5] and tied[6] == tied[7] == tied[8]
    assert larger > 20
    # No other charges with this sum are better: the gradient of the error vanishes along all of them.
    design = COULOMB / np.linalg.norm(points[:, None] - one.positions, axis=2)
    best, least = fit_charges(points, values + 5 * np.sin(points[:, 0]), one.positions, np.arange(9))
    for step in np.random.default_rng(1).normal(size=(20, 9)):
        other = design @ (best + 1e-2 * (step - step.mean())) - values - 5 * np.sin(points[:, 0])
        assert np.sqrt(np.mean(other**2)) > least - 1e-4


def test_a_potential_of_charges_is_described_by_them_wherever_the_molecule_lies() -> None:
    one = molecule("H2O")
    source = synthetic(one, np.array([-0.8, 0.4, 0.4]))
    for each in (one, moved(one)):
        found = described(each, source, satellites=False)
        assert found.multipoles[:, 0] == pytest.approx([-0.8, 0.4, 0.4], abs=2e-3)
        assert np.array_equal(found.sites, each.positions)
        ranks = described(each, source, rank=2)
        assert ranks.multipoles.shape == (3, 9)
        assert ranks.multipoles[:, 0] == pytest.approx([-0.8, 0.4, 0.4])
    with pytest.raises(InputError, match="another molecule"):
        described(molecule("NH3"), source)


def test_hydrogens_may_be_moved_into_the_bond() -> None:
    one = moved(molecule("H2O"))
    source = synthetic(one, np.array([-0.8, 0.4, 0.4]))
    sites = one.positions + 0.1 * (one.positions[0] - one.positions)
    found = described(one, source, satellites=False, hydrogen_sites=sites)
    assert np.allclose(found.sites, sites)
    # The dipole moment wants larger charges at smaller distances.
    assert found.multipoles[1, 0] > 0.42
    exact = described(one, source, rank=4, hydrogen_sites=sites)
    points = one.positions[0] + 8.0 * sphere(50)
    assert exact.potential(points) == pytest.approx(described(one, source, rank=4).potential(points), abs=1e-3)
    for wrong, words in [(sites[:2], "a row for each"), (sites + 1.0, "more than 0.5 Å")]:
        with pytest.raises(InputError, match=words):
            described(one, source, hydrogen_sites=wrong)


def test_given_by_hand_and_moved() -> None:
    one = molecule("H2O")
    values = np.random.default_rng(2).normal(size=(3, 25))
    values[:, 0] -= values[:, 0].mean()
    own = Electrostatics(one.positions, values)
    assert (own.rank, own.error, own.method) == (4, None, "given")
    check_neutral(own)
    points = 5.0 * sphere(30)
    for matrix in (TURN, TURN @ np.diag([1, 1, -1])):
        other = own.moved(matrix, SHIFT)
        assert other.potential(points @ matrix.T + SHIFT) == pytest.approx(own.potential(points), rel=1e-9)
    assert Electrostatics(one.positions, [-0.8, 0.4, 0.4]).rank == 0


@pytest.mark.parametrize(
    ("sites", "values", "words"),
    [
        (np.zeros((3, 3)), np.zeros(2), "do not fit together"),
        (np.zeros((3, 2)), np.zeros(3), "do not fit together"),
        (np.zeros((3, 3)), np.zeros((3, 5)), "5 components are no multipoles"),
        (np.zeros((3, 3)), np.zeros((3, 36)), "rank 5"),
        (np.full((3, 3), np.nan), np.zeros(3), "not a finite number"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(sites: np.ndarray, values: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Electrostatics(sites, values)


def test_charges_have_to_sum_to_the_molecule_s_charge() -> None:
    wrong = Electrostatics(np.eye(3), [-0.8, 0.4, 0.41])
    with pytest.raises(InputError, match=r"sum to \+0.01000 e, and not to its charge, \+0 e"):
        check_neutral(wrong)
    with pytest.raises(InputError, match=r"\+1 e"):
        check_neutral(Electrostatics(np.eye(3), [-0.8, 0.4, 0.4]), 1)
    check_neutral(Electrostatics(np.eye(3), [0.2, 0.4, 0.4]), 1)


def test_what_cannot_be_computed_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    water = molecule("H2O")
    for method, more, words in [
        ("HF/6-31G**", {"charge": 1}, "9 electrons"),
        ("HF/6-31G**", {"rank": 5}, "rank = 5"),
        ("HF", {}, "expected theory/basis"),
        ("a/b/c", {}, "expected theory/basis"),
        ("GFN2", {"rank": 4}, "gives charges alone"),
    ]:
        with pytest.raises(InputError, match=words) as refused:
            electrostatics(water, method, **more)
        assert "\n" not in str(refused.value)
    monkeypatch.setattr(wave_function, "installed", lambda: False)
    with pytest.raises(InputError, match=r"pyscf is missing: pip install 'genarris_fw\[pyscf\]', or method = GFN2"):
        electrostatics(water)


def test_gfn2_charges_have_the_dipole_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    interface = pytest.importorskip("tblite.interface", reason="tblite is not installed")
    water = molecule("H2O")
    found = electrostatics(water, "gfn2")
    assert "fallback" in found.method and found.error is None
    calculator = interface.Calculator("GFN2-xTB", np.array([8, 1, 1]), water.positions / 0.529177210903)
    calculator.set("verbosity", 0)
    dipole = np.asarray(calculator.singlepoint()["dipole"]) * 0.529177210903
    assert found.multipoles[:, 0] @ water.positions == pytest.approx(dipole, abs=1e-4)
    assert found.multipoles[1, 0] == found.multipoles[2, 0] > 0.2
    check_neutral(found)
    turned = electrostatics(moved(water), "GFN2")
    assert turned.multipoles == pytest.approx(found.multipoles, abs=1e-7)

    class Stuck:
        def Calculator(self, *_: object, **__: object) -> Stuck:
            return self

        def set(self, *_: object) -> None: ...

        def singlepoint(self) -> None:
            raise RuntimeError("SCF not converged\nin 250 cycles")

    monkeypatch.setattr(gfn2.importlib, "import_module", lambda _: Stuck())
    with pytest.raises(EngineError, match="SCF not converged in 250 cycles"):
        electrostatics(water, "GFN2")


def test_what_was_computed_before_is_not_computed_again() -> None:
    water = molecule("H2O")
    kept: dict = {}
    calls = []

    def compute(one: Molecule, method: str, charge: int) -> MolecularPotential:
        calls.append(method)
        return synthetic(one, np.array([-0.8, 0.4, 0.4]))

    first = found_or_computed(water, "HF/6-31G**", 0, kept, compute)
    again = found_or_computed(moved(water), "HF/6-31G**", 0, kept, compute)
    assert calls == ["HF/6-31G**"] and list(kept) == [key_of(water, "HF/6-31G**")]
    assert np.array_equal(again.potential, first.potential)
    found_or_computed(water, "HF/6-31G*", 0, kept, compute)
    assert len(calls) == 2


def test_a_model_has_its_charges_where_the_potential_has_the_hydrogens() -> None:
    one = molecule("CH3OH")
    source = synthetic(one, np.array([0.2, -0.6, 0.1, 0.1, 0.1, 0.1]))
    kept = {key_of(one, "HF/6-31G**"): source.record()}
    found = electrostatics(one, kept=kept)
    w99, fit = Potential("W99"), Potential("FIT")
    hydrogens = np.array([name == "H" for name in one.species])
    [moved_in] = Model(one, w99, found).electrostatics
    sites = w99.sites_of(one)
    assert np.linalg.norm(sites - one.positions, axis=1)[hydrogens] == pytest.approx(0.1)
    expected = electrostatics(one, kept=kept, hydrogen_sites=sites)
    assert np.array_equal(moved_in.sites, expected.sites)
    assert np.array_equal(moved_in.multipoles, expected.multipoles) and moved_in.charge == pytest.approx(0.0)
    assert not np.allclose(moved_in.multipoles, found.multipoles, atol=1e-4)
    # Not where they are given, nor where the potential leaves the hydrogens at the nuclei.
    given = electrostatics(one, kept=kept, hydrogen_sites=one.positions)
    assert Model(one, w99, given).electrostatics == [given]
    assert Model(one, fit, found).electrostatics == [found]
    by_hand = Electrostatics(found.sites, found.multipoles)
    assert Model(one, w99, by_hand).electrostatics == [by_hand]
