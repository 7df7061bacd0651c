"""Structures, molecules, their formats and their symmetry."""

from genarris_fw.crystal.bonds import bonds, connected_components, same_bonds
from genarris_fw.crystal.cells import cell_properties
from genarris_fw.crystal.conversions import from_ase, from_pymatgen, to_ase, to_pymatgen
from genarris_fw.crystal.file_format import PoolFormat, ReadFormat, StructureFormat, TableFormat
from genarris_fw.crystal.formats.files import read, read_folder, write
from genarris_fw.crystal.formats.genarris_json import from_record, to_record
from genarris_fw.crystal.formats.molecule_file import checked_molecule, read_molecule, read_molecules
from genarris_fw.crystal.formats.registry import readable, writable
from genarris_fw.crystal.hydrogens import short_hydrogens, standard_hydrogens
from genarris_fw.crystal.known_properties import KnownProperty, known_property
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.point_group_symbols import hermann_mauguin_symbol, parse_symbol, schoenflies_symbol
from genarris_fw.crystal.point_groups import PointGroup, point_group, symmetrize
from genarris_fw.crystal.property_table import Column, PropertyTable, table_of
from genarris_fw.crystal.radii import VDW, covalent_radius, natural_cutoffs, vdw_radius
from genarris_fw.crystal.reading import Reading, ReadingWarning
from genarris_fw.crystal.standard_setting import standard_setting
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import niggli_reduce, space_group

# The names of the formats that are read.
READ_FORMATS: tuple[str, ...]
# The names of the formats that are written.
WRITE_FORMATS: tuple[str, ...]

__all__ = [
    "READ_FORMATS",
    "VDW",
    "WRITE_FORMATS",
    "Column",
    "KnownProperty",
    "Molecule",
    "PointGroup",
    "PoolFormat",
    "PropertyTable",
    "ReadFormat",
    "Reading",
    "ReadingWarning",
    "Structure",
    "StructureFormat",
    "TableFormat",
    "bonds",
    "cell_properties",
    "checked_molecule",
    "connected_components",
    "covalent_radius",
    "from_ase",
    "from_pymatgen",
    "from_record",
    "hermann_mauguin_symbol",
    "known_property",
    "natural_cutoffs",
    "niggli_reduce",
    "parse_symbol",
    "point_group",
    "read",
    "read_folder",
    "read_molecule",
    "read_molecules",
    "same_bonds",
    "schoenflies_symbol",
    "short_hydrogens",
    "space_group",
    "standard_hydrogens",
    "standard_setting",
    "symmetrize",
    "table_of",
    "to_ase",
    "to_pymatgen",
    "to_record",
    "vdw_radius",
    "whole_molecules",
    "write",
]


def __getattr__(name: str) -> tuple[str, ...]:
    """Return the names of the formats, to which installed packages add."""
    if name == "READ_FORMATS":
        return readable()
    if name == "WRITE_FORMATS":
        return writable()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
