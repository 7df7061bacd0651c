import csv
import json
import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared

from genarris_fw.crystal import Structure, read, read_folder, read_molecule, write
from genarris_fw.crystal.formats import files as formats_module
from genarris_fw.errors import InputError
from genarris_fw.names import is_name


def crystal(name="s_1", **properties) -> Structure:
    lattice = [[5, 0, 0], [1, 6, 0], [0.5, 0.25, 7]]
    return Structure(lattice, ["C", "H"], [[1.123456789, -2, 3], [1, 2, 14.1]], properties, name)


def test_every_format_is_written_and_read(tmp_path):
    pool = [crystal("s_1", spg=4, energy=-1.5, note="two words", RDF=[1.0, 2.0]), crystal("s_2")]
    for name, target in [("json", "j"), ("geometry", "g"), ("both", "b"), ("cif", "c")]:
        write(pool, tmp_path / target, name)
        again = read_folder(tmp_path / target)
        assert [structure.struct_id for structure in again] == ["s_1", "s_2"]
    for name, target in [("geometry_out", "o.out"), ("extxyz", "x.extxyz")]:
        again = read(*write(pool, tmp_path / target, name))
        assert [structure.struct_id for structure in again] == ["s_1", "s_2"]
        assert again[0].properties["spg"] == 4
        assert again[0].properties["energy"] == -1.5
        assert again[0].properties["note"] == "two words"
        assert np.abs(again[0].positions - pool[0].positions).max() < 1e-8
        assert np.abs(again[0].lattice - pool[0].lattice).max() < 1e-8
    assert sorted(file.name for file in (tmp_path / "b").iterdir()) == ["s_1.in", "s_1.json", "s_2.in", "s_2.json"]


def test_cif_keeps_the_crystal_and_its_hand(tmp_path):
    """Distances between all atoms and images, and the sign of a handed molecule, survive a left-handed cell."""
    chiral = Structure(
        [[9, 0, 0], [0, 0, 9.5], [0, 10, 0]],
        ["C", "H", "F", "Cl", "Br"],
        [[4, 4, 4], [4.6, 4.6, 4.6], [3.2, 3.2, 4.8], [5.1, 3.0, 3.0], [2.9, 5.2, 2.9]],
        {},
        "left",
    )
    assert np.linalg.det(chiral.lattice) < 0
    (file,) = write(chiral, tmp_path, "cif")
    (again,) = read(file)
    assert again.struct_id == "left"

    def hand(structure):
        at = {name: structure.positions[structure.species.index(name)] for name in ("C", "H", "F", "Cl")}
        return np.linalg.det([at[name] - at["C"] for name in ("H", "F", "Cl")])

    assert again.cell_volume == pytest.approx(chiral.cell_volume, rel=1e-6)
    assert hand(again) == pytest.approx(hand(chiral), rel=1e-4)


def test_the_experimental_crystals(tmp_path):
    for name, n_molecules in {"urea": 2, "benzene": 4, "naphthalene": 2, "acetic_acid": 4}.items():
        (structure,) = read(shared(f"crystals/{name}.cif"))
        assert structure.struct_id == name
        assert structure.properties["Z"] == n_molecules
        n_atoms = structure.properties["number_of_atoms_in_molecule"]
        assert structure.species == n_molecules * structure.species[:n_atoms]


def test_csv_has_one_row_per_structure(tmp_path):
    pool = [crystal("s_1", spg=4, note='a, "b"'), Structure(None, ["O"], [[0, 0, 0]], {"energy": -2.25}, "s_2")]
    (file,) = write(pool, tmp_path / "t.csv", "csv")
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["struct_id"] == "s_1"
    assert rows[0]["note"] == 'a, "b"'
    assert float(rows[0]["cell_vol"]) == pytest.approx(210)
    assert rows[1]["spg"] == ""
    assert rows[1]["energy"] == "-2.25"


