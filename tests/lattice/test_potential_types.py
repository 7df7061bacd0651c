"""Which type each atom of a molecule is of, where it acts, and what is said where there is no type."""

import numpy as np
import pytest
from generation_molecules import from_ase
from shared_data import shared

from genarris_fw.crystal import Molecule, bonds, read, whole_molecules
from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.atom_types import is_kind, surroundings
from genarris_fw.lattice.potentials.files import shipped
from genarris_fw.lattice.potentials.potential import Potential

W99 = Potential("W99")


def typed(molecule: Molecule, potential: Potential = W99) -> dict[str, int]:
    types = potential.types_of(molecule)
    return {one: types.count(one) for one in sorted(set(types))}


def first_molecule(name: str) -> Molecule:
    structure = whole_molecules(read(shared(f"crystals/{name}.cif"))[0])
    n = structure.properties["number_of_atoms_in_molecule"]
    return Molecule(structure.species[:n], structure.positions[:n])


# Counted by hand from the structural formulae.
@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("acetamide", {"C_W3": 1, "C_W4": 1, "H_W1": 3, "H_W4": 2, "N_W4": 1, "O_W1": 1}),
        ("acetic_acid", {"C_W3": 1, "C_W4": 1, "H_W1": 3, "H_W3": 1, "O_W1": 1, "O_W2": 1}),
        ("acrolein", {"C_W3": 3, "H_W1": 4, "O_W1": 1}),
        ("aspirin", {"C_W3": 8, "C_W4": 1, "H_W1": 7, "H_W3": 1, "O_W1": 2, "O_W2": 2}),
        ("benzene", {"C_W3": 6, "H_W1": 6}),
        ("biphenyl", {"C_W3": 12, "H_W1": 10}),
        ("coumarin", {"C_W3": 9, "H_W1": 6, "O_W1": 1, "O_W2": 1}),
        ("hydantoin", {"C_W3": 2, "C_W4": 1, "H_W1": 2, "H_W4": 2, "N_W3": 2, "O_W1": 2}),
        (
            "hydroxythiophene_carbonitrile",
            {"C_W2": 1, "C_W3": 4, "H_W1": 2, "H_W2": 1, "N_W1": 1, "O_W2": 1, "S_01": 1},
        ),
        ("naphthalene", {"C_W3": 10, "H_W1": 8}),
        ("phenazine", {"C_W3": 12, "H_W1": 8, "N_W2": 2}),
        ("propane", {"C_W4": 3, "H_W1": 8}),
        ("pyrene", {"C_W3": 16, "H_W1": 10}),
        ("resorcinol", {"C_W3": 6, "H_W1": 4, "H_W2": 2, "O_W2": 2}),
        ("urea", {"C_W3": 1, "H_W4": 4, "N_W4": 2, "O_W1": 1}),
    ],
)
def test_the_types_of_w99_in_fifteen_crystals(name, types):
    molecule = first_molecule(name)
    assert typed(molecule) == types
    assert typed(molecule, Potential()) == types  # the default is a variant with the same types
    polar = sum(types.get(one, 0) for one in ("H_W2", "H_W3", "H_W4"))
    fit = typed(molecule, Potential("FIT"))
    assert (fit.get("H_F1", 0), fit.get("H_F2", 0)) == (types.get("H_W1", 0), polar)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("H2O", {"H_W2": 2, "O_W2": 1}),
        ("CH3OH", {"C_W4": 1, "H_W1": 3, "H_W2": 1, "O_W2": 1}),
        ("HCOOH", {"C_W3": 1, "H_W1": 1, "H_W3": 1, "O_W1": 1, "O_W2": 1}),
        ("NH3", {"H_W4": 3, "N_W4": 1}),
        ("C5H5N", {"C_W3": 5, "H_W1": 5, "N_W2": 1}),
        ("CH3CN", {"C_W2": 1, "C_W4": 1, "H_W1": 3, "N_W1": 1}),
        ("CH3NO2", {"C_W4": 1, "H_W1": 3, "N_W2": 1, "O_W1": 2}),
        ("CO2", {"C_W2": 1, "O_W1": 2}),
        ("C4H4NH", {"C_W3": 4, "H_W1": 4, "H_W4": 1, "N_W3": 1}),
        ("CH3Cl", {"C_W4": 1, "Cl01": 1, "H_W1": 3}),
        ("C4H4S", {"C_W3": 4, "H_W1": 4, "S_01": 1}),
        ("CF4", {"C_W4": 1, "F_01": 4}),
    ],
)
def test_the_types_of_w99_in_small_molecules(name, types):
    assert typed(from_ase(name)) == types


