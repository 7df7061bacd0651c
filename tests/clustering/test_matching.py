"""Crystals laid upon each other: the same crystal in any words matches, another does not."""

import sys
from itertools import permutations

import numpy as np
import pytest
from generation_molecules import argon, bent, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import n_atoms, pool, turned
from shared_data import shared

from genarris_fw.clustering.fingerprints import fingerprint, molecules_of
from genarris_fw.clustering.kinds import isomorphisms, kind_of, refined_colours
from genarris_fw.clustering.matching import Matching, match, match_pairs, prepare
from genarris_fw.crystal import Molecule, Structure, read
from genarris_fw.errors import InputError


@st.composite
def unimodular(draw):
    cell = np.eye(3, dtype=int)
    for _ in range(draw(st.integers(0, 4))):
        i, j = draw(st.sampled_from([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]))
        cell[i] += draw(st.integers(-2, 2)) * cell[j]
    return cell[draw(st.permutations(range(3)))]


NAMES = st.sampled_from(["glycine", "urea", "benzene", "CO2", "H2O"])


@settings(max_examples=60, deadline=None)
@given(
    NAMES, st.integers(0, 5), st.integers(0, 2**31), st.booleans(), unimodular(),
    st.sampled_from([(1, 1, 1), (2, 1, 1), (1, 1, 3)]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_one_crystal_in_other_words(name, k, seed, mirror, cell, repeat, by_molecule, hydrogens):
    crystal = pool(name)[k]
    other = turned(crystal, np.random.default_rng(seed), 0.0, mirror, cell, repeat, by_molecule)
    a, b = fingerprint(crystal), fingerprint(other)
    assert a.compound == b.compound
    assert b.volume == pytest.approx(a.volume, rel=1e-9)
    np.testing.assert_allclose(b.amd, a.amd, atol=1e-7)
    np.testing.assert_allclose(b.pdd, a.pdd, atol=1e-7)
    comparison = Matching(hydrogens=hydrogens)
    assert match(crystal, other, comparison) == pytest.approx(0, abs=1e-6)
    assert match(other, crystal, comparison) == pytest.approx(0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(NAMES, st.integers(0, 5), st.integers(0, 2**31), st.booleans(), st.floats(0.005, 0.04))
def test_noise_is_measured(name, k, seed, mirror, noise):
    crystal = pool(name)[k]
    rng = np.random.default_rng(seed)
    other = turned(crystal, rng, noise, mirror)
    # Three coordinates with this deviation each, less what the superposition takes away.
    assert 0.4 * 3**0.5 * noise < match(crystal, other) < 1.5 * 3**0.5 * noise
    a, b = fingerprint(crystal), fingerprint(other)
    # Of the normal distribution practically nothing lies beyond five deviations; nothing moves by more than twice that.
    assert np.abs(a.amd - b.amd).max() < 2 * 5 * 3**0.5 * noise
    assert np.abs(a.pdd - b.pdd).max() < 2 * 5 * 3**0.5 * noise


@pytest.mark.parametrize("name", ["glycine", "urea", "benzene", "CO2"])
def test_other_crystals_do_not_match(name):
    crystals = pool(name) + pool(name, 19)
    ready = [prepare(one) for one in crystals]
    for i, a in enumerate(ready):
        for j, b in enumerate(ready):
            found = match(a, b)
            assert (found is not None and found < 1e-6) if i == j else (found is None or found > 0.25)


def test_mirror_images_are_told_apart_on_demand():
    crystal = pool("chiral", 19, 1)[0]
    mirrored = turned(crystal, np.random.default_rng(0), mirror=True)
    same = turned(crystal, np.random.default_rng(0))
    apart = Matching(mirror_images=False)
    assert match(crystal, mirrored) == pytest.approx(0, abs=1e-6)
    assert match(crystal, mirrored, apart) is None or match(crystal, mirrored, apart) > 0.25
    assert match(crystal, same, apart) == pytest.approx(0, abs=1e-6)
    # A centrosymmetric crystal is its own mirror image.
    racemic = pool("chiral", 14, 1)[0]
    assert match(racemic, turned(racemic, np.random.default_rng(1), mirror=True), apart) == pytest.approx(0, abs=1e-6)


def test_cluster_of_one_shift_by_hand():
    """Every second layer of a crystal moved by d: the cluster's RMSD follows from the molecules that moved."""
    lattice, d = np.diag([6.0, 7.0, 8.0]), 0.2
    co2 = from_ase("CO2").positions @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    positions = np.concatenate([co2, co2 + np.array([0, 0, 4.0])])
    crystal = Structure(lattice, from_ase("CO2").species * 2, positions)
    moved = Structure(lattice, crystal.species, positions + np.repeat([[0, 0, 0], [d, 0, 0]], 3, axis=0))
    index, _ = prepare(crystal).shell(0, 20)
    share = np.mean(np.asarray(index) == 1)
    # Translation alone would leave d sqrt(p (1 - p)); the fit may turn the cluster a little too.
    expected = d * np.sqrt(share * (1 - share))
    assert 0.8 * expected < match(crystal, moved) <= expected + 1e-9


def test_shell_is_of_the_closest_contacts():
    crystal = pool("glycine")[0]
    index, shift = prepare(crystal, Matching(hydrogens=True)).shell(0, 15)
    taken = molecules_of(crystal)
    molecules = [taken.positions[rows] for rows in taken.atoms]
    lattice = taken.lattice
    contacts = []
    for m, cell in np.ndindex(len(molecules), 11**3):
        move = (np.array(np.unravel_index(cell, (11, 11, 11))) - 5) @ lattice
        contacts.append(np.linalg.norm(molecules[0][:, None] - molecules[m][None] - move, axis=2).min())
    assert len(np.asarray(index)) == 15 and np.asarray(index)[0] == 0 and not np.asarray(shift)[0].any()
    expected = np.sort(contacts)[:15]
    packing = prepare(crystal, Matching(hydrogens=True)).packing
    far_index, _ = packing.shell(0, 15)
    assert list(far_index) == list(index)
    ready = molecules_of(crystal)
    centres = np.floor(np.array([points.mean(axis=0) for points in molecules]) @ np.linalg.inv(lattice)) @ lattice
    own = [points - centre for points, centre in zip(molecules, centres)]
    found = [
        np.linalg.norm(own[0][:, None] - (own[m] + move)[None], axis=2).min()
        for m, move in zip(np.asarray(index), np.asarray(shift))
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert len(ready.kinds) == 4


def test_inequivalent_molecules_must_all_be_found():
    """A crystal with two sorts of surroundings (Z' = 2) does not match one that has but one of them."""
    co2 = from_ase("CO2")
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    layer = co2.positions @ turn
    other = co2.positions @ np.roll(turn, 1, axis=1)
    # Layers A A A B ... far apart: around one A there are enough others of its own layer.
    lattice = np.diag([4.5, 4.6, 60.0])
    mixed = Structure(lattice, co2.species * 2, np.concatenate([layer, other + np.array([0, 0, 30.0])]))
    plain = Structure(lattice, co2.species * 2, np.concatenate([layer, layer + np.array([0, 0, 30.0])]))
    few = Matching(molecules_in_cluster=9)
    assert len(prepare(mixed, few).references) == 2
    assert match(plain, plain, few) == pytest.approx(0, abs=1e-6)
    assert match(plain, mixed, few) is None or match(plain, mixed, few) > 0.25
    assert match(mixed, plain, few) is None or match(mixed, plain, few) > 0.25


def test_atoms_alone_are_crystals_too():
    lattice = np.array([[0, 2.65, 2.65], [2.65, 0, 2.65], [2.65, 2.65, 0]])
    fcc = Structure(lattice, argon().species, argon().positions)
    hexagonal = 5.3 / np.sqrt(2) * np.array([[1, 0, 0], [-0.5, np.sqrt(3) / 2, 0], [0, 0, np.sqrt(8 / 3)]])
    hcp = Structure(hexagonal, ["Ar"] * 2, np.array([[0, 0, 0], [1 / 3, 2 / 3, 1 / 2]]) @ hexagonal)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    again = Structure(np.array([[1, 1, 0], [0, 1, 0], [0, 3, 1]]) @ lattice @ turn, ["Ar"], [[9.0, 1.0, 0.0]])
    # The elongated cell has the same neighbours, seen from other sides.
    assert match(fcc, again) == pytest.approx(0, abs=1e-6)
    found = match(fcc, hcp)
    assert found is None or found > 0.25


def test_conformers_and_other_compounds():
    crystal = pool("glycine")[0]
    species = list(crystal.species)
    # The same place for everything but a hydrogen that sits on another atom: another compound.
    swapped = [{"N": "O", "O": "N"}.get(name, name) for name in species]
    other = Structure(crystal.lattice, swapped, crystal.positions)
    assert fingerprint(other).compound != fingerprint(crystal).compound
    assert match(crystal, other) is None
    # Another conformer: every atom moved by 0.3 Å, the same way in all molecules.
    n = n_atoms(crystal)
    molecule = Molecule(species[:n], crystal.positions[:n])
    moved = bent(molecule, 0.3).positions - molecule.positions
    positions = crystal.positions.reshape(-1, n, 3).copy()
    for k, one in enumerate(positions):
        a, b = positions[0] - positions[0].mean(axis=0), one - one.mean(axis=0)
        turn = np.linalg.lstsq(a, b, rcond=None)[0]
        positions[k] = one + moved @ turn
    conformer = Structure(crystal.lattice, species, positions.reshape(-1, 3))
    assert fingerprint(conformer).compound == fingerprint(crystal).compound
    assert 0.15 < match(crystal, conformer) < 0.35


def test_crystal_of_two_compounds():
    water, co2 = from_ase("H2O"), from_ase("CO2")
    lattice = np.diag([6.0, 6.5, 7.0])
    positions = np.concatenate([co2.positions, water.positions + np.array([2.5, 2.9, 3.3])])
    crystal = Structure(lattice, co2.species + water.species, positions)
    order = np.random.default_rng(0).permutation(6)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    other = Structure(lattice @ turn, [crystal.species[i] for i in order], (positions @ turn)[order])
    assert fingerprint(crystal).compound.count("1x") == 2
    assert fingerprint(crystal).compound == fingerprint(other).compound
    assert match(crystal, other) == pytest.approx(0, abs=1e-6)
    moved = Structure(lattice, crystal.species, positions + np.repeat([[0, 0, 0], [-1.0, -0.9, 0.9]], 3, axis=0))
    assert match(crystal, moved) is None or match(crystal, moved) > 0.25


def test_agrees_with_oxtalign():
    oxtalign = pytest.importorskip("oxtalign", reason="oxtalign, which compares crystals independently, is not there")
    comparison = Matching(molecules_in_cluster=15)
    crystals = [read(path)[0] for path in sorted(shared("crystals").glob("*.cif"))]
    crystals += [pool(name)[k] for name in ("glycine", "urea", "benzene") for k in range(3)]
    rng = np.random.default_rng(0)
    pairs = []
    for crystal in crystals:
        for size in (0.002, 0.01, 0.02):
            strain = np.eye(3) + rng.normal(0, size, (3, 3))
            noise = rng.normal(0, 0.01, crystal.positions.shape)
            other = Structure(crystal.lattice @ strain, crystal.species, crystal.positions @ strain + noise)
            ours = match(crystal, other, comparison)
            theirs = oxtalign.compare(
                *(oxtalign.from_arrays(one.species, one.fractional, cell=one.lattice) for one in (crystal, other)), n=15
            )
            if any(len(prepare(one, comparison).references) > 1 for one in (crystal, other)):
                continue
            assert theirs.n_matched == 15
            pairs.append((ours, theirs.rmsd_n))
    ours, theirs = np.transpose(pairs)
    assert len(pairs) > 15
    # Both take the molecules of the closest contacts; where contacts are equal, each its own choice of them.
    np.testing.assert_allclose(ours, theirs, rtol=0.15)
    assert np.mean(np.abs(ours - theirs) < 0.003) > 0.9


def test_structure_matcher():
    pytest.importorskip("pymatgen", reason="pymatgen is not there")
    comparison = Matching(method="structure_matcher", ltol=0.2, stol=0.3, angle_tol=3.0)
    a, b = pool("glycine")[:2]
    other = turned(a, np.random.default_rng(0), 0.01, cell=[[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert match(a, other, comparison) < 0.05
    assert match(a, b, comparison) is None


def test_structure_matcher_without_pymatgen_says_so(monkeypatch):
    for name in ("pymatgen.core", "pymatgen.core.structure"):  # another test may have imported it
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match="pip install pymatgen"):
        prepare(pool("glycine")[0], Matching(method="structure_matcher"))


def test_pairs_in_batches():
    a, b = pool("glycine")[:2]
    crystals = [a, b, turned(a, np.random.default_rng(0))]
    found = match_pairs(crystals, [[0, 2], [0, 1], [1, 1]], threads=2)
    assert found[0] == pytest.approx(0, abs=1e-6) and np.isnan(found[1]) and found[2] == pytest.approx(0, abs=1e-6)
    assert match_pairs(crystals, []).shape == (0,)
    for wrong in ([[0, 3]], [[-1, 0]], [[0.0, 1.0]], [0, 1]):
        with pytest.raises(InputError, match="pairs"):
            match_pairs(crystals, wrong)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rmsd_tolerance": -0.1}, "rmsd_tolerance"),
        ({"rmsd_tolerance": float("nan")}, "rmsd_tolerance"),
        ({"stol": float("inf")}, "stol"),
        ({"molecules_in_cluster": 1}, "molecules_in_cluster"),
        ({"molecules_in_cluster": 15.0}, "molecules_in_cluster"),
        ({"molecules_in_cluster": True}, "molecules_in_cluster"),
        ({"method": "compack"}, "compack"),
        ({"method": "structure_matcher", "mirror_images": False}, "mirror"),
    ],
)
def test_options_outside_their_range(options, named):
    with pytest.raises(InputError, match=named):
        Matching(**options)


def test_what_is_no_molecular_crystal():
    lattice = np.diag([4.0, 4.0, 2.5])
    chain = Structure(lattice, ["C", "C"], [[0, 0, 0], [0.7, 0, 1.25]], struct_id="chain")
    molecule = from_ase("H2O").to_structure("water")
    nothing = Structure(lattice, [], [], struct_id="nothing")
    broken = pool("glycine")[0].copy()
    broken.positions[3, 1], broken.struct_id = np.nan, "broken"
    for structure, reason in [
        (chain, "chain: bonds run"), (molecule, "water is a molecule"), (nothing, "nothing has no atoms"),
        (broken, "broken: .*finite"),
    ]:  # fmt: skip
        for work in (fingerprint, prepare):
            with pytest.raises(InputError, match=reason):
                work(structure)


def test_orders_of_a_molecule():
    def orders(molecule, hydrogens):
        from genarris_fw.crystal import bonds

        kind, _ = kind_of(tuple(molecule.species), tuple(bonds(molecule.species, molecule.positions)))
        return len(kind.orders(hydrogens))

    assert orders(stored("benzene"), False) == orders(stored("benzene"), True) == 12
    assert orders(from_ase("CH4"), False) == 24  # one heavy atom: hydrogens count in any case
    assert orders(from_ase("C2H6"), True) == 72
    assert orders(from_ase("isobutane"), False) == 6
    assert orders(from_ase("isobutane"), True) == 6 * 6**3
    many = from_ase("C60")
    assert orders(many, True) == 120
    long = from_ase("trans-butane")
    assert orders(long, True) == 2 * 6**2 * 2**2


def test_too_many_orders_are_refused():
    # C(SiH3)4 H-bonded graph: a centre with four arms of three hydrogens each has 24 6^4 orders.
    species = ("C",) + ("Si",) * 4 + ("H",) * 12
    bonds = tuple((0, k) for k in range(1, 5)) + tuple((1 + k // 3, 5 + k) for k in range(12))
    kind, _ = kind_of(species, bonds)
    assert len(kind.orders(False)) == 24
    with pytest.raises(InputError, match="hydrogens = False"):
        kind.orders(True)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6).flatmap(lambda n: st.tuples(
    st.lists(st.sampled_from("CNO"), min_size=n, max_size=n),
    st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=9),
    st.permutations(range(n)),
)))  # fmt: skip
def test_isomorphisms_against_all_permutations(graph):
    species, pairs, order = graph
    bonds = tuple(sorted({(min(i, j), max(i, j)) for i, j in pairs if i != j}))
    permuted = tuple(sorted({tuple(sorted((order[i], order[j]))) for i, j in bonds}))
    names = [""] * len(species)
    for i, k in enumerate(order):
        names[k] = species[i]
    around = [[j for bond in bonds for j in bond if i in bond and j != i] for i in range(len(species))]
    other = [[j for bond in permuted for j in bond if i in bond and j != i] for i in range(len(species))]
    colours, others = refined_colours(species, around), refined_colours(names, other)
    assert [others[k] for k in order] == colours
    found = set(isomorphisms(around, colours, other, others))
    assert len(found) == len(list(isomorphisms(around, colours, other, others)))
    expected = {
        image
        for image in permutations(range(len(species)))
        if all(names[k] == species[i] for i, k in enumerate(image))
        and {tuple(sorted((image[i], image[j]))) for i, j in bonds} == set(permuted)
    }
    assert found == expected
