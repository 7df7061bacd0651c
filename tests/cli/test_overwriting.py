"""Files that are there stay as they are without ``--force``, in every command that writes some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import urea_folder
from command_line import call
from small_run import RUN, fill

from genarris_fw.farm.opening import open_database

GENARRIS_3 = "[master]\nname = x\nmolecule_path = urea.in\nZ = 2\n"


@pytest.fixture
def folder(database_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    urea_folder(tmp_path)
    (tmp_path / "old.conf").write_text(GENARRIS_3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENARRIS_FW_URI", database_uri)
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        yield tmp_path


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["export", RUN, "--to", "out", "--format", "csv,cif"], "out/relaxed.csv"),
        (["pictures", RUN, "--format", "svg", "--output", "out"], "out/relaxed_volumes.svg"),
        (["add", "ui.conf", "--yaml", "wf.yaml"], "wf.yaml"),
        (["convert", "old.conf", "--output", "new.conf"], "new.conf"),
        (["init", "--queue", "none"], "my_fworker.yaml"),
        (["db", "backup", "all.tar.gz"], "all.tar.gz"),
        (["new", "urea.in", "--output", "fresh.conf"], "fresh.conf"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_file_that_is_there(words: list[str], file: str, folder: Path, capsys: pytest.CaptureFixture) -> None:
    there = folder / file
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine")
    before = sorted(folder.rglob("*"))
    done = call(capsys, *words)
    assert done.code == 2 and f"{file} is there already; nothing was written" in done.err and "--force" in done.err
    assert there.read_text() == "mine" and sorted(folder.rglob("*")) == before
    assert call(capsys, *words, "--force").code == 0
    assert there.read_bytes() != b"mine"


def test_a_prediction_is_refused_before_it_computes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0001.cif").write_text("mine")
    done = call(capsys, "predict", "no such file", "--out", tmp_path / "out")
    assert done.code == 2 and "0001.cif is there already" in done.err
