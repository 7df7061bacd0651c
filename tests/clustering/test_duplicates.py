"""Duplicates of a pool: candidates that miss no near pair, survivors by the rule, the whole on planted copies."""

import json
from functools import cache

import numpy as np
import pytest
from generation_molecules import stored
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared

from genarris_fw.clustering.duplicates import (
    Windows,
    candidates,
    find_duplicates,
    groups,
    ranking,
    resolve,
)
from genarris_fw.clustering.fingerprints import PDD_NEIGHBOURS, Fingerprint, fingerprint
from genarris_fw.clustering.matching import Matching, match
from genarris_fw.crystal import Structure, read_folder
from genarris_fw.descriptors.amd import amd, pdd
from genarris_fw.errors import InputError
from genarris_fw.generation import estimate_volume, generate


@cache
def pool(name="glycine", n=8):
    molecule = stored(name)
    volume = 4 * estimate_volume(molecule)
    return [
        one
        for group in (14, 19)
        for one in generate(molecule, 4, group, n, volume, 0.02 * volume, mode="auto").structures
    ]


def again(structure, seed, noise=0.02):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    positions = structure.positions + rng.normal(0, 3, 3) + rng.normal(0, noise, structure.positions.shape)
    cell = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]]) @ structure.lattice
    return Structure(cell @ turn, structure.species, positions @ turn)


def test_fingerprint_against_the_descriptors():
    crystal = pool("urea")[0]
    one = fingerprint(crystal)
    assert one.volume == pytest.approx(crystal.cell_volume / 4)
    np.testing.assert_allclose(one.amd, amd(crystal), atol=1e-9)
    # Rows by sort, weighted with their number of atoms, have the mean of the distribution.
    whole = pdd(crystal)
    expected = (whole[:, :1] * whole[:, 1:]).sum(axis=0)[np.array(PDD_NEIGHBOURS) - 1]
    # Urea has one C, one O, two N and four H of one sort each.
    assert one.pdd.shape == (4, len(PDD_NEIGHBOURS))
    weights = np.linalg.lstsq(one.pdd.T, expected, rcond=None)[0]
    np.testing.assert_allclose(np.sort(weights), [1 / 8, 1 / 8, 2 / 8, 4 / 8], atol=1e-6)


def test_fingerprint_is_plain_data():
    one = fingerprint(pool()[0])
    back = Fingerprint.from_dict(json.loads(json.dumps(one.to_dict())))
    assert (back.compound, back.volume) == (one.compound, one.volume)
    assert (back.amd == one.amd).all() and (back.pdd == one.pdd).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**31), st.sampled_from([0.0, 0.03, 0.1]), st.sampled_from([0.0, 0.1, 0.5]))
def test_candidates_are_exactly_the_close_pairs(n, seed, volume_tolerance, tolerance):
    rng = np.random.default_rng(seed)
    # Whole steps give equal numbers often, and differences close to the tolerance.
    prints = [
        Fingerprint(
            f"1x{'AB'[rng.integers(2)]}", 100 + rng.integers(0, 6), rng.integers(0, 9, 3) * 0.07,
            rng.integers(0, 9, (2, 2)) * 0.07,
        )
        for _ in range(n)
    ]  # fmt: skip
    windows = Windows(volume_tolerance, tolerance, 1.5 * tolerance)
    expected = [
        [i, j]
        for i, a in enumerate(prints)
        for j, b in enumerate(prints)
        if i < j
        and a.compound == b.compound
        and max(a.volume, b.volume) <= min(a.volume, b.volume) * (1 + volume_tolerance) + 1e-6
        and np.abs(a.amd - b.amd).max() <= tolerance + 1e-6
        and np.abs(a.pdd - b.pdd).max() <= 1.5 * tolerance + 1e-6
    ]
    assert candidates(prints, windows).tolist() == expected


pairs_of = st.integers(0, 12).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.tuples(st.integers(0, max(n - 1, 0)), st.integers(0, max(n - 1, 0))), max_size=25 if n else 0),
        st.lists(st.one_of(st.none(), st.integers(-3, 3), st.just(float("nan"))), min_size=n, max_size=n),
    )
)


@settings(max_examples=200)
@given(pairs_of)
def test_survivors_by_the_rule(case):
    n, pairs, energies = case
    pairs = [(i, j) for i, j in pairs if i != j]
    found = resolve(n, pairs, energies)
    order = ranking(n, energies).tolist()
    known = [i for i in range(n) if energies[i] is not None and energies[i] == energies[i]]
    assert order == sorted(known, key=lambda i: energies[i]) + [i for i in range(n) if i not in known]
    matching = {frozenset(pair) for pair in pairs}
    for place, i in enumerate(order):
        before = [j for j in order[:place] if found[j] == j and frozenset((i, j)) in matching]
        assert found[i] == (before[0] if before else i)


def test_chains_are_not_followed():
    chain = [(0, 1), (1, 2), (2, 3)]
    assert resolve(4, chain).tolist() == [0, 0, 2, 2]
    assert resolve(4, chain, [0.0, -1.0, 0.0, 0.0]).tolist() == [1, 1, 1, 3]
    # 2 matches the duplicate 1 alone, so it survives.
    assert resolve(3, [(0, 1), (1, 2)], [-2.0, -1.0, 0.0]).tolist() == [0, 0, 2]


