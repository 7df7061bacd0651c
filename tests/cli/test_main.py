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
    ],
)
def test_wrong_words(words: list[str], expected: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, *words)
    assert (done.code, done.out, done.err) == (2, "", expected + "\n")


def test_a_nearest_option(capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "check", "x", "--jsn")
    assert done.code == 2 and done.err.endswith("(did you mean '--json'?); see genarris-fw check --help\n")


@pytest.mark.parametrize(
    "words", [("a" * 3000,), ("status", f"--{'a' * 3000}"), ("check", "x", "--engine-time", "a" * 3000)]
)
def test_a_long_word_is_not_repeated_whole(words: tuple[str, ...], capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, *words)
    assert done.code == 2 and "aaa[...]" in done.err and len(done.err) < 300


@pytest.mark.parametrize("number", ["nan", "inf", "-1", "1e30", "x"])
@pytest.mark.parametrize("words", [["check", "x", "--engine-time"], ["recover", "--grace"], ["verify", "--time-limit"]])
def test_numbers_have_a_range(words: list[str], number: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, *words, number)
    assert done.code == 2 and "invalid value" in done.err and len(done.err.splitlines()) == 1


@pytest.mark.parametrize("word", ["mongodb://worker:SECRET@h/d", "mongodb//worker:SECRET@h", "worker:SECRET@h"])
def test_a_uri_in_the_wrong_place_is_not_repeated(word: str, capsys: pytest.CaptureFixture) -> None:
    for words in (["status", word], [word], ["run", word], ["--url", word], ["export", "r", f"--pool={word}"]):
        done = call(capsys, *words)
        assert done.code == 2 and "give it as --uri" in done.err and "SECRET" not in done.err


def test_escape_sequences_are_shown_not_sent(
    database_uri: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENARRIS_FW_URI", database_uri)
    for words in (["a\x1b[31mb"], ["check", "a\x1b[31mb"], ["check", "\ud800"], ["options", "a\nb"],
                  ["status", "\udcff"], ["export", "\udcff"], ["delete", "\ud800"]):  # fmt: skip
        done = call(capsys, *words)
        assert done.code == 2 and done.err[:-1].isprintable()


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
    assert stop.value.code == 130 and "it goes on with: genarris-fw run ui.conf\n" in capsys.readouterr().err


def test_a_long_name_is_not_repeated_whole(database_uri: str, capsys: pytest.CaptureFixture) -> None:
    for words in (["status", "a" * 3000], ["export", "a" * 3000]):
        done = call(capsys, *words, "--uri", database_uri)
        assert done.code == 2 and done.err.startswith("genarris-fw: ") and len(done.err) < 1000
