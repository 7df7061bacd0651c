"""Whether a geometry can be a molecule: drawings, impossible bonds and valences, hydrogens that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import bonds, touching
from genarris_fw.crystal.radii import natural_cutoffs
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

GEOMETRY_WANTED = "make one of it (obabel --gen3d, RDKit, or its SMILES here) and relax it"
HYDROGENS_WANTED = "add them (obabel -h, for example) and relax them"
RADICAL = (
    "a radical says so: multiplicity=2 in the comment of an xyz file, initial_moment in geometry.in, M  RAD in mol"
)

# Elements that form molecules by pairs of electrons, and whose neighbours can be counted; boron and metals bridge.
NONMETALS = frozenset(["H", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Ge", "As", "Se", "Br", "Te", "I", "At"])
# The shortest bonds, as parts of the sum of the covalent radii: N2 has 0.77, CO 0.80, C2H2 0.79; hydrogens of X-ray
# measurements 0.65 and more; quintuple bonds of chromium 0.63 (Nguyen et al., Science 310, 844 (2005)).
SHORTEST, SHORTEST_HEAVY = 0.55, 0.7
BONDED = 1.2  # part of the sum of the radii within which a neighbour counts against a valence
VALENCES = {"H": 1, "C": 4, "N": 4, "O": 3, "F": 2}  # most neighbours: CH4, NH4+, H3O+, [F-H-F]-
NEAR = 1.3  # part of the sum of the radii, for all that is asked of neighbours beside that
LEVEL = 0.01  # Å: how far atoms of a drawing lie from its plane
LEVEL_CARBON = 0.05  # Å: a carbon and its four neighbours never lie in a plane so nearly
# Relative: bonds to hydrogen differ from others by more, and so do six bonds of different elements (of C2F4, which has
# five, all are the same within 0.0002).
DRAWN_SPREAD, FEWEST_DRAWN = 0.02, 4
HEAVY_SPREAD, FEWEST_HEAVY = 0.005, 6
OF_RINGS = {("C", "C"), ("C", "N"), ("N", "N")}  # all of tetrazine's bonds are 1.32 to 1.34 Å long
AROMATIC = (1.30, 1.46)  # Å: what is equal in real rings: 1.34 in triazine, 1.39 in benzene, 1.44 in borazine
STRAIGHT = 150.0  # degrees: a carbon with two neighbours bends so little, or lacks a hydrogen
TERMINAL = 1.27  # Å: a carbon with one neighbour that is farther lacks hydrogens (C2 1.24, CN- 1.18, CO 1.13)
PYRAMIDAL = 340.0  # degrees: the sum of the three angles; 348 in C60
SINGLE = 1.42  # Å
COMMON = frozenset(["H", "C", "N", "O", "F"])
STRETCHED = 1.2  # part of the sum of the radii: the longest C-C of hydrocarbons have 1.12, N-N of N2O4 1.25
TORN = 1.5  # part of the sum of the radii: hydrogen bonds are longer (1.6 Å and more, of O and H 1.65)
BOHR = 0.529177210903  # Å, CODATA 2018


def atom_name(species: Sequence[str], number: int) -> str:
    """Return what an error calls an atom: its element and its number in the file, from 1."""
    return f"{species[number]}{number + 1}"


def check_contacts(structure: Structure, where: str) -> None:
    """Refuse atoms that lie as in no molecule, or in no mixture of some.

    Parameters
    ----------
    structure : Structure
        One molecule or more; the lattice does not matter.
    where : str
        What an error calls it.

    Raises
    ------
    InputError
        For a drawing, a bond that is too short, and an atom with too many neighbours; with the names of the atoms.
    """
    species, points = structure.species, structure.positions
    near, neighbours = _neighbours(structure)
    for reason in (
        *_short(species, near),
        *_drawing(species, points, near, neighbours),
        *_crowded(species, near),
    ):
        raise InputError(f"{where}: {reason}")


def check_hydrogens_there(structure: Structure, where: str) -> None:
    """Refuse a molecule whose carbons lack hydrogens; radicals and ions that the file states may.

    Parameters
    ----------
    structure : Structure
        One molecule; the lattice does not matter.
    where : str
        What an error calls it.

    Raises
    ------
    InputError
        With the names of the carbons.
    """
    species, points = structure.species, structure.positions
    _, neighbours = _neighbours(structure)
    if len(species) > 3 and not {"charge", "initial_moments", "multiplicity"} & set(structure.properties):
        lacking = without_hydrogens(species, points, neighbours)
        if lacking:
            names = ", ".join(atom_name(species, atom) for atom in lacking[:5])
            more = ", ..." if len(lacking) > 5 else ""
            raise InputError(f"{where}: hydrogens are missing at {names}{more}; {HYDROGENS_WANTED}; {RADICAL}")


def stretched(structure: Structure) -> list[str]:
    """Say which bonds of a molecule, between atoms whose bonds are well known, are longer than they usually are."""
    species, radii = structure.species, natural_cutoffs(structure.species)
    found = []
    for i, j in bonds(species, structure.positions):
        length, usual = (
            float(np.linalg.norm(structure.positions[i] - structure.positions[j])),
            float(radii[i] + radii[j]),
        )
        if {species[i], species[j]} <= COMMON and length > STRETCHED * usual:
            pair = f"{atom_name(species, i)}-{atom_name(species, j)}"
            found.append(f"the bond {pair} is {length:.2f} Å long, usual are {usual:.2f} Å; is it right?")
    return found


def torn(structure: Structure, parts: Sequence[Sequence[int]]) -> str:
    """Say which atoms of different pieces are so near that a bond between them may be stretched; '' for none."""
    species, points, radii = structure.species, structure.positions, natural_cutoffs(structure.species)
    piece = {atom: number for number, part in enumerate(parts) for atom in part}
    near = [
        (length / (radii[i] + radii[j]), i, j, length)
        for i, j, length in touching(points, TORN * radii)
        if piece[i] != piece[j] and {species[i], species[j]} <= COMMON
    ]
    if not near:
        return ""
    _, i, j, length = min(near)
    return f"{atom_name(species, i)} and {atom_name(species, j)} are {length:.2f} Å apart: a stretched bond? "


def _neighbours(structure: Structure) -> tuple[list[tuple[int, int, float]], list[list[int]]]:
    """Pairs of atoms that are near enough for a bond, and the same by atom."""
    near = touching(structure.positions, natural_cutoffs(structure.species, NEAR))
    neighbours: list[list[int]] = [[] for _ in structure.species]
    for i, j, _ in near:
        neighbours[i].append(j)
        neighbours[j].append(i)
    return near, neighbours


def _short(species: Sequence[str], near: list[tuple[int, int, float]]) -> Iterator[str]:
    radii = natural_cutoffs(species)
    for i, j, length in near:
        heavy = species[i] != "H" and species[j] != "H" and {species[i], species[j]} <= NONMETALS
        usual = float(radii[i] + radii[j])
        if length < (SHORTEST_HEAVY if heavy else SHORTEST) * usual:
            pair = f"{atom_name(species, i)}-{atom_name(species, j)}"
            yield (
                f"the bond {pair} is {length:.2f} Å long, expected about {usual:.2f} Å; "
                f"a drawing, or another unit than Å? {GEOMETRY_WANTED}"
            )


def _drawing(
    species: Sequence[str], points: Floats, near: list[tuple[int, int, float]], neighbours: list[list[int]]
) -> Iterator[str]:
    for atom, others in enumerate(neighbours):
        four = species[atom] == "C" and len(others) == 4 and {species[k] for k in others} <= NONMETALS
        if four and _off_plane(points[[atom, *others]]) < LEVEL_CARBON:
            name = atom_name(species, atom)
            yield f"{name} and its four neighbours lie in a plane: a drawing, not a geometry; {GEOMETRY_WANTED}"
    bonds = [(i, j, length) for i, j, length in near if {species[i], species[j]} <= NONMETALS]
    if _off_plane(points) <= LEVEL and has_drawn_lengths(species, bonds):
        yield f"all atoms lie in a plane, with bonds of one length: a drawing, not a geometry; {GEOMETRY_WANTED}"


def has_drawn_lengths(species: Sequence[str], bonds: Sequence[tuple[int, int, float]]) -> bool:
    """Tell whether the bonds of a planar molecule are as long as in a drawing, where all are alike.

    Bonds to hydrogen are as long as others; or all others, six or more, have one length, though not all are of C and N,
    or much longer or shorter than in an aromatic ring.

    Parameters
    ----------
    species : sequence of str
        Elements.
    bonds : sequence of (int, int, float)
        Two atoms, and the length of their bond, Å.
    """
    hydrogen = [length for i, j, length in bonds if "H" in (species[i], species[j])]
    heavy = [length for i, j, length in bonds if "H" not in (species[i], species[j])]
    kinds = {tuple(sorted((species[i], species[j]))) for i, j, _ in bonds if "H" not in (species[i], species[j])}
    if hydrogen and heavy and len(bonds) >= FEWEST_DRAWN and _alike([*hydrogen, *heavy], DRAWN_SPREAD):
        return True
    if len(heavy) < FEWEST_HEAVY or not _alike(heavy, HEAVY_SPREAD):
        return False
    return not kinds <= OF_RINGS or not AROMATIC[0] <= float(np.mean(heavy)) <= AROMATIC[1]


def _alike(lengths: Sequence[float], spread: float) -> bool:
    return max(lengths) - min(lengths) < spread * float(np.mean(lengths))


def _off_plane(points: Floats) -> float:
    """How far, in Å, points lie from the plane that fits them best."""
    if len(points) < 4:
        return 0.0
    centred = points - points.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
    return float(np.abs(centred @ normal).max())


def _crowded(species: Sequence[str], near: list[tuple[int, int, float]]) -> Iterator[str]:
    radii = natural_cutoffs(species)
    close: list[list[int]] = [[] for _ in species]
    for i, j, length in near:
        if {species[i], species[j]} <= NONMETALS and length < BONDED * (radii[i] + radii[j]):
            close[i].append(j)
            close[j].append(i)
    for atom, others in enumerate(close):
        most = VALENCES.get(species[atom])
        if species[atom] == "H" and len(others) == 2 and not {species[k] for k in others} & {"H", "C"}:
            continue  # a hydrogen in the middle between two oxygens, for example
        if most is not None and len(others) > most:
            names = ", ".join(atom_name(species, k) for k in others)
            bonds = "one bond" if most == 1 else f"{most} bonds"
            yield (
                f"{atom_name(species, atom)} has {len(others)} neighbours ({names}), and {species[atom]} forms at most "
                f"{bonds}; correct the positions"
            )


def without_hydrogens(species: Sequence[str], points: Floats, neighbours: list[list[int]]) -> list[int]:
    """Return the carbons that by lengths and angles of their bonds must have hydrogens that are not there.

    Parameters
    ----------
    species : sequence of str
        Elements.
    points : (n, 3) array
        Å.
    neighbours : list of list of int
        Of every atom.
    """
    found = []
    for atom, others in enumerate(neighbours):
        if species[atom] != "C" or not {species[k] for k in others} <= NONMETALS:
            continue
        arms = points[others] - points[atom]
        lengths = np.linalg.norm(arms, axis=1)
        cosines = (arms @ arms.T) / np.outer(lengths, lengths)
        angles = np.degrees(np.arccos(np.clip(cosines[np.triu_indices(len(others), 1)], -1.0, 1.0)))
        carbene = [species[k] for k in others] == ["N", "N"]  # N-heterocyclic carbenes are real
        open_two = len(others) == 2 and angles[0] < STRAIGHT and not carbene
        open_one = len(others) == 1 and lengths[0] > TERMINAL
        open_three = len(others) == 3 and angles.sum() < PYRAMIDAL and lengths.min() > SINGLE
        if open_one or open_two or open_three:
            found.append(atom)
    return found


def in_bohr(structure: Structure) -> bool:
    """Tell whether atoms that nothing joins are joined once their positions are taken as in Bohr."""
    radii = natural_cutoffs(structure.species, NEAR)
    if len(structure) < 2 or not set(structure.species) <= NONMETALS or touching(structure.positions, radii):
        return False
    pairs = touching(structure.positions * BOHR, radii)
    return len({atom for i, j, _ in pairs for atom in (i, j)}) == len(structure)
