"""The geometry.in format of FHI-aims: ``lattice_vector``, ``atom`` and ``atom_frac`` lines, in Å."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from genarris_fw.crystal.file_format import Holds, StructureFormat
from genarris_fw.crystal.formats.atom_names import AtomNames
from genarris_fw.crystal.formats.atom_names import number as plain_number
from genarris_fw.crystal.formats.header import format_header, parse_header_line
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

# Keywords of FHI-aims that say nothing about the structure itself: they are passed over.
_PASSED_OVER = {"velocity", "isotope", "trust_radius", "hessian_file", "nuclear_spin", "magnetic_response"}
_PASSED_OVER_PREFIXES = ("hessian_block", "symmetry_", "rt_tddft", "verbatim_writeout")
# Properties that lines of the file state; a comment cannot.
_FROM_LINES = {"initial_moments", "initial_charges", "fixed_atoms", "fixed_lattice_vectors"}
_OF_AN_ATOM = ("initial_moment", "initial_spin", "initial_charge", "constrain_relaxation")
_KNOWN = "lattice_vector, atom, atom_frac, initial_moment, initial_charge, constrain_relaxation"


def parse_geometry_in(
    lines: Iterable[str],
    where: str = "the text",
    struct_id: str = "",
    first_line: int = 1,
    reading: Reading | None = None,
) -> Structure:
    """Read the lines of a geometry.in file.

    ``initial_moment`` (or ``initial_spin``), ``initial_charge`` and ``constrain_relaxation`` lines become the
    properties ``initial_moments``, ``initial_charges``, ``fixed_atoms`` and ``fixed_lattice_vectors``.
    Comment lines of the form ``#name = value`` become properties, and ``#struct_id = ...`` the name of the
    structure.

    Parameters
    ----------
    lines : iterable of str
        The lines.
    where : str, optional
        What an error calls them, for example the path.
    struct_id : str, optional
        The name where no comment gives one.
    first_line : int, optional
        The number of the first line, for errors.
    reading : Reading, optional
        Where it is noted what was left out, or taken as something else (labels, D); without it such lines are refused.

    Returns
    -------
    Structure
        Without a lattice where the file has no ``lattice_vector``.

    Raises
    ------
    InputError
        One line with path and line number for anything else than these lines.
    """
    lattice: list[list[float]] = []
    atoms: list[tuple[str, list[float], bool]] = []
    moments: dict[int, float] = {}
    charges: dict[int, float] = {}
    fixed: list[int] = []
    fixed_vectors: list[int] = []
    properties: dict[str, Any] = {}
    last_was_vector = last_was_left_out = False
    notes = reading or Reading()
    names = AtomNames(where, notes)
    for number, line in enumerate(lines, start=first_line):
        here = f"{where}, line {number}"
        if line.lstrip().startswith("#"):
            pair = parse_header_line(line)
            if pair is not None and pair[0] not in _FROM_LINES:
                properties[pair[0]] = pair[1]
            continue
        words = line.split("#")[0].split()
        if not words:
            continue
        keyword, values = words[0], words[1:]
        if keyword == "lattice_vector":
            lattice.append(_numbers(values, 3, here, keyword))
            last_was_vector = True
            if len(lattice) > 3:
                raise InputError(f"{here}: a fourth lattice_vector; a crystal has three")
        elif keyword in ("atom", "atom_frac"):
            if len(values) < 4:
                raise InputError(f"{here}: expected '{keyword} x y z element', found {_shown(line)}")
            if len(values) > 4 and reading is None:
                raise InputError(f"{here}: expected '{keyword} x y z element', found {_shown(line)}")
            if len(values) > 4:
                notes.note("words after the element left out")
            point = _numbers(values[:3], 3, here, keyword)
            element = values[3] if values[3] in atomic_numbers else names.element(values[3], number)
            last_was_vector, last_was_left_out = False, element is None or element == "X"
            if not last_was_left_out:
                atoms.append((str(element), point, keyword == "atom_frac"))
        elif keyword == "empty" and reading is not None:
            notes.note("empty sites (ghost atoms) left out")
            last_was_vector, last_was_left_out = False, True
        elif last_was_left_out and keyword in _OF_AN_ATOM:
            continue
        elif keyword in _OF_AN_ATOM:
            if not atoms and not last_was_vector:
                raise InputError(f"{here}: {keyword} stands before any atom; it belongs after its atom")
            if keyword == "constrain_relaxation":
                if values and values[0].lower() in ("x", "y", "z"):
                    notes.note("constraints along x, y or z left out: only whole atoms and vectors can be fixed")
                _constrain(
                    values,
                    fixed_vectors if last_was_vector else fixed,
                    (lattice if last_was_vector else atoms),
                    here,
                )
            else:
                table = charges if keyword == "initial_charge" else moments
                table[len(atoms) - 1] = _numbers(values, 1, here, keyword)[0]
        elif keyword not in _PASSED_OVER and not keyword.startswith(_PASSED_OVER_PREFIXES):
            known = keyword.startswith(("atom", "lattice", "initial", "constrain")) or _holds_a_place(words)
            if reading is None or not atoms or known:
                raise InputError(f"{here}: unknown line {_shown(line)}; known: {_KNOWN}")
            notes.note(f"line {number} after the atoms left out: {_shown(line)}")
    names.tell()
    if len(lattice) in (1, 2):
        raise InputError(f"{where}: {len(lattice)} lattice_vector lines; a crystal has three, a molecule none")
    if not atoms:
        raise InputError(f"{where}: no atoms; expected lines 'atom x y z element'")
    if not lattice and any(fractional for _, _, fractional in atoms):
        raise InputError(f"{where}: atom_frac needs three lattice_vector lines")
    for name, table in (("initial_moments", moments), ("initial_charges", charges)):
        if table:
            properties[name] = [table.get(i) for i in range(len(atoms))]
    properties |= {"fixed_atoms": fixed} if fixed else {}
    properties |= {"fixed_lattice_vectors": fixed_vectors} if fixed_vectors else {}
    name = str(properties.pop("struct_id", struct_id))
    positions = [np.dot(point, lattice) if fractional else point for _, point, fractional in atoms]
    try:
        return Structure(lattice or None, [species for species, _, _ in atoms], positions, properties, name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def format_geometry_in(structure: Structure, header: bool = True) -> str:
    """Return the text of a geometry.in file, with ten decimals (Å).

    Parameters
    ----------
    structure : Structure
        A crystal or a molecule.
    header : bool, optional
        Write the struct_id and the scalar properties as comment lines first.

    Returns
    -------
    str
    """
    properties = structure.properties
    moments = properties.get("initial_moments") or [None] * len(structure)
    charges = properties.get("initial_charges") or [None] * len(structure)
    fixed = set(properties.get("fixed_atoms") or ())
    fixed_vectors = set(properties.get("fixed_lattice_vectors") or ())
    lines = format_header(structure) if header else []
    for number, vector in enumerate([] if structure.lattice is None else structure.lattice.tolist()):
        lines.append("lattice_vector " + _coordinates(vector))
        if number in fixed_vectors:
            lines.append("    constrain_relaxation .true.")
    for number, (species, point) in enumerate(zip(structure.species, structure.positions.tolist())):
        lines.append(f"atom {_coordinates(point)} {species}")
        if moments[number] is not None:
            lines.append(f"    initial_moment {float(moments[number])!r}")
        if charges[number] is not None:
            lines.append(f"    initial_charge {float(charges[number])!r}")
        if number in fixed:
            lines.append("    constrain_relaxation .true.")
    return "\n".join(lines) + "\n"


def _coordinates(vector: Iterable[float]) -> str:
    x, y, z = vector
    return f"{x + 0.0:16.10f} {y + 0.0:16.10f} {z + 0.0:16.10f}"


def _holds_a_place(words: list[str]) -> bool:
    """Tell whether a line has three numbers in a row: it may be an atom."""
    found = [plain_number(word) is not None for word in words]
    return any(all(found[k : k + 3]) for k in range(len(found) - 2))


def _shown(line: str) -> str:
    text = " ".join(line.split())
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def _numbers(words: list[str], count: int, here: str, keyword: str) -> list[float]:
    try:
        numbers = [float(word.replace("d", "e").replace("D", "E")) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        expected = "one number" if count == 1 else f"{count} numbers"
        raise InputError(f"{here}: expected {expected} after {keyword}, found {_shown(' '.join(words))}")
    if not all(math.isfinite(x) for x in numbers):
        raise InputError(f"{here}: a number of {keyword} is not finite")
    return numbers


def _constrain(values: list[str], fixed: list[int], things: list[Any], here: str) -> None:
    """Note a constraint on the last thing; single directions (x, y, z) are checked and passed over."""
    word = values[0].lower().strip(".") if len(values) == 1 else ""
    if word not in ("true", "false", "x", "y", "z"):
        raise InputError(f"{here}: expected .true., .false., x, y or z after constrain_relaxation")
    if word == "true":
        fixed.append(len(things) - 1)


GEOMETRY = StructureFormat(
    write={".in": format_geometry_in},
    read_by=lambda text, where, reading: [parse_geometry_in(text.splitlines(), where, reading=reading)],
    endings=(".in", ".next_step", ".in.next_step"),
    likely=lambda text: re.search(r"^\s*(atom|atom_frac|lattice_vector)\s", text, re.MULTILINE) is not None,
    order=20,
    holds=Holds(geometry=1e-9, properties="plain"),
)