def test_water_has_types_of_its_own_where_the_file_says_so():
    assert typed(from_ase("H2O"), Potential("W99rev631")) == {"H_Wa": 2, "O_Wa": 1}
    assert typed(from_ase("CH3OH"), Potential("W99rev631"))["H_W2"] == 1
    w99, rev = W99.parameters(["H_W2", "O_W2"]), Potential("W99rev631").parameters(["H_Wa", "O_Wa", "H_W2", "O_W2"])
    np.testing.assert_allclose(rev.A[:2, :2], w99.A)
    assert rev.A[2, 3] == pytest.approx(77 * 96.48533212)


def test_uni_tells_its_hydrogens_and_acceptors_apart():
    uni = Potential("UNI")
    assert typed(from_ase("CH3COOH"), uni) == {"C": 2, "H": 3, "H_acid": 1, "O": 2}
    assert typed(from_ase("CH3CONH2"), uni) == {"C": 2, "H": 3, "H_NH": 2, "N_amine": 1, "O": 1}
    assert typed(from_ase("C4H4NH"), uni)["N_amine"] == 1
    assert typed(from_ase("C5H5N"), uni)["N"] == 1
    numbers = uni.parameters(["H_NH", "N", "N_amine", "C"])
    depth = [-min(at(numbers, i, j)) / 4.184 for i, j in ((0, 1), (0, 2), (0, 3))]
    assert depth == pytest.approx([8.02, 2.01, 0.049], abs=0.006)  # kcal/mol, as published wells are quoted


def at(numbers, i, j):
    r = np.arange(1.5, 5.0, 0.001)
    return numbers.A[i, j] * np.exp(-numbers.B[i, j] * r) - numbers.C[i, j] / r**6


def test_hydrogens_are_shifted_into_their_bonds_by_w99_alone():
    molecule = from_ase("CH3CONH2")
    moved = W99.sites_of(molecule)
    for i, j in bonds(molecule.species, molecule.positions):
        before = np.linalg.norm(molecule.positions[i] - molecule.positions[j])
        after = np.linalg.norm(moved[i] - moved[j])
        assert before - after == pytest.approx(0.1 if "H" in (molecule.species[i], molecule.species[j]) else 0.0)
    heavy = [i for i, symbol in enumerate(molecule.species) if symbol != "H"]
    np.testing.assert_array_equal(moved[heavy], molecule.positions[heavy])
    np.testing.assert_array_equal(Potential("FIT").sites_of(molecule), molecule.positions)
    # Hydrogens of the general potential stay; methyl's move.
    methylsilane = from_ase("CH3SiH3")
    moved = np.linalg.norm(W99.sites_of(methylsilane) - methylsilane.positions, axis=1)
    np.testing.assert_allclose(moved, [0.1 if one == "H_W1" else 0.0 for one in W99.types_of(methylsilane)], atol=1e-12)


def test_a_hydrogen_between_two_atoms_belongs_to_the_nearer_one():
    bridge = Molecule(["O", "H", "N"], [[0.0, 0.0, 0.0], [1.08, 0.0, 0.0], [2.13, 0.0, 0.0]])
    around = surroundings(bridge)
    assert around.neighbours == ((1,), (2, 0), (1,)) and "H on N" in around.kinds(1)
    np.testing.assert_allclose(W99.sites_of(bridge)[1], [1.18, 0.0, 0.0])


def test_axes_point_out_of_the_bonds_of_halogens():
    molecule = from_ase("CH3Cl")
    axes = W99.axes_of(molecule)
    for i, symbol in enumerate(molecule.species):
        if symbol == "Cl":
            outwards = molecule.positions[i] - molecule.positions[molecule.species.index("C")]
            np.testing.assert_allclose(axes[i], outwards / np.linalg.norm(outwards))
        else:
            assert not axes[i].any()
    assert not Potential("FIT").axes_of(molecule).any()


