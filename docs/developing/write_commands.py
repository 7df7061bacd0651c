"""Write the tables of docs/commands.md from the commands themselves.

    python docs/developing/write_commands.py

replaces what stands between the two marks; tests/cli/test_commands_page.py says when that is old.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from genarris_fw.cli.examples import examples_of
from genarris_fw.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[1] / "commands.md"
BEGIN = "<!-- made by docs/developing/write_commands.py: change the commands, not these tables -->\n"
END = "<!-- the end of what is made -->\n"


def commands() -> Iterator[tuple[str, click.Command, str]]:
    """Yield every command that does something, with its words and what it does, in the order of the help."""
    context = click.Context(cli)
    for name, (_, words) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                inner = command.get_command(context, below)
                assert inner is not None
                yield f"{name} {below}", inner, inner.get_short_help_str(limit=200)
        else:
            yield name, command, words


def tables() -> str:
    """Return what stands between the marks."""
    lines = ["", "| command | what it does |", "|---|---|"]
    lines += [f"| [`{name}`](#{name.replace(' ', '-')}) | {words} |" for name, _, words in commands()]
    for name, command, _ in commands():
        lines += ["", f"### {name}", "", *_usage(name, command), ""]
        lines += [f"    genarris-fw {line}" for line in examples_of(command)]
        if options := list(_options(command)):
            lines += ["", "| option | |", "|---|---|", *options]
    return "\n".join([*lines, "", ""])


def _usage(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join(["genarris-fw", name, *command.collect_usage_pieces(context)])
    return [f"`{usage}`"]


def _options(command: click.Command) -> Iterator[str]:
    for option in command.params:
        if isinstance(option, click.Option):  # not its help record, whose form changes with click's versions
            default = f" (default: {option.default})" if option.show_default and option.default is not None else ""
            yield f"| `{', '.join(option.opts)}` | {(option.help or '').rstrip('.')}{default} |"


def page(text: str) -> str:
    """Return the page with the tables of now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
