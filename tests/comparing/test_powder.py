"""Powder patterns against other programs' sums, their similarity by its definition, and what must not change both."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_crystals import crystal, names

from genarris_fw.comparing.powder import (
    CU_K_ALPHA,
    Powder,
    Reflections,
    pattern,
    patterns,
    reduced,
    similarities,
    similarity,
    spread,
)
from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError

POWDER = Powder()


def by_gemmi(structure: Structure, powder: Powder) -> tuple[np.ndarray, np.ndarray]:
    """Angles and intensities of all reflections, by gemmi's structure factors in the crystal's own cell, as P 1."""
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*structure.cell_parameters)
    small.spacegroup_hm = "P 1"
    for element, point in zip(structure.species, structure.fractional):
        site = gemmi.SmallStructure.Site()
        site.element, site.fract, site.occ = gemmi.Element(element), gemmi.Fractional(*point), 1.0
        site.type_symbol = site.label = element
        small.add_site(site)
    small.setup_cell_images()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    hkl = gemmi.make_miller_array(
        small.cell, gemmi.SpaceGroup("P 1"), CU_K_ALPHA / 2 / np.sin(np.radians(powder.stop / 2))
    )
    angles, values = [], []
    for index in hkl.tolist():
        sine = CU_K_ALPHA * np.sqrt(small.cell.calculate_1_d2(index)) / 2
        theta = np.arcsin(sine)
        if 2 * np.degrees(theta) < powder.start:
            continue
        factor = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
        angles.append(2 * np.degrees(theta))
        values.append(2 * factor * abs(calculator.calculate_sf_from_small_structure(small, index)) ** 2)
    return np.array(angles), np.array(values)


@pytest.mark.parametrize("name", ["trioxane", "hexamine", names()[-1]])
def test_intensities_are_those_of_gemmi(name: str) -> None:
    structure = crystal(name)
    expected = spread(*by_gemmi(structure, POWDER), POWDER)
    np.testing.assert_allclose(pattern(structure), expected, atol=1e-3)


def test_peaks_are_those_of_pymatgen_with_other_scattering_factors() -> None:
    pytest.importorskip("pymatgen.analysis.diffraction.xrd")
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.core import Structure as Other

    structure = crystal("trioxane")
    other = Other(structure.lattice, structure.species, structure.fractional)
    peaks = XRDCalculator(CU_K_ALPHA).get_pattern(other, two_theta_range=(POWDER.start, POWDER.stop))
    expected = spread(np.array(peaks.x), np.array(peaks.y), POWDER)
    np.testing.assert_allclose(pattern(structure), expected, atol=2.0)
    assert similarity(pattern(structure), expected) > 0.9999


def test_a_face_centred_cell_is_extinct_where_it_must_be() -> None:
    """Rock salt: of mixed indices there is nothing, and 200 is the strongest; the angle of it by Bragg's law."""
    a = 5.6402
    points = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    salt = Structure(np.eye(3) * a, ["Na"] * 4 + ["Cl"] * 4, np.concatenate([points, points + 0.5]) * a)
    found = Reflections(salt.cell, POWDER)
    values = found.intensities(salt.species, salt.fractional)
    mixed = np.ptp(found.hkl % 2, axis=1) > 0
    assert values[mixed].max() < 1e-9 * values.max()
    strongest = POWDER.angles[np.argmax(pattern(salt))]
    assert strongest == pytest.approx(2 * np.degrees(np.arcsin(CU_K_ALPHA / a)), abs=POWDER.step)


def turned(structure: Structure, rng: np.random.Generator) -> Structure:
    """The same crystal otherwise written: another cell, origin, orientation, hand and order of atoms."""
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shears = np.eye(3, dtype=int)
    for _ in range(3):
        i, j = rng.choice(3, 2, replace=False)
        shears[i] += rng.integers(-1, 2) * shears[j]
    lattice = shears @ structure.cell
    points = structure.positions + rng.uniform(-5, 5, 3) + rng.integers(-2, 3, (len(structure), 3)) @ structure.cell
    order = rng.permutation(len(structure))
    return Structure(lattice @ q, [structure.species[i] for i in order], points[order] @ q)


