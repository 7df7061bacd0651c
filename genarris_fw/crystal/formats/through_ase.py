"""Files that ASE reads."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

from genarris_fw.crystal.conversions import from_ase
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

# ASE's names of formats that no format of the package reads, by the ending of the file's name.
ASE_FORMATS = {
    ".vasp": "vasp",
    ".poscar": "vasp",
}
_VASP = ("poscar", "contcar")  # whole names


def ase_format(file: Path) -> str:
    """Return ASE's name of the format that a file's name tells, '' for none."""
    return "vasp" if file.name.lower() in _VASP else ASE_FORMATS.get(file.suffix.lower(), "")


def read_with_ase(
    text: str, where: str, kind: str, changed: Callable[[Structure], Structure] | None = None
) -> list[Structure]:
    """Read structures with ASE.

    Parameters
    ----------
    text : str
        The file's content.
    where : str
        Its path, for errors.
    kind : str
        ASE's name of its format.
    changed : callable, optional
        What is done to every structure.

    Returns
    -------
    list of Structure
        At least one.

    Raises
    ------
    InputError
        One line with the path, for whatever ASE cannot read.
    """
    import ase.io  # here, since it is slow to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            images = ase.io.read(io.StringIO(text), index=":", format=kind)
        images = images if isinstance(images, list) else [images]
        structures = [from_ase(image) for image in images]
        if changed is not None:
            structures = [changed(structure) for structure in structures]
    except Exception as error:  # the readers of ASE raise errors of every class
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{where}: cannot be read as {kind} ({reason})") from None
    if not structures or any(len(structure) == 0 for structure in structures):
        raise InputError(f"{where}: no atoms")
    return structures
