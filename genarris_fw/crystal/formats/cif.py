"""Crystallographic information files: the crystals that they hold."""

from __future__ import annotations

import re

import numpy as np

from genarris_fw.crystal.cells import lattice_of
from genarris_fw.crystal.file_format import Holds, StructureFormat
from genarris_fw.crystal.formats.cif_block import Block, blocks_of
from genarris_fw.crystal.formats.cif_sites import has_sites, number, sites_of
from genarris_fw.crystal.formats.cif_writing import format_cif, format_standard_cif
from genarris_fw.crystal.formats.contents import Contents, parse_formula, parse_moieties
from genarris_fw.crystal.formats.expand import crystal
from genarris_fw.crystal.formats.operations import Floats, Operations, fits, parse_operations
from genarris_fw.crystal.formats.pyxtal_cif import add_comments
from genarris_fw.crystal.formats.space_group_setting import candidates, contradiction, hall_operations
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_SYMBOL = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
    "_symmetry_space_group_name_h-m_full",
    "_space_group_name_h-m",
)
_NUMBER = ("_space_group_it_number", "_symmetry_int_tables_number")
_SETTING = ("_space_group_it_coordinate_system_code",)
_MAGNETIC = ("_space_group_magn_number_bns", "_space_group_symop_magn_operation_xyz", "_space_group_magn_name_bns")
_VOLUME_SLACK = 0.02  # relative


def parse_cif(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the crystals of a cif file, molecule by molecule where there are molecules.

    Parameters
    ----------
    text : str
        The file's content.
    where : str
        Its path, for errors.
    reading : Reading
        What becomes of disorder; notes of what was left out or assumed.

    Returns
    -------
    list of Structure
        One for each data block with atoms, at least one.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read.
    """
    try:
        blocks = blocks_of(text)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    with_atoms = [block for block in blocks if has_sites(block)]
    if not with_atoms:
        raise InputError(f"{where}: no atoms (no block of it has _atom_site_fract_x)")
    for block in blocks:
        if block not in with_atoms:
            reading.note(f"block {shown(block.name)} without atoms skipped")
    structures, names = [], []
    for block in with_atoms:
        within = f"block {shown(block.name)}: " if len(with_atoms) > 1 else ""
        own = Reading(disorder=reading.disorder)
        try:
            structures.append(_crystal(block, own))
            names.append(block.name)
        except InputError as error:
            reading.leave_out(f"{where}: {within}{error}")
        for line in own.notes:
            reading.note(within + line)
    add_comments(structures, names, text, reading)
    return structures


def _crystal(block: Block, reading: Reading) -> Structure:
    lattice = _lattice(block, reading)
    contents = _contents(block, reading)
    settings, standard = _settings(block, lattice, reading)
    sites = sites_of(block, lattice, contents.formula, reading)
    return crystal(sites, settings, lattice, contents, reading, standard)


def _lattice(block: Block, reading: Reading) -> Floats:
    lengths = [_measure(block, f"_cell_length_{name}", 0.0) for name in "abc"]
    angles = [_measure(block, f"_cell_angle_{name}", 90.0) for name in ("alpha", "beta", "gamma")]
    if not any(block.value(f"_cell_angle_{name}") for name in ("alpha", "beta", "gamma")):
        reading.note("the angles of the cell are not stated: taken as 90 degrees")
    lattice = lattice_of(lengths, angles)
    stated = number(block.value("_cell_volume"))[0]
    volume = abs(float(np.linalg.det(lattice)))
    if abs(stated - volume) > _VOLUME_SLACK * volume:
        reading.note(f"the cell measures {volume:.1f} Å3 by its lengths and angles, but {stated:.1f} is stated")
    return lattice


def _measure(block: Block, tag: str, default: float) -> float:
    text = block.value(tag)
    value = number(text)[0] if text else default
    if not value > 0:
        raise InputError(f"the cell needs {tag}, a number above 0" + (f"; it is {shown(text)}" if text else ""))
    return value


def _contents(block: Block, reading: Reading) -> Contents:
    total, parts, structural = (
        _formula(block, f"_chemical_formula_{kind}", reading) for kind in ("sum", "moiety", "structural")
    )
    formula = parse_formula(total) if total else parse_moieties(parts) if parts else None
    if total and formula is None:
        reading.note(f"the formula {shown(total)} cannot be read: the atoms are not compared with it")
    Z = number(block.value("_cell_formula_units_z"))[0]
    stated = Contents(formula, Z if Z > 0 else None, sure=bool(total))
    # pymatgen writes the formula of the cell under the name of that of a formula unit.
    unit = parse_formula(structural) if structural else None
    return Contents(unit, stated.Z) if unit and stated.is_cell_of(unit) else stated


def _formula(block: Block, tag: str, reading: Reading) -> str:
    try:
        return block.value(tag)
    except InputError as error:
        reading.note(f"{error}: the atoms are not compared with it")
        return ""


def _settings(block: Block, lattice: Floats, reading: Reading) -> tuple[list[tuple[str, Operations]], bool]:
    """What the symmetry may be, by operations, Hall symbol, symbol or number; and whether the first is standard."""
    triplets = _triplets(block.column(*_OPERATIONS))
    hall, symbol = block.value(*_HALL), block.value(*_SYMBOL)
    stated = number(block.value(*_NUMBER))[0]
    group = int(stated) if stated == stated // 1 and stated else None
    if triplets:
        operations = parse_operations(triplets)
        if not fits(operations, lattice):
            raise InputError(
                "the listed symmetry operations do not fit the cell: they change its lengths or angles; correct the "
                "cell or the operations"
            )
        if line := contradiction(triplets, "", symbol, group):
            reading.note(line)
        return [("", operations)], False
    if any(block.has(tag) for tag in _MAGNETIC):
        raise InputError("a magnetic structure: its operations are none of a space group, and are not read")
    if hall:
        try:
            operations = hall_operations(hall)
        except InputError as error:
            if not (symbol or group):
                raise
            reading.note(f"{error}: the symbol and the number are taken")
        else:
            if not fits(operations, lattice):
                raise InputError(f"the cell is not one of the Hall symbol {shown(hall)}; correct one of them")
            if line := contradiction((), hall, symbol, group):
                reading.note(line)
            return [(hall, operations)], False
    if not symbol and group is None:
        reading.note("no space group is stated: taken as P 1")
        return [("P 1", hall_operations("P 1"))], False
    found = candidates(symbol, group, lattice, block.value(*_SETTING))
    for line in found.notes:
        reading.note(line)
    return [(one.name, one.operations) for one in found.settings], found.standard


def _triplets(texts: list[str]) -> tuple[str, ...]:
    """The operations of a column; those with blanks and without quotes, which fall apart, are put together again."""
    found, begun = [], ""
    for text in texts:
        begun += text.strip()
        if begun and not (begun.endswith(",") or begun.count(",") < 2):
            found.append(begun)
            begun = ""
    return (*found, begun) if begun else tuple(found)


def _likely(text: str) -> bool:
    return re.search(r"^data_\S", text, re.MULTILINE) is not None and "_cell_length_a" in text.replace(".", "_")


CIF = StructureFormat(
    write={".cif": format_cif},
    molecules=False,
    read_by=parse_cif,
    endings=(".cif", ".mcif", ".standard.cif"),
    likely=_likely,
    order=30,
    holds=Holds(geometry=1e-6, oriented=False, ids=False, properties="none"),
)
CIF_STANDARD = StructureFormat(
    write={".standard.cif": format_standard_cif},
    molecules=False,
    holds=Holds(geometry=1e-2, oriented=False, ids=False, properties="none"),
)
