"""Potentials by name, by file and by pairs; and what is said of those that cannot be used."""

import json
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from generation_molecules import from_ase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from setuptools import find_namespace_packages

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.files import shipped
from genarris_fw.lattice.potentials.potential import Potential

ROOT = Path(__file__).resolve().parents[2]
EV = 96.48533212331
GOOD = {
    "layout": "genarris-fw potential 1",
    "name": "mine",
    "energy": "kJ/mol",
    "combine": "A and C geometric, B arithmetic",
    "types": {
        "C": {"atoms": ["C"], "A": 369746.0, "B": 3.6, "C": 2439.8},
        "H": {"atoms": ["H"], "A": 11971.0, "B": 3.74, "C": 136.4},
    },
}


KEYS = [*GOOD, *("A", "B", "C", "D0", "R0", "zeta", "rho20", "like", "atoms", "meaning", "pairs", "taper", "general")]


def test_all_are_there_and_say_where_they_are_from():
    assert {
        "FIT",
        "W99",
        "W99star",
        "W99rev6311",
        "W99rev631",
        "W99revPCM",
        "W99sp",
        "isoPAHAP",
        "UNI",
        "DREIDING",
    } == set(Potential.names())
    for name in Potential.names():
        potential = Potential(name)
        assert potential.name == name and potential.title and potential.papers and potential.notes
        assert potential.taper is None
        assert potential.experimental == (name in {"UNI", "isoPAHAP", "DREIDING"})
    assert Potential().name == "W99star" == Potential("W99*").name == Potential("w99STAR").name


def test_the_files_are_data_of_the_package():
    folder = files("genarris_fw.lattice").joinpath("potentials")
    assert {entry.name for entry in folder.iterdir()} >= {f"{name}.json" for name in Potential.names()}
    # What is installed is what MANIFEST.in names and a package holds; setup.cfg takes every folder for one.
    assert "include_package_data = True\n" in (ROOT / "setup.cfg").read_text()
    assert "graft genarris_fw\n" in (ROOT / "MANIFEST.in").read_text()
    assert "packages = find_namespace:\n" in (ROOT / "setup.cfg").read_text()
    found = find_namespace_packages(str(ROOT), include=["genarris_fw*"], exclude=["*__pycache__*"])
    assert "genarris_fw.lattice.potentials" in found


def test_the_page_of_the_potentials_names_them_all():
    page = (ROOT / "docs" / "potentials.md").read_text()
    assert all(f"`{name}`" in page for name in Potential.names())


