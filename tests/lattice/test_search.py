"""The search: reproducible, divided in any way, following what sites yield, and refusing what it cannot do."""

from __future__ import annotations

import json
import warnings
from itertools import pairwise

import numpy as np
import pytest
from generation_molecules import chiral, from_ase, stored
from lattice_toy import Curvature, Minimised, ToyModel

from genarris_fw.crystal import Molecule, Structure, point_group, read, same_bonds, whole_molecules
from genarris_fw.crystal import space_group as space_group_of
from genarris_fw.crystal.primitive_cell import primitive_cell_of_molecules
from genarris_fw.errors import InputError
from genarris_fw.generation.group_choice import CSD_SHARES
from genarris_fw.generation.space_groups import space_group
from genarris_fw.lattice.molecule.rigidity import check_rigid, rotatable_bonds
from genarris_fw.lattice.searching import rounds
from genarris_fw.lattice.searching.items import FLAT, OVERLAPPING, Found, Item
from genarris_fw.lattice.searching.merging import Minimum, Origin
from genarris_fw.lattice.searching.rounds import BUNDLES, ITEM_WORK, Aim, State, Tally, bundles, is_complete, next_round
from genarris_fw.lattice.searching.search import Ground, search, settle, settled
from genarris_fw.lattice.searching.yields import first_shares, shared_out, singletons

WINDOW = 2.0
FEW = [2, 4]


