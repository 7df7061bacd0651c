"""Damaged files of PDB, SHELX and ASE's JSON, and configurations of Genarris 3: read, or refused in one line."""

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from ase.build import molecule
from ase.io.jsonio import encode

from genarris_fw.crystal import Reading, read
from genarris_fw.errors import InputError
from genarris_fw.options.genarris3 import Surroundings, parse, translate

FAULTS = Path(__file__).parents[1] / "data" / "faults"
MUTANTS = 150
ABOUT = Surroundings(lambda wanted, Z, tol: None, "tblite", True, lambda path: None)
WORDS = [
    "",
    "0",
    "-1",
    "1e999",
    "nan",
    "1.5.2",
    "x",
    "=",
    "999999999999",
    "END",
    "SYMM X,Y",
    "\t",
    "é",
    "[",
    '"',
    "{}",
    "None",
]
SOURCES = {
    "x.pdb": (FAULTS / "pdb_crystal_symmetry" / "asym.pdb").read_text(),
    "y.res": (FAULTS / "res_unreadable" / "shelx.res").read_text(),
    "z.res": (FAULTS / "res_unreadable" / "airss.res").read_text(),
    "s.json": "{\n" + f'"a": {encode(molecule("CH3OH"))},\n"b": {encode(molecule("CO2"))}' + "\n}",
    "ui.conf": (FAULTS / "genarris3_conf" / "ui.conf").read_text(),
}


def damaged(text: str, chance: random.Random) -> str:
    """Cut, doubled, exchanged lines and words, letters changed."""
    ways: list[Callable[[list[str]], None]] = [
        lambda lines: lines.pop(chance.randrange(len(lines))),
        lambda lines: lines.insert(chance.randrange(len(lines)), chance.choice(lines)),
        lambda lines: lines.__setitem__(
            k := chance.randrange(len(lines)), lines[k][: chance.randrange(len(lines[k]) + 1)]
        ),
        lambda lines: lines.__delitem__(slice(chance.randrange(1, len(lines) + 1), None)),
        _other_word(chance),
        _other_word(chance),
        _other_letter(chance),
        _other_letter(chance),
    ]
    lines = text.splitlines()
    for _ in range(chance.choice([1, 1, 2, 4])):
        if lines:
            chance.choice(ways)(lines)
    return "\n".join(lines) + "\n"


def _other_word(chance: random.Random) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        k = chance.randrange(len(lines))
        words = lines[k].split(" ")
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        lines[k] = " ".join(words)

    return change


def _other_letter(chance: random.Random) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        k = chance.randrange(len(lines))
        at = chance.randrange(len(lines[k]) + 1)
        lines[k] = lines[k][:at] + chance.choice("0 9-.=x(,\x01é") + lines[k][at + chance.randrange(2) :]

    return change


@pytest.mark.parametrize("name", SOURCES)
def test_damaged(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    for number in range(MUTANTS):
        text = damaged(SOURCES[name], random.Random(f"{name} {number}"))
        file.write_text(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                if name == "ui.conf":
                    translate(parse(text, str(file)), ABOUT, str(file))
                else:
                    read(file, reading=Reading(disorder=["refuse", "major"][number % 2]))
        except InputError as error:
            assert str(error).startswith(str(file)) and "\n" not in str(error), number
            assert len(str(error)) < 700, number
        except Exception as error:  # which mutant it was
            raise AssertionError(f"mutant {number}: {error!r}\n{text}") from error
