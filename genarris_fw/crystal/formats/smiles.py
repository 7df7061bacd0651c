"""Files of SMILES, a molecule in each line: its conformers are made by RDKit."""

from __future__ import annotations

from genarris_fw.crystal.conformers import from_smiles
from genarris_fw.crystal.file_format import ReadFormat
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

_COMMENT = "#"


def parse_smiles(text: str, where: str, reading: Reading) -> list[Structure]:
    """Return the conformers of the molecule whose SMILES stand in a file, lowest first.

    Of several lines ``reading.record`` chooses one. What follows the SMILES in the line is the molecule's name.

    Raises
    ------
    InputError
        As of `from_smiles`; and for several molecules without a choice.
    """
    lines = [line.split()[0] for line in text.splitlines() if line.strip() and not line.lstrip().startswith(_COMMENT)]
    if lines and lines[0].lower() == "smiles":  # a table's head
        lines = lines[1:]
    if not lines:
        raise InputError(f"{where}: no SMILES; expected a line such as CC(=O)O")
    number = (reading.record or 1) if len(lines) > 1 else 1
    if number > len(lines):
        raise InputError(f"{where}: record = {number}, but the file holds {len(lines)} molecules")
    if len(lines) > 1 and reading.record is None:
        raise InputError(f"{where}: {len(lines)} molecules; choose one by record = n, from 1 to {len(lines)}")
    if len(lines) > 1:
        reading.record = None  # it has chosen the line; of one molecule's conformers it chooses one
    structures, notes = from_smiles(lines[number - 1], where)
    for note in notes:
        reading.note(note)
    return structures


SMILES = ReadFormat(read_by=parse_smiles, endings=(".smi", ".smiles"))
