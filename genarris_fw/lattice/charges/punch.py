"""Multipole files of DMACRYS and of GDMA (``.dma``, ``.punch``).

Two forms, both with multipoles in atomic units, in the order 00, 10, 11c, 11s, 20, ..., as many numbers on a line as
there are::

    ! comment                                        ! comment
    Units angstrom                                     1   C_F1_1____  -2.753446 -2.151702  0.000091   Next  2  Limit 4
    C_F1_1____  -0.050261   0.098838   0.000012  Rank 4      -0.083010
      0.2222759441                                            0.000208   0.018691   0.030772
      0.0000043272  -0.1363365997  -0.0248756154              ...
      ...                                              2   ...
    #ENDMOL

The left one is GDMA's (A. J. Stone, manual of GDMA 2.2, "punch") and mol-CSPy's, the right one DMACRYS', always in
bohr. Without a line ``Units``, the left one is in Å or in bohr: whichever lets the molecule be recognised. occ (``occ
dma``) writes the left one with ``Rank 4`` on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.electrostatics import Electrostatics
from genarris_fw.lattice.molecule.superposition import superposed
from genarris_fw.lattice.multipoles import BOHR, from_atomic_units

Array = NDArray[np.float64]

# How far an atom of the file may lie from the molecule's, Å: hydrogens may have been moved by 0.1.
TOLERANCE = 0.2
LARGEST_RANK = 4
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][-+]?\d+)?"
_POINT = rf"({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})"
_GDMA = re.compile(rf"(\S+)\s+{_POINT}\s+(?:Type\s+\S+\s+)?Rank\s+(\d+)\s*(?:Radius\s+{_NUMBER}\s*)?", re.IGNORECASE)
_DMACRYS = re.compile(rf"\d+\s+(\S+)\s+{_POINT}\s+Next\s+\d+\s+Limit\s+(\d+)\s*", re.IGNORECASE)
_UNITS = re.compile(r"Units\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Block:
    """The sites of one molecule of a file, as they stand there.

    Attributes
    ----------
    labels : list of str
        Names of the sites; those of atoms begin with the element.
    positions : (k, 3) ndarray
        In `units`.
    multipoles : (k, 25) ndarray
        Atomic units; 0 above the rank of a site.
    units : str
        ``angstrom``, ``bohr``, or empty where the file does not say.
    """

    labels: list[str]
    positions: Array
    multipoles: Array
    units: str


def read_punch(path: Path, molecule: Molecule) -> Electrostatics:
    """Return the multipoles of a file of DMACRYS or GDMA for a molecule, in its frame.

    Parameters
    ----------
    path : Path
        The file; of several molecules in it the one that fits is taken.
    molecule : Molecule
        Its atoms may be in another order, turned, moved or the mirror image. Sites in the file that are no atoms of it
        come after those.

    Returns
    -------
    Electrostatics
        Hydrogens are where the file has them.

    Raises
    ------
    InputError
        For a file that is none of the two, and one of another molecule.
    """
    try:
        text = Path(path).read_text(errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    blocks = parse_punch(text, str(path))
    for block in blocks:
        for unit in [block.units] if block.units else ["angstrom", "bohr"]:
            found = _placed(block, BOHR if unit == "bohr" else 1.0, molecule, Path(path).name)
            if found is not None:
                return found
    raise InputError(
        f"{path}: none of its {len(blocks)} molecules is {molecule.formula} within {TOLERANCE} Å (in any order, turned "
        "or reflected); give the multipoles of the molecule in just this conformation"
    )


def parse_punch(text: str, where: str) -> list[Block]:
    """Return the molecules of the text of a file; `where` is what an error calls it."""
    blocks: list[Block] = []
    labels: list[str] = []
    points: list[list[float]] = []
    values: list[list[float]] = []
    ranks: list[int] = []
    units = ""

    def finish() -> None:
        if labels:
            blocks.append(Block(labels[:], np.array(points), _padded(labels, values, ranks, where), units))
        for each in (labels, points, values, ranks):
            each.clear()

    for number, line in enumerate(_joined(text), 1):
        said = line.strip()
        if said.upper().startswith("#ENDMOL"):
            finish()
        if not said or said[0] in "!#":
            continue
        if unit := _UNITS.fullmatch(said):
            units = "angstrom" if unit[1].lower().startswith("ang") else "bohr"
        elif site := _GDMA.fullmatch(said) or _DMACRYS.fullmatch(said):
            if _DMACRYS.fullmatch(said):
                units = "bohr"
            labels.append(site[1])
            points.append([_real(site[i]) for i in (2, 3, 4)])
            ranks.append(int(site[5]))
            values.append([])
        elif labels and re.fullmatch(rf"{_NUMBER}(?:\s+{_NUMBER})*", said):
            values[-1] += [_real(word) for word in said.split()]
        else:
            raise InputError(
                f"{where}, line {number}: neither a site (label x y z Rank l, or number label x y z Next n Limit l) "
                "nor multipoles; give a .dma file of DMACRYS or a punch file of GDMA"
            )
    finish()
    if not blocks:
        raise InputError(f"{where}: no multipoles; give a .dma file of DMACRYS or a punch file of GDMA")
    return blocks


def _joined(text: str) -> list[str]:
    """Return the lines, a line that says the rank alone joined to the one before it."""
    lines = text.splitlines()
    for i in range(1, len(lines)):
        if re.fullmatch(r"\s*Rank\s+\d+\s*", lines[i], re.IGNORECASE):
            lines[i - 1], lines[i] = f"{lines[i - 1]} {lines[i].strip()}", ""
    return lines


def _real(word: str) -> float:
    return float(word.replace("D", "E").replace("d", "e"))


def _padded(labels: Sequence[str], values: list[list[float]], ranks: list[int], where: str) -> Array:
    found = np.zeros((len(values), (max(ranks) + 1) ** 2))
    for label, row, rank, given in zip(labels, found, ranks, values):
        if rank > LARGEST_RANK:
            raise InputError(f"{where}: site {label} has multipoles of rank {rank}; at most {LARGEST_RANK}")
        if len(given) != (rank + 1) ** 2:
            raise InputError(
                f"{where}: site {label} has {len(given)} multipoles, and rank {rank} has {(rank + 1) ** 2}"
            )
        row[: len(given)] = given
    return found


def element_of(label: str, elements: Sequence[str]) -> str | None:
    """Return the element with which a label begins, of those that the molecule has; the longest symbol counts."""
    word = re.match(r"[A-Za-z]*", label)
    assert word is not None
    fitting = [element for element in set(elements) if word[0].lower().startswith(element.lower())]
    return max(fitting, key=len, default=None)


def _placed(block: Block, scale: float, molecule: Molecule, name: str) -> Electrostatics | None:
    """Return a molecule of the file laid upon the one given, or None where it is another one."""
    elements = [element_of(label, molecule.species) for label in block.labels]
    atoms = [i for i, element in enumerate(elements) if element is not None]
    if len(atoms) != len(molecule):
        return None
    there = block.positions * scale
    found = superposed(molecule, Molecule([str(elements[i]) for i in atoms], there[atoms]), TOLERANCE)
    if found is None:
        return None
    others = [i for i in range(len(elements)) if elements[i] is None]
    order = [*np.array(atoms)[found.order].tolist(), *others]
    own = Electrostatics(there[order], from_atomic_units(block.multipoles[order]), None, f"file {name}")
    return own.moved(found.rotation, found.shift)
