"""Sites on special positions of every setting, with few digits: there once, and exactly on their position."""

import numpy as np
import pytest
from crystals_of_settings import crystal_of

from genarris_fw.crystal.formats.expand import Sites, expand
from genarris_fw.crystal.formats.operations import Operations
from genarris_fw.errors import InputError

APART = 1.3  # Å: nearer images would overlap


def special_place(known, lattice, rng):
    """A place on a symmetry element of a crystal, and how many images it has; None where images come too near."""
    place = rng.random(3)
    for _ in range(rng.integers(1, 3)):
        one = rng.integers(1, len(known.rotations))
        matrix = np.eye(3) - known.rotations[one]
        shift = known.translations[one] + rng.integers(-1, 2, 3)
        moved = place + np.linalg.lstsq(matrix, shift - matrix @ place, rcond=None)[0]
        if np.abs(matrix @ moved - shift).max() < 1e-9:  # a screw or glide has no place that it keeps
            place = moved
    images = np.einsum("aij,j->ai", known.rotations, place) + known.translations
    apart = images[:, None] - images
    lengths = np.linalg.norm((apart - np.rint(apart)) @ lattice, axis=2)
    if lengths[lengths > 1e-6].min(initial=99.0) < APART:
        return None
    return place, len(np.unique(lengths < 1e-6, axis=0))


@pytest.mark.parametrize("digits", [3, 5])
def test_a_rounded_site_has_the_images_of_its_position(digits):
    rng, tried = np.random.default_rng(digits), 0
    for number in range(2, 531):
        known = crystal_of(number)
        lattice = known.lattice * np.cbrt(8000.0 / np.linalg.det(known.lattice))
        places = (special_place(known, lattice, rng) for _ in range(6))
        found = next((one for one in places if one is not None and one[1] < len(known.rotations)), None)
        if found is None:  # P 21 21 21 has none
            continue
        place, images = found
        rounded = np.round(place, digits)[None]
        sites = Sites(["C1"], ["C"], rounded, np.full((1, 3), 10.0**-digits), np.ones(1), [""], [""])
        cell = expand(sites, Operations(known.rotations, known.translations), lattice)
        assert len(cell.fractional) == images, known.kind.international_full
        again = np.einsum("aij,j->ai", known.rotations, cell.fractional[0]) + known.translations - cell.fractional[0]
        kept = np.abs(again - np.rint(again)).max(axis=1) < 1e-9
        assert kept.sum() == len(known.rotations) // images  # exactly on it
        assert np.abs(cell.fractional[0] - place).max() < 10.0**-digits
        tried += 1
    assert tried > 300


def test_near_an_axis_is_not_on_it():
    known = crystal_of(430)  # P 3
    lattice = known.lattice * np.cbrt(8000.0 / np.linalg.det(known.lattice))
    place = np.array([[1 / 3 + 0.0025, 2 / 3, 0.2]])  # 0.05 Å off, with five digits
    sites = Sites(["C1"], ["C"], place, np.full((1, 3), 1e-5), np.ones(1), [""], [""])
    with pytest.raises(InputError, match=r"C1 and its own image are 0\.0\d Å apart"):
        expand(sites, Operations(known.rotations, known.translations), lattice)
