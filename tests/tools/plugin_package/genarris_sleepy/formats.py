"""Three formats: a file for each bed, which can be read again, one for all, and one that is only read."""

import json
from collections.abc import Sequence

from genarris_fw.crystal import PoolFormat, ReadFormat, Structure, StructureFormat
from genarris_fw.errors import InputError

FIRST = "# a bed\n"


def write(structure: Structure) -> str:
    """Return a first line of its own, and the structure as json."""
    return FIRST + json.dumps(structure.to_dict())


def read(text: str, where: str) -> list[Structure]:
    """Read what `write` has written."""
    if not text.startswith(FIRST):
        raise InputError(f"{where}: no bed: its first line must be '{FIRST.strip()}'")
    return [Structure.from_dict(json.loads(text.removeprefix(FIRST)))]


def write_all(structures: Sequence[Structure]) -> str:
    """Return one line for each bed."""
    return "".join(f"{one.struct_id} {one.cell_volume:.3f}\n" for one in structures)


BUNK = StructureFormat(write={".bunk": write}, read=read, endings=(".bunk",))
DORMITORY = PoolFormat(ending=".dormitory", write=write_all)
ATTIC = ReadFormat(read=read, endings=(".attic",))