def test_the_code_and_the_file_of_the_page_work(tmp_path):
    page = (ROOT / "docs" / "potentials.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        found: dict[str, object] = {}
        exec(compile(block, "docs/potentials.md", "exec"), found)
        if "types" in found:
            assert found["types"] == ["O_W2", "H_W2", "H_W2"]
    [text] = re.findall(r"```json\n(.*?)```", page, re.S)
    (tmp_path / "mine.json").write_text(text)
    mine = Potential(tmp_path / "mine.json")
    assert set(mine.types_of(from_ase("CH3OH"))) == {"C", "O", "H", "HO"}
    numbers = mine.parameters(["HO", "O", "H"])
    assert numbers.A[0, 1] == 12446.0 and numbers.A[2, 1] == pytest.approx(np.sqrt(12680.0 * 284623.0))


def test_the_pairs_of_fit_follow_from_its_types():
    # Three of the 36 published pairs: eV, Å, eV Å^6.
    numbers = Potential("FIT").parameters(["C_F1", "H_F2", "ClF1", "S_F1", "O_F1"])
    for i, j, A, rho, C in ((0, 1, 446.949968, 0.242131, 2.373772), (2, 3, 6311.420597, 0.293654, 69.388909),
                            (1, 4, 352.560285, 0.232018, 1.610890)):  # fmt: skip
        assert numbers.A[i, j] == pytest.approx(A * EV, rel=1e-5)
        assert 1 / numbers.B[i, j] == pytest.approx(rho, rel=1e-5)
        assert numbers.C[i, j] == pytest.approx(C * EV, rel=1e-5)


def test_the_numbers_of_w99_are_the_published_ones():
    # kJ/mol, 1/Å, kJ/mol Å^6 of the paper; the file's eV are theirs over 96.4778.
    published = {
        "C_W4": (131571, 3.60, 978.36), "C_W3": (270363, 3.60, 1701.73), "C_W2": (103235, 3.60, 1435.09),
        "H_W1": (12680, 3.56, 278.37), "H_W2": (361.3, 3.56, 0), "H_W3": (115.7, 3.56, 0), "H_W4": (764.9, 3.56, 0),
        "N_W1": (96349, 3.48, 1407.57), "N_W2": (102369, 3.48, 1398.15), "N_W3": (191935, 3.48, 2376.55),
        "N_W4": (405341, 3.48, 5629.82), "O_W1": (241042, 3.96, 1260.73), "O_W2": (284623, 3.96, 1285.87),
    }  # fmt: skip
    for name, changed in (("W99", {}), ("W99star", {"H_W3": 764.9})):
        numbers = Potential(name).parameters(list(published))
        for i, (one, (A, B, C)) in enumerate(published.items()):
            assert numbers.A[i, i] == pytest.approx(changed.get(one, A), rel=1.5e-4)
            assert (numbers.B[i, i], numbers.C[i, i]) == (B, pytest.approx(C, rel=1.5e-4))


def test_halogens_and_sulphur_meet_w99_by_the_rule():
    # Pairs as mol-CSPy lists them: eV, Å, eV Å^6.
    listed = {
        ("Br01", "C_W3"): (5864.530315, 0.289855, 54.513438), ("S_01", "N_W4"): (2747.200212, 0.313479, 84.000594),
        ("I_01", "O_W1"): (5714.986766, 0.281603, 47.461559), ("F_01", "H_W3"): (67.159137, 0.259068, 0.0),
        ("Cl01", "I_01"): (8785.093, 0.308407, 122.263), ("S_01", "Cl01"): (3256.548427, 0.320371, 102.399812),
    }  # fmt: skip
    for pair, (A, rho, C) in listed.items():
        numbers = Potential("W99").parameters(pair)
        assert numbers.A[0, 1] == pytest.approx(A * EV, rel=2e-5)
        assert 1 / numbers.B[0, 1] == pytest.approx(rho, rel=1e-5)
        assert numbers.C[0, 1] == pytest.approx(C * EV, rel=2e-5)


def test_w99rev_changes_the_repulsion_of_hydrogen_bonds_alone():
    types = [one for one in shipped("W99").types if one[-2:] != "01"]
    w99, rev = Potential("W99").parameters(types), Potential("W99rev6311").parameters(types)
    changed = {frozenset((types[i], types[j])) for i, j in np.argwhere(~np.isclose(w99.A, rev.A, rtol=1e-6))}
    hydrogens, acceptors = {"H_W2", "H_W3", "H_W4"}, {f"{x}_W{n}" for x, n in ("N1", "N2", "N3", "N4", "O1", "O2")}
    assert all(len(pair & hydrogens) == 1 == len(pair & acceptors) for pair in changed)
    assert len(changed) == 15  # of 18; H2-N4, H3-N3 and H3-N4 stay
    np.testing.assert_array_equal(w99.B, rev.B)
    np.testing.assert_array_equal(w99.C, rev.C)
    assert rev.A[types.index("H_W3"), types.index("O_W1")] == pytest.approx(127 * EV)


def written(folder: Path, **changes: object) -> Path:
    path = folder / "mine.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    return path


def test_a_file_of_the_users(tmp_path):
    mine = Potential(written(tmp_path))
    benzene = from_ase("C6H6")
    assert set(mine.types_of(benzene)) == {"C", "H"} and mine.covers(benzene)
    numbers = mine.parameters(["C", "H"])
    assert numbers.A[0, 1] == pytest.approx(np.sqrt(369746.0 * 11971.0)) and numbers.B[0, 1] == pytest.approx(3.67)
    assert Potential(str(tmp_path / "mine.json"), taper=(12, 15)).taper == (12.0, 15.0)
    assert Potential(written(tmp_path, taper=[10, 12])).taper == (10.0, 12.0)
    assert Potential(written(tmp_path, taper=[10, 12]), taper=None).taper is None
    with pytest.raises(
        InputError, match=r"mine has no type for atom 3 \(O, bonded to H and H\)|mine has no type for atom 1"
    ):
        mine.types_of(from_ase("H2O"))


def test_a_pair_may_change_a_part_of_the_rule(tmp_path):
    mine = Potential(written(tmp_path, damping=2.0, pairs=[{"types": ["H", "C"], "A": 5.0e4, "damping": 0.0}]))
    numbers = mine.parameters(["C", "H"])
    assert numbers.A[0, 1] == numbers.A[1, 0] == 5.0e4
    assert numbers.B[0, 1] == pytest.approx(3.67)
    assert numbers.damping.tolist() == [[2.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layout": "2"}, ["does not say", "docs/potentials.md"]),
        ({"energy": "hartree"}, ["energy", "kJ/mol"]),
        ({"combine": "arithmetic"}, ["combine"]),
        ({"colour": 1}, ["colour"]),
        ({"types": {}}, ["types"]),
        (
            {"types": {"C": {"atoms": ["carbon"], "A": 1.0, "B": 1.0, "C": 1.0}}},
            ["types.C", "'carbon' is no kind of atom"],
        ),
        ({"types": {"C": {"atoms": ["C", "H"], "A": 1.0, "B": 1.0, "C": 1.0}}}, ["more than one element"]),
        ({"types": {"C": {"atoms": ["C"], "A": 1.0, "B": 1.0}}}, ["types.C", "give all of A, B, C"]),
        ({"types": {"C": {"atoms": ["C"], "A": -1.0, "B": 1.0, "C": 1.0}}}, ["types.C.A"]),
        ({"types": {"C": {"atoms": ["C"], "A": "1", "B": 1.0, "C": 1.0}}}, ["types.C.A"]),
        ({"types": {"C": {"atoms": ["C"]}}}, ["type C has no parameters"]),
        ({"types": {"C": {"atoms": ["C"], "like": "D"}}}, ["type C is like 'D'"]),
        (
            {"types": {**GOOD["types"], "D": {"atoms": ["C"], "A": 1.0, "B": 1.0, "C": 1.0}}},
            ["'C' are of two types, C and D"],
        ),
        ({"types": {"F": {"atoms": ["F"], "A": 1.0, "B": 1.0, "C": 1.0, "rho20": -0.03}}}, ["rho20", "1 neighbour"]),
        ({"pairs": [{"types": ["C", "N"], "A": 1.0}]}, ["a pair names 'N'"]),
        ({"pairs": [{"types": ["C", "H"], "A": 1.0}, {"types": ["H", "C"], "A": 1.0}]}, ["C, H stands there twice"]),
        ({"combine": None, "pairs": [{"types": ["C", "H"], "A": 1.0}]}, ["the pair C, H needs A, B and C"]),
        ({"taper": [17, 15]}, ["start below end"]),
        ({"hydrogen_shift": 2.0}, ["hydrogen_shift"]),
        ({"combine": None, "general": "DREIDING"}, ["general needs combine"]),
        ({"general": "UFF"}, ["general", "DREIDING"]),
        ({"damping": float("nan")}, ["damping"]),
        ({"name": "two\nlines"}, ["name"]),
        ({"types": {"two\nlines": {"atoms": ["C"], "A": 1.0, "B": 1.0, "C": 1.0}}}, ["types.two\\nlines"]),
        ({"types": {"C": {"atoms": ["C"], "D0": 0.4, "R0": 3.9, "zeta": 1000.0}}}, ["types.C.zeta"]),
        ({"types": {"C": {"atoms": ["C"], "A": 1e300, "B": 1.0, "C": 1.0}}}, ["types.C.A"]),
    ],
)
def test_a_file_that_does_not_keep_to_the_layout_is_refused_in_one_line(tmp_path, changes, words):
    path = written(tmp_path, **changes)
    with pytest.raises(InputError) as refused:
        Potential(path)
    for word in [*words, str(path)]:
        assert word in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is no json"),
        (b"[]", "does not say"),
        (b'{"layout": "genarris-fw potential 1", "layout": "x"}', "'layout' stands there twice"),
        (b"\xff\xfe", "is no text"),
        (b"[" * 100000, "is no json"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path, text, words):
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(InputError, match=words) as refused:
        Potential(tmp_path / "x.json")
    assert "\n" not in str(refused.value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**400), 10**400)
    | st.sampled_from([1.0, 3.6, 2000.0, *GOOD["types"], "C on N", "H on C", "eV", GOOD["combine"], ""])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KEYS), VALUES, st.booleans())
