"""genarris-fw check."""

from pathlib import Path

import pytest
from command import urea_folder
from command_line import call

from genarris_fw.farm.server import Server

ALL = ("Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation")


@pytest.fixture(autouse=True)
def without_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    monkeypatch.chdir(tmp_path)


def test_what_a_good_file_means(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path / "urea", procedures=ALL)
    before = {path: path.read_bytes() for path in conf.parent.iterdir()}
    done = call(capsys, "check", conf, "--json")
    assert (done.code, done.err) == (0, "")
    found = done.json
    assert (found["run"], found["problems"]) == ("urea", [])
    assert (found["molecule"]["formula"], found["molecule"]["point_group"]) == ("CH4N2O", "mm2")
    # Urea's experimental crystal, P-42_1m, has its two molecules on mm2.
    groups = {entry["space_group"]: entry["sites"] for entry in found["space_groups"]}
    assert list(groups) == [2, 4, 14, 113] or list(groups) == [2, 4, 113]
    assert {"wyckoff": "2c", "site_symmetry": "mm2"} in groups[113]
    assert found["volume"]["per_cell"] == pytest.approx(2 * found["volume"]["per_molecule"])
    assert found["volume"]["per_cell"] == pytest.approx(145, rel=0.15)  # the crystal's 145 Å3
    options = {(row["section"], row["option"]): (row["value"], row["origin"]) for row in found["options"]}
    assert options["pygenarris_structure_generation", "sr"][0] == 0.85
    assert "ui.conf line" in options["pygenarris_structure_generation", "sr"][1]
    assert options["Genarris_master", "max_attempts"][1] == "default"
    assert not found["database"]["reachable"] and "none yet" in found["database"]["remark"]
    assert {path: path.read_bytes() for path in conf.parent.iterdir()} == before  # nothing is changed


def test_for_a_person(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    done = call(capsys, "check", urea_folder(tmp_path))
    assert done.code == 0
    for words in ("CH4N2O, 8 atoms, point group mm2 (C2v)", "113: 2c (mm2)", "sr", "line 3", "is here"):
        assert words in done.out


def test_all_problems_at_once_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path, Z=0, more="nonsense = 1\n")
    done = call(capsys, "check", conf)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2 and "nonsense" in done.err and "Z" in done.err
    assert len(call(capsys, "check", conf, "--json").json["problems"]) == 2
    assert call(capsys, "check", tmp_path / "none.conf").code == 2


@pytest.mark.parametrize(
    ("molecule", "words"),
    [
        ("", "urea.in"),
        ("atom 0 0 0 C\natom 0 0 0.1 O\n", "urea.in"),
        ("atom 0 0 0 C\natom 0 0 1.1 O\natom 9 0 0 C\natom 9 0 1.1 O\n", "urea.in"),
    ],
)
def test_a_molecule_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture, molecule: str, words: str
) -> None:
    conf = urea_folder(tmp_path)
    (tmp_path / "urea.in").write_text(molecule)
    done = call(capsys, "check", conf)
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) == 1
    assert call(capsys, "check", conf, "--json").json["problems"]


def test_no_space_group_that_fits(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "check", urea_folder(tmp_path, groups="[195]"))
    assert done.code == 2
    assert "no space group among those that space_groups names has a site for 2 molecules CH4N2O" in done.err


def test_a_database_that_is_named_is_asked(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path)
    database = call(capsys, "check", conf, "--json", "--uri", database_uri).json["database"]
    assert database["reachable"] and "the option --uri" in database["where"]
    done = call(capsys, "check", conf, "--json", "--uri", "mongodb://me:secret@127.0.0.1:9/x")
    assert done.code == 2 and "secret" not in done.out
    assert not done.json["database"]["reachable"] and "does not answer" in done.json["problems"][0]


def test_a_stopped_server_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path)
    server = Server(tmp_path)
    with server.use():
        assert call(capsys, "check", conf, "--json").json["database"]["reachable"]
    found = call(capsys, "check", conf, "--json")
    assert found.code == 0 and "stopped" in found.json["database"]["remark"]
    assert not server.running()
