"""The molecule that a step names: read once in a process, whatever asks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genarris_fw.names import is_smiles

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule

CHOICES = ("record", "component", "disorder")


def molecule_of(options: Mapping[str, Any]) -> tuple[Molecule, list[str]]:
    """Return the molecule of a step's ``molecule_path``, and what its reader noted.

    Parameters
    ----------
    options : mapping
        With ``molecule_path``, and ``record``, ``component`` and ``disorder`` where they choose.

    Raises
    ------
    InputError
        As of `genarris_fw.crystal.read_molecule`.
    """
    path = str(options["molecule_path"])
    chosen = tuple((name, options[name]) for name in CHOICES if options.get(name) is not None)
    molecule, notes = _read(path, chosen, _state(path))
    return molecule.at(molecule.positions), list(notes)


@lru_cache(maxsize=16)
def _read(path: str, chosen: tuple[tuple[str, Any], ...], state: tuple[int, int]) -> tuple[Molecule, tuple[str, ...]]:
    from genarris_fw.crystal import Reading, read_molecule  # only here: it is slow to import

    reading = Reading(**dict(chosen))
    molecule = read_molecule(path, reading=reading)
    return molecule, tuple(reading.notes)


def _state(path: str) -> tuple[int, int]:
    """What changes when a file does; of SMILES, which are no file, nothing."""
    if is_smiles(path):
        return 0, 0
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib raises for names that are too long
    except (OSError, ValueError):
        return 0, 0
    return found.st_mtime_ns, found.st_size