@settings(max_examples=100)
@given(pairs_of)
def test_groups_hold_all_pairs(case):
    n, pairs, energies = case
    pairs = np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=int).reshape(-1, 2)
    order = ranking(n, energies)
    found = groups(order, pairs)
    label = {int(i): k for k, group in enumerate(found) for i in group}
    assert sorted(label) == sorted({int(i) for i in pairs.ravel()})
    assert all(label[int(i)] == label[int(j)] for i, j in pairs)
    place = {int(i): k for k, i in enumerate(order)}
    assert all(np.diff([place[int(i)] for i in group]).min() > 0 for group in found)


@pytest.mark.parametrize("threads", [1, 2])
def test_planted_copies_are_found(threads):
    glycine, urea = pool(), pool("urea")
    copies = [again(glycine[k], k) for k in (0, 3, 3, 9)] + [again(urea[2], 7)]
    together = [*glycine, *urea, *copies]
    n, m = len(glycine), len(glycine) + len(urea)
    found = find_duplicates(together, threads=threads)
    expected = np.arange(len(together))
    # What the generator itself made twice is told by comparing every pair.
    expected[:n] = resolve(n, [(i, j) for i in range(n) for j in range(i) if same(glycine[i], glycine[j])])
    expected[n:m] = n + resolve(m - n, [(i, j) for i in range(m - n) for j in range(i) if same(urea[i], urea[j])])
    expected[m:] = expected[[0, 3, 3, 9, n + 2]]
    assert found.survivors.tolist() == expected.tolist()
    called = expected != np.arange(len(together))
    assert (
        (found.rmsd[m:] < 0.1).all() and np.isnan(found.rmsd[~called]).all() and np.isfinite(found.rmsd[called]).all()
    )
    assert called.sum() <= found.compared <= found.candidates


def same(a, b):
    rmsd = match(a, b)
    return rmsd is not None and rmsd < 0.25


def test_lowest_energy_survives():
    together = [again(pool()[0], seed) for seed in range(4)]
    assert find_duplicates(together).survivors.tolist() == [0, 0, 0, 0]
    assert find_duplicates(together, [None, -1.0, -3.0, float("nan")]).survivors.tolist() == [2, 2, 2, 2]
    # No structure need be compared with one that has been dropped.
    assert find_duplicates(together).compared == 3


def test_tolerance_of_the_comparison():
    together = [pool()[0], again(pool()[0], 1)]
    assert find_duplicates(together, comparison=Matching(rmsd_tolerance=0.01)).survivors.tolist() == [0, 1]
    assert find_duplicates(together, windows=Windows(amd_tolerance=0.0)).survivors.tolist() == [0, 1]
    exact = [pool()[0], again(pool()[0], 1, 0.0)]
    strict = find_duplicates(exact, windows=Windows(0.0, 0.0, 0.0), comparison=Matching(rmsd_tolerance=1e-5))
    assert strict.survivors.tolist() == [0, 0]


def test_small_pools():
    assert find_duplicates([]).survivors.shape == (0,)
    assert find_duplicates(pool()[:1]).survivors.tolist() == [0]
    assert resolve(0, []).shape == (0,)
    assert candidates([]).shape == (0, 2)
    assert find_duplicates([pool()[0], pool("urea")[0]]).survivors.tolist() == [0, 1]


def test_what_cannot_be_used():
    crystal = pool()[0]
    with pytest.raises(InputError, match="water is a molecule"):
        find_duplicates([crystal, stored("urea").to_structure("water")])
    for energies, reason in (
        ([1.0], "2 structures"),
        ([1.0, float("inf")], "structure 2 is infinite"),
        (["low", "high"], "not numbers"),
    ):
        with pytest.raises(InputError, match=reason):
            find_duplicates([crystal, crystal], energies)
    for name in ("volume_tolerance", "amd_tolerance", "pdd_tolerance"):
        for value in (-0.1, float("nan"), float("inf")):
            with pytest.raises(InputError, match=name):
                Windows(**{name: value})
    with pytest.raises(InputError, match="pairs"):
        resolve(2, [(0, 2)])


def test_tutorial_pool_of_benzene():
    structures = read_folder(shared("benzene_tutorial/raw_jsons"))
    assert len(structures) == 89
    found = find_duplicates(structures)
    own = np.arange(len(structures))
    for i in np.flatnonzero(found.survivors != own):
        kept = found.survivors[i]
        assert found.survivors[kept] == kept
        assert match(structures[kept], structures[i]) == pytest.approx(found.rmsd[i], abs=1e-6)
    # By the rule, nothing more is to be found among the candidates.
    pairs = candidates([fingerprint(one) for one in structures])
    assert len(pairs) == found.candidates
    matching = [(i, j) for i, j in pairs.tolist() if same(structures[i], structures[j])]
    assert resolve(len(structures), matching).tolist() == found.survivors.tolist()
    assert 5 < (found.survivors != own).sum() < 20
    # Copies of all of them lead to the same survivors.
    copies = [again(one, k, 0.0) for k, one in enumerate(structures)]
    both = find_duplicates([*structures, *copies])
    assert both.survivors[:89].tolist() == found.survivors.tolist()
    assert both.survivors[89:].tolist() == found.survivors.tolist()
