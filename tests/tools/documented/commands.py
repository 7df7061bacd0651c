"""The commands in the documentation's blocks of code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from documented.blocks import blocks

# What a line of code begins with that a person types.
PROGRAMS = {
    *("genarris-fw", "lpad", "rlaunch", "qlaunch"),
    *("mpirun", "srun", "sbatch", "qsub", "mongosh", "mongod", "docker"),
    *("make", "pip", "python", "python3", "pytest", "pipx", "sudo", "git"),
    *("cd", "cp", "mkdir", "export", "ls", "cat", "mv", "rm", "sed", "unzip", "jupyter", "curl"),
}
SHELLS = {"", "sh", "bash", "shell", "console"}
_OPERATORS = set("();<>|&")
_EXIT_CODE = re.compile(r"#.*\bexit code (\d+)")


@dataclass(frozen=True)
class Command:
    """A line to be typed.

    Attributes
    ----------
    page, line : str, int
        Where it stands.
    text : str
        The command as it is typed where the environment's programs are on the path: without a prompt, the path of
        ``.venv`` and a comment; lines that end with a backslash are joined.
    code : int
        The exit code that a comment behind it tells (``# exit code 2``), else 0.
    """

    page: str
    line: int
    text: str
    code: int = 0

    @cached_property
    def words(self) -> list[str]:
        """Its words, as a shell splits them."""
        return shlex.split(self.text)

    @property
    def program(self) -> str:
        """What is called."""
        return self.words[0]

    @property
    def of_genarris(self) -> list[str]:
        """The words of the one ``genarris-fw`` in it, without the program; empty where there is none."""
        if "genarris-fw" not in self.words:
            return []
        words = self.words[self.words.index("genarris-fw") + 1 :]
        end = next((n for n, word in enumerate(words) if set(word) <= _OPERATORS), len(words))
        return words[:end]

    @property
    def is_usage(self) -> bool:
        """Whether it shows how a command is called (``[--json]``) rather than a call."""
        return any(word.startswith("[") for word in self.words)

    @property
    def needs_a_shell(self) -> bool:
        """Whether more than words is in it: a pipe, another file, a variable, another command."""
        tokens = shlex.shlex(self.text, posix=True, punctuation_chars=True)
        tokens.whitespace_split = True
        return "$" in self.text or "~" in self.text or any(set(token) <= _OPERATORS for token in tokens)

    @property
    def name(self) -> str:
        """Where it stands, and what it is."""
        return f"{self.page}:{self.line}: {self.text}"


def commands(page: Path) -> Iterator[Command]:
    """Yield the commands of a page in their order."""
    for block in blocks(page):
        if block.language not in SHELLS:
            continue
        lines = block.text.splitlines()
        number = 0
        while number < len(lines):
            first, text = number, lines[number]
            while text.rstrip().endswith("\\") and number + 1 < len(lines):
                number += 1
                text = text.rstrip()[:-1] + " " + lines[number].strip()
            number += 1
            if command := _command(block.page, block.line + first, text):
                yield command


def _command(page: str, line: int, text: str) -> Command | None:
    typed = text.strip().removeprefix("$ ").removeprefix(".venv/bin/").replace(" .venv/bin/", " ")
    if typed.split(" ")[0] not in PROGRAMS:
        return None
    code = _EXIT_CODE.search(typed)
    return Command(page, line, _without_comment(typed), int(code[1]) if code else 0)


def _without_comment(text: str) -> str:
    """Return a command without what stands behind a # that begins a word and is in no quotes."""
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and text[place - 1 : place].isspace():
            return text[:place].strip()
    return text.strip()
