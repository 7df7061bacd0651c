"""The command ``genarris-fw``: one module per command, imported only when it is used."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genarris_fw.cli.answers import OPTION as JSON_OPTION
from genarris_fw.cli.answers import print_json
from genarris_fw.cli.interrupting import PROGRAM, from_now_on_unheard, hear, told
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.showing import could_be_uri, printable, shown
from genarris_fw.terminals import everything_shown
from genarris_fw.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# command -> module of genarris_fw.cli, which holds a click command named `command`, and what the list of commands says.
COMMANDS = {
    "run": ("run", "Carry out a ui.conf here, or continue it."),
    "predict": ("predict", "Predict how a rigid molecule packs, here and now, without a database."),
    "new": ("new", "Write a commented ui.conf for a molecule."),
    "check": ("check", "Show what a ui.conf would do, and what is wrong with it."),
    "verify": ("verify", "Compare this cluster's FHI-aims with published energies."),
    "add": ("add", "Put a run on the LaunchPad, or write it for lpad add."),
    "rockets": ("rockets", "Launch a run's rockets in this process, or in every MPI rank."),
    "status": ("status", "Show how far a run is, or list the runs."),
    "costs": ("costs", "Show what a run cost: core-seconds by stage, engine, host and user."),
    "metrics": ("metrics", "Print how far runs are, for Prometheus."),
    "export": ("export", "Write a pool of structures as files."),
    "archive": ("archive", "Write a run as an archive (RO-Crate): input, structures, properties, provenance."),
    "web": ("web", "Explore runs in a browser."),
    "pictures": ("pictures", "Draw a pool: histograms, energies, map, distances."),
    "compare": ("compare", "Look for the measured crystal in a pool."),
    "report": ("report", "Write a run as one HTML file: landscape, funnel, lowest structures, costs."),
    "import": ("import_", "Read structures, from a folder or a file, into a pool."),
    "convert": ("convert", "Translate a configuration of Genarris 3 into a ui.conf."),
    "options": ("options", "Show every option of ui.conf."),
    "retry": ("retry", "Give failed work another chance."),
    "recover": ("recover", "Repair what lost rockets left behind."),
    "delete": ("delete", "Remove a run from the database."),
    "db": ("db", "Start, stop, look at and back up the database of a folder."),
    "init": ("init", "Write launcher files for a cluster."),
    "completion": ("completion", "Have the shell complete commands, options, runs, pools and formats."),
}
# The columns of help texts, so that no summary of a command is cut off.
HELP_WIDTH = 100
# A word that somebody gave is repeated up to so many characters.
LONGEST_WORD = 500
LONGEST_LINE = 960

FOLDER_GONE = "the current folder is gone, it was removed while it was worked in: go to one that is there"

EXIT_OK = 0
EXIT_BAD_INPUT = 2
EXIT_SOME_FAILED = 3
EXIT_RUN_FAILED = 4
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"genarris_fw.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, without importing one of them, and the options that fit."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=words) for name, (_, words) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH})
@click.version_option(__version__, prog_name=PROGRAM)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Genarris as a database-backed task farm: predict how a molecule packs."""
    ctx.obj = {"debug": debug}
    if current_folder_is_gone():
        raise InputError(FOLDER_GONE)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; an error of ours is one line on stderr and exit code 2, 3 or 4."""
    if arguments is not None:  # in somebody else's process
        sys.exit(_exit_code(arguments))
    try:
        hear()
        code = _exit_code(sys.argv[1:])
        from_now_on_unheard()
    except KeyboardInterrupt:  # while the first was told of, or nothing was begun or left to be done
        code = EXIT_INTERRUPTED
    sys.exit(code)


def _exit_code(words: list[str]) -> int:
    with everything_shown():
        code = _called(words)
    return code if isinstance(code, int) else EXIT_OK


def _called(arguments: list[str]) -> Any:
    """Run the command line and return its exit code, once its errors are told."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    problems: list[str] = []

    def say(line: str) -> None:
        problems.append(line)
        click.echo(f"{PROGRAM}: {line}", err=True)

    code = _tried(words, debug, say)
    if problems and JSON_OPTION in words:
        print_json({"problems": problems})
    return code


def _tried(words: list[str], debug: bool, say: Callable[[str], None]) -> Any:
    """Run the command line and return its exit code; `say` is told each line of what goes wrong."""
    try:
        refuse_stray_uri(words)
        code = cli(args=(["--debug"] if debug else []) + words, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        bare = type(error).__name__ == "NoArgsIsHelpError"  # of click 8.2 and later
        click.echo(error.format_message(), err=True) if bare else say(printable(one_line(error)))
        code = EXIT_BAD_INPUT
    except (click.Abort, KeyboardInterrupt) as error:
        say(told(error, words))
        code = EXIT_INTERRUPTED
    except GenarrisError as error:
        if debug:
            raise
        for line in getattr(error, "problems", None) or [str(error)]:
            say(fitting(printable(line)))
        code = EXIT_BAD_INPUT if isinstance(error, InputError) else getattr(error, "exit_code", EXIT_BAD_INPUT)
    except BrokenPipeError:  # whoever read the output has seen enough: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = EXIT_OK
    except OSError as error:
        if debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror or error}; mend that and run the same command again"
        say(FOLDER_GONE if current_folder_is_gone() else printable(what))
        code = EXIT_BAD_INPUT
    except UnicodeEncodeError as error:
        if debug:
            raise
        say(f"{shown(error.object)}: holds bytes that are no UTF-8; give it another name")
        code = EXIT_BAD_INPUT
    except Exception as error:
        if debug:
            raise
        words_of = "" if could_be_uri(str(error)) else f": {printable(str(error))}"
        line = f"unexpected {type(error).__name__}{words_of}"
        say(f"{line} (run again with --debug for the traceback)")
        code = 1
    return code


def fitting(line: str) -> str:
    """Return a message without its middle when it repeats something endless."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]}[...]{line[-LONGEST_LINE // 3 :]}"


def refuse_stray_uri(words: list[str]) -> None:
    """Refuse a database's URI where none belongs, before a message about it repeats its password.

    Raises
    ------
    InputError
        When a word other than that of ``--uri`` could be one.
    """
    for before, word in zip(["", *words], words):
        if before != "--uri" and not word.startswith("--uri=") and could_be_uri(word):
            raise InputError("what could be a database's URI stands in a wrong place: give it as --uri URI")


def current_folder_is_gone() -> bool:
    """Tell whether this process works in a folder that was removed."""
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def one_line(error: click.ClickException) -> str:
    """Return in one line what is wrong with the words of a command, the nearest right ones, and where help is."""
    words = (w if len(w) <= LONGEST_WORD else f"{w[:60]}[...]" for w in error.format_message().split())
    text = " ".join(words)
    what, _, near = re.sub(r"[\s.(]*\bdid you mean\b", "\n", text, flags=re.IGNORECASE).partition("\n")
    near = near.strip(" ?)").removeprefix("one of: ")
    what = what[:1].lower() + what[1:].rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return what
    if not near and isinstance(context.command, click.Group) and (wrong := re.search("command '(.*)'", what)):
        known = context.command.list_commands(context)
        near = ", ".join(f"'{name}'" for name in difflib.get_close_matches(wrong[1], known, 2))
    return f"{what}{f' (did you mean {near}?)' if near else ''}; see {context.command_path} --help"
