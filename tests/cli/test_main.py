"""The words of the command line: wrong ones are one line with the nearest right one."""

from __future__ import annotations

import pytest
from command_line import call

from genarris_fw.cli.main import COMMANDS, main


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rnu"], "genarris-fw: no such command 'rnu' (did you mean 'run'?); see genarris-fw --help"),
        (["db", "backpu"], "genarris-fw: no such command 'backpu' (did you mean 'backup'?); see genarris-fw db --help"),
        (["run"], "genarris-fw: missing argument 'UI_CONF'; see genarris-fw run --help"),
        (["status", "--fold", "x"], "genarris-fw: no such option '--fold'; see genarris-fw status --help"),
        (["import", "x"], "genarris-fw: missing option '--run'; see genarris-fw import --help"),
    ],
)
def test_wrong_words(words: list[str], expected: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, *words)
    assert (done.code, done.out, done.err) == (2, "", expected + "\n")


def test_a_nearest_option(capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "check", "x", "--jsn")
    assert done.code == 2 and done.err.endswith("(did you mean '--json'?); see genarris-fw check --help\n")


def test_help_cuts_nothing_off(capsys: pytest.CaptureFixture) -> None:
    for words in ([], ["db"]):
        text = call(capsys, *words, "--help").out
        assert "..." not in text.partition("Commands:")[2]
    assert all(f"\n  {name} " in call(capsys, "--help").out for name in COMMANDS)


def test_ctrl_c_says_how_to_go_on(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genarris_fw.cli.main.cli", pressed)
    with pytest.raises(SystemExit) as stop:
        main(["run", "ui.conf"])
    assert stop.value.code == 130 and "the same command goes on from here" in capsys.readouterr().err
