"""The lattice energy against DMACRYS, against direct sums, and under everything that must not change it."""

import numpy as np
import pytest
from lattice_models import (
    AXOSOW_HEAVY,
    UREA_HEAVY,
    ByElement,
    Charges,
    crystal,
    fit_potential,
    golden,
    simple_charges,
    trichlorobenzene,
)

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.lattice import Model
from genarris_fw.lattice.sums import arguments as sums
from genarris_fw.lattice.sums.arguments import model_arguments

KE = 1389.35457644


@pytest.mark.parametrize(
    ("name", "heavy"),
    [("01.lem_fit_AXOSOW", AXOSOW_HEAVY), ("02.lem_will01_AXOSOW", AXOSOW_HEAVY), ("UREAXX22", UREA_HEAVY)],
)
def test_energies_of_dmacrys(name, heavy):
    case = golden(name, heavy)
    found = Model(case.molecule, case.potential, case.charges).energy(case.structure)
    assert found.repulsion_dispersion == pytest.approx(case.exp6, abs=0.01)
    # Acrolein's charges sum to -0.0001 e: the charge of a cell is taken to be none.
    assert found.electrostatic == pytest.approx(case.charge_charge, abs=0.01)
    assert found.total == pytest.approx(found.repulsion_dispersion + found.electrostatic)


def test_anisotropic_repulsion_of_dmacrys():
    structure, molecule, potential, wanted = trichlorobenzene()
    assert Model(molecule, potential).energy(structure).total == pytest.approx(wanted, abs=0.01)
    potential.rho20 = {}
    assert Model(molecule, potential).energy(structure).total < wanted - 3.0


def test_converged_dispersion_is_what_a_long_taper_comes_to():
    """Ewald's sum of r^-6 against direct sums that are cut farther and farther: the rest goes as 1 / cut^3."""
    case = golden("01.lem_fit_AXOSOW", AXOSOW_HEAVY)
    energies = []
    for end in (24.0, 30.0):
        case.potential.taper = (end - 0.5, end)
        energies.append(Model(case.molecule, case.potential).energy(case.structure).total)
    limit = energies[1] + (energies[1] - energies[0]) / ((30.0 / 24.0) ** 3 - 1.0)
    case.potential.taper = None
    assert Model(case.molecule, case.potential).energy(case.structure).total == pytest.approx(limit, abs=2e-3)


@pytest.mark.parametrize("name", ["urea", "acetic_acid"])
def test_the_energy_does_not_depend_on_alpha(name):
    structure, molecule = crystal(name)
    energies = [
        Model(molecule, fit_potential(), simple_charges(molecule), alpha=alpha).energy(structure).total
        for alpha in (0.36, 0.42, 0.5)
    ]
    assert np.ptp(energies) < 2e-4


def test_charges_against_a_direct_sum():
    """Benzene has neither charge nor dipole: its sum over molecules converges, and needs no term of the surface."""
    structure, molecule = crystal("benzene")
    charges = simple_charges(molecule)
    found = Model(molecule, fit_potential(), charges).energy(structure).electrostatic
    q = charges.multipoles[:, 0]
    n, Z = len(molecule.species), len(structure.species) // len(molecule.species)
    points = structure.positions.reshape(Z, n, 3)
    numbers = np.arange(-11, 12)
    cells = np.array(np.meshgrid(numbers, numbers, numbers, indexing="ij")).reshape(3, -1).T @ structure.lattice
    total = 0.0
    for k in range(Z):
        for shift in cells:
            if k == 0 and not shift.any():
                continue
            middle = points[k].mean(axis=0) + shift - points[0].mean(axis=0)
            if np.linalg.norm(middle) < 70.0:
                r = np.linalg.norm(points[k][None] + shift - points[0][:, None], axis=2)
                total += 0.5 * KE * q @ (1.0 / r) @ q
    assert found == pytest.approx(total, abs=1e-4)


def same_energy(model, structure, changed):
    assert model.energy(changed).total == pytest.approx(model.energy(structure).total, abs=1e-8)


@pytest.mark.parametrize("name", ["urea", "acetic_acid", "benzene"])
def test_what_must_not_change_the_energy(name):
    structure, molecule = crystal(name)
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    rng = np.random.default_rng(1)
    n, lattice, x = len(molecule.species), structure.lattice, structure.positions
    own = {"number_of_atoms_in_molecule": n}
    # another cell of the same lattice, another origin
    same_energy(
        model, structure, Structure(np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]]) @ lattice, structure.species, x, own)
    )
    same_energy(model, structure, Structure(lattice, structure.species, x + rng.normal(size=3), own))
    # the order of atoms and molecules
    order = rng.permutation(len(x))
    same_energy(model, structure, Structure(lattice, [structure.species[k] for k in order], x[order]))
    # the mirror image, turned
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= -np.sign(np.linalg.det(turn))
    same_energy(model, structure, Structure(lattice @ turn.T, structure.species, x @ turn.T, own))
    # a larger cell
    double = Structure(
        lattice * np.array([[1], [2], [1]]), structure.species * 2, np.concatenate([x, x + lattice[1]]), own
    )
    same_energy(model, structure, double)


