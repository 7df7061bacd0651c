"""Files of SHELX (.res, .ins), and those that AIRSS, CASTEP's tools and pymatgen write in their form.

The parser is small and our own: of SHELXL's instructions it follows those that say where atoms are and how much of each
there is (`shelx_lines`, `shelx_symmetry`, `shelx_atoms`), and passes over refinement, restraints and geometry.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genarris_fw.crystal.cells import lattice_of
from genarris_fw.crystal.file_format import Holds, StructureFormat
from genarris_fw.crystal.formats.airss import Title, format_title, parse_title
from genarris_fw.crystal.formats.contents import Contents
from genarris_fw.crystal.formats.elements import HEAVY_HYDROGEN
from genarris_fw.crystal.formats.expand import Sites, crystal
from genarris_fw.crystal.formats.operations import Floats, Operations, parse_operations
from genarris_fw.crystal.formats.shelx_atoms import AtomReader, ShelxAtom
from genarris_fw.crystal.formats.shelx_lines import Line, lines_of, numbers
from genarris_fw.crystal.formats.shelx_symmetry import triplets
from genarris_fw.crystal.formats.site_symmetry import site_orders
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.names import is_name, made_safe

_SHORTEST_CELL = 0.5  # Å
_ATOMS_END = ("HKLF", "END")


@dataclass
class _Block:
    """One crystal of a file, from its TITL on."""

    title: str = ""
    cell: tuple[float, ...] = ()
    latt: int | None = None
    symm: list[tuple[int, str]] = field(default_factory=list)
    unit: list[float] = field(default_factory=list)
    over: bool = False


def parse_res(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the crystals of a SHELX file; of AIRSS there may be several in one.

    Raises
    ------
    InputError
        One line with path and line for what cannot be read, and as `genarris_fw.crystal.formats.expand.crystal`.
    """
    lines = lines_of(text, where, reading)
    starts = [k for k, line in enumerate(lines) if line.instruction == "TITL"] or [0]
    found = []
    for k, start in enumerate(starts):
        part = lines[start if k else 0 : starts[k + 1] if k + 1 < len(starts) else len(lines)]
        try:
            found.append(_crystal(part, where, reading))
        except InputError as error:
            here = where if len(starts) == 1 else f"{where}, crystal {k + 1}"
            raise InputError(str(error) if str(error).startswith(where) else f"{here}: {error}") from None
    return found


def _crystal(lines: list[Line], where: str, reading: Reading) -> Structure:
    block, atoms = _Block(), AtomReader(where)
    title: Title | None = None
    for line in lines:
        if block.over:
            atoms.peaks += line.name[:1].upper() == "Q" and not line.instruction
            continue
        match line.instruction:
            case "":
                atoms.atom(line, reading)
            case "TITL":
                block.title = line.text[4:].strip()
                title = parse_title(block.title)
                atoms.spins = title is not None
            case "CELL":
                block.cell = tuple(numbers(line, where, start=1, count=6))
            case "LATT":
                block.latt = int(numbers(line, where, count=1)[0])
            case "SYMM":
                block.symm.append((line.number, " ".join(line.words)))
            case "UNIT":
                block.unit += numbers(line, where)
            case name if name in _ATOMS_END:
                block.over = True
            case _:
                atoms.instruction(line)
    if atoms.peaks:
        reading.note(f"{_counted(atoms.peaks, 'peak')} of the electron density (Q) left out")
    return _of_block(block, atoms, title, where, reading)


