"""Texts in the encodings and with the ends of lines that people bring."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.crystal import Reading, read
from genarris_fw.database.copies import folder_now
from genarris_fw.encodings import decoded
from genarris_fw.errors import InputError
from genarris_fw.options import load

FAULTS = Path(__file__).parent / "data" / "faults"
PLAIN = "data_urea\n# Müller, 5 Å, “so” – ein Test\n"
GEOMETRY = "# Müller 1,5 Å\natom 0 0 0 C\natom 0 0 1.16 O\natom 0 0 -1.16 O\n"


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("cp1252", "windows-1252"),
        ("latin-1", "latin-1"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(encoding: str, note: str, end: str) -> None:
    text = PLAIN if encoding != "latin-1" else "data_urea\n# Müller, 5 Å\n"
    found = decoded(text.replace("\n", end).encode(encoding))
    assert found.text == text
    assert (note in found.note) if note else found.note == ""


@given(st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "Zs"]), min_size=1))
def test_any_latin_1_text(text: str) -> None:
    content = text.encode("latin-1")
    found = decoded(content)
    try:
        assert found == (content.decode("utf-8-sig"), "")
    except UnicodeDecodeError:
        assert found.text == text and found.note


@pytest.mark.parametrize(
    "content", [bytes(range(256)), b"abc\0def", b"\x89PNG\r\n\x1a\n\0", b"ab\x01\xe4", b"\xff\xfe\0\xd8x"]
)
def test_what_is_no_text(content: bytes) -> None:
    with pytest.raises(InputError, match="not a text file"):
        decoded(content)


def test_what_is_compressed() -> None:
    with pytest.raises(InputError, match=r"compressed \(gzip\); unpack it first"):
        decoded(gzip.compress(b"data_x"))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_of_a_structure(tmp_path: Path, encoding: str, end: str) -> None:
    file = tmp_path / "co2.in"
    file.write_bytes(GEOMETRY.replace("\n", end).encode(encoding))
    reading = Reading()
    [molecule] = read(file, reading=reading)
    assert molecule.species == ["C", "O", "O"] and molecule.positions[1, 2] == 1.16
    assert [("UTF-8" in line) for line in reading.notes] == ([] if encoding == "utf-8" else [True])


def test_the_cif_of_the_report() -> None:
    reading = Reading()
    [crystal] = read(FAULTS / "cif_latin1" / "17_latin1.cif", reading=reading)
    assert len(crystal) > 0 and any("latin-1" in line for line in reading.notes)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_a_ui_conf(tmp_path: Path, encoding: str) -> None:
    text = (FAULTS / "cif_latin1" / "ui_latin1.conf").read_bytes().decode("latin-1")
    assert text.startswith("# Müller")
    (tmp_path / "ui.conf").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    (tmp_path / "m.xyz").write_text("3\n\nC 0 0 0\nO 0 0 1.16\nO 0 0 -1.16\n")
    configuration = load(tmp_path / "ui.conf")
    assert configuration.run_name == "x"
    assert any("taken as" in line for line in configuration.notices) == (encoding != "utf-8-sig")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("kept", ["\n", "\r\n"])  # an earlier version kept the ends of lines as they were
def test_a_run_whose_folder_moved_is_found_by_its_ui_conf(tmp_path: Path, encoding: str, kept: str) -> None:
    text = "# Müller\n[Genarris_master]\n"
    (tmp_path / "ui.conf").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    record = {
        "folder": "/somewhere/else",
        "text": text.replace("\n", kept),
        "options": {"path": "/somewhere/else/ui.conf"},
    }
    assert folder_now(record, tmp_path) == str(tmp_path)
    assert folder_now(record | {"text": text + "x"}, tmp_path) == "/somewhere/else"
