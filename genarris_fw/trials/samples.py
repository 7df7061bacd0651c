"""The structures on which a run's engines are tried: its molecule, and one crystal like those that it will make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genarris_fw.crystal import Molecule, Reading, Structure
from genarris_fw.crystal.formats.files import read_known, spans_of
from genarris_fw.errors import InputError
from genarris_fw.generation import generate, volume_estimate
from genarris_fw.options import Configuration
from genarris_fw.options.base import OnStructures
from genarris_fw.options.resolving.draft import STRUCTURE_FILES

# Common space groups of molecular crystals whose general positions hold 1, 2, 3, 4, 6 or 8 molecules; the first
# that has room for Z is taken.
GROUPS = (14, 4, 19, 2, 61, 15, 1, 144, 169)
# The relative spread of its volume, the attempts in a group and the seed: a fraction of a second, always the same.
SPREAD, ATTEMPTS, SEED = 0.02, 40, 1
# Å between the molecules of a cell in which nothing is packed.
GAP = 3.5


@dataclass(frozen=True)
class Sample:
    """A structure to try an engine on.

    Attributes
    ----------
    structure : Structure
        A crystal, or a molecule (no lattice).
    about : str
        What it is, in words.
    """

    structure: Structure
    about: str


def sample_molecule(configuration: Configuration) -> Sample | None:
    """Return the run's molecule, or None where the run has none.

    Raises
    ------
    InputError
        When its file cannot be used.
    """
    molecule = configuration.molecule()
    if molecule is None:
        return None
    structure = molecule.to_structure("molecule")
    return Sample(structure, f"molecule of {len(structure)} atoms")


def sample_crystal(configuration: Configuration) -> Sample | None:
    """Return a crystal such as the run's engines will meet: one to be imported, else a packed one of its molecule.

    Raises
    ------
    InputError
        When the molecule or the structure to be imported cannot be used.
    """
    for step in configuration.steps:
        options = step.typed()
        if isinstance(options, OnStructures) and options.import_folder:
            return _imported(Path(options.import_folder))
    molecule = configuration.molecule()
    if molecule is not None and configuration.Z:
        return packed(molecule, configuration.Z)
    return None


def packed(molecule: Molecule, Z: int) -> Sample:
    """Pack Z molecules at their estimated volume, or set them side by side where no common space group holds them.

    Parameters
    ----------
    molecule : Molecule
        The molecule.
    Z : int
        Molecules per cell.

    Returns
    -------
    Sample
        The same for the same molecule.
    """
    volume = volume_estimate(molecule).volume * Z
    for group in GROUPS:
        try:
            found = generate(
                *(molecule, Z, group, 1, volume, SPREAD * volume),
                seed=SEED,
                mode="packing",
                max_attempts=ATTEMPTS,
            )
        except InputError:
            continue  # no site for Z molecules
        for structure in found.structures:
            structure.struct_id = "crystal"
            words = f"crystal of {len(structure)} atoms, {structure.cell_volume:.0f} Å³, space group {group}"
            return Sample(structure, words)
    structure = side_by_side(molecule, Z)
    words = f"loose cell of {len(structure)} atoms, {structure.cell_volume:.0f} Å³: nothing was packed quickly"
    return Sample(structure, words)


def side_by_side(molecule: Molecule, Z: int) -> Structure:
    """Set Z molecules in a row in a rectangular cell (P1), each apart from the next."""
    lowest = molecule.positions.min(axis=0)
    box = molecule.positions.max(axis=0) - lowest + GAP
    along = int(np.argmin(box))
    shift = np.eye(3)[along] * box[along]
    positions = np.concatenate([molecule.positions - lowest + copy * shift for copy in range(Z)])
    lattice = np.diag(np.where(np.arange(3) == along, Z * box, box))
    return Structure(lattice, list(molecule.species) * Z, positions, struct_id="crystal")


def _first(path: Path) -> Structure:
    """Return the first structure of a file, of a database without reading the others."""
    spans = spans_of(path, 1)
    return read_known(path, None, Reading(), spans[0] if spans else None).structures[0]


def _imported(folder: Path) -> Sample | None:
    """Return the first structure of a folder, or of a file."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
        if path.name.lower().endswith(STRUCTURE_FILES):
            structure = _first(path)
            structure.struct_id = structure.struct_id or "crystal"
            return Sample(structure, f"{path.name}, {len(structure)} atoms")
    return None