@given(name=st.sampled_from(names()), seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_how_a_crystal_is_written_changes_nothing(name: str, seed: int) -> None:
    structure = crystal(name)
    np.testing.assert_allclose(pattern(turned(structure, np.random.default_rng(seed))), pattern(structure), atol=1e-5)


def test_a_supercell_has_the_same_pattern() -> None:
    structure = crystal("trioxane")
    shifts = np.array([[0, 0, 0], [1, 0, 0]]) @ structure.cell
    double = Structure(
        np.diag([2, 1, 1]) @ structure.cell,
        structure.species * 2,
        np.concatenate([structure.positions + shift for shift in shifts]),
    )
    np.testing.assert_allclose(pattern(double), pattern(structure), atol=1e-5)


def by_definition(one: np.ndarray, other: np.ndarray, powder: Powder) -> float:
    """De Gelder's similarity, as it is written: the cross-correlation, weighted by a triangle, normalised."""
    width = round(powder.window / powder.step)
    lags = np.arange(-width, width + 1)
    weights = 1.0 - np.abs(lags) / width

    def weighted(f: np.ndarray, g: np.ndarray) -> float:
        correlation = np.correlate(f, g, mode="full")
        middle = len(f) - 1
        return float(weights @ correlation[middle + lags])

    return weighted(one, other) / np.sqrt(weighted(one, one) * weighted(other, other))


def test_the_similarity_is_that_of_its_definition() -> None:
    all_of_them = patterns([crystal(name) for name in names()[:4]])
    expected = [by_definition(all_of_them[0], other, POWDER) for other in all_of_them]
    np.testing.assert_allclose(similarities(all_of_them[0], all_of_them), expected, atol=1e-9)
    assert expected[0] == pytest.approx(1.0) and max(expected[1:]) < 0.9


def test_shifted_peaks_are_alike_up_to_the_window() -> None:
    """Two sharp peaks: the triangle itself. What is farther apart than the window has nothing in common."""
    powder = Powder(window=2.0)
    one = np.zeros(len(powder.angles))
    one[1000] = 1.0
    for shift, expected in [(0, 1.0), (25, 0.75), (50, 0.5), (100, 0.0), (300, 0.0)]:
        assert similarity(one, np.roll(one, shift), powder) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 10**6))
def test_similarities_are_symmetric_and_between_0_and_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.random((3, len(POWDER.angles))) ** rng.uniform(1, 30)
    rows[2] = 0.0
    found = np.array([similarities(row, rows) for row in rows])
    assert (found >= 0).all() and (found <= 1).all()
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diag(found), [1.0, 1.0, 0.0])
    np.testing.assert_allclose(similarities(7.0 * rows[0], rows), found[0])


def test_a_long_thin_cell_is_reduced_first() -> None:
    """A skew cell's box of indices would have 10^9 of them."""
    structure = crystal("hexamine")
    skew = np.array([[1, 0, 0], [0, 1, 0], [1000, 1000, 1]]) @ structure.cell
    assert np.linalg.norm(reduced(skew), axis=1).max() < 10
    one = Structure(skew, structure.species, structure.positions)
    np.testing.assert_allclose(pattern(one), pattern(structure), atol=1e-3)


def test_what_has_no_pattern_is_refused() -> None:
    with pytest.raises(InputError, match="it has no cell"):
        pattern(Structure(None, ["C"], [[0, 0, 0]]))
    for wrong in (
        {"start": 60.0},
        {"step": 0.0},
        {"step": 0.5},
        {"fwhm": np.nan},
        {"wavelength": -1.0},
        {"stop": 200.0},
    ):
        with pytest.raises(InputError):
            Powder(**wrong)
    assert patterns([]).shape == (0, len(POWDER.angles))