def test_any_file_is_used_or_refused_in_one_line(tmp_path, key, value, inside):
    record = json.loads(json.dumps(GOOD))
    (record["types"]["C"] if inside else record)[key] = value
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(record))
    try:
        potential = Potential(path)
        potential.parameters(potential.types_of(from_ase("CH4"))[:1])
    except InputError as refused:
        assert str(refused).isprintable()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("W98", r"no potential is called 'W98' \(did you mean 'W99'\?\); there are DREIDING, FIT"),
        ("nowhere/mine.json", "the potential's file 'nowhere/mine.json' is not there"),
        (Path("mine"), "the potential's file 'mine' is not there"),
    ],
)
def test_a_name_that_is_none(source, words):
    with pytest.raises(InputError, match=words):
        Potential(source)


@pytest.mark.parametrize("taper", [(17.0, 15.0), (0.0, 5.0), (15.0,), "ab", (1.0, float("inf")), 3.0])
def test_a_taper_that_is_none(taper):
    with pytest.raises(InputError, match="taper"):
        Potential("FIT", taper=taper)


def test_a_type_that_is_none():
    with pytest.raises(InputError, match=r"FIT has no type 'C_W3'"):
        Potential("FIT").parameters(["C_W3"])
    with pytest.raises(InputError, match="DREIDING Xx"):
        Potential("FIT").parameters(["DREIDING Xx"])


