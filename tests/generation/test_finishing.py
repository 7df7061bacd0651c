"""From what the kernels accept to finished structures: Niggli cells, and space groups with spglib or without."""

import numpy as np
import pytest
import spglib
from crystal_contacts import assert_sound, inner_distances, smooth_sum, spglib_dataset, whole_cell
from generation_molecules import argon, from_ase, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from genarris_fw.crystal import Molecule
from genarris_fw.errors import GenarrisError
from genarris_fw.generation import Group, Sampling, cutoff_matrix, generate, occupations
from genarris_fw.generation.finishing import Finisher, Hits
from genarris_fw.generation.placement import Placement


def named(name: str) -> Molecule:
    stored_ones = ("benzene", "glycine", "urea", "naphthalene", "tetracene", "aspirin")
    return argon() if name == "Ar" else stored(name) if name in stored_ones else from_ase(name)


def placed(name: str, Z: int, group: int, wyckoff: str, tol: float = 1e-2) -> Placement:
    molecule = named(name)
    [occupation] = [o for o in occupations(molecule, Z, tol, [group], "+" in wyckoff) if o.wyckoff == wyckoff]
    return Placement(molecule, occupation, cutoff_matrix(molecule, 0.85))


def drawn(placement: Placement, count: int, volume: float, cutoff: float = 0.05) -> Hits:
    """Draws without regard to overlaps."""
    n = len(placement.molecule)
    loose = Placement(placement.molecule, placement.occupation, np.full((n, n), cutoff))
    return Hits.of(*loose.sampler.draw(6, 0, 4 * count, count, volume, 0.05 * volume)[1:])


# Molecule, Z, volume of the cell, groups: general and special sites, all lattice systems, centred cells.
CONFIRMED = [
    ("benzene", 2, 237.0, [2, 4, 5, 11, 12, 14, 16, 21, 35, 47, 55, 58, 65, 71, 94, 113, 136, 147, 163, 190, 194]),
    ("benzene", 3, 356.0, [148, 155, 160, 166]),
    ("benzene", 4, 474.0, [12, 14, 15, 19, 61, 64, 66, 198, 205]),
    ("benzene", 8, 960.0, [88]),
    ("glycine", 2, 157.0, [2, 4]),
    ("glycine", 4, 310.0, [5, 14, 19, 33, 76]),
    ("urea", 2, 145.0, [4, 5, 18, 59, 113]),
    ("urea", 4, 290.0, [5, 14, 15, 36, 79]),
    ("naphthalene", 2, 370.0, [4, 5, 14, 65]),
    ("naphthalene", 4, 740.0, [15, 61]),
    ("CH4", 2, 100.0, [119, 121, 217]),
    ("CH4", 3, 150.0, [155, 160]),
    ("BF3", 2, 110.0, [11, 63, 187, 194]),
    ("CO2", 4, 200.0, [14, 61, 205]),
]


@pytest.mark.parametrize("mode", ["packing", "rejection"])
@pytest.mark.parametrize(
    ("name", "Z", "volume", "group"),
    [(name, Z, volume, group) for name, Z, volume, groups in CONFIRMED for group in groups],
)
def test_the_space_group_is_the_one_that_spglib_finds(name, Z, volume, group, mode):
    """Without being asked for each structure. The proof of the shortcut."""
    molecule = named(name)
    found = occupations(molecule, Z, 1e-2, [group])[:4]
    count = 60 // len(found) if mode == "packing" else 4000
    volume = volume if mode == "packing" else 1.2 * volume
    labelled = []
    for confirm in (False, True):
        chosen = Group(molecule, found, cutoff_matrix(molecule, 0.85), confirm=confirm)
        accepted, _ = chosen.draw(Sampling(mode, 8, volume, 0.04 * volume), 0, count, 40)
        labelled.append([(hit.draw, hit.occupation.wyckoff, hit.structure.properties["spg"]) for hit in accepted])
    assert labelled[0] == labelled[1]


def test_many_structures_of_centred_cells_that_pack_closely():
    """Where the molecules nearly touch on a hexagonal net, the C-centred cell itself shows nothing hexagonal."""
    relabelled = 0
    for name, Z, volume, group in (("benzene", 2, 237.0, 65), ("benzene", 4, 474.0, 66)):
        for occupation in occupations(named(name), Z, 1e-2, [group])[-2:]:
            placement = placed(name, Z, group, occupation.wyckoff)
            hits = Hits.of(*placement.packer.draw(7, 0, 100, 100, volume, 0.05 * volume)[1:4])
            quick, full = (
                [s.properties["spg"] for s in Finisher(placement, every).structures(hits)] for every in (False, True)
            )
            assert quick == full
            relabelled += len([number for number in full if number in (191, 192)])
    assert relabelled > 0


HEXAGONAL = np.array([[1.0, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("name", "Z", "group", "wyckoff", "lattice", "supergroup"),
    [
        # a centred cell that is primitive in a higher system
        ("benzene", 2, 65, "2a", np.diag([6.4, 6.4 * np.sqrt(3), 4.0]), 191),
        ("benzene", 2, 65, "2b", np.diag([6.4 * np.sqrt(3), 6.4, 4.0]), 191),
        ("benzene", 4, 66, "4c", None, None),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[6.4], [6.4], [6.4 * np.sqrt(1.5)]]), 215),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[4.6], [4.6], [4.6 * np.sqrt(6)]]), 216),
        ("CH4", 3, 160, "3a", HEXAGONAL * np.array([[7.1], [7.1], [7.1 * np.sqrt(0.375)]]), 217),
        ("CH4", 2, 119, "2a", np.diag([4.6, 4.6, 4.6 * np.sqrt(2)]), 216),
        # the same cell in a higher system
        ("CH4", 2, 121, "2a", np.diag([5.2, 5.2, 5.2]), 217),
        ("benzene", 1, 47, "1a", np.diag([7.0, 7.0, 4.0]), 123),
        ("urea", 2, 35, "2a", np.diag([7.0, 7.0, 5.0]), 99),
        ("CH4", 1, 111, "1a", np.diag([5.0, 5.0, 5.0]), 215),
    ],
)
def test_special_metrics_are_seen(name, Z, group, wyckoff, lattice, supergroup):
    if lattice is None:
        return
    placement = placed(name, Z, group, wyckoff)
    k = len(placement.coordinates)
    position = placement.positions[0]
    for strain in (np.zeros((3, 3)), 1e-4 * np.diag([1.0, -1.0, 0.5])):
        geometry = [*(lattice + lattice @ strain).ravel(), *np.eye(3).ravel(), *position.point]
        hits = Hits.of(np.arange(k), np.arange(k)[:, None], np.tile(geometry, (k, 1)))
        quick, full = (
            [s.properties["spg"] for s in Finisher(placement, every).structures(hits)] for every in (False, True)
        )
        assert quick == full
        assert supergroup in full
