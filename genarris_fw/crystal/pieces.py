"""What a file holds beside one molecule: a salt, a hydrate, a solvate, a cocrystal; or several of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ase.data import atomic_numbers
from ase.formula import Formula

from genarris_fw.crystal.bonds import bonds
from genarris_fw.crystal.structure import Structure

# Ions that are told by their formula, in Hill order; others by their odd number of electrons.
_IONS = frozenset(
    [
        *("F", "Cl", "Br", "I", "Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Zn", "Ag", "Cu", "Ni", "Co"),
        *("Mn", "Fe", "Al", "NO3", "O4S", "HO4S", "ClO4", "BF4", "F6P", "H2O4P", "HO4P", "O4P", "HO", "H3O", "H4N"),
        *("CF3O3S", "CNS", "I3", "CO3", "CHO3", "C2O4", "CH3O3S"),
    ]
)
# Solvents of crystallisation, by formula.
_SOLVENTS = {
    "CH4O": "methanol", "C2H6O": "ethanol", "C3H6O": "acetone", "C2H3N": "acetonitrile", "C2H6OS": "DMSO",
    "C3H7NO": "DMF", "C4H8O": "THF", "CHCl3": "chloroform", "CH2Cl2": "dichloromethane", "C4H8O2": "ethyl acetate",
    "C7H8": "toluene", "C6H6": "benzene", "C4H10O": "diethyl ether", "CO2": "CO2", "CCl4": "CCl4", "C6H14": "hexane",
}  # fmt: skip
WATER = "H2O"
ROUNDS = 4  # of the comparison of neighbourhoods


def formula(species: Sequence[str]) -> str:
    """Return a chemical formula in Hill order."""
    return str(Formula.from_dict(dict(Counter(species))).format("hill"))


def kind_of(structure: Structure, part: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    """Return what tells different molecules apart: the formula, and the neighbourhoods of the atoms.

    Neighbourhoods are names that grow by those of the neighbours, four times (Weisfeiler and Lehman).
    """
    species = [structure.species[atom] for atom in part]
    names = list(species)
    pairs = bonds(species, structure.positions[list(part)])
    neighbours: list[list[int]] = [[] for _ in part]
    for i, j in pairs:
        neighbours[i].append(j)
        neighbours[j].append(i)
    for _ in range(ROUNDS):
        grown = [(names[k], tuple(sorted(names[j] for j in neighbours[k]))) for k in range(len(names))]
        order = {one: f"{one[0].split(':')[0]}:{number}" for number, one in enumerate(sorted(set(grown)))}
        names = [order[one] for one in grown]
    return formula(species), tuple(sorted(names))


def different(structure: Structure, parts: Sequence[Sequence[int]]) -> list[tuple[str, list[Sequence[int]]]]:
    """Return the different molecules among some, in the order of their first atoms: formula, and which they are."""
    found: dict[tuple[str, tuple[str, ...]], list[Sequence[int]]] = {}
    for part in parts:
        found.setdefault(kind_of(structure, part), []).append(part)
    return [(name, those) for (name, _), those in found.items()]


def is_ion(name: str) -> bool:
    """Tell whether a formula is that of an ion: known by name, or of an odd number of electrons."""
    if name in _IONS:
        return True
    electrons = sum(atomic_numbers[element] * count for element, count in Formula(name).count().items())
    return electrons % 2 == 1


def in_words(kinds: Sequence[tuple[str, int]]) -> tuple[str, bool]:
    """Say what molecules of some formulas and numbers are together, and whether one alone makes sense.

    Returns
    -------
    (str, bool)
        ``a hydrate: 1 C4H5N3O and 1 H2O``; false for a salt, of which no part is neutral.
    """
    listed = " and ".join(f"{count} {name}" for name, count in kinds)
    names = [name for name, _ in kinds]
    ions = [name for name in names if is_ion(name)]
    others = [name for name in names if name not in ions]
    if "O" in names:
        return f"{listed}: O alone is water without its hydrogens; add them (obabel -h, for example)", True
    if len(ions) >= 2:
        return f"a salt{' hydrate' if WATER in names else ''}: {listed}", False
    if WATER in others and len(names) > 1:
        return f"a hydrate: {listed}", True
    if any(name in _SOLVENTS for name in others) and len(names) > 1:
        solvent = next(_SOLVENTS[name] for name in others if name in _SOLVENTS)
        return f"a solvate with {solvent}: {listed}", True
    if len(names) > 1:
        return f"a cocrystal: {listed}", True
    return listed, True
