"""Properties under the names of other programs, taken over under the project's own; docs/files.md has the table.

What is known to mean the same is given the project's name. An energy whose unit is not known stays what it is, under
its own name, and that is noted.
"""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from genarris_fw.crystal.formats.pyxtal_cif import PROPERTY
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure

# What other programs call the number of the space group, and the number of molecules in the cell.
_GROUPS = {"spg_num": "PyXtal", "space_group_number": "PyXtal", "space_group": "Genarris 2"}
_MOLECULES = {"NMPC": "Genarris 2"}
_LARGEST_GROUP = 230
# Genarris 3: energies in eV per cell, named after the task; 0 where the calculation failed.
_METHODS = ("maceoff", "mace", "uma", "aimnet", "aims", "vasp", "dftb", "dftbp")
_GENARRIS_3 = re.compile(rf"(?:l?bfgs_)?(?:{'|'.join(_METHODS)})(?:_\d+)?")
# PyXtal's database_topology: eV per atom, of the geometry in a text beside it.
_PER_ATOM = ("ff_energy", "mace_energy", "dftb_energy", "vasp_energy")
_RELAXED = ("ff_relaxed", "mace_relaxed", "dftb_relaxed", "vasp_relaxed")
# The project's own, and ASE's: in eV per cell, or as docs/catalogue.md says.
_KNOWN = frozenset(
    [
        "energy",
        "energy_per_molecule",
        "lattice_energy",
        "free_energy",
        "press_energy",
        "conformer_energy",
        "relative_energy",
        "lapw_energy_forces",
        "lapw_energy_max_force",
        PROPERTY,  # noted where it is read
    ]
)


def take_over(structure: Structure, reading: Reading) -> None:
    """Give properties of other programs the names that they have here; others stay as they are.

    Parameters
    ----------
    structure : Structure
        Whose properties are changed.
    reading : Reading
        Where is noted which field became what, and of which energy the unit is not known.
    """
    properties = structure.properties
    _whole_number(properties, "Z", "Z", 1000, reading)
    for name, program in _MOLECULES.items():
        _whole_number(properties, name, "Z", 1000, reading, program)
    for name, program in _GROUPS.items():
        _whole_number(properties, name, "spg", _LARGEST_GROUP, reading, program)
    _relaxed_texts(properties, reading)
    _energies(properties, reading)


def _whole_number(
    properties: dict[str, Any], name: str, own: str, largest: int, reading: Reading, program: str = ""
) -> None:
    value = properties.get(name)
    if not _is_number(value) or not 0 < value <= largest or value != int(value):
        return
    if name != own and properties.get(own) is not None:
        return
    properties[own] = int(value)
    if name != own:
        reading.note(f"{own} is taken from {name} ({program})")


def _relaxed_texts(properties: dict[str, Any], reading: Reading) -> None:
    """Leave out geometries that stand as texts in properties."""
    texts = [name for name in _RELAXED if isinstance(properties.get(name), str)]
    for name in texts:
        del properties[name]
    if texts:
        reading.note(f"{', '.join(texts)} (further geometries, as texts) left out: the row's own atoms are taken")


def _energies(properties: dict[str, Any], reading: Reading) -> None:
    tasks = [name for name in properties if _GENARRIS_3.fullmatch(name) and _is_number(properties[name])]
    failed = [name for name in tasks if properties[name] == 0]
    for name in failed:
        del properties[name]
    if failed:
        reading.note(f"{', '.join(failed)} = 0 (Genarris 3: the calculation failed) left out")
    tasks = [name for name in tasks if name not in failed]
    if len(tasks) == 1 and "energy" not in properties:
        properties["energy"] = properties[tasks[0]]
        reading.note(f"energy is taken from {tasks[0]} (Genarris 3: eV per cell)")
    elif tasks:
        reading.note(f"{', '.join(tasks)} (Genarris 3: eV per cell) kept under their names")
    per_atom = [name for name in _PER_ATOM if _is_number(properties.get(name))]
    if per_atom:
        reading.note(f"{', '.join(per_atom)} (PyXtal: eV per atom of the relaxed geometry) kept under their names")
    unknown = [name for name in properties if _is_unknown_energy(name, properties[name]) and name not in per_atom]
    if unknown:
        reading.note(f"the unit of {', '.join(unknown)[:200]} is not known: kept as it is, under its own name")


def _is_unknown_energy(name: str, value: Any) -> bool:
    return "energy" in name.lower() and name not in _KNOWN and _is_number(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
