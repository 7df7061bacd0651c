"""The settings of the space groups, by their symbols, numbers and operations.

They are the 530 of spglib's database (Hall symbols: S. R. Hall, Acta Cryst. A37, 517 (1981)) and those that gemmi knows
beside them (A -1, C 4 2 2, ...). gemmi makes the operations of the Hall symbols.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from genarris_fw.crystal.formats.operations import PARTS, Operations, checked_group, triplet
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

# The glide planes e of 1992 (International Tables, 4th edition) by their former letters, for the two groups whose
# settings with one symbol are not the same: number and choice without the digit of the origin -> former symbol.
_FORMER = {
    (67, ""): "Cmma",
    (67, "ba-c"): "Cmmb",
    (67, "cab"): "Abmm",
    (67, "-cba"): "Acmm",
    (67, "bca"): "Bmcm",
    (67, "a-cb"): "Bmam",
    (68, ""): "Ccca",
    (68, "ba-c"): "Cccb",
    (68, "cab"): "Abaa",
    (68, "-cba"): "Acaa",
    (68, "bca"): "Bbcb",
    (68, "a-cb"): "Bbab",
}
_GLIDES = ("bc", "ca", "ab")  # what e is normal to a, b and c
_EXACT = 1e-6  # of a 24th
MONOCLINIC = range(3, 16)
_CUBIC_M3 = (*range(200, 207), *range(221, 231))


@dataclass(frozen=True)
class Setting:
    """A space group as it is described in one cell.

    Attributes
    ----------
    number : int
        1 to 230, of International Tables.
    symbol : str
        Hermann-Mauguin symbol with its axes, such as ``P 1 21/n 1``.
    choice : str
        What tells settings of a group apart, as spglib names it: ``b2``, ``1``, ``2``, ``H``, ``R``, ``cab``, ''.
    hall : str
        Hall symbol.
    """

    number: int
    symbol: str
    choice: str
    hall: str

    @property
    def name(self) -> str:
        """The symbol, with the choice of origin, axes or both where the symbol alone is not enough."""
        return f"{self.symbol} :{self.choice}" if self.choice and self.symbol in _shared() else self.symbol

    @property
    def operations(self) -> Operations:
        """All operations of the setting."""
        return hall_operations(self.hall)


@lru_cache(maxsize=1024)
def hall_operations(hall: str) -> Operations:
    """Return the operations of a Hall symbol.

    Raises
    ------
    InputError
        For what is no Hall symbol.
    """
    import gemmi  # here, since commands that read no crystals need not load it

    text = re.sub(r"[\s_]+", " ", hall).strip()
    first = re.match(r"(-?\s*)([a-zA-Z])", text)
    if first is not None:  # of some programs all letters are large, of others all small
        text = first[1] + first[2].upper() + text[first.end() :].lower()
    try:
        found = list(gemmi.symops_from_hall(text))
        rotations = np.array([one.rot for one in found]) // PARTS
        translations = np.array([one.tran for one in found]) % PARTS / PARTS
        return checked_group(rotations, translations)
    except (RuntimeError, ValueError, InputError):
        raise InputError(f"{shown(hall)} is no Hall symbol") from None


def settings_named(symbol: str) -> tuple[Setting, ...]:
    """Return the settings with a symbol, which has no choice; none for one that is not known."""
    settings, by_key = _table()
    return tuple(settings[k] for k in by_key.get(symbol_key(symbol), ()))


def of_number(number: int) -> tuple[Setting, ...]:
    """Return the settings of a group, 1 to 230, that spglib has; the first is the standard one but for the origin."""
    return tuple(one for one in _table()[0][:530] if one.number == number)


def standard_of(number: int) -> Setting:
    """Return the standard setting of a group, as `standard_setting` has it: of two origins that at an inversion."""
    first, *others = of_number(number)
    return others[0] if first.choice == "1" else first


def setting_of(operations: Operations) -> Setting | None:
    """Return the tabulated setting with some operations, None for a cell that is in no table."""
    import gemmi

    parts = operations.translations * PARTS
    if np.abs(parts - np.rint(parts)).max() > _EXACT:
        return None
    group = gemmi.GroupOps([gemmi.Op(triplet(*one)) for one in zip(*operations, strict=True)])
    found = gemmi.find_spacegroup_by_ops(group)
    return None if found is None else next((one for one in _table()[0] if one.hall == found.hall), None)


def symbol_key(symbol: str) -> str:
    """Return what all spellings of a symbol have in common."""
    return re.sub(r"[\s_(),'\"]", "", symbol).lower()


def short_monoclinic(full: str) -> str:
    """Return the short form of a full symbol: P 21/n of P 1 21/n 1."""
    centring, *axes = full.split()
    return " ".join([centring, *(axis for axis in axes if axis != "1")])


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[Setting, ...], dict[str, tuple[int, ...]]]:
    """All settings, the 530 first, and which of them have a symbol by its key."""
    import gemmi
    import spglib

    settings: list[Setting] = []
    by_key: dict[str, dict[int, None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spglib's plans for its errors
        kinds: list[Any] = [spglib.get_spacegroup_type(hall_number) for hall_number in range(1, 531)]
    for kind in kinds:
        full = kind.international_full.replace("_", "")
        names = {full, kind.international_short}
        if kind.number in MONOCLINIC:
            names = {full, short_monoclinic(full), re.sub("(?<=/[a-n]) 1$", "", full)}
            names |= {name for name in kind.international.split("=")[1:] if name.strip()}
        shortest = kind.international.split("=")[0].replace("_", "").strip()
        symbol = full if kind.number in MONOCLINIC else shortest
        symbol = symbol.replace("B b c b", "B b e b") if kind.number == 68 else symbol
        for name in {symbol, *names}:
            for spelled in _spellings(name, kind.number, kind.choice):
                by_key.setdefault(symbol_key(spelled), {})[len(settings)] = None
        settings.append(Setting(int(kind.number), symbol, kind.choice, kind.hall_symbol))
    for group in list(gemmi.spacegroup_table())[530:]:
        name = group.hm.rstrip(")")
        for spelled in {name, group.short_name()} if name == group.hm else {group.hm}:
            if symbol_key(spelled) not in by_key:
                by_key.setdefault(symbol_key(spelled), {})[len(settings)] = None
        settings.append(Setting(group.number, group.hm, group.qualifier, group.hall))
    return tuple(settings), {key: tuple(found) for key, found in by_key.items()}


def _spellings(name: str, number: int, choice: str) -> list[str]:
    """A symbol with its former forms, and the letter H that the Protein Data Bank gives to hexagonal axes."""
    found = [name]
    if number in _CUBIC_M3:
        found.append(name.replace("-3", "3"))
    if choice == "H":
        found.append("H" + name[1:])
    if (number, former := choice.lstrip("12")) in _FORMER:
        return [*found, _FORMER[number, former]]
    parts = name.split()
    for at, glides in enumerate(_GLIDES, start=1):
        if len(parts) == 4 and parts[at].endswith("e"):
            found += [" ".join([*parts[:at], parts[at][:-1] + glide, *parts[at + 1 :]]) for glide in glides]
    return found


@lru_cache(maxsize=1)
def _shared() -> frozenset[str]:
    """Symbols of which several settings are tabulated."""
    symbols = [one.symbol for one in _table()[0]]
    return frozenset(symbol for symbol in symbols if symbols.count(symbol) > 1)
