"""Whether a molecule can be searched for as a rigid one: in one piece, complete, and how many bonds could turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import bonds, connected_components
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError

# Å. Bonds between atoms of these elements, and shorter than this, are more than single: no rotation about them. Between
# the lengths of conjugated and isolated single bonds (Allen et al., J. Chem. Soc. Perkin Trans. 2, S1 (1987), table:
# aromatic C-C 1.40, conjugated single C-C 1.46; amide C-N 1.33, aniline C-N 1.36, aliphatic C-N 1.47; ester C-O 1.34,
# ether C-O 1.43, aryl ether C-O 1.37).
DOUBLED = {"C-C": 1.43, "C-N": 1.39, "C-O": 1.36, "N-N": 1.33, "C-S": 1.73, "N-O": 1.30}
# Å. A terminal atom farther from carbon than this is no =O or nitrile N, but lacks a hydrogen.
TERMINAL = {"O": 1.32, "N": 1.22}
STRAIGHT = 150.0  # degrees: a carbon atom of two neighbours is triply bonded or between two double bonds
PLANAR = 0.2  # Å: a carbon atom of three neighbours lies so near their plane


def check_rigid(molecule: Molecule) -> None:
    """Refuse what is not one complete molecule.

    Raises
    ------
    InputError
        For a molecule without atoms, of several pieces, or whose hydrogen atoms seem to lack.
    """
    if not len(molecule):
        raise InputError("a molecule without atoms has no crystals")
    pairs = bonds(molecule.species, molecule.positions)
    parts = connected_components(len(molecule), pairs)
    if len(parts) > 1:
        sizes = ", ".join(str(len(part)) for part in parts)
        raise InputError(
            f"the molecule is in {len(parts)} pieces that no bond joins (of {sizes} atoms); give one molecule"
        )
    for i in range(len(molecule)):
        near = _neighbours(i, pairs)
        if _lacks_hydrogen(molecule, i, near):
            raise InputError(
                f"atom {i + 1} ({molecule.species[i]}) has {len(near)} neighbour{'s' * (len(near) != 1)} and seems to "
                "lack a hydrogen atom; give the molecule with all its hydrogen atoms"
            )


def rotatable_bonds(molecule: Molecule) -> list[tuple[int, int]]:
    """List the bonds about which a molecule could turn into another conformer.

    Returns
    -------
    list of (int, int)
        Pairs i < j of atoms: single by their length, in no ring, with a further heavy atom bonded to either, neither of
        them between two others in a straight line.
    """
    pairs = bonds(molecule.species, molecule.positions)
    heavy = [(i, j) for i, j in pairs if "H" not in (molecule.species[i], molecule.species[j])]
    found = []
    for i, j in heavy:
        others = [pair for pair in heavy if pair != (i, j)]
        ends = [_neighbours(end, others) for end in (i, j)]
        length = float(np.linalg.norm(molecule.positions[i] - molecule.positions[j]))
        name = "-".join(sorted((molecule.species[i], molecule.species[j])))
        single = length > DOUBLED.get(name, 0.0)
        in_ring = len(connected_components(len(molecule), others)) == len(connected_components(len(molecule), heavy))
        if single and not in_ring and all(ends) and not any(_straight(molecule, end, pairs) for end in (i, j)):
            found.append((i, j))
    return found


def _neighbours(atom: int, pairs: list[tuple[int, int]]) -> list[int]:
    return [j if i == atom else i for i, j in pairs if atom in (i, j)]


def _lacks_hydrogen(molecule: Molecule, atom: int, near: list[int]) -> bool:
    element, arms = molecule.species[atom], molecule.positions[near] - molecule.positions[atom]
    lengths = np.linalg.norm(arms, axis=1)
    if element in TERMINAL and len(near) == 1 and molecule.species[near[0]] == "C":
        return bool(lengths[0] > TERMINAL[element])
    if element != "C" or any(molecule.species[i] not in ("C", "H", "N", "O", "F", "S", "Cl", "Br", "I") for i in near):
        return False
    if len(near) == 3:
        normal = np.cross(arms[1] - arms[0], arms[2] - arms[0])
        return bool(abs(arms[0] @ normal) > PLANAR * np.linalg.norm(normal))
    if len(near) == 2:
        return not _straight_arms(arms)
    # One neighbour: carbon monoxide and isonitriles have such an atom.
    return len(near) == 0 or (len(near) == 1 and molecule.species[near[0]] not in ("N", "O"))


def _straight(molecule: Molecule, atom: int, pairs: list[tuple[int, int]]) -> bool:
    near = _neighbours(atom, pairs)
    return len(near) == 2 and _straight_arms(molecule.positions[near] - molecule.positions[atom])


def _straight_arms(arms: NDArray[np.float64]) -> bool:
    cosine = arms[0] @ arms[1] / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])
    return bool(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) > STRAIGHT)