def test_the_content_tells_the_format_where_the_name_does_not(tmp_path):
    samples = {
        "json": write(crystal(), tmp_path / "j", "json")[0],
        "geometry": write(crystal(), tmp_path / "g", "geometry")[0],
        "geometry_out": write(crystal(), tmp_path / "o", "geometry_out")[0],
        "cif": write(crystal(), tmp_path / "c", "cif")[0],
        "extxyz": write(crystal(), tmp_path / "x", "extxyz")[0],
    }
    for name, source in samples.items():
        file = tmp_path / f"plain_{name}"
        file.write_bytes(source.read_bytes())
        (structure,) = read(file)
        assert len(structure) == 2
        assert read(file, format=name)[0].species == structure.species
    with pytest.raises(InputError, match="unknown format"):
        read(samples["json"], format="pickle")


def test_a_folder_prefers_json_and_refuses_a_name_twice(tmp_path):
    write(crystal("s_1", spg=4), tmp_path, "both")
    write(crystal("s_0"), tmp_path, "geometry")
    (tmp_path / ".hidden.json").write_text("{")
    pool = read_folder(tmp_path)
    assert [structure.struct_id for structure in pool] == ["s_0", "s_1"]
    (tmp_path / "copy.json").write_bytes((tmp_path / "s_1.json").read_bytes())
    with pytest.raises(InputError, match="both hold s_1"):
        read_folder(tmp_path)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(InputError, match="no structures"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="cannot read the folder"):
        read_folder(tmp_path / "missing")


def test_names_that_cannot_be_files(tmp_path):
    for name in ("", "-x", "../x", "a/b", ".", "..", "a\nb", "x" * 300):
        with pytest.raises(InputError, match="cannot name a file"):
            write(crystal(name), tmp_path, "json")
    with pytest.raises(InputError, match="two structures"):
        write([crystal(), crystal()], tmp_path, "json")
    with pytest.raises(InputError, match="unknown format"):
        write(crystal(), tmp_path, "traj")
    with pytest.raises(InputError, match="a molecule has no cell"):
        write(Structure(None, ["O"], [[0, 0, 0]], {}, "m"), tmp_path, "cif")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="give a folder"):
        write(crystal(), tmp_path / "file", "json")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (file,) = write(crystal(), tmp_path, "json")
    before = file.read_text()
    with pytest.raises(InputError):
        write(crystal(thing=object()), tmp_path, "json")
    assert file.read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "name", ["x.json", "x.in", "x.out", "x.cif", "x.extxyz", "x.xyz", "x.mol", "x.pdb", "x", "POSCAR"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n\t\n",
        b"\x00\x01\x02\xff" * 100,
        b"\xff\xfe{\x00}\x00",
        b'{"properties": {"Z": 2}, "geometry": [[0.0, 0.0,',
        b"{" * 100000,
        b"[" * 100000,
        b"[1, 2, 3]",
        b"null",
        b"9" * 10000,
        b"just some words\nin two lines\n",
        b"data_x\nloop_\n_cell_length_a\n",
        b"3\nno lattice\nC 0 0 0\n",
        b"atom 0 0 NaN C\n",
        b"lattice_vector 1 0 0\nlattice_vector 0 1 0\natom 0 0 0 C\n",
        b"####### BEGIN STRUCTURE #######\natom 0 0 0 C\n",
        b"2\nProperties=species:S:1:pos:R:3\nC 0 0 nan\nC 1 1 1\n",
        b"1\nProperties=species:S:1:pos:R:1000000000\nC 0 0 0\n",
        b"9223372036854775808\n\nC 0 0 0\n",
        b"__import__('os').system('true')\n",
    ],
    ids=range(20),
)
def test_hostile_files_are_one_line_of_input_error(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    for reader in (read, read_molecule):
        with pytest.raises(InputError) as caught:
            reader(file)
        message = str(caught.value)
        assert str(file) in message
        assert "\n" not in message
        assert len(message) < 600


def test_a_huge_file_is_refused_unread(tmp_path):
    file = tmp_path / "huge.json"
    with file.open("wb") as stream:
        stream.truncate(formats_module.LARGEST_FILE + 1)
    with pytest.raises(InputError, match="bytes are more than such a file may have"):
        read(file)


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "missing.json")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read("bad\0name.json")
    for device in ("/dev/null", "/dev/zero"):
        with pytest.raises(InputError, match="no ordinary file"):
            read(device)
    os.mkfifo(tmp_path / "pipe.json")  # nobody writes into it
    with pytest.raises(InputError, match="no ordinary file"):
        read(tmp_path / "pipe.json")


