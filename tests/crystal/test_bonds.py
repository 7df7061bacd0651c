"""Bonds: radii + 0.4 Å with valences, a molecule's own where it is known, and contacts between molecules never."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as ase_molecule
from ase.collections import g2, s22
from ase.data import chemical_symbols
from ase.neighborlist import natural_cutoffs, neighbor_list
from shared_data import shared

from genarris_fw.clustering import find_duplicates
from genarris_fw.clustering.fingerprints import fingerprint
from genarris_fw.crystal import VDW, Molecule, Structure, bonds, covalent_radius, read, read_molecule, whole_molecules
from genarris_fw.crystal.bonds import LEAST_SLACK, connected_components
from genarris_fw.crystal.crystal_bonds import bonds_by_distance, bonds_of_crystal, has_reacted
from genarris_fw.descriptors.rcd_molecules import molecules_in_order
from genarris_fw.generation import generate
from genarris_fw.generation.press import press
from genarris_fw.generation.volume import estimate_volume, volume_estimate

DIIODOBENZENE = Path(__file__).parents[1] / "data" / "faults" / "p_diiodobenzene.xyz"
ELEMENTS = chemical_symbols[1:97]


def along(species, *places):
    """Atoms on a line."""
    return bonds(species, [[x, 0.0, 0.0] for x in places])


def diiodobenzene(place):
    """Benzene with two of its hydrogens exchanged: C-C 1.395, C-H 1.085, C-I 2.10 Å."""
    turns = np.radians(60 * np.arange(6))
    ring = np.column_stack([np.cos(turns), np.sin(turns), 0 * turns])
    iodine = [k in (0, place) for k in range(6)]
    ends = np.where(iodine, 1.395 + 2.10, 1.395 + 1.085)
    return Molecule(
        ["C"] * 6 + ["I" if one else "H" for one in iodine], np.concatenate([1.395 * ring, ends[:, None] * ring])
    )


@pytest.fixture(scope="module")
def pool():
    """Pressed crystals of p-diiodobenzene in P2_1/c: iodine atoms of two molecules touch at 3.4 Å."""
    molecule = read_molecule(DIIODOBENZENE)
    volume = 4 * estimate_volume(molecule)
    made = generate(molecule, 4, 14, 12, volume, 0.0, mode="packing", seed=3).structures
    return molecule, [press(one) for one in made]


def test_every_pair_of_elements():
    """What is as long as the radii is a bond; what is as far as molecules may come is none, where both are possible."""
    both = 0
    for k, one in enumerate(ELEMENTS):
        for other in ELEMENTS[k:]:
            length = covalent_radius(one) + covalent_radius(other)
            assert along([one, other], 0, length) == [(0, 1)], (one, other)
            assert along([one, other], 0, length + 0.401) == [], (one, other)
            if one in VDW and other in VDW:
                contact = 0.85 * (VDW[one] + VDW[other])
                if contact > length + LEAST_SLACK:
                    both += 1
                    assert along([one, other], 0, contact) == [], (one, other)
    assert both > 3500


@pytest.mark.parametrize(
    ("one", "other", "length"),
    [  # from experiment (gas phase or crystals), Å
        *[("H", "H", 0.741), ("C", "C", 1.204), ("C", "C", 1.7), ("N", "N", 1.78), ("O", "O", 1.48), ("F", "F", 1.412)],
        *[("S", "S", 2.06), ("Cl", "Cl", 1.988), ("Br", "Br", 2.281), ("I", "I", 2.715), ("I", "I", 2.92)],
        *[
            ("C", "I", 2.10),
            ("C", "Te", 2.14),
            ("Se", "Se", 2.34),
            ("Te", "Te", 2.71),
            ("C", "Sn", 2.14),
            ("Br", "I", 2.47),
        ],
        *[
            ("B", "N", 1.66),
            ("Cu", "N", 2.05),
            ("Zn", "N", 2.10),
            ("Fe", "C", 2.06),
            ("Zn", "O", 2.1),
            ("Pt", "Cl", 2.32),
        ],
        *[
            ("Si", "C", 1.87),
            ("P", "S", 2.1),
            ("Li", "C", 2.2),
            ("Hg", "C", 2.07),
            ("Sn", "Cl", 2.32),
            ("Xe", "F", 1.98),
        ],
    ],
)
def test_known_bonds(one, other, length):
    assert along([one, other], 0, length) == [(0, 1)]


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [  # the shortest contacts between molecules, as they are measured or as Genarris allows them
        *[("I", "I", 3.4), ("I", "I", 3.5), ("Te", "Te", 3.5), ("Se", "Se", 3.2), ("S", "S", 3.0), ("Br", "I", 3.26)],
        *[("Sn", "Cl", 3.3), ("O", "O", 2.4), ("H", "H", 1.5), ("N", "I", 2.8), ("H", "O", 1.4), ("H", "N", 1.5)],
        *[("Cu", "N", 2.5), ("Zn", "O", 2.47), ("Cu", "O", 2.48), ("C", "C", 2.8), ("H", "F", 1.5), ("Cl", "Cl", 2.97)],
    ],
)
def test_known_contacts(one, other, distance):
    assert along([one, other], 0, distance) == []


def test_a_hydrogen_has_one_neighbour():
    assert along(["O", "H", "O"], 0, 1.0, 2.36) == [(0, 1)]  # a strong hydrogen bond, H...O of 1.36 Å
    assert along(["N", "H", "N"], 0, 1.05, 2.45) == [(0, 1)]
    assert along(["O", "H", "O"], 0, 1.1, 2.4) == [(0, 1)]
    # In bifluoride it lies in the middle, and one molecule it is; so does that of H5O2+.
    assert along(["F", "H", "F"], 0, 1.14, 2.28) == [(0, 1), (1, 2)]
    assert along(["O", "H", "O"], 0, 1.2, 2.4) == [(0, 1), (1, 2)]
    # Two molecules of hydrogen fluoride are two.
    assert along(["F", "H", "F", "H"], 0, 0.95, 2.30, 3.25) == [(0, 1), (2, 3)]


def test_diborane_and_what_has_too_many_neighbours():
    species = ["B", "B", "H", "H", "H", "H", "H", "H"]
    bridged = [[0.88, 0, 0], [-0.88, 0, 0], [0, 0, 0.98], [0, 0, -0.98]]
    ends = [[1.45, 1.04, 0], [1.45, -1.04, 0], [-1.45, 1.04, 0], [-1.45, -1.04, 0]]
    found = bonds(species, bridged + ends)
    assert {(0, 2), (1, 2), (0, 3), (1, 3)} < set(found) and len(found) == 9
    # Methane with an atom of helium's place taken by a fifth hydrogen: the farthest is none of its own.
    five = [*ase_molecule("CH4").positions, [0.0, 0.0, 1.4]]
    assert bonds(["C", *"HHHHH"], five) == [(0, 1), (0, 2), (0, 3), (0, 4)]


@pytest.mark.parametrize("name", g2.names)
def test_ordinary_molecules_have_the_bonds_that_a_factor_gave(name):
    """Independent: ASE's neighbour list with 1.3 times its natural cutoffs, which is right for these."""
    atoms = g2[name]
    i, j = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=1.3))
    expected = sorted((int(a), int(b)) for a, b in zip(i, j) if a < b)
    assert bonds(atoms.get_chemical_symbols(), atoms.positions) == expected


