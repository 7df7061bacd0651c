"""The records of a PDB file, by their columns (Protein Data Bank contents guide, version 3.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from genarris_fw.crystal.formats.elements import (
    HEAVY_HYDROGEN,
    element_of_label,
    element_of_symbol,
    is_dummy,
    is_element,
)
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_COORDINATE = re.compile(r"\s*[-+]?(\d+\.\d*|\.\d+|\d+)")
_TRIPLET = re.compile(r"REMARK 290\s+\d+555\s+(\S+,\S+,\S+)\s*$")
_CHARGE = re.compile(r"\d?[-+]?\s*")


@dataclass(frozen=True)
class PdbAtom:
    """An ATOM or HETATM record; `element` is empty for a point that is no atom."""

    label: str
    element: str
    position: tuple[float, float, float]
    occupancy: float | None
    alternate: str
    residue: str


@dataclass
class Header:
    """What stands before the atoms: the cell, its group, and how coordinates become fractional."""

    cell: tuple[float, ...] = ()
    symbol: str = ""
    scale: dict[int, tuple[float, ...]] = field(default_factory=dict)
    triplets: list[str] = field(default_factory=list)
    copies: bool = False

    @property
    def periodic(self) -> bool:
        """Whether there is a cell: one of 1 Å in all directions stands for none, as the guide says, one of 0 too."""
        return len(self.cell) == 6 and min(self.cell[:3]) > 0 and max(self.cell[:3]) > 1.001


@dataclass
class Frame:
    """One model: its header, and the lines of its atoms with their numbers."""

    header: Header
    lines: list[tuple[int, str]] = field(default_factory=list)


def frames_of(text: str, where: str) -> Iterator[Frame]:
    """Yield the models of a file: between MODEL and ENDMDL, or up to an END where atoms follow.

    Raises
    ------
    InputError
        For a CRYST1 or SCALE that cannot be read.
    """
    header, frame = Header(), None
    for number, line in enumerate(text.splitlines(), start=1):
        record = line[:6].rstrip().upper()
        if record in ("ATOM", "HETATM"):
            frame = frame or Frame(header)
            frame.lines.append((number, line))
        elif record in ("MODEL", "ENDMDL", "END"):
            if frame is not None:
                yield frame
            frame = None
        elif record == "CRYST1" or (frame is None and line.upper().startswith(("SCALE", "REMARK 290", "MTRIX"))):
            header = _with(header, record, line, f"{where}, line {number}")
    if frame is not None:
        yield frame


def _with(header: Header, record: str, line: str, here: str) -> Header:
    """The header with one more record; a cell begins it anew, since those of models may differ."""
    new = Header(header.cell, header.symbol, dict(header.scale), list(header.triplets), header.copies)
    if record == "CRYST1":
        new.cell = _cell(line, here)
        new.symbol = line[55:66].strip()
        if header.cell and new.cell != header.cell:
            new.scale = {}
    elif record[:5] == "SCALE":
        row = _reals([line[10:20], line[20:30], line[30:40], line[45:55]])
        if row is None or record[5:] not in ("1", "2", "3"):
            raise InputError(f"{here}: {shown(line.strip())} is no SCALE; its numbers are in columns 11 to 55")
        new.scale[int(record[5])] = row
    elif record[:5] == "MTRIX":
        new.copies |= len(line) < 60 or line[59] != "1"
    elif match := _TRIPLET.match(line):
        new.triplets.append(match[1])
    return new


def _cell(line: str, here: str) -> tuple[float, ...]:
    fields = [line[6:15], line[15:24], line[24:33], line[33:40], line[40:47], line[47:54]]
    numbers = _reals(fields)
    if numbers is None:
        numbers = _reals(line[6:].split()[:6])  # some programs do not keep the columns
    if numbers is None or len(numbers) != 6:
        if not line[6:].strip():
            return ()
        raise InputError(f"{here}: {shown(line.strip())} is no cell; its six numbers are in columns 7 to 54")
    return numbers


def _reals(fields: list[str]) -> tuple[float, ...] | None:
    try:
        found = tuple(float(text) for text in fields)
    except ValueError:
        return None
    return found if all(map(math.isfinite, found)) else None


def atoms_of(frame: Frame, where: str) -> list[PdbAtom]:
    """Return the atoms of a model.

    The element is in columns 77 and 78, or else in the first two columns of the atom's name, as the guide has it: right
    aligned there, so that `` CA `` is a carbon and ``CA  `` calcium. In a file that does not keep to that, what can be
    read in two ways is refused.

    Raises
    ------
    InputError
        With path and line, for coordinates that are not in their columns, and atoms of no element.
    """
    aligned = _names_are_aligned([line[12:16] for _, line in frame.lines])
    return [_atom(line, f"{where}, line {number}", aligned) for number, line in frame.lines]


def _atom(line: str, here: str, aligned: bool) -> PdbAtom:
    fields = [line[30:38], line[38:46], line[46:54]]
    if not all(_COORDINATE.fullmatch(text) for text in fields) or line[29:30].isdigit():
        raise InputError(f"{here}: the coordinates are not three numbers in the columns 31 to 54 of a PDB file")
    x, y, z = map(float, fields)
    occupancy = line[54:60].strip()
    try:
        share = float(occupancy) if occupancy else None
    except ValueError:
        raise InputError(f"{here}: {shown(occupancy)} in columns 55 to 60 is no occupancy") from None
    name = line[12:16]
    return PdbAtom(
        label=name.strip() or "atom",
        element=_element(line, name, here, aligned),
        position=(x, y, z),
        occupancy=share,
        alternate=line[16:17].strip(),
        residue=line[17:27],
    )


def _element(line: str, name: str, here: str, aligned: bool) -> str:
    stated = line[76:78].strip()
    if is_dummy(stated or name.strip()):
        return ""
    if stated and stated.isalpha() and _CHARGE.fullmatch(line[78:80]):
        found = element_of_symbol(stated)
        exact = stated.capitalize()
        if is_element(exact) or exact in HEAVY_HYDROGEN:
            return exact
        if found is not None:
            return found
    try:
        found = _of_columns(name) if aligned else element_of_label(name.strip())
    except InputError:
        raise InputError(
            f"{here}: atom {shown(name.strip())} can be read as two elements; write its element in columns 77 and 78"
        ) from None
    if found is None:
        raise InputError(f"{here}: {shown(name.strip())} is no element; write it in columns 77 and 78")
    return found


def _of_columns(name: str) -> str | None:
    """The element that the first two columns of an atom's name hold; a digit before it counts hydrogens (1HB)."""
    if name[:1].isspace() or name[:1].isdigit():
        letter = name[1:2].upper()
        return letter if is_element(letter) or letter in HEAVY_HYDROGEN else None
    two = name[:2].capitalize()
    if is_element(two) and not (name[0] in "HD" and len(name.strip()) == 4):  # HG11, HE21: hydrogens of four letters
        return two
    letter = name[:1].upper()
    return letter if is_element(letter) or letter in HEAVY_HYDROGEN else None


def _names_are_aligned(names: list[str]) -> bool:
    """Whether names of one-letter elements begin in the second column wherever they have room."""
    short = [name for name in names if len(name.strip()) < 4 and name.strip()]
    return any(name[:1] == " " for name in short) and not any(
        name[:1].isalpha() and not is_element(name[:2].strip().capitalize()) for name in short
    )