def _of_block(block: _Block, atoms: AtomReader, title: Title | None, where: str, reading: Reading) -> Structure:
    if not block.cell:
        raise InputError(f"{where}: no CELL; a SHELX file has one, with the wavelength, three lengths and three angles")
    if min(block.cell[:3]) < _SHORTEST_CELL:
        raise InputError(f"{where}: CELL has the lengths {', '.join(f'{x:g}' for x in block.cell[:3])} Å; correct them")
    if not atoms.atoms:
        raise InputError(f"{where}: no atoms")
    if block.latt is None:
        raise InputError(
            f"{where}: no LATT, which says whether there is a centre of symmetry; add LATT -1 (P, none; SYMM lists all "
            "operations) or LATT 1 (P, a centre at the origin)"
        )
    lattice = lattice_of(block.cell[:3], block.cell[3:])
    operations = parse_operations(triplets(block.latt, block.symm, where))
    sites = _sites(atoms.atoms, operations, lattice, reading)
    structure = crystal(sites, [("", operations)], lattice, Contents(), reading)
    if title is None:
        _compare_unit(structure, block.unit, atoms.elements, reading)
        return structure
    _compare_title(structure, title, where, reading)
    structure.properties |= title.properties
    structure.struct_id = title.name if is_name(title.name) else made_safe(title.name, "structure")
    spins = [atom.spin for atom in atoms.atoms]
    if len(operations) == 1 and any(spins):
        _keep_spins(structure, sites, spins)
    return structure


def _sites(atoms: list[ShelxAtom], operations: Operations, lattice: Floats, reading: Reading) -> Sites:
    """The atoms as sites with chemical occupancies."""
    if heavy := sum(atom.element in HEAVY_HYDROGEN for atom in atoms):
        reading.note(f"{_counted(heavy, 'atom')} of deuterium or tritium taken as H")
    places = np.array([atom.position for atom in atoms])
    orders = [
        1 if atom.part < 0 else int(order)
        for atom, order in zip(atoms, site_orders(places, operations, lattice), strict=True)
    ]
    occupancies = np.array([atom.factor * order for atom, order in zip(atoms, orders, strict=True)])
    beyond = [k for k, occupancy in enumerate(occupancies) if occupancy > 1.01 and atoms[k].factor <= 1.01]
    if beyond:
        reading.note(
            f"{len(beyond)} atoms on special positions have the site occupancy factor of a general one: taken as whole"
        )
    if wrong := [k for k, atom in enumerate(atoms) if not -1e-6 < atom.factor <= 1.01]:
        raise InputError(
            f"{atoms[wrong[0]].label} has the site occupancy factor {atoms[wrong[0]].factor:g}; correct it"
        )
    occupancies = np.where(np.abs(occupancies - 1) < 5e-3, 1.0, np.minimum(occupancies, 1.0))
    assemblies = _assemblies(atoms, occupancies)
    return Sites(
        labels=[atom.label for atom in atoms],
        species=["H" if atom.element in HEAVY_HYDROGEN else atom.element for atom in atoms],
        fractional=places,
        rounding=np.array([atom.rounding for atom in atoms]),
        occupancies=occupancies,
        assemblies=[assembly for assembly, _ in assemblies],
        groups=[group for _, group in assemblies],
    )


def _assemblies(atoms: list[ShelxAtom], occupancies: Floats) -> list[tuple[str, str]]:
    """Assembly and group of each atom: SHELX knows parts, and free variables that several atoms share.

    Where a variable m is used with both signs its atoms are the two components of one disorder. Else the parts are the
    groups; of two parts with fixed occupancies p and 1 - p each p is a disorder of its own.
    """
    signs: dict[int, set[bool]] = {}
    for atom in atoms:
        if atom.variable:
            signs.setdefault(abs(atom.variable), set()).add(atom.variable > 0)
    parts = {atom.part for atom, occupancy in zip(atoms, occupancies, strict=True) if atom.part and occupancy < 1}
    two = parts <= {1, 2}
    found = []
    for atom, occupancy in zip(atoms, occupancies.tolist(), strict=True):
        if atom.part < 0:
            found.append(("", str(atom.part)))
        elif len(signs.get(abs(atom.variable), ())) == 2 and occupancy < 1:
            found.append((f"variable {abs(atom.variable)}", "first" if atom.variable > 0 else "second"))
        elif atom.part and occupancy < 1:
            found.append((f"{min(occupancy, 1 - occupancy):.2f}" if two else "", str(atom.part)))
        else:
            found.append(("", ""))
    return found


