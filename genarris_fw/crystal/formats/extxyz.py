"""Extended xyz: a whole pool in one file, with the scalar properties, as ASE and other programs read it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from genarris_fw.crystal.file_format import Holds, PoolFormat
from genarris_fw.crystal.formats.atom_names import AtomNames, may_be_an_atom, whole
from genarris_fw.crystal.formats.dynamics import refuse_dynamics_xyz
from genarris_fw.crystal.formats.genarris_json import scalar_properties
from genarris_fw.crystal.formats.through_ase import read_with_ase
from genarris_fw.crystal.formats.xyz import parse_xyz
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

# Columns that one property may have: ASE makes an array of as many as the file says.
_MOST_COLUMNS = 100
_EXTENDED = re.compile(r"^(?=.*\b(Lattice|Properties)=)", flags=re.MULTILINE | re.IGNORECASE)


def parse_extxyz(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the structures of an xyz file, extended or plain.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read.
    """
    refuse_dynamics_xyz(text, where)
    if not _EXTENDED.search(text):
        return parse_xyz(text, where, reading)
    _refuse_endless(text, where)
    return read_with_ase(_with_elements(text, where, reading), where, "extxyz")


def _with_elements(text: str, where: str, reading: Reading) -> str:
    """Put elements in the place of labels, D and T in the first column, where that is the one of the elements."""
    lines, names, at = text.splitlines(), AtomNames(where, reading), 0
    while at + 1 < len(lines) and (count := whole(lines[at])) is not None:
        comment = lines[at + 1]
        columns = re.search(r"\bProperties=[\"']?([^\s\"']+)", comment, flags=re.IGNORECASE)
        if columns is None or columns[1].startswith("species:"):
            for k in range(at + 2, min(at + 2 + count, len(lines))):
                words = lines[k].split()
                if words and may_be_an_atom(words[0]):
                    element = names.element(words[0], k + 1)
                    lines[k] = " ".join([element or "X", *words[1:]])
        at += 2 + count
    names.tell()
    return "\n".join(lines) + "\n"


def format_extxyz(pool: Sequence[Structure]) -> str:
    """Return the text of a pool."""
    import ase.io  # here, since it is slow to import

    stream = io.StringIO()
    for structure in pool:
        atoms = structure.to_ase()
        texts = {name: _on_one_line(value) for name, value in scalar_properties(structure).items()}
        # An empty text would take what follows for its value.
        atoms.info = {"struct_id": structure.struct_id} | {name: text for name, text in texts.items() if text != ""}
        ase.io.write(stream, atoms, format="extxyz")
    return stream.getvalue()


def _on_one_line(value: Any) -> Any:
    """Return a text as it must be for what ASE writes to be read back: on one line, backslashes doubled."""
    return " ".join(value.split()).replace("\\", "\\\\") if isinstance(value, str) else value


def _refuse_endless(text: str, where: str) -> None:
    """Refuse numbers of atoms and of columns over which ASE takes for ever and all memory."""
    lines, at = text.splitlines(), 0
    while at < len(lines) and re.fullmatch(r"\s*\d+\s*", lines[at]):
        number = lines[at].strip()
        if len(number) > 20 or int(number) > len(lines) - at:
            raise InputError(f"{where}: cannot be read as extxyz ({number[:40]} atoms, but {len(lines)} lines in all)")
        at += int(number) + 2
    for properties in re.findall(r"\bProperties=[\"']?([^\s\"']+)", text, flags=re.IGNORECASE):
        for count in properties.split(":")[2::3]:
            if not re.fullmatch(r"\d{1,4}", count, flags=re.ASCII) or int(count) > _MOST_COLUMNS:
                found = f"{count[:40]!a} columns of a property; expected 1 to {_MOST_COLUMNS}"
                raise InputError(f"{where}: cannot be read as extxyz ({found})")


EXTXYZ = PoolFormat(
    ending=".extxyz",
    write=format_extxyz,
    parts=lambda structures: (format_extxyz([structure]) for structure in structures),
    read_by=parse_extxyz,
    endings=(".extxyz", ".xyz"),
    likely=lambda text: re.match(r"\s*\d+\s*\n", text) is not None,
    holds=Holds(geometry=1e-7, properties="plain"),
)
