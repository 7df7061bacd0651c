"""What files call atoms: symbols, symbols in capitals, labels, atomic numbers, isotopes, dummies; and their numbers."""

from __future__ import annotations

import math
import re
from collections import Counter

from ase.data import atomic_numbers, chemical_symbols

from genarris_fw.crystal.formats.elements import element_of_label
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_SYMBOLS = frozenset(atomic_numbers) - {"X"}
_HYDROGENS = {"D": "deuterium", "T": "tritium"}
# Places without an atom: dummies, ghosts, lone pairs, centres of mass and of charge.
_DUMMIES = frozenset({"X", "XX", "DU", "DUM", "LP", "BQ", "GH", "Q0", "0"})
_LABEL = re.compile(r"([A-Za-z]{1,3})(?:[0-9_'*\"(.+-][\w'*\"().+=-]*)?", flags=re.ASCII)
_ISOTOPE = re.compile(r"(\d{1,3})([A-Z][a-z]?)", flags=re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", flags=re.ASCII)


class AtomNames:
    """The elements of a file's atoms, and what is to be said of how they were found.

    Parameters
    ----------
    where : str
        The file, for errors.
    reading : Reading
        Where notes go.
    """

    def __init__(self, where: str, reading: Reading) -> None:
        self.where, self.reading = where, reading
        self.told: Counter[str] = Counter()

    def element(self, word: str, line: int | None = None) -> str | None:
        """Return the element that a word means, or None for a dummy that is to be left out.

        Raises
        ------
        InputError
            With path and line, for a word that is no element, and one that can be read in two ways.
        """
        if word in _SYMBOLS:
            return word
        if word in _HYDROGENS:
            self.told[f"{word} ({_HYDROGENS[word]}) taken as H"] += 1
            return "H"
        if word.upper() in _DUMMIES:
            self.told["dummy atoms left out"] += 1
            return None
        if word.isascii() and word.isdigit():
            if not 0 < int(word) < len(chemical_symbols):
                raise InputError(f"{self._here(line)}: {shown(word)} is the atomic number of no element")
            self.told["atomic numbers taken as elements"] += 1
            return chemical_symbols[int(word)]
        if (isotope := _ISOTOPE.fullmatch(word)) and isotope[2] in _SYMBOLS:
            self.told[f"the isotope {word} taken as {isotope[2]}"] += 1
            return isotope[2]
        symbol = self._of_label(word, line)
        if symbol is None:
            raise InputError(f"{self._here(line)}: {shown(word)} is no element; use the symbols of the periodic table")
        self.told["labels taken as elements"] += 1
        return symbol

    def _of_label(self, word: str, line: int | None) -> str | None:
        match = _LABEL.fullmatch(word)
        if match is None:
            return None
        try:
            found = element_of_label(match[1])
        except InputError:  # its advice is for cif files
            one, other = match[1][:2].capitalize(), match[1][0].upper()
            raise InputError(
                f"{self._here(line)}: {shown(word)} can be {one} or {other}; write {one} or {other} for it"
            ) from None
        if found in _HYDROGENS and len(match[1]) > 1:  # Tv, a translation vector
            return None
        if found in _HYDROGENS:
            self.told[f"{found} ({_HYDROGENS[found]}) taken as H"] += 1
            return "H"
        return found

    def _here(self, line: int | None) -> str:
        return self.where if line is None else f"{self.where}, line {line}"

    def tell(self) -> None:
        """Note what was found, once for the file."""
        for what, count in self.told.items():
            self.reading.note(f"{what} ({count} {'atom' if count == 1 else 'atoms'})")


def may_be_an_atom(word: str) -> bool:
    """Tell whether a word has the form of an atom's name."""
    return word.isascii() and bool(_LABEL.fullmatch(word) or _ISOTOPE.fullmatch(word) or word.isdigit())


def whole(word: str) -> int | None:
    """Return a whole number of at most nine digits, or None for another word."""
    plain = word.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else None


def number(word: str) -> float | None:
    """Return a number as programs write it (1.0, 1.0D+00, 1.0*^-6), or None for another word."""
    plain = word.replace("*^", "e").replace("D", "e").replace("d", "e")
    if not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None
