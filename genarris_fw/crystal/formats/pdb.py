"""Files of the Protein Data Bank's format: molecules and crystals, of one model or several."""

from __future__ import annotations

import numpy as np

from genarris_fw.crystal.cells import lattice_of
from genarris_fw.crystal.file_format import ReadFormat
from genarris_fw.crystal.formats.contents import Contents
from genarris_fw.crystal.formats.elements import HEAVY_HYDROGEN
from genarris_fw.crystal.formats.expand import Sites, crystal, occupied
from genarris_fw.crystal.formats.operations import Floats, Operations, fits, parse_operations
from genarris_fw.crystal.formats.pdb_lines import Frame, Header, PdbAtom, atoms_of, frames_of
from genarris_fw.crystal.formats.site_symmetry import site_orders
from genarris_fw.crystal.formats.space_group_setting import candidates
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

_LAST_DIGIT = 1e-3  # Å: coordinates have three decimals
_SAME_SCALE = 2e-5  # 1/Å: SCALE has six decimals
_UNKNOWN_GROUPS = ("", "?")


def parse_pdb(text: str, where: str, reading: Reading) -> list[Structure]:
    """Read the models of a PDB file.

    Without a CRYST1, and where it is one of 1 Å or 0 Å, they are molecules. Else the operations of REMARK 290, or those
    of the group that CRYST1 names, make the crystal. SCALE says how the atoms lie in a cell of another orientation.

    Raises
    ------
    InputError
        One line with the path, for what cannot be read, and for disordered atoms that are to be refused.
    """
    found = []
    frames = [frame for frame in frames_of(text, where) if frame.lines]
    if not frames:
        raise InputError(f"{where}: no atoms; expected ATOM or HETATM records")
    for number, frame in enumerate(frames, start=1):
        here = where if len(frames) == 1 else f"{where}, model {number}"
        try:
            found.append(_structure(frame, where, reading))
        except InputError as error:
            raise InputError(str(error) if str(error).startswith(where) else f"{here}: {error}") from None
    return found


def _structure(frame: Frame, where: str, reading: Reading) -> Structure:
    atoms = atoms_of(frame, where)
    left_out = sum(not atom.element for atom in atoms)
    if left_out:
        reading.note(f"{left_out} dummy atom{'s' * (left_out > 1)} left out")
    atoms = [atom for atom in atoms if atom.element]
    if not atoms:
        raise InputError("no atoms")
    heavy = sorted({atom.element for atom in atoms} & set(HEAVY_HYDROGEN))
    if heavy:
        reading.note(f"{' and '.join(heavy)} taken as H")
    header = frame.header
    places = np.array([atom.position for atom in atoms])
    shares = _shares(atoms, reading)
    if not header.periodic:
        sites = _sites(atoms, places, np.zeros_like(places), shares)
        whole = occupied(sites, reading)
        return Structure(None, whole.species, whole.fractional)
    if header.copies:
        raise InputError("MTRIX records ask for copies of the atoms, which are not made; give a file with all of them")
    lattice = lattice_of(header.cell[:3], header.cell[3:])
    settings = _settings(header, lattice, reading)
    fractional = _fractional(places, header, lattice, reading)
    rounding = np.repeat(_LAST_DIGIT / np.linalg.norm(lattice, axis=1)[None], len(atoms), axis=0)
    # On a special position the occupancy of the format is that of an image: 0.50 on a twofold axis is one atom.
    orders = site_orders(fractional, settings[0][1], lattice)
    shares = np.where(np.abs(shares * orders - 1) < 0.02, 1.0, shares)
    return crystal(_sites(atoms, fractional, rounding, shares), settings, lattice, Contents(), reading)


def _sites(atoms: list[PdbAtom], places: Floats, rounding: Floats, shares: Floats) -> Sites:
    return Sites(
        labels=[atom.label + (f" {atom.alternate}" if atom.alternate else "") for atom in atoms],
        species=["H" if atom.element in HEAVY_HYDROGEN else atom.element for atom in atoms],
        fractional=places,
        rounding=rounding,
        occupancies=shares,
        assemblies=[atom.residue if atom.alternate else "" for atom in atoms],
        groups=[atom.alternate for atom in atoms],
    )


def _shares(atoms: list[PdbAtom], reading: Reading) -> Floats:
    """Occupancies; where all are 0 the file does not say them, and alternates that are all whole share their place."""
    given = np.array([1.0 if atom.occupancy is None else atom.occupancy for atom in atoms])
    if not given.any():
        reading.note("all occupancies are 0: taken as not stated")
        given = np.ones(len(atoms))
    alternates: dict[str, set[str]] = {}
    for atom in atoms:
        if atom.alternate:
            alternates.setdefault(atom.residue, set()).add(atom.alternate)
    for k, atom in enumerate(atoms):
        number = len(alternates.get(atom.residue, ())) if atom.alternate else 1
        if number > 1 and given[k] > 0.99:
            given[k] = 1 / number
    return np.asarray(np.minimum(given, 1.0), dtype=float)


def _settings(header: Header, lattice: Floats, reading: Reading) -> list[tuple[str, Operations]]:
    if header.triplets:
        operations = parse_operations(tuple(header.triplets))
        if not fits(operations, lattice):
            raise InputError("the operations of REMARK 290 do not fit the cell of CRYST1; correct one of them")
        return [("", operations)]
    symbol = header.symbol
    if symbol in _UNKNOWN_GROUPS:
        reading.note("CRYST1 names no space group: taken as P 1")
        symbol = "P 1"
    found = candidates(symbol, None, lattice)
    for line in found.notes:
        reading.note(line)
    return [(one.name, one.operations) for one in found.settings]


def _fractional(places: Floats, header: Header, lattice: Floats, reading: Reading) -> Floats:
    """Fractional coordinates: by SCALE, where it is that of the cell in another orientation, or the standard one."""
    standard: Floats = np.asarray(np.linalg.inv(lattice), dtype=float)
    if sorted(header.scale) != [1, 2, 3]:
        return np.asarray(places @ standard)
    rows: Floats = np.array([header.scale[k] for k in (1, 2, 3)], dtype=float)
    matrix, shift = rows[:, :3], rows[:, 3]
    if np.abs(matrix.T - standard).max() < _SAME_SCALE and np.abs(shift).max() < _SAME_SCALE:
        return np.asarray(places @ standard)
    # The metric is the cell's, whatever its orientation.
    metric = np.asarray(matrix @ matrix.T)
    if np.abs(metric - standard.T @ standard).max() > 1e-2 * np.abs(metric).max():
        reading.note("SCALE is not that of the cell of CRYST1: left out")
        return np.asarray(places @ standard)
    return np.asarray(places @ matrix.T + shift, dtype=float)


PDB = ReadFormat(
    read_by=parse_pdb,
    endings=(".pdb", ".ent"),
    likely=lambda text: any(line.startswith(("ATOM  ", "HETATM")) for line in text.splitlines()[:2000]),
    order=60,
)
