"""Outputs of FHI-aims as structures: the last geometry of a whole one, with its energy."""

from __future__ import annotations

from pathlib import Path

from genarris_fw.crystal.file_format import ReadFormat
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import EngineError, InputError


def parse_aims(text: str, where: str) -> list[Structure]:
    """Read the geometry and the energy (eV per cell) that an output of FHI-aims ends with.

    Raises
    ------
    InputError
        One line with the path: for what is not one whole output of a single point or a relaxation that converged.
    """
    from genarris_fw.engines.aims.output import parse_text  # here: formats are loaded wherever a file is read

    try:
        output = parse_text(text, Path(where))
    except EngineError as error:
        raise InputError(str(error)) from None
    if output.energy is None:
        what = "self-consistent cycle" if not output.scf_converged else "relaxation"
        raise InputError(f"{where}: the {what} has not converged; run it again")
    structure = output.structure
    structure.properties["energy"] = output.energy
    return [structure]


# `genarris_fw.engines.aims.failures.BEGINNING`, which stands among the first lines.
_BEGINNING = "Invoking FHI-aims"
_FIRST = 20_000  # characters

AIMS = ReadFormat(read=parse_aims, marked=lambda text: _BEGINNING in text[:_FIRST])
