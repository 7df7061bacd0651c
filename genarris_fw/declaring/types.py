"""The types of options: each reads the text behind the ``=`` and says in words what it expects.

Values are Python literals (`ast.literal_eval`) or bare words; nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.door import FORMATS, POTENTIALS, Door
from genarris_fw.errors import InputError
from genarris_fw.names import WORDS as NAME_WORDS
from genarris_fw.names import is_name
from genarris_fw.webhooks import why_no_target

LARGEST_INTEGER = 2**63 - 1  # what a document of the database can hold
SMALLEST_LENGTH = 0.001  # Å


@dataclass(frozen=True)
class Said:
    """What a type is called in tables (`name`) and what a message expects (`words`).

    Parameters
    ----------
    name : str
    said : str or callable
        The words, or what makes them anew each time, where they follow from what is installed.
    """

    name: str
    said: str | Callable[[], str]

    @property
    def words(self) -> str:
        """What a message says was expected."""
        return self.said if isinstance(self.said, str) else self.said()


@dataclass(frozen=True)
class PathRole:
    """Marks a text as a path: relative ones are resolved against ui.conf's folder.

    Parameters
    ----------
    kind : str
        'file' or 'folder'.
    use : str
        'input': the run reads it; 'output': the run writes it, and it is checked before (`options.resolving.outputs`);
        'scratch': calculations come and go in it.
    """

    kind: str
    use: str


def literal(text: Any) -> Any:
    """Return the Python literal that `text` spells, or `text` itself where it is a bare word."""
    if not isinstance(text, str):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError):
        return text


def words(text: Any) -> str:
    """Read a text, with or without quotes."""
    value = literal(text)
    result = value if isinstance(value, str) else text
    if not isinstance(result, str) or not result.strip() or not result.isprintable():
        raise ValueError("not a text")
    return result.strip()


def flag(text: Any) -> bool:
    """Read True/true/TRUE or False/false/FALSE."""
    if isinstance(text, bool):
        return text
    value = {"true": True, "false": False}.get(str(text).strip().strip("'\"").lower())
    if value is None:
        raise ValueError("not a boolean")
    return value


def number(text: Any) -> int | float:
    """Read a finite number that is not a boolean."""
    value = literal(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    if not abs(value) <= LARGEST_INTEGER:
        raise ValueError("not a finite number")
    return value


def whole(text: Any) -> int:
    """Read a whole number; 1e9 counts as one."""
    value = number(text)
    if value != int(value):
        raise ValueError("not a whole number")
    return int(value)


def several(text: Any, least: int) -> list[Any]:
    """Read a list of so many parts or more."""
    value = literal(text)
    if not isinstance(value, (list, tuple)) or len(value) < least:
        raise ValueError("not a list, or too short")
    return list(value)


def notify(text: Any) -> str:
    """Read a command, or the URL of a webhook."""
    value = words(text)
    if why := why_no_target(value):
        raise InputError(why)
    return value


class two_numbers:
    """Read two numbers between `least` and `most`, the first not above the second."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def __call__(self, text: Any) -> list[float]:
        """Return [low, high]."""
        value = literal(text)
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError("not two numbers")
        low, high = (number(part) if not isinstance(part, str) else number(None) for part in value)
        if not self.least <= low <= high <= self.most:
            raise ValueError("in the wrong order, or out of bounds")
        return [low, high]


def verbosity(text: Any) -> bool | int:
    """Read a boolean or a level from 0 to 3."""
    try:
        return flag(text)
    except ValueError:
        level = whole(text)
        if not 0 <= level <= 3:
            raise ValueError("not a level") from None
        return level


def word_list(text: Any) -> list[str]:
    """Read a Python list of texts with at least one."""
    value = literal(text)
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(part, str) for part in value):
        raise ValueError("not a list of texts")
    return list(value)


def count_or_fraction(text: Any) -> int | float:
    """Read a whole number from 1 to 10^9, or a fraction from 1e-9 to below 1."""
    value = number(text)
    if not 1e-9 <= value <= 10**9 or (value > 1 and value != int(value)):
        raise ValueError("neither a count nor a fraction")
    return value if value < 1 else int(value)


def affinity_type(text: Any) -> list[str | float]:
    """Read [kind, value] of the similarity."""
    value = literal(text)
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not isinstance(value[0], str):
        raise ValueError("not [kind, value]")
    kind = value[0].strip().lower()
    if kind not in ("exponential", "power", "multiplicative") or isinstance(value[1], str):
        raise ValueError("not a known kind")
    strength = number(value[1])
    if not 1e-9 <= strength <= 10**9:
        raise ValueError("out of bounds")
    return [kind, strength]


SPACE_GROUP_WORDS = ("all", "chiral", "racemic", "csd")


def k_grid(text: Any) -> list[int]:
    """Read three whole numbers from 1 to 1000."""
    value = literal(text)
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ValueError("not three numbers")
    grid = [whole(None if isinstance(part, str) else part) for part in value]
    if min(grid) < 1 or max(grid) > 1000:
        raise ValueError("not a grid")
    return grid


