"""Every command that the documentation shows is known, and is run: here, page by page, or by a test that is named."""

from __future__ import annotations

import re
import shutil
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
from documented.blocks import PAGES, ROOT, name_of
from documented.commands import Command, commands
from documented.elsewhere import ELSEWHERE, Elsewhere, elsewhere
from documented.workplace import Workplace, put_named

from genarris_fw.cli.main import cli

SHOWN = {name_of(page): list(commands(page)) for page in PAGES}
ALL = [command for shown in SHOWN.values() for command in shown]
OURS = {command.text: command for command in ALL if command.of_genarris}
HERE = {
    page: found
    for page, shown in SHOWN.items()
    if (found := [command for command in shown if not command.is_usage and not elsewhere(command)])
}
TARGETS = set(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split())

pytestmark = pytest.mark.xdist_group("documentation")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that pages name, and a ui.conf."""
    folder = tmp_path_factory.mktemp("named")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "examples" / "urea", folder, dirs_exist_ok=True)
    for command in OURS.values():
        put_named(command, folder)
    return folder


def test_commands_are_found() -> None:
    """The one of the README is, and one behind each kind of fence and indentation."""
    assert "genarris-fw new molecule.xyz --output my_folder/" in OURS
    assert len(ALL) > 100 and len(SHOWN["docs/commands.md"]) > 50


@pytest.mark.parametrize("text", OURS)
def test_a_command_of_ours_is_known_with_its_options(text: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are parsed by the command line itself; a file that has to be there may be one that a page makes."""
    monkeypatch.chdir(files)
    words = [word.strip("[]") for word in OURS[text].of_genarris]
    try:
        parse(cli, words)
    except click.BadParameter as error:
        if "does not exist" not in str(error):
            raise


def parse(group: click.Command, words: list[str]) -> None:
    """Parse words by a command, and by the one below where it is a group, without calling it."""
    context = group.make_context("genarris-fw", list(words))
    if isinstance(group, click.Group):
        name, command, rest = group.resolve_command(context, list(words))
        assert name is not None and command is not None
        parse(command, rest)


def test_an_unknown_command_and_an_unknown_option_are_noticed() -> None:
    for words in (["predikt", "urea.in"], ["status", "--wach"]):
        with pytest.raises(click.UsageError):
            parse(cli, words)


@pytest.mark.parametrize("command", [c for c in ALL if c.program == "make"], ids=lambda command: command.name)
def test_a_target_of_make_is_in_the_makefile(command: Command) -> None:
    named = [word for word in command.words[1:] if "=" not in word]
    library = set(re.findall(r"^(\w+):", (ROOT / "launchers" / "aims_library" / "Makefile").read_text(), re.M))
    assert set(named) <= TARGETS | library


@pytest.mark.parametrize("command", [c for c in ALL if c.program == "pip"], ids=lambda command: command.name)
def test_an_extra_that_is_installed_is_one_of_ours(command: Command) -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for extras in re.findall(r"(?:\.|genarris_fw)\[([\w,]+)\]", command.text):
        assert set(extras.split(",")) <= set(setup["options.extras_require"])


@pytest.mark.parametrize("entry", ELSEWHERE, ids=lambda entry: entry.pattern)
def test_what_is_run_elsewhere_is_shown_and_run_there(entry: Elsewhere) -> None:
    assert any(elsewhere(command) is entry for command in ALL), "no page shows it any longer"
    for test in entry.tests:
        path, _, name = test.partition("::")
        assert (f"def {name}(" if name else "") in (ROOT / path).read_text()


@pytest.mark.parametrize("page", HERE)
def test_the_commands_of_a_page_from_top_to_bottom(page: str, workplace: Workplace) -> None:
    """They are carried out in the folder of a finished run of urea, one after the other, as a reader would."""
    try:
        wrong = list(filter(None, map(workplace.run, HERE[page])))
    finally:
        workplace.restore()
    assert not wrong, "\n\n".join(wrong)
