"""Terminals without UTF-8: every command says what it has to say, with what cannot be shown replaced."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import genarris, urea_folder
from small_run import RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.main import COMMANDS, main
from genarris_fw.farm.opening import open_database
from genarris_fw.terminals import everything_shown, in_ascii

CO2 = "3\nCO2\nC 0 0 0\nO 0 0 1.16\nO 0 0 -1.16\n"
Call = Callable[..., tuple[int, str]]


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        *(("Å", "A"), ("\N{ANGSTROM SIGN}", "A"), ("³", "3"), ("₀", "0"), ("Γ", "Gamma"), ("π", "pi"), ("ö", "o")),
        *(("ø", "o"), ("–", "-"), ("→", "->"), ("µ", "u"), ("½", "1?2"), ("€", "?"), ("晶", "?"), ("\udcff", "?")),
        *(("─", "-"), ("┏", "+"), ("█", "#"), ("⠋", "*"), ("…", "...")),
    ],
)
def test_a_character_in_ascii(character: str, shown: str) -> None:
    assert in_ascii(character) == shown


@pytest.fixture
def in_encoding(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call a command whose output goes to a terminal of an encoding; return its code and what is seen."""

    def call(encoding: str, *words: object) -> tuple[int, str]:
        seen = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setenv("COLUMNS", "160")  # a narrow terminal leaves columns out
            for name in ("stdout", "stderr"):
                patch.setattr(sys, name, io.TextIOWrapper(seen, encoding=encoding, write_through=True))
            with pytest.raises(SystemExit) as stop:
                main([str(word) for word in words])
            code = int(stop.value.code or 0)
            return code, seen.getvalue().decode(encoding)

    return call


@pytest.fixture
def catalogue(database_uri: str, tmp_path: Path):
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        yield opened.catalogue


def conf(folder: Path) -> Path:
    (folder / "CO2.xyz").write_text(CO2)
    text = """[Genarris_master]
procedures = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation"]
run_name = envt
[estimate_unit_cell_volume]
Z = 4
molecule_path = CO2.xyz
[pygenarris_structure_generation]
num_structures = 4
space_groups = [205, 64]
"""
    (folder / "ui.conf").write_text(text)
    return folder / "ui.conf"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_commands_that_only_say_something(in_encoding: Call, tmp_path: Path, encoding: str) -> None:
    commands: list[tuple[object, ...]] = [("options",)]
    if encoding == "ascii":
        commands += [
            ("check", "--no-engine-test", conf(tmp_path)),
            *((name, "--help") for name in COMMANDS),
            ("--help",),
        ]
    for words in commands:
        code, seen = in_encoding(encoding, *words)
        assert code == 0, (words, seen)
    _, seen = in_encoding(encoding, "options")
    assert ("Å" in seen) == (encoding != "ascii")
    assert "\\x" not in seen and "\\u" not in seen


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_commands_that_look_at_a_run(
    in_encoding: Call, catalogue: Catalogue, database_uri: str, tmp_path: Path, encoding: str
) -> None:
    catalogue.runs.set(RUN, **{"summaries.run_fhi_aims_batch": {"words": "Γ–Å³ 晶"}})
    catalogue.runs.set(RUN, failure="not found: Größe_晶.xyz")
    for words in (("status", RUN), ("status",), ("metrics",), ("status", RUN, "--json"), ("pictures", RUN, "--help")):
        code, seen = in_encoding(encoding, *words, "--uri", database_uri)
        assert code == 0, seen
    _, seen = in_encoding(encoding, "status", RUN, "--uri", database_uri)
    assert ("Gamma-A3 ?" if encoding == "ascii" else "Gamma–Å³ ?") in seen
    assert ("Grosse_?.xyz" if encoding == "ascii" else "Größe_?.xyz") in seen
    code, seen = in_encoding(encoding, "export", RUN, "--pool", "晶Å", "--uri", database_uri)
    assert code == 2 and f"no pool '{'?A' if encoding == 'ascii' else '?Å'}'" in seen


def test_a_run_on_an_ascii_terminal(tmp_path: Path) -> None:
    """As a person has it: with progress, closing table and a folder whose name cannot be shown."""
    folder = tmp_path / "größe Å"
    urea_folder(folder, number=2, groups="[4]")
    done = genarris("run", "ui.conf", "--workers", "1", cwd=folder, truly=True, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "run urea finished" in done.stdout and "grosse A" in done.stdout and done.stdout.isascii()


def test_streams_of_unicode_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    with everything_shown():
        assert sys.stdout is stream
    monkeypatch.setattr(sys, "stdout", None)  # as of a daemon
    with everything_shown():
        assert sys.stdout is None
