"""Files of a molecule's charges: our json, and those of DMACRYS and GDMA.

The json file::

    {"format": "genarris_fw electrostatics", "version": 1,
     "species": ["O", "H", "H"], "positions": [[x, y, z], ...],      atoms, Å
     "sites": [[x, y, z], ...],                                       Å, those of the atoms first, in their order
     "multipoles": [[Q00, Q10, Q11c, Q11s, Q20, ...], ...],           e Å^l, (rank + 1)^2 of each site
     "charge": 0, "method": "...", "error": 0.5}                      may be left out; error in kJ/mol per e
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.electrostatics import Electrostatics, check_neutral
from genarris_fw.lattice.charges.punch import TOLERANCE, read_punch
from genarris_fw.lattice.molecule.superposition import superposed

FORMAT = "genarris_fw electrostatics"
VERSION = 1
_WORDS = f'expected a json file with "format": "{FORMAT}", species, positions, sites and multipoles'


def to_json(molecule: Molecule, found: Electrostatics, charge: int = 0) -> dict[str, Any]:
    """Return the content of a json file."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "method": found.method,
        "error": found.error,
        "charge": charge,
        "species": list(molecule.species),
        "positions": molecule.positions.tolist(),
        "sites": found.sites.tolist(),
        "multipoles": found.multipoles.tolist(),
    }


def from_json(record: dict[str, Any], molecule: Molecule, where: str) -> Electrostatics:
    """Return what a json file says, for a molecule that may be turned, moved, reflected or in another order.

    Parameters
    ----------
    record : dict
        The content.
    molecule : Molecule
        For which it is wanted.
    where : str
        What an error calls the file.

    Raises
    ------
    InputError
        For another content, another molecule, or charges that do not sum to the molecule's charge.
    """
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{where}: {_WORDS}")
    if record.get("version") != VERSION:
        raise InputError(f"{where}: version {record.get('version')} of the format; this package reads {VERSION}")
    try:
        atoms = Molecule(record["species"], record["positions"])
        error = record.get("error")
        own = Electrostatics(
            np.array(record["sites"], dtype=float),
            np.array(record["multipoles"], dtype=float),
            None if error is None else float(error),
            str(record.get("method", f"file {Path(where).name}")),
        )
        charge = float(record.get("charge", 0))
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(f"{where}: {' '.join(str(problem).split())}; {_WORDS}") from None
    if len(own.sites) < len(atoms):
        raise InputError(f"{where}: {len(own.sites)} sites for {len(atoms)} atoms; those of the atoms come first")
    check_neutral(own, charge)
    found = superposed(molecule, atoms, TOLERANCE)
    if found is None:
        raise InputError(
            f"{where}: its molecule {atoms.formula} is not {molecule.formula} within {TOLERANCE} Å (in any order, "
            "turned or reflected); give the charges of the molecule in just this conformation"
        )
    order = np.array([*found.order, *range(len(atoms), len(own.sites))])
    placed = Electrostatics(own.sites[order], own.multipoles[order], own.error, own.method)
    return placed.moved(found.rotation, found.shift)


def read_charges(path: Path | str, molecule: Molecule) -> Electrostatics:
    """Return the charges or multipoles of a molecule that a file has: ``.json``, or else of DMACRYS or GDMA.

    Raises
    ------
    InputError
        One line with the path.
    """
    place = Path(path)
    if place.suffix.lower() != ".json":
        return read_punch(place, molecule)
    try:
        record = json.loads(place.read_text())
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InputError(f"{place}: no json ({error})") from None
    return from_json(record, molecule, str(place))


def write_charges(path: Path, molecule: Molecule, found: Electrostatics, charge: int = 0) -> None:
    """Write a json file."""
    path.write_text(json.dumps(to_json(molecule, found, charge), indent=1) + "\n")
