"""The atoms of a SHELX file: coded numbers, parts, occupancies, peaks of the electron density."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from genarris_fw.crystal.formats.elements import HEAVY_HYDROGEN, is_element
from genarris_fw.crystal.formats.shelx_lines import Line, looks_like_atom, numbers
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_PEAK = re.compile(r"Q\d+", flags=re.IGNORECASE | re.ASCII)
# Multiply an occupancy (and are added to nothing else): see `Variables.value`.
_CODE = 10.0


@dataclass(frozen=True)
class ShelxAtom:
    """An atom of the asymmetric unit.

    Attributes
    ----------
    label : str
        As in the file, with its residue (``C1_2``).
    element : str
        What SFAC says.
    position : tuple of float
        Fractional coordinates.
    factor : float
        Site occupancy factor: the occupancy, over the number of operations that leave the site where it is.
    part : int
        0 of an ordered atom; of a negative part no symmetry holds.
    variable : int
        The free variable m that the factor is a multiple of; -m where it is one of 1 - m, 0 for none.
    rounding : tuple of float
        One unit of the last digit of each coordinate.
    spin : float or None
        Where the file is AIRSS' and has one.
    """

    label: str
    element: str
    position: tuple[float, float, float]
    factor: float
    part: int = 0
    variable: int = 0
    rounding: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spin: float | None = None


@dataclass
class Variables:
    """The free variables of FVAR; the first one is the scale."""

    values: list[float] = field(default_factory=list)

    def value(self, coded: float, here: str) -> float:
        """Return what a coded number means.

        10 m + p is for m = 0 the number p, for m = ±1 p, kept as it is; for m > 1 p times the free variable m, and
        for m < -1 p times (that variable - 1).

        Raises
        ------
        InputError
            For a free variable that FVAR does not give.
        """
        which = round(coded / _CODE)
        rest = coded - _CODE * which
        if abs(which) <= 1:
            return rest
        if abs(which) > len(self.values):
            raise InputError(f"{here}: the free variable {abs(which)} is not given by FVAR")
        variable = self.values[abs(which) - 1]
        return rest * variable if which > 0 else rest * (variable - 1.0)


@dataclass
class AtomReader:
    """Takes the lines of a file one after the other, and keeps what holds for the atoms that follow."""

    where: str
    elements: list[str] = field(default_factory=list)
    variables: Variables = field(default_factory=Variables)
    spins: bool = False
    part: int = 0
    part_factor: float | None = None
    afix_factor: float | None = None
    residue: str = ""
    move: Sequence[float] = (0.0, 0.0, 0.0, 1.0)
    in_fragment: bool = False
    peaks: int = 0
    atoms: list[ShelxAtom] = field(default_factory=list)

    def instruction(self, line: Line) -> None:
        """Follow an instruction that changes what the atoms behind it are."""
        match line.instruction:
            case "SFAC":
                self.elements += _scatterers(line, self.where)
            case "FVAR":
                self.variables.values += numbers(line, self.where)
            case "PART":
                given = numbers(line, self.where)
                self.part = int(given[0]) if given else 0
                self.part_factor = given[1] if len(given) > 1 and self.part else None
            case "AFIX":
                given = numbers(line, self.where)
                self.afix_factor = given[2] if len(given) > 2 and given[0] and given[2] != 11.0 else None
            case "RESI":
                self.residue = next((word for word in line.words if word.lstrip("-").isdigit()), "0")
            case "MOVE":
                given = numbers(line, self.where)
                self.move = (*given[:3], given[3] if len(given) > 3 else 1.0) if len(given) >= 3 else (0, 0, 0, 1)
            case "FRAG":
                self.in_fragment = True
            case "FEND":
                self.in_fragment = False

    def atom(self, line: Line, reading: Reading) -> None:
        """Take an atom.

        Raises
        ------
        InputError
            With the line, for what is none, and a number of a scattering factor that SFAC does not give.
        """
        here = f"{self.where}, line {line.number}"
        if self.in_fragment:  # coordinates of a model, not of the crystal
            return
        if line.name.startswith("+"):
            reading.note(f"the file {shown(line.text[1:])}, which is included, was not looked at")
            return
        if not looks_like_atom(line):
            raise InputError(f"{here}: {shown(line.text)} is neither an instruction nor an atom 'name number x y z'")
        if _PEAK.fullmatch(line.name):
            self.peaks += 1
            return
        which, coded = int(line.words[0]), numbers(line, self.where, 1)
        if not 1 <= which <= len(self.elements):
            raise InputError(f"{here}: scattering factor {which} of {len(self.elements)} in SFAC; correct the number")
        factor = coded[3] if len(coded) > 3 else 11.0
        for imposed in (self.part_factor, self.afix_factor):
            factor = imposed if imposed is not None else factor
        x, y, z = (
            float(shift + self.move[3] * self.variables.value(number, here))
            for shift, number in zip(self.move, coded[:3])
        )
        variable = round(factor / _CODE)
        self.atoms.append(
            ShelxAtom(
                label=line.name + (f"_{self.residue}" if self.residue not in ("", "0") else ""),
                element=self.elements[which - 1],
                position=(x, y, z),
                factor=self.variables.value(factor, here),
                part=self.part,
                variable=variable if abs(variable) > 1 else 0,
                rounding=_rounding(line.words[1:4]),
                spin=coded[4] if self.spins and len(coded) > 4 else None,
            )
        )


def _rounding(words: list[str]) -> tuple[float, float, float]:
    """One unit of the last digit; that of the longest for all three, since zeros at the end may be left out."""
    unit = 10.0 ** -max(len(word.partition(".")[2].rstrip("eE+-")) for word in words)
    return unit, unit, unit


def _scatterers(line: Line, where: str) -> list[str]:
    """Return the elements of SFAC: several names, or one with the numbers of its scattering factor."""
    names = line.words[:1] if _is_long(line) else line.words
    found = []
    for name in names:
        letters = re.fullmatch(r"\$?([A-Za-z]{1,2})[\d+-]*", name)
        symbol = letters[1].capitalize() if letters else ""
        if not is_element(symbol) and symbol not in HEAVY_HYDROGEN:
            raise InputError(f"{where}, line {line.number}: {shown(name)} in SFAC is no element")
        found.append(symbol)
    return found


def _is_long(line: Line) -> bool:
    return len(line.words) > 1 and line.words[1].lstrip("+-.")[:1].isdigit()
