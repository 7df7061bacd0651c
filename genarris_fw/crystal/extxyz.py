"""Extended xyz: a whole pool in one file, with the scalar properties, as ASE and other programs read it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from genarris_fw.crystal.file_format import PoolFormat
from genarris_fw.crystal.genarris_json import scalar_properties
from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.through_ase import read_with_ase
from genarris_fw.errors import InputError

# Columns that one property may have: ASE makes an array of as many as the file says.
_MOST_COLUMNS = 100


def parse_extxyz(text: str, where: str) -> list[Structure]:
    """Read the structures of an extended xyz file.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read.
    """
    _refuse_endless(text, where)
    return read_with_ase(text, where, "extxyz")


def format_extxyz(pool: Sequence[Structure]) -> str:
    """Return the text of a pool."""
    import ase.io  # here, since it is slow to import

    stream = io.StringIO()
    for structure in pool:
        atoms = structure.to_ase()
        atoms.info = {"struct_id": structure.struct_id, **scalar_properties(structure)}
        ase.io.write(stream, atoms, format="extxyz")
    return stream.getvalue()


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
    read=parse_extxyz,
    endings=(".extxyz", ".xyz"),
    likely=lambda text: re.match(r"\s*\d+\s*\n", text) is not None,
)
