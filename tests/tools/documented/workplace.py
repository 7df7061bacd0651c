"""Where the commands of a page are run: the folder of a finished run of urea, with what pages call by name beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import BIN, EXAMPLES, environment, finish, genarris, start_program
from mongo_shell import find_mongosh
from pymongo import MongoClient

from documented.blocks import ROOT
from documented.commands import Command
from genarris_fw.database.launchpads import database_name

# A search that is small: two space groups, charges in a moment, one minimum or a few.
SMALL = (
    ("method = HF/6-31G**", "method = GFN2"),
    ("space_groups = all", "space_groups = [113, 4]"),
    ("window = 10", "window = 3"),
    ("lowest = 20", "lowest = 2"),
)
# What a command gets besides, so that it takes a moment: what it does not give itself.
SMALLER: dict[str, dict[str, str]] = {
    "predict": {"--z": "2", "--charges": "GFN2", "--space-groups": "113,4", "--second": "none"}
    | {"--max-cpu-seconds": "0.5", "--conformers": "1"},
    "delete": {"--yes": ""},
    "web": {"--no-open": "", "--port": "0"},
}
# What lasts until it is interrupted, and the words by which it has begun.
LASTING = {r"genarris-fw web\b.*": r"http://\S+", r"genarris-fw status\b.* --watch": r"urea"}
# Commands after which a page's next ones find everything as it was.
TAKES_AWAY = re.compile(r"genarris-fw delete\b.*")
# Files that pages name; all are of urea.
FILES = {
    **dict.fromkeys(("molecule.xyz", "urea.xyz", "ensemble.xyz", "benzene.xyz"), "molecule"),
    **dict.fromkeys(("measured.cif", "mine.cif", "more.cif", "crystals/one.cif", "crystals/two.cif"), "crystal"),
}
SECONDS = 120


class Workplace:
    """The folder and the database of a page's commands.

    Parameters
    ----------
    folder : Path
        The folder; the run is carried out here.
    uri : str
        An empty database.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder, uri
        self.cwd = folder
        self.environment: dict[str, str] = {}
        self._kept = folder.with_name("kept")
        self._prepare()

    def _prepare(self) -> None:
        """Carry out the run, put what pages name beside it, and keep both."""
        folder = self.folder
        shutil.copytree(EXAMPLES / "urea", folder)
        conf = (folder / "ui.conf").read_text()
        for before, after in SMALL:
            assert before in conf, f"examples/urea/ui.conf has no longer {before!r}"
            conf = conf.replace(before, after)
        (folder / "ui.conf").write_text(conf)
        done = genarris("run", "ui.conf", "--workers", "1", cwd=folder, **self._variables())
        assert done.returncode == 0, done.stderr
        shutil.copytree(EXAMPLES, folder / "examples")
        put_files(folder)
        shutil.copytree(folder, self._kept)
        with self._database() as database:
            self._documents = {name: list(database[name].find()) for name in database.list_collection_names()}

    def restore(self) -> None:
        """Bring the folder and the database back to the finished run."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        self.cwd, self.environment = self.folder, {}
        with self._database() as database:
            for name in database.list_collection_names():
                database[name].delete_many({})
                if documents := self._documents.get(name):
                    database[name].insert_many(documents)

    def run(self, command: Command) -> str:
        """Run a command to the end that it is to have; return what is wrong with it, or nothing."""
        if command.program == "cd" and not command.needs_a_shell:
            self.cwd = self.cwd / command.words[1]
            return "" if self.cwd.is_dir() else f"{command.name}\nno such folder"
        if command.program == "export":
            name, _, value = command.words[1].partition("=")
            self.environment[name] = value
            return ""
        if begun := next((words for pattern, words in LASTING.items() if re.fullmatch(pattern, command.text)), None):
            return self._interrupted(command, begun)
        if command.needs_a_shell or command.program not in ("genarris-fw", "rlaunch"):
            done = subprocess.run(
                ["bash", "-c", command.text],
                cwd=self.cwd,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        else:
            words = [*command.words[1:], *_smaller(command)]
            done = finish(start_program(command.program, *words, cwd=self.cwd, env=self._environment()), SECONDS)
        if TAKES_AWAY.fullmatch(command.text):
            self.restore()
        return _wrong(command, done.returncode, done.stdout + done.stderr)

    def _interrupted(self, command: Command, begun: str) -> str:
        """Start a command that lasts, wait for its first words, interrupt it."""
        output = self.folder.with_name("output")
        words = [*command.words[1:], *_smaller(command)]
        with output.open("w") as file:
            process = start_program(
                command.program, *words, cwd=self.cwd, env=self._environment(), stdout=file, stderr=file
            )
        end = time.monotonic() + SECONDS
        while process.poll() is None and not re.search(begun, output.read_text()) and time.monotonic() < end:
            time.sleep(0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code = process.wait(timeout=SECONDS)
        said = output.read_text()
        return _wrong(command, 0 if code in (0, 130) and re.search(begun, said) else code or 1, said)

    def _variables(self) -> dict[str, str]:
        return {"GENARRIS_FW_URI": self.uri}

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(BIN), str(Path(find_mongosh()).parent), os.environ.get("PATH", "")])
        return environment(**self._variables(), PATH=path, **self.environment)

    @contextmanager
    def _database(self) -> Iterator[Any]:
        with MongoClient(self.uri, tz_aware=True) as client:
            yield client[database_name(self.uri)]


def put_files(folder: Path) -> None:
    """Write the files that pages name."""
    from genarris_fw.crystal import read_molecule

    molecule = read_molecule(EXAMPLES / "urea" / "urea.in")
    lines = [f"{kind} {x:.6f} {y:.6f} {z:.6f}" for kind, (x, y, z) in zip(molecule.species, molecule.positions)]
    crystal = (EXAMPLES / "urea" / "urea.cif").read_text()
    for name, kind in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        text = "\n".join([str(len(lines)), "urea", *lines, ""]) if kind == "molecule" else crystal
        (folder / name).write_text(text)
    (folder / "crystals" / "two.cif").unlink()
    (folder / "token").write_text("0123456789abcdef0123456789abcdef\n")
    shutil.copy(ROOT / "tests" / "data" / "faults" / "genarris3_conf" / "ui.conf", folder / "genarris3.conf")


def _smaller(command: Command) -> list[str]:
    words: list[str] = []
    for option, value in SMALLER.get(command.words[1], {}).items():
        if option not in command.words:
            words += [option, value] if value else [option]
    return words


def _wrong(command: Command, code: int, said: str) -> str:
    if code == command.code and "Traceback" not in said:
        return ""
    return f"{command.name}\nexit code {code} instead of {command.code}:\n{said[-2000:]}"
