"""The geometry.out format: many geometry.in blocks in one file, each between a begin and an end line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from genarris_fw.crystal.file_format import Holds, PoolFormat
from genarris_fw.crystal.formats.dynamics import refuse_dynamics_geometry
from genarris_fw.crystal.formats.geometry_in import format_geometry_in, parse_geometry_in
from genarris_fw.crystal.formats.header import format_header
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.names import LONGEST, made_safe

BEGIN = "####### BEGIN STRUCTURE #######"
END = "#######  END  STRUCTURE #######"


def parse_geometry_out(lines: Iterable[str], where: str = "the text", stem: str = "structure") -> Iterator[Structure]:
    """Read structures one after the other from the lines of a geometry.out file.

    Parameters
    ----------
    lines : iterable of str
        The lines.
    where : str, optional
        What an error calls them, for example the path.
    stem : str, optional
        A block without ``#struct_id`` is named ``<stem>_<number>``.

    Yields
    ------
    Structure
        With the header of its block as properties.

    Raises
    ------
    InputError
        For a block that is not ended, lines outside the blocks, or an unreadable line of a block.
    """
    block: list[str] | None = None
    begin = count = 0
    for number, line in enumerate(lines, start=1):
        words = line.strip().strip("#").split()
        if words == ["BEGIN", "STRUCTURE"]:
            if block is not None:
                raise InputError(f"{where}, line {number}: a structure begins before the one of line {begin} ends")
            block, begin = [], number
        elif words == ["END", "STRUCTURE"]:
            if block is None:
                raise InputError(f"{where}, line {number}: a structure ends that has not begun")
            count += 1
            structure = parse_geometry_in(block, where, first_line=begin + 1)
            fallback = structure.properties.pop("structure_number", count)
            structure.struct_id = structure.struct_id or f"{stem}_{fallback}"
            yield structure
            block = None
        elif block is not None:
            block.append(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            raise InputError(f"{where}, line {number}: text outside of BEGIN STRUCTURE ... END STRUCTURE")
    if block is not None:
        raise InputError(f"{where}: the structure that begins in line {begin} does not end; the file is cut off")
    if count == 0:
        raise InputError(f"{where}: no structures; expected blocks that start with '{BEGIN}'")


def format_geometry_out(structures: Iterable[Structure]) -> Iterator[str]:
    """Yield the text of one block per structure.

    Parameters
    ----------
    structures : iterable of Structure
        They are numbered from 1.

    Yields
    ------
    str
    """
    for number, structure in enumerate(structures, start=1):
        yield block_head(number) + block_body(structure)


def block_head(number: int) -> str:
    """Return the first lines of the block of the structure with this number, from 1."""
    return f"{BEGIN}\n#structure_number = {number}\n"


def block_body(structure: Structure) -> str:
    """Return what follows the `block_head` of a structure, whatever its number."""
    remark = "# Cartesian coordinates, all lengths in Angstrom"
    body = format_geometry_in(structure, header=False).rstrip("\n")
    return "\n".join([*format_header(structure), remark, body, END]) + "\n\n"


def _read(text: str, where: str) -> list[Structure]:
    stem = made_safe(Path(where).stem, "structure", LONGEST - 10)  # a number follows
    if "velocity" in text:
        refuse_dynamics_geometry([block.splitlines() for block in text.split("BEGIN STRUCTURE")[1:]], where)
    return list(parse_geometry_out(text.splitlines(), where, stem))


def _is_marked(text: str) -> bool:
    """A file that ends in .out may be anything: a line of it tells."""
    return "BEGIN STRUCTURE" in text and re.search(r"^[ \t#]*BEGIN STRUCTURE", text, re.MULTILINE) is not None


GEOMETRY_OUT = PoolFormat(
    ending=".out",
    write=lambda structures: "".join(format_geometry_out(structures)),
    parts=format_geometry_out,
    read=_read,
    marked=_is_marked,
    holds=Holds(geometry=1e-9, properties="plain"),
)