def space_groups(text: Any) -> str | list[int]:
    """Read one of `SPACE_GROUP_WORDS`, or a list of space group numbers (a single number is a list of one)."""
    value = literal(text)
    if isinstance(value, str) and value.strip().lower() in SPACE_GROUP_WORDS:
        return value.strip().lower()
    parts = value if isinstance(value, (list, tuple)) else [value]
    groups = sorted({whole(part) if not isinstance(part, str) else whole(None) for part in parts})
    if not groups or groups[0] < 1 or groups[-1] > 230:
        raise ValueError("not space group numbers")
    return list(groups)


def _lengths(text: Any, largest: float) -> dict[str, float]:
    value = literal(text)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError("not a dict")
    if any(isinstance(length, str) or not SMALLEST_LENGTH <= number(length) <= largest for length in value.values()):
        raise ValueError("not lengths")
    return {key: float(length) for key, length in value.items()}


def _is_element(text: str) -> bool:
    from ase.data import atomic_numbers  # here, since reading a ui.conf shall not load numpy

    return text != "X" and text in atomic_numbers


def radii(text: Any) -> dict[str, float]:
    """Read {element: radius in Å, from 0.001 to 5}."""
    value = _lengths(text, 5.0)
    if not all(_is_element(element) for element in value):
        raise ValueError("not elements")
    return value


def pair_distances(text: Any) -> dict[str, float]:
    """Read {"element-element": distance in Å, from 0.001 to 10}, each pair in one order only."""
    value = _lengths(text, 10.0)
    pairs = [tuple(sorted(pair.split("-"))) for pair in value]
    if not all(len(pair) == 2 and all(_is_element(element) for element in pair) for pair in pairs):
        raise ValueError("not pairs of elements")
    if len(set(pairs)) < len(pairs):
        raise ValueError("a pair is given twice")
    return value


def settings(text: Any) -> dict[str, Any]:
    """Read a Python dict that is plain JSON, with numbers that a database can hold."""
    value = literal(text)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError("not a dict")
    try:
        json.dumps(value, allow_nan=False)
        _check_keys_and_numbers(value)
    except (TypeError, RecursionError):
        raise ValueError("not plain values") from None
    return dict(json.loads(json.dumps(value)))


def _check_keys_and_numbers(value: Any) -> None:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("keys must be texts")
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            _check_keys_and_numbers(part)
    elif isinstance(value, int):
        whole(int(value))


def key(text: Any) -> str:
    """Read a name under which a property can be stored: letters, digits and underscores."""
    value = words(text)
    if not re.fullmatch(r"[A-Za-z_]\w{0,63}", value, flags=re.ASCII):
        raise ValueError("not a name")
    return value


def run_name(text: Any) -> str:
    """Read the name of a run."""
    value = words(text)
    if not is_name(value):
        raise ValueError("not a run name")
    return value


def matrix_file(text: Any) -> str:
    """Read the path of a matrix file."""
    value = words(text)
    if not value.endswith(".dat") or value.endswith("/.dat") or value == ".dat":
        raise ValueError("not a .dat file")
    return value


def factory(text: Any) -> str:
    """Read the name of a registered potential, which is not loaded, or module:factory."""
    value = words(text)
    if ":" not in value:
        return registered_name(POTENTIALS, value)
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", value):
        raise ValueError("not module:factory")
    return value


def registered_name(door: Door, text: str) -> str:
    """Return the name that a text spells in whatever case, or as a short form; its package is not loaded.

    Raises
    ------
    ValueError
        For a name that nobody registers.
    InputError
        For one that cannot be used; the message says why.
    """
    by_lower = {name.lower(): name for name in reversed(door.names())}
    name = text if text in door.names() else by_lower.get(text.lower())
    if name is None:
        raise ValueError(f"no {door.kind} is called so")
    door.check(name)
    return door.short_forms().get(name, name)


def registered_names(door: Door) -> str:
    """Return the names of a door in words, short forms behind theirs."""
    short = door.short_forms()
    full = [
        " ".join([name, *(f"(or {form})" for form, meant in short.items() if meant == name)])
        for name in door.names()
        if name not in short
    ]
    return " or ".join(part for part in (", ".join(full[:-1]), full[-1]) if part)


def file_format(text: Any) -> str:
    """Read the name of a registered format; one of another package must be usable here."""
    name = registered_name(FORMATS, words(text))
    if not FORMATS.is_ours(name):  # ours can, and need numpy
        FORMATS.load(name)
    return name


class one_of:
    """Read one word of several, whatever its case; `synonyms` maps further spellings to the words."""

    def __init__(self, *choices: str, **synonyms: str) -> None:
        self.choices = choices
        self.by_lower = {choice.lower(): choice for choice in choices} | synonyms

    def __call__(self, text: Any) -> str:
        """Return the word in its own spelling."""
        value = self.by_lower.get(words(text).lower())
        if value is None:
            raise ValueError("not one of the words")
        return value