def test_elements_that_a_potential_lacks_come_from_the_general_one():
    molecule = from_ase("SiH4")
    assert typed(molecule) == {"DREIDING H_": 4, "DREIDING Si": 1}
    phosphine = Potential("FIT").types_of(from_ase("PH3"))
    assert set(phosphine) == {"DREIDING P", "DREIDING H_"}
    methylsilane = from_ase("CH3SiH3")
    assert typed(methylsilane) == {"C_W4": 1, "DREIDING H_": 3, "DREIDING Si": 1, "H_W1": 3}
    numbers = W99.parameters(["C_W4", "DREIDING Si", "H_W1", "DREIDING H_"])
    assert numbers.general == ["DREIDING Si", "DREIDING H_"]
    # D0 = 0.31 kcal/mol at R0 = 4.27 Å, and the mixed pair by the rule.
    r = np.array([4.26, 4.27, 4.28])
    well = numbers.A[1, 1] * np.exp(-numbers.B[1, 1] * r) - numbers.C[1, 1] / r**6
    assert well[1] == pytest.approx(-0.31 * 4.184, rel=1e-9) and well[1] == well.min()
    assert numbers.A[0, 1] == pytest.approx(np.sqrt(numbers.A[0, 0] * numbers.A[1, 1]))
    assert numbers.B[0, 1] == pytest.approx((numbers.B[0, 0] + numbers.B[1, 1]) / 2)
    assert numbers.C[0, 1] == pytest.approx(np.sqrt(numbers.C[0, 0] * numbers.C[1, 1]))
    assert Potential("DREIDING").parameters(["Si"]).general == ["Si"]
    assert W99.parameters(["C_W4"]).general == []


@pytest.mark.parametrize(
    ("molecule", "potential", "words"),
    [
        (from_ase("CH3SH"), "W99", ["atom 3 (H, bonded to S)", "H on C", "covered by DREIDING, UNI"]),
        (from_ase("CO"), "W99", ["atom 2 (C, bonded to O)", "C with 4 neighbours", "covered by DREIDING, FIT, UNI"]),
        (from_ase("ClF3"), "W99", ["atom 1 (Cl, bonded to F, F and F)", "Cl with 1 neighbour"]),
        (from_ase("SiH4"), "UNI", ["atom 1 (Si, bonded to H, H, H and H)", "it has nothing for Si", "DREIDING"]),
        (from_ase("LiH"), "W99", ["Li", "it has nothing for Li", "no shipped potential", "docs/potentials.md"]),
        (Molecule(["Fe", "C", "O"], [[0, 0, 0], [0, 0, 1.8], [0, 0, 2.95]]), "FIT", ["Fe", "docs/potentials.md"]),
        (Molecule(["H"], [[0, 0, 0]]), "FIT", ["atom 1 (H, bonded to nothing)"]),
        (from_ase("CH3COOH"), "isoPAHAP", ["isoPAHAP has no type for", "covered by DREIDING, FIT, UNI, W99, "]),
    ],
)
def test_an_atom_without_a_type_is_named_with_what_covers_it(molecule, potential, words):
    with pytest.raises(InputError) as refused:
        Potential(potential).types_of(molecule)
    for word in words:
        assert word in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Potential(potential).covers(molecule)


def test_a_missing_pair_is_no_cover():
    thiazole_like = first_molecule("hydroxythiophene_carbonitrile")
    uni = Potential("UNI")
    types = sorted(set(uni.types_of(thiazole_like)))
    with pytest.raises(InputError, match="UNI has no parameters for the pair S, N"):
        uni.parameters(types)
    assert not uni.covers(thiazole_like) and W99.covers(thiazole_like)


def test_types_do_not_depend_on_the_order_or_the_place_of_the_atoms():
    molecule = first_molecule("aspirin")
    order = np.random.default_rng(3).permutation(len(molecule))
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    moved = Molecule([molecule.species[i] for i in order], molecule.positions[order] @ turn + 7.0)
    assert W99.types_of(moved) == [W99.types_of(molecule)[i] for i in order]
    np.testing.assert_allclose(W99.sites_of(moved), W99.sites_of(molecule)[order] @ turn + 7.0, atol=1e-12)


def test_the_kinds_of_an_atom_rise_from_the_particular_to_the_element():
    around = surroundings(from_ase("CH3COOH"))
    acidic = next(i for i, symbol in enumerate(around.species) if around.kinds(i)[0] == "H of carboxyl")
    assert around.kinds(acidic) == ("H of carboxyl", "H on O", "H with 1 neighbour", "H")
    for i in range(len(around.species)):
        assert all(is_kind(kind) for kind in around.kinds(i))


@pytest.mark.parametrize("text", ["C", "Cl with 1 neighbour", "N with 0 hydrogens", "H on Si", "H of water"])
def test_kinds(text):
    assert is_kind(text)


@pytest.mark.parametrize(
    "text",
    ["", "X", "Qq", "C with 1 neighbours", "C with 2 neighbour", "C on N", "H on Qq", "H on X", "c", "C of water"],
)
def test_no_kinds(text):
    assert not is_kind(text)


def test_all_kinds_of_our_files_can_occur():
    names = {kind for one in Potential.names() for entry in shipped(one).types.values() for kind in entry.atoms}
    assert all(is_kind(kind) for kind in names)
