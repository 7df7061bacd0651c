"""The input of Elk: blocks, species files, muffin tins, primitive cells."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.units import Hartree
from lapw_made_up import AL, MADE_UP, SLOPE, SPECIES, U, blocks, made_up

from genarris_fw.crystal import Structure
from genarris_fw.crystal.primitive_cell import primitive_cell
from genarris_fw.engines.lapw import LAPWSettings
from genarris_fw.engines.lapw.elk_input import Loop, atom_order, elk_input, k_grid
from genarris_fw.engines.lapw.muffin_tin import fitting_radii, refuse_overlapping_spheres
from genarris_fw.engines.lapw.species import Channel, RadialFunction, read_species, with_basis
from genarris_fw.errors import EngineError

# ---------------------------------------------------------------------------------------------- input


def test_the_input_is_in_bohr_and_hartree_and_every_block_ends():
    text = elk_input(AL, LAPWSettings(k_grid=[8, 8, 8], smearing_width=0.25 * Hartree), Loop("broyden", 33))
    assert text.endswith("\n\n")
    found = blocks(text)
    half = 7.6534 / 2
    lattice = np.array([[float(word) for word in row.split()] for row in found["avec"]])
    assert lattice == pytest.approx(np.array([[0, half, half], [half, 0, half], [half, half, 0]]), abs=1e-9)
    assert found["atoms"][:3] == ["1", "'Al.in'", "1"]
    assert found["tasks"] == ["0"]
    assert found["ngridk"] == ["8 8 8"]
    assert found["xctype"] == ["20"]
    assert found["maxscl"] == ["33"]
    assert found["mixtype"] == ["3"]
    assert float(found["swidth"][0]) == pytest.approx(0.25)
    assert float(found["epsengy"][0]) == pytest.approx(1e-4 / 27.211386, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "block", "expected"),
    [
        ({"functional": "PBEsol"}, "xctype", "22"),
        ({"functional": "LDA"}, "xctype", "3"),
        ({"relativity": "spin-orbit"}, "spinorb", ".true."),
        ({"smearing": "gaussian"}, "stype", "0"),
        ({"smearing": "methfessel-paxton"}, "stype", "1"),
        ({"forces": True}, "tforce", ".true."),
        ({"l_max": 10}, "lmaxapw", "10"),
        ({"l_max": 5}, "lmaxo", "5"),
        ({"rkmax": 8.5}, "rgkmax", "8.5"),
        ({"rkmax_radius": "average"}, "isgkmax", "-1"),
        ({"k_offset": [0.5, 0, 0.25]}, "vkloff", "0.500000000000 0.000000000000 0.250000000000"),
    ],
)
def test_each_setting_has_its_block(settings, block, expected):
    assert blocks(elk_input(AL, LAPWSettings(**settings), Loop("broyden", 9)))[block] == [expected]


def test_atoms_go_element_by_element_and_come_back_in_order():
    crystal = Structure(4 * np.eye(3), ["O", "Mg", "O", "Mg"], [[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, -1, 2]])
    assert atom_order(crystal) == [0, 2, 1, 3]
    atoms = blocks(elk_input(crystal, LAPWSettings(), Loop("broyden", 9)))["atoms"]
    assert [line for line in atoms if line.startswith("'")] == ["'O.in'", "'Mg.in'"]
    places = [[float(word) for word in line.split()] for line in atoms if len(line.split()) == 3]
    assert places == [[0, 0, 0], [0, 0.5, 0], [0.5, 0, 0], [0, 0.75, 0.5]]


def test_the_k_grid_follows_the_spacing():
    """Reciprocal lengths 2 pi/4 and 2 pi/8 = 1.571 and 0.785 per Å."""
    crystal = Structure(np.diag([4.0, 8.0, 80.0]), ["Al"], [[0, 0, 0]])
    assert k_grid(crystal, LAPWSettings(k_spacing=0.3)) == [6, 3, 1]
    assert k_grid(crystal, LAPWSettings(k_spacing=2 * np.pi / 8)) == [2, 1, 1]
    assert k_grid(crystal, LAPWSettings(k_grid=[3, 2, 1])) == [3, 2, 1]


# ---------------------------------------------------------------------------------------------- species


@pytest.mark.skipif(not SPECIES.is_dir(), reason="Elk's species files are not installed: apt-get install elk-lapw")
def test_every_species_file_of_elk_is_read_and_written_alike(tmp_path):
    files = [path for path in sorted(SPECIES.glob("*.in")) if path.stem != "elk"]
    assert len(files) > 100
    for path in files:
        species = read_species(SPECIES, path.stem)
        (tmp_path / path.name).write_text(species.text())
        again = read_species(tmp_path, path.stem)
        assert again == species
        electrons = sum(state.electrons for state in species.states)
        assert electrons == pytest.approx(-species.charge)
        assert with_basis(species, "apw", "semicore", False).symbol == path.stem


@pytest.mark.parametrize("content", [b"", b"\xff\xfe species", MADE_UP.encode().replace(b"500", b"\xed\xa0\x80")])
def test_a_file_that_is_none_of_elks(tmp_path, content):
    (tmp_path / "Ge.in").write_bytes(content)
    with pytest.raises(EngineError, match="not a species file of Elk") as caught:
        read_species(tmp_path, "Ge")
    assert caught.value.kind == "input" and caught.value.permanent


@pytest.mark.skipif(not SPECIES.is_dir(), reason="Elk's species files are not installed: apt-get install elk-lapw")
@pytest.mark.parametrize(
    ("element", "moved"),
    [
        ("Al", "2p"),
        ("Si", ""),
        ("C", ""),
        ("F", ""),
        ("Na", "2s 2p"),
        ("Cu", "3p"),
        ("Zn", "3p"),
        ("Ga", "3d"),
        ("In", "4p 4d"),
        ("Pd", "4s 4p"),
        ("Hf", "4f 5s 5p"),
        ("Fr", "5d 6s 6p"),
    ],
)
def test_a_semicore_core_takes_the_shallow_inner_states(element, moved):
    species = read_species(SPECIES, element)
    changed = with_basis(species, "apw+lo", "semicore", True)
    before = {f"{s.n}{'spdf'[s.ell]}" for s in species.states if not s.core}
    after = {f"{s.n}{'spdf'[s.ell]}" for s in changed.states if not s.core}
    assert before - after == set(moved.split())
    assert len(species.local_orbitals) - len(changed.local_orbitals) == len(moved.split())


def test_apw_lo_has_local_orbitals_for_valence_channels_and_lapw_above(tmp_path):
    species = read_species(made_up(tmp_path), "Ge")
    changed = with_basis(species, "apw+lo", "deep", True)
    assert changed.apw == (U, SLOPE)
    assert changed.exceptions == (Channel(0, (U,)),)
    assert changed.local_orbitals == species.local_orbitals


def test_lapw_matches_value_and_slope(tmp_path):
    species = read_species(made_up(tmp_path), "Ge")
    assert species.apw == (U,)
    lapw = with_basis(species, "lapw", "deep", True)
    assert lapw.apw == (U, SLOPE) and lapw.exceptions == ()
    # No local orbital of the linearisation is left; the others vanish in value and slope.
    d, s = RadialFunction(-1.0759, 0, True), RadialFunction(-0.438, 0, True)
    assert lapw.local_orbitals == (Channel(2, (U, SLOPE, d)), Channel(0, (U, SLOPE, s)))
    assert lapw.states == species.states


def test_apw_has_no_linearisation(tmp_path):
    species = with_basis(read_species(made_up(tmp_path), "Ge"), "apw", "deep", True)
    assert len(species.apw) == 1
    assert [channel.ell for channel in species.local_orbitals] == [2, 0]


def test_without_local_orbitals_semicore_states_are_core(tmp_path):
    species = with_basis(read_species(made_up(tmp_path), "Ge"), "apw+lo", "deep", False)
    assert [channel.linearises for channel in species.local_orbitals] == [True]
    assert [(state.n, state.ell) for state in species.states if not state.core] == [(4, 0), (4, 1)]


def test_an_element_without_a_species_file_is_bad_input(tmp_path):
    with pytest.raises(EngineError, match="no species file for Xe") as caught:
        read_species(made_up(tmp_path), "Xe")
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_broken_species_file_is_bad_input(tmp_path, part):
    (tmp_path / "Ge.in").write_text(MADE_UP[: int(part * len(MADE_UP))])
    with pytest.raises(EngineError, match="not a species file") as caught:
        read_species(tmp_path, "Ge")
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


# ---------------------------------------------------------------------------------------------- muffin tins


def test_muffin_tins_are_reduced_until_they_fit():
    """Rock salt, Mg-O 2.1 Å: both by the same part; Mg-Mg has room."""
    crystal = Structure.from_ase(bulk("MgO", "rocksalt", a=4.2))
    radii = fitting_radii(crystal, {"Mg": 1.16, "O": 0.95})
    assert radii["Mg"] + radii["O"] == pytest.approx(2.1 - 0.027)
    assert radii["Mg"] / radii["O"] == pytest.approx(1.16 / 0.95)
    refuse_overlapping_spheres(crystal, radii)


def test_muffin_tins_with_room_stay():
    assert fitting_radii(Structure.from_ase(bulk("Al", a=5.0)), {"Al": 1.16}) == {"Al": 1.16}


def test_no_pair_overlaps_in_crowded_crystals():
    rng = np.random.default_rng(3)
    wanted = {"H": 0.74, "C": 0.95, "O": 0.95}
    for _ in range(20):
        crystal = Structure(5 * np.eye(3), ["H", "C", "O", "H", "C"], rng.uniform(0, 5, (5, 3)))
        radii = fitting_radii(crystal, wanted)
        if min(radii.values()) <= 0:
            continue
        refuse_overlapping_spheres(crystal, radii)
        assert all(radii[element] <= wanted[element] for element in radii)


def test_given_radii_must_fit_and_be_complete():
    with pytest.raises(EngineError, match=r"muffin tins of Al and Al overlap: 1.5 \+ 1.5 Å"):
        refuse_overlapping_spheres(AL, {"Al": 1.5})
    with pytest.raises(EngineError, match="no radius for Al"):
        refuse_overlapping_spheres(AL, {"Si": 1.0})


# ---------------------------------------------------------------------------------------------- primitive cells


def test_the_primitive_cell_keeps_orientation_and_knows_its_atoms():
    atoms = bulk("Si", cubic=True, a=5.43) * (1, 2, 1)
    atoms.rotate(30, "x", rotate_cell=True)
    atoms.positions += 0.3
    crystal = Structure.from_ase(atoms)
    primitive, numbers = primitive_cell(crystal)
    assert len(primitive) == 2
    assert primitive.cell_volume == pytest.approx(5.43**3 / 4)
    # Each atom lies where its atom of the primitive cell does, up to a lattice vector.
    shifts = (crystal.positions - primitive.positions[numbers]) @ np.linalg.inv(primitive.lattice)
    assert shifts == pytest.approx(np.round(shifts), abs=1e-9)
    assert primitive_cell(primitive)[0] is primitive
