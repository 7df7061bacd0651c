"""The lines of a SHELX file: instructions and atoms, continued ones joined, comments gone.

What is known of the format is from G. M. Sheldrick, Acta Cryst. C 71, 3 (2015), and from the list of instructions of
SHELXL that goes with it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

# Of SHELXL, SHELXT, SHELXS and SHELXD, and those of AIRSS: what an atom cannot be called.
_NAMES = """
    ABIN ACTA AFIX ANIS ANSC ANSR BASF BIND BLOC BOND BUMP CELL CGLS CHIV CONF CONN DAMP DANG DEFS DELU DFIX DISP EADP
    END EQIV ESEL EXTI EXYZ FEND FIND FLAT FMAP FRAG FREE FRES FVAR GLUE GRID HFIX HKLF HKLS HTAB ILSF INIT ISOR L.S.
    LATT LAUE LEVE LIST LONG MIND MERG MORE MOVE MPLA NCSY NEUT NTPR OMIT OPEN PART PATS PATT PHAN PHAS PLAN PRIG PSEE
    PSMF PSRC PSUM REM RESI RIGU RTAB SADI SAME SEED SFAC SHEL SIMU SIZE SKIP SLIM SPEC SPIN STIR SUBS SUMP SWAT SYMM
    TANG TEMP TEST TEXP TIME TITL TREF TRIK TWIN TWST UNIT VLEN VECT WEED WGHT WIGL WPDB XHAB XNPD ZERR
"""
INSTRUCTIONS = frozenset(_NAMES.split())
# An instruction is its first four characters, a number may follow at once: CELL0.71073.
_ABUTTING = re.compile(rf"^({'|'.join(name for name in _NAMES.split() if len(name) == 4)})(?=[-+\d.])", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", flags=re.ASCII)
_CONTINUED = re.compile(r"\s+=.*$|=$")  # what follows it counts for nothing
_LARGEST = 1e6  # of any number of a file, in Å, degrees or codes
_FREE = ("TITL", "REM")  # text follows, which an = does not continue


class Line(NamedTuple):
    """One instruction or atom."""

    number: int
    name: str
    words: list[str]
    text: str

    @property
    def instruction(self) -> str:
        """The instruction's name without a residue behind it (``DFIX_2``), '' for an atom."""
        name = self.name.upper().partition("_")[0]
        return name if name in INSTRUCTIONS else ""


def lines_of(text: str, where: str, reading: Reading) -> list[Line]:
    """Return the instructions and atoms of a file, in its order.

    A ``=`` at a line's end continues it in the next one, and what follows ``!`` is a comment. A line that begins with a
    space is one, too; where all atoms do they are taken as atoms, and beside others they are left out and counted.

    Raises
    ------
    InputError
        For a line that is continued and has no next one.
    """
    found: list[tuple[bool, Line]] = []
    begun: tuple[int, str, bool] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        free = begun is None and raw.strip()[:4].upper().startswith(_FREE)
        line = raw.rstrip() if free else raw.partition("!")[0].rstrip()
        indented = line[:1].isspace()
        if begun is not None:
            start, before, indented = begun
            line, begun = f"{before} {line.strip()}", None
        else:
            start = number
        if not free and (continued := _CONTINUED.search(line)):
            begun = (start, line[: continued.start()], indented)
            continue
        if line.strip():
            name, *words = _ABUTTING.sub(r"\1 ", line.strip(), count=1).split() if not free else line.split()
            found.append((indented, Line(start, name, words, line.strip())))
    if begun is not None:
        raise InputError(f"{where}, line {begun[0]}: the line is continued (=), but the file ends; it is cut off")
    return _without_comments(found, reading)


def _without_comments(found: list[tuple[bool, Line]], reading: Reading) -> list[Line]:
    atoms = [indented for indented, line in found if not line.instruction and looks_like_atom(line)]
    if atoms and all(atoms):
        return [line for _, line in found]
    left_out = sum(atoms)
    if left_out:
        reading.note(f"left out {left_out} of the lines of atoms, which begin with a space: such lines are comments")
    return [line for indented, line in found if not indented]


def looks_like_atom(line: Line) -> bool:
    """Tell whether a line has an atom's name, a number of a scattering factor and three coordinates."""
    return (
        len(line.words) >= 4
        and line.name[0].isalpha()
        and line.words[0].isdigit()
        and all(map(_NUMBER.fullmatch, line.words[:4]))
    )


def numbers(line: Line, where: str, start: int = 0, count: int | None = None) -> list[float]:
    """Return the numbers behind an instruction.

    Parameters
    ----------
    line : Line
        The instruction.
    where : str
        The file, for errors.
    start : int, optional
        How many words to pass over.
    count : int, optional
        How many numbers to take; all by default.

    Raises
    ------
    InputError
        For what is no number, or too few.
    """
    words = line.words[start:] if count is None else line.words[start : start + count]
    if (count is not None and len(words) < count) or not all(map(_NUMBER.fullmatch, words)):
        expected = "numbers" if count is None else f"{count} numbers"
        raise InputError(f"{where}, line {line.number}: expected {expected} in {shown(line.text)}")
    found = [float(word) for word in words]
    if any(abs(number) > _LARGEST for number in found):
        raise InputError(f"{where}, line {line.number}: a number in {shown(line.text)} is too large")
    return found