def test_satellites_are_as_good_as_charges_at_atoms():
    """Charges a hair off the atoms, summed in loops of their own, give what charges at the atoms give."""
    structure, molecule = crystal("urea")
    charges = simple_charges(molecule)
    near = Charges(molecule.positions + 2e-6, charges.multipoles)
    one = Model(molecule, fit_potential(), charges).energy(structure)
    other = Model(molecule, fit_potential(), near).energy(structure)
    assert other.total == pytest.approx(one.total, abs=1e-3)
    # Half of the charge in each place.
    half = Charges(
        np.concatenate([charges.sites, near.sites]), np.concatenate([charges.multipoles, charges.multipoles]) / 2
    )
    assert Model(molecule, fit_potential(), half).energy(structure).total == pytest.approx(one.total, abs=1e-3)


def test_charges_in_a_loop_of_their_own():
    """Where hydrogens act apart from their nuclei, charges have the loops that cost least: all give the same."""
    structure, molecule = crystal("acetic_acid")
    potential = fit_potential()
    potential.sites = molecule.positions * 0.99
    model = Model(molecule, potential, simple_charges(molecule))
    one = model_arguments(model.terms, model.kinds, [0])
    assert one["split"] and not one["charged"]
    wanted = model.energy(structure)
    # Hydrogens alone moved: some charges at exp-6 sites, some beside them.
    hydrogens = np.array([name == "H" for name in molecule.species])
    sites = molecule.positions.copy()
    sites[hydrogens] += 0.01
    potential.sites = sites
    model = Model(molecule, potential, simple_charges(molecule))
    assert model_arguments(model.terms, model.kinds, [0])["charged"]
    energies = []
    for split in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sums, "_split", lambda kinds, split=split: split)
            energies.append(model.energy(structure))
    assert energies[0].total == pytest.approx(energies[1].total, abs=1e-9)
    assert energies[0].electrostatic == pytest.approx(wanted.electrostatic, abs=1e-6)
    assert energies[0].stress == pytest.approx(energies[1].stress, abs=1e-9)


def test_damping():
    """Dispersion damped by Tang and Toennies' function, in both ways of summing."""
    structure, molecule = crystal("urea")
    damped, tapered = fit_potential(damping=3.0), fit_potential((20.0, 24.0), damping=3.0)
    one, other = (Model(molecule, p).energy(structure).total for p in (damped, tapered))
    bare = Model(molecule, fit_potential()).energy(structure).total
    taper = Model(molecule, fit_potential((20.0, 24.0))).energy(structure).total
    assert one - bare == pytest.approx(other - taper, abs=1e-5)
    assert one - bare > 1.0


def test_errors_are_clear():
    structure, molecule = crystal("urea")
    model = Model(molecule, fit_potential(), simple_charges(molecule))
    with pytest.raises(InputError, match="needs a cell"):
        model.energy(Structure(None, molecule.species, molecule.positions))
    other, _ = crystal("benzene")
    with pytest.raises(InputError, match=r"its molecule C6H6 is none of the model's"):
        model.energy(other)
    charged = Charges(molecule.positions, np.full((8, 1), 0.1))
    with pytest.raises(InputError, match=r"sum to \+1.600 e"):
        Model(molecule, fit_potential(), charged).energy(structure)
    higher = Charges(molecule.positions, np.ones((8, 36)))
    with pytest.raises(InputError, match="of rank 5"):
        Model(molecule, fit_potential(), higher)
    with pytest.raises(InputError, match="need as many electrostatics"):
        Model([molecule, molecule], fit_potential(), [charged])


def test_a_crystal_of_two_kinds():
    """Urea and an atom in one cell: parts that the atom has no share in stay, and the order of kinds does not count."""
    structure, molecule = crystal("urea")
    argon = Molecule(["Ar"], np.zeros((1, 3)))
    potential = fit_potential()
    for name in ("C", "H", "N", "O", "Ar"):
        potential.pairs["Ar", name] = (1e4, 3.0, 100.0)
    potential = ByElement(potential.pairs, [], guard=1.0)
    wide = Structure(
        structure.lattice + np.diag([2.0, 2.0, 3.0]),
        [*structure.species, "Ar"],
        np.concatenate([structure.positions, [[0.5, 0.5, 7.2]]]),
    )
    charges = simple_charges(molecule)
    one = Model([molecule, argon], potential, [charges, None]).energy(wide)
    other = Model([argon, molecule], potential, [None, charges]).energy(wide)
    assert one.total == pytest.approx(other.total, abs=1e-9)
    far = ByElement(
        {**potential.pairs, **{("Ar", e): (0.0, 1.0, 0.0) for e in ("C", "H", "N", "O", "Ar")}}, [], guard=1.0
    )
    apart = Model([molecule, argon], far, [charges, None]).energy(wide)
    assert apart.electrostatic == pytest.approx(one.electrostatic, abs=1e-9)
    assert abs(apart.total - one.total) > 0.1