BAD_NAMES = [
    "../../x",
    "/x",
    ".x",
    "-x",
    "a/b",
    "a\nb",
    "a\x1b[31m",
    "<script>",
    "x" * 3000,
    "x\0",
    "\ud800",
    "x\u200by",
    "ﬁ",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_of_structures_are_looked_at_when_they_are_read(tmp_path, name):
    """What a file calls its structure is refused; of the file's own name one is made."""
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"struct_id": name, "geometry": [[0, 0, 0, "C"]]}))
    with pytest.raises(InputError, match="cannot be called") as caught:
        read(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ") and message.isprintable() and len(message) < 500
    if name.isprintable() and "/" not in name and len(name) < 200:
        plain = tmp_path / f"{name}.json"
        plain.write_text(json.dumps({"geometry": [[0, 0, 0, "C"]]}))
        (structure,) = read(plain)
        assert is_name(structure.struct_id)
        write(structure, tmp_path / "out", "both")


def test_a_files_name_becomes_the_structures(tmp_path):
    for name, expected in [("form I (2).in", "form_I__2_"), ("-dash.in", "dash"), ("..in", "structure"), ("é.in", "é")]:
        (tmp_path / name).write_text("atom 0 0 0 C\n")
        assert read(tmp_path / name)[0].struct_id == expected


def test_no_text_of_a_table_is_a_formula(tmp_path):
    properties = {"note": "=1+1", "=name": "@x", "n": -1.5, "t": "plain"}
    (file,) = write(crystal("s_1", **properties), tmp_path / "t.csv", "csv")
    (row,) = csv.DictReader(file.open())
    assert (row["note"], row["'=name"], row["n"], row["t"]) == ("'=1+1", "'@x", "-1.5", "plain")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("atom 1e300 0 0 C\n", "more than 1000000 Å from the origin"),
        ("lattice_vector 1e200 0 0\nlattice_vector 0 1e200 0\nlattice_vector 0 0 1e200\natom 0 0 0 C\n", "longer than"),
        ("atom 1e400 0 0 C\n", "not finite"),
        ("#Z = many\natom 0 0 0 C\n", "property 'Z' is not a whole number"),
    ],
)
def test_numbers_beyond_all_bounds(tmp_path, content, words):
    file = tmp_path / "x.in"
    file.write_text(content)
    with pytest.raises(InputError, match=words):
        read(file)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_never_raise_anything_else(tmp_path_factory, data):
    """Cut, doubled or changed bytes of good files of each format: a structure or an InputError."""
    folder = tmp_path_factory.getbasetemp() / f"damaged_{threading.get_ident()}"
    name, target = data.draw(
        st.sampled_from(
            [("json", "j"), ("geometry", "g"), ("geometry_out", "o.out"), ("cif", "c"), ("extxyz", "x.xyz")]
        )
    )
    (file,) = write(crystal(spg=4), folder / target, name)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        action = data.draw(st.sampled_from(["cut", "change", "double", "remove"]))
        if action == "cut":
            content = content[:place]
        elif action == "change" and content:
            content[place] = data.draw(st.integers(0, 255))
        elif action == "double":
            content = content[:place] + content[place // 2 :]
        else:
            content = content[:place] + content[place + data.draw(st.integers(1, 30)) :]
    file.write_bytes(bytes(content))
    try:
        structures = read(file)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite(structure.positions).all() for structure in structures)


def test_a_comment_in_an_xyz_file_may_be_a_number(tmp_path):
    (tmp_path / "two.xyz").write_text("1\n999999\nC 0 0 0\n1\n123456789012345678901234567890\nC 1 0 0\n")
    assert [len(structure) for structure in read(tmp_path / "two.xyz")] == [1, 1]