@pytest.mark.parametrize(
    "name", ["acetamide", "aspirin", "hydantoin", "hydroxythiophene_carbonitrile", "pyrene", "urea"]
)
def test_ordinary_crystals_have_the_bonds_that_a_factor_gave(name):
    (crystal,) = read(shared(f"crystals/{name}.cif"))
    atoms = crystal.to_ase()
    i, j, images = neighbor_list("ijS", atoms, natural_cutoffs(atoms, mult=1.3))
    expected = {(int(a), int(b), *map(int, c)) for a, b, c in zip(i, j, images) if a < b}
    assert bonds_by_distance(Structure(crystal.lattice, crystal.species, crystal.positions)).as_set() == expected


@pytest.mark.parametrize("name", s22.names)
def test_dimers_are_two_molecules(name):
    """Hydrogen bonds, stacks and contacts of the S22 set (P. Jurečka et al., PCCP 8, 1985 (2006)) join nothing."""
    atoms = s22[name]
    assert len(connected_components(len(atoms), bonds(atoms.get_chemical_symbols(), atoms.positions))) == 2


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_volume_of_diiodobenzene(place):
    """The iodine atoms of o-diiodobenzene, 3.5 Å apart, are not bonded: 197 Å3, not 187."""
    found = volume_estimate(diiodobenzene(place))
    assert found.fragments == {"HC": 4, "HCCC": 4, "IC": 2, "ICCC": 2}
    assert found.volume == pytest.approx(197.0, abs=1.0)


