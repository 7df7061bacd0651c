"""Where hydrogens are: X-rays see their electrons, and put them too near to the atom that they are bonded to."""

from __future__ import annotations

import numpy as np

from genarris_fw.crystal.bonds import bonds
from genarris_fw.crystal.structure import Molecule

# Å, from nucleus to nucleus; those that NEIGHCRYS and DMACRYS set (F. H. Allen et al., J. Chem. Soc., Perkin Trans. 2,
# S1 (1987), from neutron diffraction).
STANDARD = {"C": 1.08, "N": 1.01, "O": 0.993}
SHORT = 0.05  # Å: no relaxed molecule has a bond that much shorter


def standard_hydrogens(molecule: Molecule) -> Molecule:
    """Return a molecule with its hydrogens moved along their bonds to where neutrons see them.

    Parameters
    ----------
    molecule : Molecule
        As an X-ray measurement gives it, for example.

    Returns
    -------
    Molecule
        C-H of 1.08, N-H of 1.01, O-H of 0.993 Å; other atoms, and hydrogens with other neighbours, are as they were.
    """
    positions = molecule.positions.copy()
    for atom, hydrogen, length in _bonds_to_hydrogen(molecule):
        bond = molecule.positions[hydrogen] - molecule.positions[atom]
        positions[hydrogen] = molecule.positions[atom] + bond * (STANDARD[molecule.species[atom]] / length)
    return molecule.at(positions)


def short_hydrogens(molecule: Molecule) -> list[tuple[str, float]]:
    """Return the bonds to hydrogens that are 0.05 Å or more too short, as (``C-H``, its length in Å), sorted."""
    found = [
        (f"{molecule.species[atom]}-H", length)
        for atom, _, length in _bonds_to_hydrogen(molecule)
        if length < STANDARD[molecule.species[atom]] - SHORT
    ]
    return sorted(found, key=lambda bond: bond[1])


def _bonds_to_hydrogen(molecule: Molecule) -> list[tuple[int, int, float]]:
    """Atom, hydrogen and length of the bonds whose standard length is known."""
    found = []
    for pair in bonds(molecule.species, molecule.positions):
        for atom, hydrogen in (pair, pair[::-1]):
            if molecule.species[hydrogen] == "H" and molecule.species[atom] in STANDARD:
                length = float(np.linalg.norm(molecule.positions[hydrogen] - molecule.positions[atom]))
                found.append((atom, hydrogen, length))
    return found
