"""Which operations a space group's symbol, Hall symbol or number means in a cell."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from genarris_fw.crystal.formats.operations import Floats, Operations, fits, parse_operations
from genarris_fw.crystal.formats.setting_table import (
    MONOCLINIC,
    Setting,
    hall_operations,
    of_number,
    setting_of,
    settings_named,
    short_monoclinic,
    symbol_key,
)
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

__all__ = [
    "Candidates",
    "Setting",
    "candidates",
    "contradiction",
    "hall_operations",
    "number_of",
    "setting_of",
    "settings_named",
]

_CHOICE_WORDS = {"s": "1", "z": "2", "o1": "1", "o2": "2", "abc": "", "1abc": "1", "2abc": "2"}
_ORIGINS = ("1", "2")
_NO_SYMMETRY = np.array([[49.0, 3.0, 5.0], [3.0, 81.0, 7.0], [5.0, 7.0, 121.0]])  # Å2


@dataclass(frozen=True)
class Candidates:
    """What a symbol and a number can mean in a cell.

    Attributes
    ----------
    settings : tuple of Setting
        At least one, with different operations. Where there are several the atoms must decide.
    notes : tuple of str
        What was assumed.
    standard : bool
        Whether the first is what International Tables take where a number is all that is stated.
    """

    settings: tuple[Setting, ...]
    notes: tuple[str, ...] = field(default=())
    standard: bool = False


def candidates(symbol: str, number: int | None, lattice: Floats, setting: str = "") -> Candidates:
    """Return the settings that a symbol and a number mean in a cell.

    Parameters
    ----------
    symbol : str
        A Hermann-Mauguin symbol, '' for none: full or short, with or without blanks and underscores, former ones
        (``C m c a``, ``P a 3``), with a choice after a colon (``:1``, ``:2``, ``:H``, ``:R``, ``:b1``, ``:2cab``), or
        a letter as H, R, S (origin 1), Z (origin 2) after a blank.
    number : int or None
        Of International Tables.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å.
    setting : str, optional
        The choice, where it is stated by itself (as in _space_group_IT_coordinate_system_code); one in the symbol wins.

    Returns
    -------
    Candidates
        Short symbols of monoclinic groups mean unique axis b where the angles allow it. Groups with two origins, of
        which none is stated, have two candidates.

    Raises
    ------
    InputError
        Where the symbol is unknown, contradicts the number, or fits no cell like this one.
    """
    if not symbol and number is None:
        raise InputError("no space group is stated; add its symmetry operations")
    if number is not None and not 1 <= number <= 230:
        raise InputError(f"{number} is no number of a space group; they are 1 to 230")
    text, choice = _split(symbol)
    by_itself = not choice
    choice = choice or _choice(setting)
    named = settings_named(text) if symbol else of_number(number or 0)
    if symbol and not named:
        raise InputError(f"{shown(symbol)} is no symbol of a space group that is known; add the symmetry operations")
    if number is not None:
        stated = named
        named = tuple(one for one in named if one.number == number)
        if not named:
            raise InputError(
                f"the space group is {shown(symbol)} by its symbol, but {number} by its number "
                f"({stated[0].symbol} is number {stated[0].number}); correct one of them"
            )
    notes = ""
    if choice in _ORIGINS and not any(one.choice[:1] in _ORIGINS for one in named):
        group = text or f"space group {number}"
        choice, notes = "", f"{group} has one origin in International Tables: the choice of an origin is left out"
    if choice:
        try:
            named = _chosen(named, choice, text or f"number {number}")
        except InputError as error:
            if not by_itself:
                raise
            choice, notes = "", str(error).partition(";")[0]
    fitting = tuple(one for one in named if fits(one.operations, lattice))
    if not fitting and not choice and named[0].number in MONOCLINIC and _is_standard(text, named[0].number):
        # A type's symbol, such as P 21/c, in a cell with another unique axis.
        named = of_number(named[0].number)
        fitting = tuple(one for one in named if fits(one.operations, lattice))
    if not fitting:
        raise InputError(
            f"the cell is not one of {_listed(named)}: its lengths and angles are not those that the symmetry asks "
            "for; correct the cell or the space group"
        )
    chosen = _preferred(fitting, choice, standard=not symbol)
    if not symbol and not choice:
        notes = f"the space group is stated by its number alone, {number}: {_listed(chosen)} is taken for it"
        if len(chosen) == 1:  # the others only where this one makes no crystal
            return Candidates(_different([*chosen, *fitting]), (notes,), standard=True)
    elif len(_different(fitting)) > len(_different(chosen)) and named[0].number not in MONOCLINIC:
        notes = f"the space group {symbol} is taken as {_listed(chosen)}"
    return Candidates(_different(chosen), (notes,) if notes else ())


@lru_cache(maxsize=1024)
def contradiction(triplets: tuple[str, ...], hall: str, symbol: str, number: int | None) -> str:
    """Return in which way operations are not those of the symbol and number beside them, '' where they are.

    Parameters
    ----------
    triplets : tuple of str
        The operations; without any, those of the Hall symbol.
    hall, symbol : str
        The symbols, '' for none.
    number : int or None
        Of International Tables.
    """
    operations = parse_operations(triplets) if triplets else hall_operations(hall)
    taken = "the listed operations are" if triplets else f"the Hall symbol {hall} is"
    named = settings_named(_split(symbol)[0])
    if any(operations.codes == one.operations.codes for one in named if number in (None, one.number)):
        return ""
    stated = {one.number for one in named} | ({number} if number else set())
    setting = setting_of(operations)
    found = setting.number if setting else number_of(operations)
    if not stated or not found or (stated == {found} and (setting is None or not named)):
        return ""
    names = " and ".join(filter(None, [symbol if named else "", f"number {number}" if number else ""]))
    group = f"{setting.name} (number {found})" if setting else f"number {found}"
    return f"{taken} taken, of space group {group}, which contradicts {names}"


def number_of(operations: Operations) -> int:
    """Return the number of the space group of some operations, 0 where it is not found."""
    import spglib

    # Any cell that the operations fit: of one without symmetry, the average over its images.
    rotations = operations.rotations
    metric = np.mean(rotations.transpose(0, 2, 1) @ _NO_SYMMETRY @ rotations, axis=0)
    lattice = np.linalg.cholesky(metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = spglib.get_spacegroup_type_from_symmetry(*operations, lattice=lattice)
        except Exception:  # the class of spglib's errors differs between its versions
            return 0
    return 0 if found is None else int(found.number)


def _split(symbol: str) -> tuple[str, str]:
    """Symbol and choice."""
    text = re.sub(r"\(\s*(no\.?|#)\s*\d+\s*\)", "", symbol, flags=re.IGNORECASE).strip().strip("'\"").strip()
    if match := re.fullmatch(r"(.*\S)\s*\(?\s*unique[\s-]axis\s*([abc])\s*\)?", text, re.IGNORECASE):
        return match[1], match[2].lower()
    if ":" in text:
        text, _, choice = text.partition(":")
    elif match := re.fullmatch(r"(.*\S)\s+([HRSZ]|\(?origin(?:\s+choice)?\s*[12]\)?|O[12])", text, re.IGNORECASE):
        text, choice = match[1], match[2]
    else:
        return text, ""
    return text.strip(), _choice(choice)


def _choice(text: str) -> str:
    word = re.sub(r"[\s()]|origin|choice", "", text.lower())
    return _CHOICE_WORDS.get(word, word)


def _chosen(named: tuple[Setting, ...], choice: str, symbol: str) -> tuple[Setting, ...]:
    """Those of some settings that have a choice: the whole word, its origin or unique axis alone."""
    exact = tuple(one for one in named if one.choice.lower() == choice)
    begins = tuple(one for one in named if one.choice and one.choice.lower().startswith(choice))
    # spglib's short symbol of a monoclinic group is the same for all its settings: P21/c :b2 is P 1 21/n 1.
    of_type: tuple[Setting, ...] = ()
    if named[0].number in MONOCLINIC and _is_standard(symbol, named[0].number):
        of_type = tuple(one for one in of_number(named[0].number) if one.choice.lower() == choice)
    found = exact or begins or of_type
    if not found:
        known = sorted({f":{one.choice}" for one in named if one.choice})
        more = f"; known: {', '.join(known)}" if known else "; it has no choice of setting"
        raise InputError(f"the setting :{choice} of the space group {shown(symbol)} is not known{more}")
    return found


def _preferred(fitting: tuple[Setting, ...], choice: str, standard: bool) -> tuple[Setting, ...]:
    """What convention takes of several settings: unique axis b, then c; the axes of International Tables."""
    number = fitting[0].number
    if number in MONOCLINIC and not choice:
        b = tuple(one for one in fitting if "b" in one.choice)
        if standard and b:
            return b[:1]
        return b or fitting
    if standard and number not in MONOCLINIC:
        fitting = tuple(one for one in fitting if one.symbol == of_number(number)[0].symbol)
    plain = tuple(one for one in fitting if one.choice in ("", "1", "2", "H", "R"))
    return plain or fitting


def _different(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Leave out what has the operations of an earlier one."""
    return tuple({one.operations.codes: one for one in reversed(list(settings))}.values())[::-1]


def _listed(settings: Iterable[Setting]) -> str:
    names = list(dict.fromkeys(one.name for one in settings))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _is_standard(text: str, number: int) -> bool:
    return symbol_key(text) == symbol_key(short_monoclinic(of_number(number)[0].symbol))