def test_crystals_that_touch_by_iodine(pool):
    """Molecules stay apart, Z is kept, copies are recognised, with and without what a run knows."""
    molecule, crystals = pool
    contacts = [closest_iodine(one) for one in crystals]
    assert min(contacts) < 3.5 and sum(contact < 3.61 for contact in contacts) >= 4
    for one in crystals:
        bare = Structure(one.lattice, one.species, one.positions)
        for known in (None, molecule):
            assert whole_molecules(bare, known).properties == {"Z": 4, "number_of_atoms_in_molecule": 12}
            assert len(bonds_of_crystal(bare, known).first) == 4 * 12
        assert molecules_in_order(bare, molecule).shape == (4, 12, 3)
        assert fingerprint(bare).compound == fingerprint(one).compound == fingerprint(bare, molecule).compound
    again = [
        Structure(one.lattice[[1, 2, 0]], one.species, one.positions + np.array([0.3, 1.0, 2.0])) for one in crystals
    ]
    for known in (None, molecule):
        found = find_duplicates([*crystals, *again], molecule=known)
        assert found.survivors[12:].tolist() == found.survivors[:12].tolist()


def closest_iodine(crystal):
    d = neighbor_list("d", crystal.to_ase(), {("I", "I"): 5.0})
    return float(d.min())


def test_scattered_atoms_are_found_by_the_molecule_where_contacts_are_as_short_as_bonds():
    """Iodine molecules nearer to each other than any table of radii would allow: the molecule tells its bonds."""
    lattice = np.diag([3.0, 9.0, 9.0])
    crystal = Structure(lattice, ["I", "I"], [[0, 0, 0], [0, 0, 2.715 - 9.0]])
    molecule = Molecule(["I", "I"], [[0, 0, 0], [0, 0, 2.715]])
    whole = whole_molecules(crystal, molecule)
    assert whole.properties == {"Z": 1, "number_of_atoms_in_molecule": 2}
    assert np.linalg.norm(whole.positions[1] - whole.positions[0]) == pytest.approx(2.715)


def test_a_molecule_is_followed_through_a_relaxation(pool):
    molecule, crystals = pool
    before = min(crystals, key=closest_iodine)
    nearer = Structure(before.lattice * 0.985, before.species, before.positions * 0.985, before.properties)
    assert not has_reacted(before, nearer) and not has_reacted(before, nearer, molecule)
    bare = Structure(before.lattice, before.species, before.positions)
    assert not has_reacted(bare, nearer)
    torn = nearer.copy()
    torn.positions[6] += (torn.positions[6] - torn.positions[0]) * 0.4
    assert has_reacted(before, torn) and has_reacted(before, torn, molecule)


def test_a_proton_that_is_given_away_is_a_reaction():
    def pair(x):
        return Structure(
            None, ["O", "H", "O", "H", "H"], [[0, 0, 0], [x, 0, 0], [2.5, 0, 0], [3, 0.8, 0], [3, -0.8, 0]]
        )

    assert not has_reacted(pair(0.98), pair(1.08))
    assert has_reacted(pair(0.98), pair(1.50))


CLOSE = {  # molecules by what is near their atoms: pressed until these are as near as bonds
    "I2": (["I", "I"], [[0, 0, 0], [0, 0, 2.7]]),
    "HgI2": (["Hg", "I", "I"], [[0, 0, 0], [0, 0, 2.6], [0, 0, -2.6]]),
    "SnI4": (
        ["Sn", "I", "I", "I", "I"],
        1.53 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
    ),
    "Te2": (["Te", "Te"], [[0, 0, 0], [0, 0, 2.56]]),
}


@pytest.mark.parametrize("name", CLOSE)
def test_a_known_molecule_is_found_where_contacts_are_as_short_as_bonds(name):
    """Pressed to 0.72 times the radii, atoms in any order and any cell: no table can tell, the molecule can."""
    molecule = Molecule(*CLOSE[name])
    volume = 4 * estimate_volume(molecule)
    random = np.random.default_rng(5)
    n = len(molecule)
    for one in generate(molecule, 4, 14, 4, volume, 0.0, sr=0.72, mode="packing", seed=1).structures:
        crystal = press(one, 0.72)
        order = random.permutation(len(crystal))
        wrapped = (crystal.fractional % 1) @ crystal.lattice
        mixed = Structure(crystal.lattice, [crystal.species[i] for i in order], wrapped[order])
        whole = whole_molecules(mixed, molecule)
        assert whole.properties == {"Z": len(crystal) // n, "number_of_atoms_in_molecule": n}
        assert len(molecules_in_order(mixed, molecule)) == len(crystal) // n
        found = find_duplicates([crystal, mixed], molecule=molecule)
        assert found.survivors.tolist() == [0, 0]