@pytest.fixture(autouse=True, scope="module")
def small_rounds():
    """Rounds of hundreds of draws, not thousands: the toy's landscape is small, and the machine may be too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "FIRST_MINIMISED", 120)
        yield


@pytest.fixture(scope="module")
def urea():
    return stored("urea")


@pytest.fixture(scope="module")
def found(urea):
    return search(urea, 2, ToyModel(urea), FEW, window=WINDOW, seed=7)


def point_group_order(number):
    """Operations of a space group without translations."""
    return len(np.unique(space_group(number).rotations, axis=0))


def energies(result):
    return [one.properties["lattice_energy"] for one in result.structures]


def test_structures_are_sorted_within_the_window_and_say_where_they_come_from(urea, found):
    assert found.reason == "complete"
    assert energies(found) == sorted(energies(found))
    assert energies(found)[-1] - energies(found)[0] <= WINDOW
    low, estimate, high = found.completeness
    assert len(found.structures) <= low <= estimate <= high
    assert found.draws == sum(tally.draws for tally in found.tallies.values())
    assert found.cpu_seconds > 0
    for one in found.structures:
        assert one.properties["hits"] >= 1
        assert one.properties["attempted_spg"] in FEW
        # The group is that of the crystal, which may be larger than the one it was found in.
        group = point_group_order(one.properties["spg"])
        assert group >= point_group_order(one.properties["attempted_spg"])
        assert same_bonds(urea, Molecule(one.species[:8], one.positions[:8]))


def test_hits_and_failures_are_all_minimised_and_unminimised_draws(found):
    assert sum(found.failures.values()) + sum(one.properties["hits"] for one in found.structures) <= found.draws
    overlapping = sum(tally.draws - tally.minimised for tally in found.tallies.values())
    assert found.failures[OVERLAPPING] == overlapping


def test_the_same_seed_gives_the_same_search_and_another_one_the_same_minima_at_the_bottom(urea, found):
    again = search(urea, 2, ToyModel(urea), FEW, window=WINDOW, seed=7)
    assert energies(again) == energies(found)
    assert again.completeness == found.completeness
    assert again.draws == found.draws
    other = search(urea, 2, ToyModel(urea), FEW, window=WINDOW, seed=8)
    assert other.draws != found.draws or energies(other) != energies(found)
    assert energies(other)[:4] == pytest.approx(energies(found)[:4], abs=0.02)


def test_rounds_do_not_depend_on_the_order_of_results_nor_on_what_has_been_through_json(urea):
    grounds = [Ground(urea, 2, ToyModel(urea), FEW, 3) for _ in range(2)]
    aims = [ground.aim(WINDOW) for ground in grounds]
    states = [State(), State()]
    random = np.random.default_rng(1)
    for _ in range(2):
        following = [next_round(state, aim) for state, aim in zip(states, aims)]
        assert following[0] == following[1]
        results = [grounds[0].work(item, WINDOW) for item in following[0].items]
        # Elsewhere: in another order, each item in a process that has done others before, sent as json.
        shuffled = random.permutation(len(following[1].items)).tolist()
        sent = [json.dumps(grounds[1].work(following[1].items[k], WINDOW).to_dict()) for k in shuffled]
        states = [
            states[0].after(results, WINDOW),
            states[1].after([Found.from_dict(json.loads(one)) for one in sent], WINDOW),
        ]
    first, second = ([(one.energy, one.origin, one.hits) for one in state.minima] for state in states)
    assert first == second
    assert states[0].tallies == states[1].tallies


def test_an_item_divided_gives_the_same_minima_and_hits(urea):
    ground = Ground(urea, 2, ToyModel(urea), [4])
    [name] = [name for name in ground.occupations if name.startswith("4:")]
    whole = State().after([ground.work(Item(name, 0, 60), WINDOW)], WINDOW)
    parts = [ground.work(Item(name, first, 20), WINDOW) for first in (0, 20, 40)]
    divided = State().after(parts, WINDOW)
    assert [(one.energy, one.hits) for one in divided.minima] == [(one.energy, one.hits) for one in whole.minima]
    assert divided.tallies == whole.tallies | {name: divided.tallies[name]}
    assert divided.minimised == whole.minimised
    assert divided.work == pytest.approx(whole.work)


def test_a_threshold_leaves_higher_minima_out_and_changes_no_hits(urea):
    ground = Ground(urea, 2, ToyModel(urea), [4])
    [name] = [name for name in ground.occupations if name.startswith("4:")]
    loose = ground.work(Item(name, 0, 60), WINDOW)
    assert len(loose.minima) > 3
    limit = loose.minima[2].energy
    tight = ground.work(Item(name, 0, 60, limit), WINDOW)
    assert tight.minima[-1].energy <= limit + 0.1
    expected = [(one.energy, one.total) for one in loose.minima[:3]]
    assert [(one.energy, one.total) for one in tight.minima][:3] == expected


def test_several_z_at_once_merge_what_is_found_in_larger_cells_again(urea):
    result = search(urea, [1, 2], ToyModel(urea), [1, 2], window=WINDOW, stop="draws", draws=240, seed=2)
    assert result.reason == "draws"
    assert result.draws == 240
    # The lowest of Z = 1 is found with two molecules too, and kept in the small cell.
    single = search(urea, 1, ToyModel(urea), [1], window=WINDOW, stop="draws", draws=100, seed=2)
    lowest = single.structures[0].properties
    same = [one for one in result.structures if abs(one.properties["lattice_energy"] - lowest["lattice_energy"]) < 0.02]
    if same:
        assert len(same[0]) == 8


def test_it_stops_at_structures_seconds_and_work(urea):
    model = ToyModel(urea)
    assert search(urea, 2, model, FEW, window=WINDOW, stop="structures", structures=3).reason == "structures"
    assert search(urea, 2, model, FEW, window=WINDOW, max_cpu_seconds=1e-9).reason == "seconds"
    assert search(urea, 2, model, FEW, window=WINDOW, most_work=1.0).reason == "work"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 0}, "window = 0"),
        ({"window": float("nan")}, "window = nan"),
        ({"stop": "soon"}, "complete, draws or structures"),
        ({"stop": "draws"}, "say how many"),
        ({"draws": 5}, "no effect"),
        ({"stop": "draws", "draws": 0}, "draws = 0"),
        ({"max_cpu_seconds": 0}, "max_cpu_seconds"),
        ({"Z": 5}, "Z = 5: no wanted space group"),
        ({"Z": []}, "empty list"),
        ({"Z": 0}, "between 1 and 192"),
        ({"space_groups": [19], "Z": 2}, "no wanted space group"),
        ({"seed": -1}, "seed"),
    ],
)
def test_arguments_outside_their_range_are_one_clear_line(urea, changes, message):
    arguments = {"Z": 2, "space_groups": "all", "window": WINDOW} | changes
    with pytest.raises(InputError, match=message) as raised:
        search(urea, model=ToyModel(urea), **arguments)
    assert "\n" not in str(raised.value)


def test_of_several_z_one_that_no_group_offers_is_a_warning(urea):
    with pytest.warns(UserWarning, match="Z = 5"):
        Ground(urea, [2, 5], ToyModel(urea))


def test_two_pieces_and_missing_hydrogens_are_refused(urea):
    pair = Molecule(urea.species * 2, np.concatenate([urea.positions, urea.positions + 9.0]))
    with pytest.raises(InputError, match="2 pieces"):
        check_rigid(pair)
    benzene = stored("benzene")
    for lost in ("all", "one"):
        hydrogens = [i for i, name in enumerate(benzene.species) if name == "H"]
        gone = hydrogens if lost == "all" else hydrogens[:1]
        kept = [i for i in range(len(benzene)) if i not in gone]
        with pytest.raises(InputError, match="lack a hydrogen"):
            check_rigid(Molecule([benzene.species[i] for i in kept], benzene.positions[kept]))


@pytest.mark.parametrize("name", ["CO2", "CH3CN", "HCN", "CH4", "C6H6", "CH3COOH", "HCOOH", "C2H4", "C4H4NH", "H2O"])
def test_whole_molecules_are_not_said_to_lack_hydrogens(name):
    check_rigid(from_ase(name))


@pytest.mark.parametrize("name", ["urea", "benzene", "glycine", "aspirin", "naphthalene", "cyclohexanedione"])
def test_whole_molecules_of_crystals_are_not_said_to_lack_hydrogens(name):
    check_rigid(stored(name))


@pytest.mark.parametrize(("name", "number"), [("urea", 0), ("benzene", 0), ("naphthalene", 0), ("aspirin", 3)])
def test_rotatable_bonds_are_counted(name, number):
    assert len(rotatable_bonds(stored(name))) == number


def test_a_flexible_molecule_is_searched_with_a_warning():
    aspirin = stored("aspirin")
    with pytest.warns(UserWarning, match="3 rotatable bonds: one conformer is searched"):
        Ground(aspirin, 4, ToyModel(aspirin), [14])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Ground(chiral(), 4, ToyModel(chiral()), [19])


class Slippery(ToyModel):
    """A model by which every second minimum is a saddle point above the lowest, and the last leads nowhere."""

    def __init__(self, molecule, structures):
        super().__init__(molecule)
        self.structures, self.asked = structures, 0

    def hessian(self, structure):
        k, self.asked = self.asked, self.asked + 1
        return Curvature(-1.0 if k % 2 or k == len(self.structures) - 1 else 1e-4)

    def minimise(self, structure, break_symmetry=False):
        assert break_symmetry
        below = self.structures[0]
        return Minimised(below.structure, below.energy, is_minimum=self.asked < len(self.structures))


def test_saddle_points_give_their_hits_to_the_minimum_below_or_are_left_out(urea):
    ground = Ground(urea, 2, ToyModel(urea), [4])
    [name] = [name for name in ground.occupations if name.startswith("4:")]
    state = State().after([ground.work(Item(name, 0, 60), WINDOW)], WINDOW)
    state = State(1, state.minima[:5], state.tallies)
    model = Slippery(urea, state.minima)
    after, left_out = settled(state, [settle(one, model) for one in state.minima], WINDOW)
    totals = [one.total for one in state.minima]
    assert left_out == 1
    assert [one.total for one in after.minima] == [totals[0] + totals[1] + totals[3], totals[2]]


class Flattening(ToyModel):
    """A model by which nothing is a minimum, and what symmetry no longer holds gets flat."""

    def hessian(self, structure):
        return Curvature(-1.0)

    def minimise(self, structure, break_symmetry=False):
        raise InputError("the cell has no Niggli form")


def test_a_crystal_that_gets_flat_ends_no_search(urea, monkeypatch):
    ground = Ground(urea, 2, ToyModel(urea), [4])
    [name] = [name for name in ground.occupations if name.startswith("4:")]
    state = State().after([ground.work(Item(name, 0, 20), WINDOW)], WINDOW)
    model = Flattening(urea)
    after, left_out = settled(state, [settle(one, model) for one in state.within(WINDOW)], WINDOW)
    assert (after.minima, left_out) == ([], len(state.within(WINDOW)))
    # In an item only the flat ones are left out.
    finisher = ground.site(name).finisher
    whole = finisher.structures

    def refusing(hits):
        if 3 in hits.numbers:
            raise InputError("the cell has no Niggli form")
        return whole(hits)

    monkeypatch.setattr(finisher, "structures", refusing)
    found = ground.work(Item(name, 0, 20), 1e6)
    assert found.failures[FLAT] == 1
    assert sum(one.total for one in found.minima) == found.minimised - sum(
        count for reason, count in found.failures.items() if reason != OVERLAPPING
    )


# Decisions, on made-up states.


def met(stratum, energy, hits, draw=0):
    one = Molecule(["Ar"], [[0, 0, 0]]).to_structure()
    return Minimum(one, energy, 50.0, np.full(100, energy), Origin(stratum, draw), {stratum: hits})


def test_first_shares_follow_known_crystals_with_a_floor_for_others():
    shares = first_shares({"14:4e": 14, "2:2i": 2, "2:1a": 2, "16:4u": 16, "17:4e": 17})
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["14:4e"] / (shares["2:2i"] + shares["2:1a"]) == pytest.approx(CSD_SHARES[14] / CSD_SHARES[2])
    assert shares["2:2i"] == shares["2:1a"]
    assert shares["16:4u"] == shares["17:4e"] == pytest.approx(0.075)
    assert first_shares({"16:4u": 16, "17:4e": 17}) == {"16:4u": 0.5, "17:4e": 0.5}


def test_the_work_of_a_round_ends_with_equal_yields():
    work = {"a": 100.0, "b": 100.0, "c": 400.0}
    shares = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    given = shared_out(work, {"a": 10.0, "b": 5.0}, shares, 300.0)
    assert sum(given.values()) == pytest.approx(300.0)
    assert given["c"] == 0.0
    after = {name: work[name] + given[name] for name in work}
    assert after["a"] / after["b"] == pytest.approx(10.02 / 5.02)


def test_low_singletons_count_more_than_high_ones():
    minima = [met("a", 0.0, 5), met("a", 0.5, 1), met("b", 9.0, 1), met("b", 9.5, 2)]
    once = singletons(minima, 10.0)
    assert once["a"] == pytest.approx(np.exp(-0.1))
    assert once["b"] == pytest.approx(np.exp(-1.8))


def test_sites_that_still_yield_get_the_next_draws_and_the_others_few():
    groups = {"14:4e": 14, "19:4a": 19, "16:4u": 16}
    aim = Aim(groups, dict.fromkeys(groups, "packing"), 10.0)
    tallies = {name: Tally(1000, 500, 25_000.0) for name in groups}
    minima = [met("14:4e", 0.1 * k, 50) for k in range(20)] + [met("19:4a", 0.1 * k + 0.05, 1) for k in range(20)]
    following = next_round(State(2, minima, tallies), aim)
    draws = {name: sum(item.count for item in following.items if item.stratum == name) for name in groups}
    assert draws["19:4a"] > 0.9 * sum(draws.values())
    # Items go on where the draws ended, without a gap, and return nothing above the window.
    own = [item for item in following.items if item.stratum == "19:4a"]
    assert own[0].first == 1000
    assert all(a.first + a.count == b.first for a, b in pairwise(own))
    assert {item.threshold for item in own} == {10.0}
    assert following == next_round(State(2, minima, tallies), aim)


def test_small_items_are_put_together_and_large_ones_stay_alone():
    names = [f"{k}:4a" for k in range(1, 200)]
    pilot = [Item(name, 0, 16) for name in names]
    together = bundles(pilot, State())
    assert [item for some in together for item in some] == pilot  # nothing is lost, nothing twice, the order is kept
    assert BUNDLES <= len(together) <= 2 * BUNDLES
    # After it, by what draws have cost: the dear site's pieces are alone, the cheap sites' are not.
    tallies = {name: Tally(100, 50, 100.0) for name in names} | {"14:4e": Tally(100, 90, 4000.0)}
    items = [Item(name, 100, 5) for name in names] + [Item("14:4e", 100 * k, 100) for k in range(1, 20)]
    divided = bundles(items, State(2, [], tallies))
    assert [item for some in divided for item in some] == items
    work = [sum(item.count * tallies[item.stratum].work / 100 for item in some) for some in divided]
    assert all(one <= ITEM_WORK for one in work) and [len(some) for some in divided[-19:]] == [1] * 19
    assert len(divided) < 30
    assert bundles([], State(2, [], tallies)) == []


def test_a_search_is_complete_when_low_minima_have_been_met_again_and_again():
    many, once = [met("a", 0.3 * k, 30) for k in range(30)], [met("a", 0.3 * k, 1) for k in range(30)]
    tallies = {"a": Tally(1000, 900, 45_000.0)}
    assert is_complete(State(2, many, tallies), 10.0)
    assert not is_complete(State(2, once, tallies), 10.0)
    assert not is_complete(State(2, [], tallies), 10.0)
    aim = Aim({"a": 14}, {"a": "packing"}, 10.0)
    assert next_round(State(2, many, tallies), aim).reason == "complete"
    assert next_round(State(1, many, tallies), aim).items  # the pilot alone is not believed


def test_no_more_draws_are_given_out_than_are_asked_for():
    aim = Aim({"2:2i": 2, "4:2a": 4}, {"2:2i": "packing", "4:2a": "rejection"}, 10.0, "draws", 100)
    first = next_round(State(), aim)
    assert sum(item.count for item in first.items) == 100
    done = State().after([Found(item, [], 0, 1.0, {}) for item in first.items], 10.0)
    assert next_round(done, aim).reason == "draws"


def test_a_larger_cell_is_tested_in_its_primitive_one():
    """Which cell of several a crystal was found in is chance, and a doubled one can be unstable where another is not.

    A molecule may be the image of another after an operation, its atoms then in the order of their images.
    """
    crystal = whole_molecules(read("examples/urea/urea.cif")[0])
    size = crystal.properties["number_of_atoms_in_molecule"]
    places = crystal.positions.reshape(-1, size, 3)
    one = Molecule(crystal.species[:size], places[0])
    swapped = next(p for p in point_group(one).permutations if (p != np.arange(size)).any())
    copy = places[:, np.argsort(swapped)] + crystal.lattice[2]
    doubled = Structure(
        crystal.lattice * np.array([[1], [1], [2]]),
        crystal.species * 2,
        np.concatenate([places.reshape(-1, 3), copy.reshape(-1, 3)]),
        {"number_of_atoms_in_molecule": size},
    )
    small = primitive_cell_of_molecules(doubled, size)
    assert len(small) == len(crystal) and small.density == pytest.approx(crystal.density)
    assert len(whole_molecules(small)) == len(crystal) and space_group_of(small) == 113
    assert primitive_cell_of_molecules(small, size) is small
    seen = []

    class Sees:
        def hessian(self, structure):
            seen.append(len(structure))
            return ToyModel(one).hessian(structure)

    minimum = Minimum.of(doubled, -100.0, 4, Origin("2:2i", 3), equivalent=False)
    ended = settle(minimum, Sees())
    assert ended.amd is minimum.amd and ended.structure.positions.tolist() == doubled.positions.tolist()
    assert ended.structure.properties["spg"] == 113 and seen == [len(crystal)]
