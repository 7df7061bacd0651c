"""CIF files that PyXtal writes, and HTOCSP with it: many crystals in one file, their energies in comments.

``#Energy: -15.5 eV/cell`` follows ``data_<label>``. The number is the energy divided by the number of molecules, in the
unit of whatever computed it (CHARMM's is kcal/mol), whatever the comment says; so its unit is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.names import is_name

PROPERTY = "pyxtal_energy"
_MARK = "A Python package for random crystal generation"
_BLOCK = re.compile(r"^data_(\S+)[ \t]*\r?\n(?:#Energy:[ \t]*(\S+))?", flags=re.MULTILINE)


def add_comments(structures: Sequence[Structure], names: Sequence[str], text: str, reading: Reading) -> None:
    """Give crystals of a file of PyXtal's the energies of its comments, and those of a file of many their labels.

    Parameters
    ----------
    structures : sequence of Structure
        What was read, to be changed.
    names : sequence of str
        The name of the block of each.
    text : str
        The whole file; nothing is done for one of another program.
    reading : Reading
        Where is noted what the number is.
    """
    if _MARK not in text:
        return
    energies = {name: _number(word) for name, word in _BLOCK.findall(text)}
    numbers = Counter(names)
    for structure, name in zip(structures, names, strict=True):
        if len(energies) > 1 and numbers[name] == 1 and is_name(name):
            structure.struct_id = name
        if (energy := energies.get(name)) is not None:
            structure.properties[PROPERTY] = energy
            reading.note(
                f"{PROPERTY} is the number of the comment '#Energy:' (PyXtal): per molecule, in a unit that the file "
                "does not tell"
            )


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
