"""Where the commands of a page are run: the folder of a finished run of urea, with what pages call by name beside it."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from command import BIN, EXAMPLES, environment, finish, genarris, start_program
from mongo_shell import find_mongosh
from pymongo import MongoClient

from documented.blocks import ROOT
from documented.commands import Command
from genarris_fw.cli.main import main
from genarris_fw.database.launchpads import database_name

# A search that is small: two space groups, charges in a moment, one minimum or a few.
RUN = "urea"
FAULTS = ROOT / "tests" / "data" / "faults"
# A search that is small: two space groups, charges in a moment, one minimum or a few; no other engine.
SMALL = {
    r"^method = .*": "method = GFN2",
    r"^Z = .*": "Z = 2",
    r"^space_groups = .*": "space_groups = [113, 4]",
    r"^stop = .*": "stop = draws\ndraws = 60",
    r"^window = .*": "window = 3",
    r"^lowest = .*": "lowest = 2",
    r"^max_work = .*": "max_work = 2000",
    r', "FHI_Aims_Energy_Evaluation"': "",
}
ONLY_OF_NEW = list(SMALL)[-2:]
# What a command gets besides, so that it takes a moment: what it does not give itself.
SMALLER: dict[str, dict[str, str]] = {
    "predict": {"--z": "2", "--charges": "GFN2", "--space-groups": "113,4", "--second": "none"}
    | {"--max-cpu-seconds": "0.5", "--conformers": "1"},
    # Pages write more than one; the first is there already.
    "new": {"--output": "made/", "--force": ""},
    "run": {"--workers": "1"},
    "delete": {"--yes": ""},
    "web": {"--no-open": "", "--port": "0"},
}
# What lasts until it is interrupted, and the words by which it has begun.
LASTING = {r"genarris-fw web\b.*": r"http://\S+", r"genarris-fw status\b.* --watch": r"urea"}
# Commands after which a page's next ones find everything as it was.
TAKES_AWAY = re.compile(r"genarris-fw delete\b.*")
# What pages call the run, or its folder, where it is not the one in the folder of the commands.
OF_THE_RUN = ("RUN", "runs/urea", "my_folder")
# Files that pages take and do not make: a molecule or a crystal, of urea, put there when it is first named.
MOLECULES = ("molecule.xyz", "urea.xyz", "ensemble.xyz", "benzene.xyz", "water.xyz")
CRYSTALS = ("measured.cif", "mine.cif", "more.cif", "x.cif", "crystals/one.cif", "crystals/two.cif")
# What is a process of its own: it starts others, or takes the cores.
PROCESSES = ("run", "rockets", "db")
# What takes a second or more and changes nothing that later commands look at: run once, whatever page shows it.
ONCE = re.compile(r"genarris-fw (predict|report|pictures|db shell|web)\b.*|mongosh .*")
HOME = "home"  # of whoever types
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
        self._carried_out: set[str] = set()
        self._prepare()

    def _prepare(self) -> None:
        """Carry out the run, put what pages name beside it, and keep both."""
        folder = self.folder
        shutil.copytree(EXAMPLES / "urea", folder)
        make_small(folder)
        done = genarris("run", "ui.conf", "--workers", "1", cwd=folder, **self.variables())
        assert done.returncode == 0, done.stderr
        shutil.copytree(EXAMPLES, folder / "examples")
        for place in (".local/share/bash-completion/completions", ".config/fish/completions"):
            (folder / HOME / place).mkdir(parents=True)
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
        put_named(command, self.cwd)
        if ONCE.fullmatch(command.text):
            if command.text in self._carried_out:
                return ""
            self._carried_out.add(command.text)
        if command.program == "cd" and not command.needs_a_shell:
            self.cwd = self.cwd / command.words[1]
            return "" if self.cwd.is_dir() else f"{command.name}\nno such folder"
        if command.program == "export":
            name, _, value = command.words[1].partition("=")
            self.environment[name] = value
            return ""
        if begun := next((words for pattern, words in LASTING.items() if re.fullmatch(pattern, command.text)), None):
            return self._interrupted(command, begun)
        words = _words(command)
        if command.needs_a_shell or command.program not in ("genarris-fw", "rlaunch"):
            done: Any = subprocess.run(
                ["bash", "-c", command.text],
                cwd=self.cwd,
                env=self._environment() | {"HOME": str(self.folder / HOME)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        elif words[0] == "run" and self._is_known(words[1]):
            done = self._called(["check", words[1]])
        elif command.program == "rlaunch" or words[0] in PROCESSES:
            done = finish(start_program(command.program, *words, cwd=self.cwd, env=self._environment()), SECONDS)
        else:
            done = self._called(words)
        if TAKES_AWAY.fullmatch(command.text):
            self.restore()
        if command.text.startswith("genarris-fw new"):
            make_small(self.cwd / words[words.index("--output") + 1])
        return _wrong(command, done.returncode, done.stdout + done.stderr)

    def _is_known(self, conf: str) -> bool:
        """Tell whether a ui.conf of these words was carried out before, for another page: it is only checked then."""
        path = self.cwd / conf
        text = path.read_text() if path.is_file() else ""
        known = text in self._carried_out
        self._carried_out.add(text)
        return known

    def _called(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Call the command line in this process: what it imports is here already."""
        said = io.StringIO()
        with mock.patch.dict(os.environ, self._environment()), in_folder(self.cwd):
            with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as stop:
                main(words)
        return subprocess.CompletedProcess(words, int(stop.value.code or 0), said.getvalue(), "")

    def _interrupted(self, command: Command, begun: str) -> str:
        """Start a command that lasts, wait for its first words, interrupt it."""
        output = self.folder.with_name("output")
        words = _words(command)
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

    def variables(self) -> dict[str, str]:
        """Return the variables by which the run is found."""
        return {"GENARRIS_FW_URI": self.uri}

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(BIN), str(Path(find_mongosh()).parent), os.environ.get("PATH", "")])
        return environment(**self.variables(), PATH=path, **self.environment)

    @contextmanager
    def _database(self) -> Iterator[Any]:
        with MongoClient(self.uri, tz_aware=True) as client:
            yield client[database_name(self.uri)]


@contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Work in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make_small(folder: Path) -> None:
    """Let the search in a folder's ui.conf be one of a second."""
    path = folder / "ui.conf"
    conf = path.read_text()
    for before, after in SMALL.items():
        conf, changed = re.subn(before, after, conf, flags=re.MULTILINE)
        assert changed or before in ONLY_OF_NEW, f"{path} has no longer {before!r}"
    path.write_text(conf)


def put_named(command: Command, folder: Path) -> None:
    """Write the files that a command takes and that are not there."""
    for word, before in zip(command.words[1:], command.words):
        if before not in ("--to", "--out", "--output"):
            put_file(word, folder)


def put_file(name: str, folder: Path) -> None:
    """Write a file or folder that pages take and do not make, where it is not there."""
    path = folder / name
    if path.exists() or name not in (*MOLECULES, *CRYSTALS, *OTHERS):
        return
    path.parent.mkdir(exist_ok=True)
    if name in MOLECULES:
        path.write_text(_molecule() * (2 if name == "ensemble.xyz" else 1))
    elif name in CRYSTALS:
        shutil.copy(EXAMPLES / "urea" / "urea.cif", path)
    else:
        OTHERS[name](folder)


def _crystals(folder: Path) -> None:
    for name in CRYSTALS[-2:]:
        put_file(name, folder)


def _my_folder(folder: Path) -> None:
    put_file("molecule.xyz", folder)
    with in_folder(folder), pytest.raises(SystemExit):
        main(["new", "molecule.xyz", "--output", "my_folder/"])
    make_small(folder / "my_folder")


def _of_genarris_3(folder: Path) -> None:
    shutil.copy(FAULTS / "genarris3_conf" / "ui.conf", folder / "genarris3.conf")
    shutil.copy(FAULTS / "genarris3_conf" / "mol.xyz", folder)


OTHERS: dict[str, Callable[[Path], object]] = {
    "crystals": _crystals,
    "crystals/": _crystals,
    "my_folder/ui.conf": _my_folder,
    "genarris3.conf": _of_genarris_3,
    "token": lambda folder: (folder / "token").write_text("0123456789abcdef"),
}


def _molecule() -> str:
    from genarris_fw.crystal import read_molecule

    molecule = read_molecule(EXAMPLES / "urea" / "urea.in")
    lines = [f"{kind} {x:.6f} {y:.6f} {z:.6f}" for kind, (x, y, z) in zip(molecule.species, molecule.positions)]
    return "\n".join([str(len(lines)), "urea", *lines, ""])


def _words(command: Command) -> list[str]:
    """Return what a program is called with: the command's own words, and what makes it small."""
    words = [RUN if word in OF_THE_RUN else word for word in command.words[1:]]
    for option, value in SMALLER.get(words[0] if words else "", {}).items():
        if option not in words:
            words += [option, value] if value else [option]
    return words


def _wrong(command: Command, code: int, said: str) -> str:
    if code == command.code and "Traceback" not in said:
        return ""
    return f"{command.name}\nexit code {code} instead of {command.code}:\n{said[-2000:]}"