_HERMANN_MAUGUIN = frozenset(
    {
        *("1", "-1", "2", "m", "2/m", "222", "mm2", "mmm", "4", "-4", "4/m", "422", "4mm", "-42m", "4/mmm"),
        *("3", "-3", "32", "3m", "-3m", "6", "-6", "6/m", "622", "6mm", "-62m", "-6m2", "6/mmm"),
        *("23", "m-3", "432", "-43m", "m-3m"),
    }
)
_SCHOENFLIES = re.compile(r"C[iS]|C(\d+|\*|INF)[VH]?|D(\d+|\*|INF)[HD]?|S\d+|T[HD]?|OH?|IH?|CS", re.IGNORECASE)


def molecule_symmetry(text: Any) -> str:
    """Read keep, relax, or a point group in Hermann-Mauguin or Schoenflies notation."""
    value = words(text)
    if value.lower() in ("keep", "relax"):
        return value.lower()
    if value.lower() in _HERMANN_MAUGUIN:
        return value.lower()
    if _SCHOENFLIES.fullmatch(value):
        return value[0].upper() + value[1:].lower()
    raise ValueError("not a point group")


Notify = Annotated[
    str,
    BeforeValidator(notify),
    Said("str", "a command with its arguments (/home/me/bin/tell), or a URL (https://host/path) to post to"),
]
RunName = Annotated[
    str,
    BeforeValidator(run_name),
    Said("str", NAME_WORDS),
]
Factory = Annotated[
    str,
    BeforeValidator(factory),
    Said("str", lambda: f"module:factory or one of the potentials installed: {registered_names(POTENTIALS)}"),
]
MatrixFile = Annotated[
    str,
    BeforeValidator(matrix_file),
    Said("str", "the path of a file that ends in .dat"),
    PathRole("file", "output"),
]
Flag = Annotated[bool, BeforeValidator(flag), Said("bool", "True or False")]
Whole = Annotated[int, BeforeValidator(whole), Said("int", "a whole number")]
Real = Annotated[float, BeforeValidator(number), Said("float", "a number")]
Words = Annotated[str, BeforeValidator(words), Said("str", "a text")]
Key = Annotated[
    str,
    BeforeValidator(key),
    Said("str", "a name of letters, digits and underscores, not starting with a digit"),
]
WordList = Annotated[list[str], BeforeValidator(word_list), Said("list", 'a list of names, ["Name", ...]')]
Verbosity = Annotated[bool | int, BeforeValidator(verbosity), Said("bool or int", "True, False or a level from 0 to 3")]
CountOrFraction = Annotated[
    int | float,
    BeforeValidator(count_or_fraction),
    Said("int or float", "a whole number from 1 to 10^9 or a fraction from 1e-9 to below 1"),
]
AffinityType = Annotated[
    list[str | float],
    BeforeValidator(affinity_type),
    Said("list", '[kind, number] with kind "multiplicative", "exponential" or "power", and number from 1e-9 to 1e9'),
]
SpaceGroups = Annotated[
    str | list[int],
    BeforeValidator(space_groups),
    Said("str or list", "all, chiral, racemic, csd or a list of numbers from 1 to 230"),
]
DisorderName = Annotated[str, BeforeValidator(one_of("refuse", "major")), Said("str", "refuse or major")]
ContactRulesName = Annotated[str, BeforeValidator(one_of("2.0", "3.x", "vdw")), Said("str", "2.0, 3.x or vdw")]
Radii = Annotated[
    dict[str, float],
    BeforeValidator(radii),
    Said("dict", '{"H": 1.1, ...}: elements and radii from 0.001 to 5'),
]
PairDistances = Annotated[
    dict[str, float],
    BeforeValidator(pair_distances),
    Said("dict", '{"O-H": 1.5, ...}: pairs of elements, each once, and distances from 0.001 to 10'),
]
PlainDict = Annotated[dict[str, Any], BeforeValidator(settings), Said("dict", '{"name": value, ...} of plain values')]
Symmetry = Annotated[
    str,
    BeforeValidator(molecule_symmetry),
    Said("str", "keep, relax, or a point group such as mm2, mmm, C2v or D6h"),
]
Format = Annotated[
    str,
    BeforeValidator(file_format),
    Said("str", lambda: registered_names(FORMATS)),
]
_File, _Folder = Said("str", "the path of a file"), Said("str", "the path of a folder")
InputFile = Annotated[str, BeforeValidator(words), _File, PathRole("file", "input")]
InputFolder = Annotated[str, BeforeValidator(words), _Folder, PathRole("folder", "input")]
OutputFile = Annotated[str, BeforeValidator(words), _File, PathRole("file", "output")]
OutputFolder = Annotated[str, BeforeValidator(words), _Folder, PathRole("folder", "output")]
ScratchFolder = Annotated[str, BeforeValidator(words), _Folder, PathRole("folder", "scratch")]