def _compare_unit(structure: Structure, unit: list[float], elements: list[str], reading: Reading) -> None:
    """Compare the atoms of the cell with UNIT: missing hydrogens are refused, whatever else differs is noted."""
    if len(unit) != len(elements) or not any(unit):
        return
    wanted: Counter[str] = Counter()
    for element, number in zip(elements, unit, strict=True):
        wanted["H" if element in HEAVY_HYDROGEN else element] += round(number)
    found = Counter(structure.species)
    wrong = {name for name in {*found, *wanted} if found[name] != wanted[name]}
    if not wrong:
        return
    if wrong == {"H"} and found["H"] < wanted["H"] and reading.disorder == "refuse":
        raise InputError(
            f"{wanted['H'] - found['H']} of the {wanted['H']} hydrogens of the cell (UNIT) have no coordinates: add "
            "them to the file, for example by HFIX and a refinement, or with Mercury or Avogadro"
        )
    there, stated = (
        " ".join(f"{name}{number}" for name, number in sorted(one.items()) if number) for one in (found, wanted)
    )
    reading.note(f"the cell has the atoms {there}, and UNIT states {stated}")


def _compare_title(structure: Structure, title: Title, where: str, reading: Reading) -> None:
    if len(structure) != title.n_atoms:
        raise InputError(
            f"{where}: TITL states {title.n_atoms} atoms, and the cell has {len(structure)}; correct LATT, or the atoms"
        )
    if title.volume and not math.isclose(structure.cell_volume, title.volume, rel_tol=0.01):
        reading.note(f"TITL states a volume of {title.volume:g} Å3, and that of CELL is {structure.cell_volume:.2f} Å3")
    if title.properties["pressure"] and "energy" in title.properties:
        reading.note(
            f"the energy is the enthalpy that TITL states, at a pressure of {title.properties['pressure']:g} GPa"
        )


def _keep_spins(structure: Structure, sites: Sites, spins: list[float | None]) -> None:
    """Give the spins to the atoms, which are in another order; each is where its site is, up to cells."""
    apart = structure.fractional[:, None] - sites.fractional
    nearest = np.linalg.norm((apart - np.rint(apart)) @ structure.cell, axis=2).argmin(axis=1)
    structure.properties["initial_moments"] = [spins[k] or None for k in nearest]


# Of a coordinate: from 5 on SHELX takes it for 10 + x, one that is fixed.
FARTHEST = 4.0


def format_res(structure: Structure) -> str:
    """Return a crystal as AIRSS writes it: all atoms of the cell, energy and pressure in the title."""
    properties, lattice = structure.properties, structure.cell
    fractional = structure.fractional
    if np.linalg.det(lattice) < 0:
        fractional = -fractional  # lengths and angles are those of a right-handed cell: the same with all axes turned
    lengths = " ".join(f"{number:.10f}" for number in structure.cell_parameters)
    elements = list(dict.fromkeys(structure.species))
    moments = properties.get("initial_moments") or [None] * len(structure)
    lines = [
        "TITL "
        + format_title(structure.struct_id, structure.cell_volume, len(structure), _group(properties), properties),
        f"CELL 1.54180 {lengths}",
        "LATT -1",
        f"SFAC {' '.join(elements)}",
    ]
    for species, point, moment in zip(structure.species, fractional.tolist(), moments, strict=True):
        spin = "" if moment is None else f" {float(moment)!r}"
        cell = [math.floor(number) for number in point] if max(map(abs, point)) >= FARTHEST else (0, 0, 0)
        place = " ".join(f"{number - shift:.12f}" for number, shift in zip(point, cell, strict=True))
        lines.append(f"{species} {elements.index(species) + 1} {place} 1.0{spin}")
    return "\n".join([*lines, "END"]) + "\n"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _group(properties: dict[str, Any]) -> str:
    if isinstance(properties.get("group"), str):
        return str(properties["group"])
    number = properties.get("spg")
    if not isinstance(number, int) or not 1 <= number <= 230:
        return ""
    import gemmi  # here, since few files need it

    return gemmi.find_spacegroup_by_number(number).short_name()


def _likely(text: str) -> bool:
    words = {line[:4].upper().strip() for line in text.splitlines()}
    return {"CELL", "SFAC"} <= words


RES = StructureFormat(
    write={".res": format_res},
    molecules=False,
    read_by=parse_res,
    endings=(".res", ".ins"),
    likely=_likely,
    order=40,
    holds=Holds(geometry=1e-8, oriented=False, properties="some"),
)
