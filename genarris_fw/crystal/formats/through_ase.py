"""Files that ASE reads."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

# ASE's names of formats that no format of the package reads, by the ending of the file's name.
ASE_FORMATS = {
    ".vasp": "vasp",
    ".poscar": "vasp",
}
_VASP = ("poscar", "contcar")  # whole names
_ASE_NOTES = {"spacegroup", "spacegroup_kinds", "unit_cell"}


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
        structures = [_from_image(image) for image in images]
        if changed is not None:
            structures = [changed(structure) for structure in structures]
    except Exception as error:  # the readers of ASE raise errors of every class
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{where}: cannot be read as {kind} ({reason})") from None
    if not structures or any(len(structure) == 0 for structure in structures):
        raise InputError(f"{where}: no atoms")
    return structures


def _from_image(atoms: Atoms) -> Structure:
    results = atoms.calc.results if atoms.calc is not None else {}
    values = {**atoms.info, **results}
    properties: dict[str, Any] = {}
    for name, found in values.items():
        value = found.item() if isinstance(found, np.generic) else found
        if isinstance(value, str | int | float | bool) and name not in _ASE_NOTES:
            properties[str(name)] = value
    for name, column in (("initial_moments", "initial_magmoms"), ("initial_charges", "initial_charges")):
        if atoms.has(column) and atoms.get_array(column).ndim == 1 and atoms.get_array(column).any():
            properties[name] = [float(value) for value in atoms.get_array(column)]
    struct_id = str(properties.pop("struct_id", ""))
    return Structure.from_ase(atoms, struct_id, properties)
