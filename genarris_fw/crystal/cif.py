"""Crystallographic information files."""

from __future__ import annotations

import io
import re

import numpy as np

from genarris_fw.crystal.file_format import StructureFormat
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.through_ase import read_with_ase
from genarris_fw.errors import InputError


def parse_cif(text: str, where: str) -> list[Structure]:
    """Read the crystals of a cif file, molecule by molecule where there are molecules.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read.
    """
    return read_with_ase(text, where, "cif", _molecule_by_molecule)


def format_cif(structure: Structure) -> str:
    """Return the text of a crystal's cif file."""
    from ase.io.cif import write_cif  # here, since it is slow to import

    stream = io.BytesIO()
    atoms = structure.to_ase()
    if structure.lattice is not None and np.linalg.det(structure.lattice) < 0:
        # A cif file holds lengths and angles only: a left-handed cell would be read back as its mirror image.
        atoms.set_cell(-structure.lattice, scale_atoms=False)
    write_cif(stream, atoms, wrap=False)
    text = stream.getvalue().decode()
    return re.sub(r"^data_.*$", f"data_{structure.struct_id}", text, count=1, flags=re.MULTILINE)


def _molecule_by_molecule(structure: Structure) -> Structure:
    """Atoms of a cif file come site by site, wrapped into the cell: sort them, where there are molecules."""
    try:
        return whole_molecules(structure)
    except InputError:
        return structure


def _likely(text: str) -> bool:
    return re.search(r"^data_\S", text, re.MULTILINE) is not None and "_cell_length_a" in text


CIF = StructureFormat(
    write={".cif": format_cif},
    molecules=False,
    read=parse_cif,
    endings=(".cif",),
    likely=_likely,
    order=30,
)