PAIRS = {("C", "C"): (3.7e5, 3.6, 2440.0), ("C", "H"): (6.6e4, 3.67, 577.0), ("H", "H"): (1.2e4, 3.74, 136.0)}


def test_pairs_by_element_and_by_type():
    potential = Potential.from_pairs(PAIRS, taper=(15.0, 17.0))
    assert potential.taper == (15.0, 17.0) and Potential.from_pairs(PAIRS).taper is None
    numbers = potential.parameters(["H", "C"])
    assert (numbers.A[0, 1], numbers.B[0, 1], numbers.C[0, 1]) == (6.6e4, 3.67, 577.0)
    assert set(potential.types_of(from_ase("CH4"))) == {"C", "H"}
    # By types of shipped potentials, by kinds of atoms, and the most particular wins.
    named = Potential.from_pairs(
        {("C_W3", "H on C"): (1e4, 3.6, 100.0), ("H_F2", "O"): (1e4, 4.0, 0.0), ("H", "H"): (1.0, 3.0, 0.0)}
    )
    assert named.types_of(from_ase("HCOOH")).count("H_F2") == 1
    assert set(named.types_of(from_ase("C6H6"))) == {"C_W3", "H on C"}
    with pytest.raises(InputError, match="pairs has no parameters for the pair C_W3, C_W3"):
        named.parameters(["C_W3"])
    assert not named.covers(from_ase("C6H6")) and potential.covers(from_ase("C6H6"))
    chlorine = Potential.from_pairs({("Cl", "Cl"): (5.7e5, 3.3427, 8367.0)}, rho20={"Cl": -0.09386}, hydrogen_shift=0.1)
    numbers = chlorine.parameters(["Cl"])
    assert numbers.rho20.tolist() == [-0.09386] and chlorine.hydrogen_shift == 0.1
    assert np.abs(chlorine.axes_of(from_ase("Cl2"))).sum() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("pairs", "more", "words"),
    [
        ({("C", "Q"): (1.0, 1.0, 1.0)}, {}, "'Q' is no element, no kind of atom, and no type"),
        ({("C", "C_W33"): (1.0, 1.0, 1.0)}, {}, r"did you mean 'C_W3'"),
        ({"CH": (1.0, 1.0, 1.0)}, {}, "'CH' is no pair"),
        ({("C", "H"): (1.0, 1.0)}, {}, "the pair C, H: give three numbers"),
        ({("C", "H"): (1.0, 0.0, 1.0)}, {}, "pairs.0.B"),
        ({("C", "H"): (float("nan"), 1.0, 1.0)}, {}, "pairs.0.A"),
        ({("C", "H"): (1.0, 1.0, 1.0), ("H", "C"): (2.0, 1.0, 1.0)}, {}, "given twice, with different numbers"),
        ({("C", "H"): (1.0, 1.0, 1.0), ("C_F1", "H"): (2.0, 1.0, 1.0)}, {}, "'C' are of two types"),
        ({("C", "H"): (1.0, 1.0, 1.0)}, {"rho20": {"Cl": -0.1}}, "rho20 names 'Cl'"),
        ({("C", "H"): (1.0, 1.0, 1.0)}, {"hydrogen_shift": -1.0}, "hydrogen_shift"),
        ({("C", "H"): (1.0, 1.0, 1.0)}, {"taper": (2.0, 1.0)}, "taper"),
        ({}, {}, "types"),
    ],
)
def test_pairs_that_cannot_be_used(pairs, more, words):
    with pytest.raises(InputError, match=words) as refused:
        Potential.from_pairs(pairs, **more)
    assert "\n" not in str(refused.value)


def test_the_record_holds_what_energies_depend_on():
    record = Potential("W99", taper=(15.0, 17.0)).record()
    assert json.loads(json.dumps(record)) == record
    assert record["taper"] == [15.0, 17.0] and record["general"]["name"] == "DREIDING"
    assert record != Potential("W99").record() != Potential("W99star").record()
    assert "papers" not in record["potential"]
    assert repr(Potential("FIT", taper=(15.0, 17.0))) == "Potential('FIT', taper=(15.0, 17.0))"


def test_two_pieces_are_typed_as_they_are():
    # Refusing a molecule of two pieces is the model's matter; its atoms have types.
    water = from_ase("H2O")
    two = Molecule(water.species * 2, np.concatenate([water.positions, water.positions + 5.0]))
    assert Potential("FIT").types_of(two) == Potential("FIT").types_of(water) * 2
