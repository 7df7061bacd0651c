"""Ctrl-C, once and again, on a real terminal, where all processes of a command hear it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import one_line, urea_folder
from command_line import call
from small_run import RUN, fill
from terminal import CTRL_C, on_terminal

from genarris_fw.cli.interrupting import BEGINS_AGAIN, Interrupted, told, when_interrupted
from genarris_fw.database.server import Server
from genarris_fw.farm.opening import open_database

AGAIN = "genarris-fw: interrupted; it goes on with: genarris-fw run ui.conf --workers 2"


@pytest.mark.parametrize("presses", [1, 3])
def test_a_run(tmp_path: Path, presses: int) -> None:
    """The bar of the step at work is there; then it ends in order, and says how it goes on."""
    urea_folder(tmp_path, number=400, sr=1.02, attempts=30_000_000)
    with on_terminal("run", "ui.conf", "--workers", "2", cwd=tmp_path) as terminal:
        terminal.expect(r"pygenarris_structure_generation ━+.* \d+ of \d+")
        assert "\x1b[1A" in terminal.raw  # in place
        for _ in range(presses):
            terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert terminal.text.count(AGAIN) == 1 and terminal.text.rstrip().endswith(AGAIN)
    assert "Traceback" not in terminal.text and "Exception" not in terminal.text
    if presses == 1:
        assert not Server(tmp_path).running()  # else its janitor ends it


def test_a_run_with_json_says_on_standard_output_that_it_was_interrupted(tmp_path: Path) -> None:
    urea_folder(tmp_path, number=400, sr=1.02, attempts=30_000_000)
    answer = tmp_path / "answer.json"
    with (
        answer.open("wb") as output,
        on_terminal("run", "ui.conf", "--json", cwd=tmp_path, stdout=output.fileno()) as terminal,
    ):
        terminal.expect(r"pygenarris_structure_generation ━+.* \d+ of \d+")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert re.fullmatch(r'\{\s*"problems": \[\s*"interrupted; it goes on with: [^"]*"\s*\]\s*\}\s*', answer.read_text())


@pytest.mark.parametrize(
    ("words", "error", "line"),
    [
        (["run", "my conf"], KeyboardInterrupt(), "interrupted; it goes on with: genarris-fw run 'my conf'"),
        (
            ["status", "--uri", "mongodb://ada:secret@h/d", "--uri=mongodb://ada:secret@h/d"],
            KeyboardInterrupt(),
            "interrupted; it goes on with: genarris-fw status --uri URI --uri=URI",
        ),
        (["export"], Interrupted("it goes on with", "--force"),
         "interrupted; it goes on with: genarris-fw export --force"),
        (["export", "--force"], Interrupted("it goes on with", "--force"),
         "interrupted; it goes on with: genarris-fw export --force"),
    ],
)  # fmt: skip
def test_by_which_words_it_goes_on(words: list[str], error: BaseException, line: str) -> None:
    assert told(error, words) == line


def test_what_keeps_nothing_begins_again() -> None:
    with pytest.raises(Interrupted) as stopped, when_interrupted(BEGINS_AGAIN):
        raise KeyboardInterrupt
    assert "nothing of it was kept; it begins again with: genarris-fw predict x" in told(
        stopped.value, ["predict", "x"]
    )


def test_files_half_written_are_written_again(
    database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENARRIS_FW_URI", database_uri)
    with open_database(tmp_path) as opened:
        fill(opened.catalogue, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("genarris_fw.pools.exporting.write_one", pressed)
        done = call(capsys, "export", RUN, "--json")
    again = "genarris-fw export urea --json --force"
    assert done.code == 130 and one_line(done.err) == f"genarris-fw: interrupted; it goes on with: {again}"
    assert done.json == {"problems": [f"interrupted; it goes on with: {again}"]}
    assert call(capsys, *again.split()[1:]).code == 0
