"""Every command has an example that can be typed as it stands, and is on the page of commands as it is."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path

import click
import pytest
from command_line import call

from genarris_fw.cli.examples import examples_of
from genarris_fw.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PROGRAM = runpy.run_path(str(ROOT / "docs" / "developing" / "write_commands.py"))
ALL = {name: command for name, command, _ in PROGRAM["commands"]()}
EXAMPLES = [(name, line) for name, command in ALL.items() for line in examples_of(command)]


def test_every_command_has_an_example() -> None:
    assert {name.split()[0] for name in ALL} == set(COMMANDS)
    assert [name for name, command in ALL.items() if not examples_of(command)] == []


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_is_understood(name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are those of its command; of files that have to be there, there are some."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.partition(" > ")[0], comments=True)
    assert words[: len(name.split())] == name.split()
    for word in words:
        if word.endswith(".in"):
            Path(word).write_text("")
    parse(cli, words)


def parse(group: click.Command, words: list[str]) -> None:
    """Parse words by a command, and by the one below where it is a group, without calling it."""
    context = group.make_context("genarris-fw", list(words))
    if isinstance(group, click.Group):
        name, command, rest = group.resolve_command(context, list(words))  # nothing stands before it
        assert name is not None and command is not None
        parse(command, rest)


def test_the_page_is_that_of_the_commands() -> None:
    page = ROOT / "docs" / "commands.md"
    text = page.read_text(encoding="utf-8")
    assert PROGRAM["page"](text) == text, "run: python docs/developing/write_commands.py"


def test_help_ends_with_the_example(capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "export", "--help")
    assert done.out.endswith("Example:\n    genarris-fw export urea --pool minima --format cif,csv --to files\n")
