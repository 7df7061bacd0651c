"""Files of one kind each that were read wrong, or refused for nothing (tests/data/faults)."""

from pathlib import Path

import numpy as np
import pytest
from same_crystal import farthest_atom

from genarris_fw.crystal import Reading, read
from genarris_fw.errors import InputError

FAULTS = Path(__file__).resolve().parents[1] / "data" / "faults"
SAME = 1e-6  # Å
# 2-chloroethanol in P 1 21/n 1, all operations listed.
REFERENCE = "cif_setting_without_operators/01_full_symops.cif"


def one(name, **choices):
    reading = Reading(**choices)
    [structure] = read(FAULTS / name, reading=reading)
    return structure, reading.notes


@pytest.mark.parametrize(
    "name",
    [
        "cif_setting_without_operators/02_HM_only_P21n.cif",
        "cif_setting_without_operators/03_HM_and_number_P21n.cif",
        "cif_setting_without_operators/04_HM_short_P21n.cif",
        "cif_setting_without_operators/05_HM_P2_1_n.cif",
        "cif_setting_without_operators/06_Hall_only.cif",
        "cif_setting_without_operators/07_Hall_and_number.cif",
        "cif_setting_without_operators/08_HM_alt_short_and_number.cif",
        "cif_long_HM_without_number/31_HM_and_symops_no_number.cif",
        "cif_long_HM_without_number/32_HMshort_and_symops_no_number.cif",
        "cif_long_HM_without_number/dot_sg.cif",
        "cif_long_HM_without_number/no_sg_only_symops.cif",
        "cif_long_HM_without_number/qmark_sg.cif",
        "cif_uppercase_type_symbol/11_labels_caps_noType.cif",
        "cif_uppercase_type_symbol/12_type_caps.cif",
    ],
)
def test_one_crystal_described_in_many_ways(name):
    reference, _ = one(REFERENCE)
    structure, notes = one(name)
    assert structure.species == reference.species
    assert np.abs(structure.positions - reference.positions).max() < SAME
    assert structure.properties["Z"] == 4
    assert notes == []


def test_sulfur_by_its_operations_and_by_the_second_origin():
    reference, _ = one("cif_setting_without_operators/s8_symops_number.cif")
    assert reference.properties["Z"] == 16
    assert len(reference) == 128
    for name in ("cif_setting_without_operators/s8_HM2_number.cif", "cif_long_HM_without_number/s8_symops_HM.cif"):
        structure, _ = one(name)
        assert farthest_atom(structure, reference) < SAME


def test_triazine_on_both_axes():
    """6 molecules on hexagonal axes, 2 on rhombohedral ones; the same volume for each, and the same distances."""
    folder = "cif_rhombohedral_axes/triazine_R-3c_"
    hexagonal = [one(f"{folder}{name}.cif")[0] for name in ("H", "H_only", "plain_number")]
    rhombohedral = [one(f"{folder}{name}.cif")[0] for name in ("R", "rhomb_plain")]
    assert [structure.properties["Z"] for structure in hexagonal + rhombohedral] == [6, 6, 6, 2, 2]
    volumes = [structure.cell_volume / structure.properties["Z"] for structure in hexagonal + rhombohedral]
    assert volumes == pytest.approx([97.8037] * 5, abs=1e-3)
    for structure in hexagonal + rhombohedral:
        carbon = structure.positions[structure.species.index("C")]
        assert sorted(structure.species[:9]) == ["C"] * 3 + ["H"] * 3 + ["N"] * 3
        ring = [p for p, name in zip(structure.positions[:9], structure.species[:9], strict=True) if name == "N"]
        nearest = sorted(np.linalg.norm(p - carbon) for p in ring)
        # By the law of cosines: C and N at 0.1297 and 0.1437 of 9.647 Å from the middle, 60 degrees apart.
        assert nearest[:2] == pytest.approx([1.3239, 1.3239], abs=1e-3)


def test_carbon_dioxide_by_its_operations_and_a_former_symbol():
    structure, notes = one("cif_long_HM_without_number/co2_Pa3_old.cif")
    assert structure.properties["Z"] == 4
    assert structure.species == ["C", "O", "O"] * 4
    assert notes == []


def test_bromine_in_large_letters():
    structure, _ = one("cif_uppercase_type_symbol/caps_BR_P1.cif")
    assert structure.species == ["C", "Br", "H", "H", "H"]


def test_disorder_is_refused_or_the_larger_part_is_taken():
    name = "cif_disorder/21_disorder.cif"
    with pytest.raises(InputError, match=r"disordered: O4 \(0\.7\), H9 \(0\.7\), O4B \(0\.3\), H9B .*disorder = major"):
        one(name)
    structure, notes = one(name, disorder="major")
    reference, _ = one(REFERENCE)
    assert farthest_atom(structure, reference) < SAME  # its major part is the ordered crystal
    assert notes == ["disordered: the largest part is taken, O4B, H9B left out"]


@pytest.mark.parametrize("digits", [3, 5])
def test_atoms_on_a_threefold_axis_are_there_once_whatever_their_digits(digits):
    structure, notes = one(f"cif_coarse_special_position/threefold_{digits}digits.cif")
    assert sorted(structure.species) == ["C", "Cl", "Cl", "Cl", "H"]
    assert structure.properties["Z"] == 1
    carbon = structure.fractional[structure.species.index("C")]
    assert carbon[:2] == pytest.approx([1 / 3, 2 / 3], abs=1e-9)
    bonds = [
        np.linalg.norm(p - structure.positions[structure.species.index("C")])
        for p, name in zip(structure.positions, structure.species, strict=True)
        if name == "Cl"
    ]
    assert np.ptp(bonds) < 1e-9
    assert len(notes) == (digits == 3)


def test_missing_hydrogens_are_named():
    with pytest.raises(InputError, match="20 of the 20 hydrogens in the cell have no coordinates"):
        one("cif_missing_H/22_missing_H.cif")


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("19_dummy_atom", "1 site left out: no atoms (dummy atoms, centroids, ...)"),
        ("20_unknown_coord", "1 atom left out: without coordinates (?)"),
    ],
)
def test_what_is_no_atom_is_left_out_and_counted(name, note):
    structure, notes = one(f"cif_dummy_and_unknown_coordinates/{name}.cif")
    reference, _ = one(REFERENCE)
    assert structure.species == reference.species
    assert np.abs(structure.positions - reference.positions).max() < SAME
    assert notes == [note]


def test_deuterium_is_hydrogen_and_that_is_said_once():
    structure, notes = one("deuterium/15_deuterium.cif")
    reference, _ = one(REFERENCE)
    assert farthest_atom(structure, reference) < SAME
    assert notes == ["D taken as H"]
