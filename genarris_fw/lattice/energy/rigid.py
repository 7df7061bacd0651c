"""A crystal as rigid molecules of a model: which is which, where, turned how; and its symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.molecules import molecules_of, order_like
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.asymmetric_unit import exact_lattice, exact_operations
from genarris_fw.generation.freedom import Operations
from genarris_fw.lattice.sums.kinds import Kind

Floats = NDArray[np.float64]

DEFORMED = 0.5  # Å: an atom that lies farther from where the rigid molecule has it makes it another molecule
RIGID = 1e-3  # Å: a crystal's molecules that are the model's so exactly need not be looked for
SAME = 1e-7  # Å: a molecule that can be laid on another so exactly needs no mirror
TOLERANCES = (
    1e-3,
    1e-2,
    5e-2,
)  # Å: how exactly symmetry is there in crystals as programs write, relaxations leave, files give them
ASYMMETRIC = 0.05  # Å: a rigid molecule that would have to be changed by more does not have its site's symmetry


@dataclass(frozen=True, eq=False)
class RigidCrystal:
    """A crystal of rigid molecules.

    Attributes
    ----------
    lattice : (3, 3) array
        Rows, Å, right-handed.
    kinds : (Z,) int array
        Of every molecule.
    rotations : (Z, 3, 3) array
        Orthogonal, improper for mirror images: turn a kind into place.
    centres : (Z, 3) array
        Fractional.
    orders : list of lists of int
        For every molecule: where its atoms (in its kind's order) are in the structure.
    """

    lattice: Floats
    kinds: NDArray[np.intp]
    rotations: Floats
    centres: Floats
    orders: list[list[int]]

    def structure(self, kinds: Sequence[Kind]) -> Structure:
        """Return the crystal of the rigid molecules, the atoms in the order of the structure it was made from."""
        count = sum(len(order) for order in self.orders)
        species, positions = [""] * count, np.zeros((count, 3))
        for kind, rotation, centre, order in zip(self.kinds, self.rotations, self.centres, self.orders, strict=True):
            positions[order] = kinds[kind].atoms @ rotation.T + centre @ self.lattice
            for name, at in zip(kinds[kind].species, order, strict=True):
                species[at] = name
        return _structure(self.lattice, species, positions, self.kinds, self.orders)


def _structure(
    lattice: Floats, species: list[str], positions: Floats, kinds: NDArray[np.intp], orders: list[list[int]]
) -> Structure:
    """A crystal that says so where its molecules, all of one kind, follow each other: they need not be looked for."""
    size = len(orders[0])
    ordered = all(order == list(range(k * size, k * size + size)) for k, order in enumerate(orders))
    known = ordered and len(set(kinds.tolist())) == 1
    return Structure(lattice, species, positions, {"number_of_atoms_in_molecule": size} if known else None)


def rigid_crystal(structure: Structure, kinds: Sequence[Kind]) -> RigidCrystal:
    """Find the model's molecules in a crystal and put them in place of its own.

    Parameters
    ----------
    structure : Structure
        A crystal; its atoms and molecules may come in any order.
    kinds : sequence of Kind
        The model's molecules.

    Raises
    ------
    InputError
        For a molecule, and where a molecule of the crystal is none of the model's.
    """
    name = structure.struct_id or "the crystal"
    if structure.lattice is None:
        raise InputError(f"{name} is a molecule: a lattice energy needs a cell")
    lattice = np.asarray(structure.lattice, dtype=float)
    if np.linalg.det(lattice) < 0:
        lattice = lattice[[1, 0, 2]]
    sorted_already = _sorted_already(structure, lattice, kinds)
    if sorted_already is not None:
        return sorted_already
    positions, parts = molecules_of(structure, _known(kinds))
    numbers, rotations, centres, orders = [], [], [], []
    for part in parts:
        number, rotation, centre, order = _found(structure.species, positions, part, kinds, name)
        numbers.append(number)
        rotations.append(rotation)
        centres.append(np.linalg.solve(lattice.T, centre))
        orders.append(order)
    return RigidCrystal(lattice, np.array(numbers, dtype=np.intp), np.array(rotations), np.array(centres), orders)


def _known(kinds: Sequence[Kind]) -> Molecule | None:
    """The molecule whose bonds are those of the crystal, where there is only one."""
    return Molecule(list(kinds[0].species), kinds[0].atoms) if len(kinds) == 1 else None


def _sorted_already(structure: Structure, lattice: Floats, kinds: Sequence[Kind]) -> RigidCrystal | None:
    """The crystal, where its molecules come one after the other, whole, in the order of the model's only kind."""
    if len(kinds) != 1 or not structure.properties.get("number_of_atoms_in_molecule"):
        return None
    size = len(kinds[0].species)
    Z = len(structure) // size
    if structure.species != list(kinds[0].species) * Z:
        return None
    fits = [fit(kinds[0].atoms, atoms) for atoms in structure.positions.reshape(Z, size, 3)]
    if max(moved for _, _, moved in fits) > RIGID:
        return None
    rotations = np.array([rotation for rotation, _, _ in fits])
    centres = np.array([centre for _, centre, _ in fits]) @ np.linalg.inv(lattice)
    orders = [list(range(k, k + size)) for k in range(0, len(structure), size)]
    return RigidCrystal(lattice, np.zeros(Z, dtype=np.intp), rotations, centres, orders)


def _found(
    species: list[str], positions: Floats, part: list[int], kinds: Sequence[Kind], name: str
) -> tuple[int, Floats, Floats, list[int]]:
    """Kind, rotation, centre (Å) and order of one molecule."""
    formula = sorted(species[i] for i in part)
    worst = None
    for number, kind in enumerate(kinds):
        if sorted(kind.species) != formula:
            continue
        order = order_like(kind.species, kind.atoms, [species[i] for i in part], positions[part])
        if order is None:
            continue
        atoms = [part[k] for k in order]
        rotation, centre, moved = fit(kind.atoms, positions[atoms])
        if moved <= DEFORMED:
            return number, rotation, centre, atoms
        worst = moved if worst is None else min(worst, moved)
    what = "".join(f"{e}{formula.count(e) if formula.count(e) > 1 else ''}" for e in sorted(set(formula)))
    why = "" if worst is None else f" (an atom would move by {worst:.2f} Å)"
    raise InputError(f"{name}: its molecule {what} is none of the model's{why}; the model is of rigid molecules")


def fit(reference: Floats, positions: Floats) -> tuple[Floats, Floats, float]:
    """Lay a molecule on another by least squares, mirrored where that fits better.

    Parameters
    ----------
    reference, positions : (n, 3) arrays
        Å; the reference about its centre.

    Returns
    -------
    rotation, centre : (3, 3), (3,) arrays
        positions = reference @ rotation.T + centre, nearly; the rotation may be improper.
    moved : float
        The largest distance of two atoms, Å.
    """
    centre = positions.mean(axis=0)
    u, _, vt = np.linalg.svd(reference.T @ (positions - centre))
    handed = float(np.linalg.det(u @ vt))
    proper, improper = (_laid(reference, positions, centre, u, vt, sign * handed) for sign in (1.0, -1.0))
    moved, rotation = proper if proper[0] <= improper[0] + SAME else improper
    return rotation, centre, moved


def _laid(
    reference: Floats, positions: Floats, centre: Floats, u: Floats, vt: Floats, last: float
) -> tuple[float, Floats]:
    """How far an atom moves at most by one of the two orthogonal matrices, and the matrix."""
    rotation = (u @ np.diag([1.0, 1.0, last]) @ vt).T
    return float(np.linalg.norm(reference @ rotation.T + centre - positions, axis=1).max()), rotation


@dataclass(frozen=True, eq=False)
class IndependentMolecules:
    """The independent molecules of a crystal and the operations that make the others, made exact.

    Attributes
    ----------
    lattice : (3, 3) array
        Rows, Å; turned so that it is lower triangular, and exactly as symmetric as the operations say.
    operations : Operations
        Of the cell.
    forms : list of Kind
        The independent molecules as they lie about their centres, exactly as symmetric as their sites.
    kinds : (parts,) int array
        Of which kind they are.
    centres : (parts, 3) array
        Fractional.
    origin : list of (int, int)
        For every molecule of the cell its part and the operation that makes it.
    space_group : int
        1 to 230.
    """

    lattice: Floats
    operations: Operations
    forms: list[Kind]
    kinds: NDArray[np.intp]
    centres: Floats
    origin: list[tuple[int, int]]
    space_group: int

    def rigid(self, lattice: Floats, rotations: Floats, centres: Floats, orders: list[list[int]]) -> Structure:
        """Return the crystal in another cell, its independent molecules turned and moved."""
        count = sum(len(order) for order in orders)
        species, positions = [""] * count, np.zeros((count, 3))
        for (part, k), order in zip(self.origin, orders, strict=True):
            atoms = self.forms[part].atoms @ rotations[part].T @ self.operations.turns[k].T
            centre = self.operations.rotations[k] @ centres[part] + self.operations.translations[k]
            positions[order] = atoms + (centre % 1.0) @ lattice
            for name, at in zip(self.forms[part].species, order, strict=True):
                species[at] = name
        return _structure(lattice, species, positions, self.kinds, orders)


def independent_molecules(
    crystal: RigidCrystal, kinds: Sequence[Kind], tolerances: Sequence[float] = TOLERANCES
) -> IndependentMolecules:
    """Find the symmetry of a crystal of rigid molecules: the highest of all tolerances that the molecules have.

    A crystal without symmetry, or whose molecules do not have the symmetry of their sites, has group 1.
    """
    structure = crystal.structure(kinds)
    best: IndependentMolecules | None = None
    for tolerance in tolerances:
        try:
            found = _independent(crystal, kinds, structure, tolerance)
        except InputError:
            continue
        if best is None or len(found.operations) > len(best.operations):
            best = found
    return best if best is not None else without_symmetry(crystal, kinds)


def without_symmetry(crystal: RigidCrystal, kinds: Sequence[Kind]) -> IndependentMolecules:
    """Return a crystal with all its molecules independent."""
    identity = Operations(np.eye(3)[None], np.zeros((1, 3)), np.eye(3)[None])
    lattice = np.asarray(np.linalg.cholesky(crystal.lattice @ crystal.lattice.T), dtype=float)
    turn = np.linalg.solve(crystal.lattice, lattice)
    forms = [kinds[k].turned(turn.T @ r) for k, r in zip(crystal.kinds, crystal.rotations, strict=True)]
    origin = [(k, 0) for k in range(len(forms))]
    return IndependentMolecules(lattice, identity, forms, crystal.kinds, crystal.centres, origin, 1)


def _independent(
    crystal: RigidCrystal, kinds: Sequence[Kind], structure: Structure, symprec: float
) -> IndependentMolecules:
    name = structure.struct_id or "the crystal"
    rotations, translations, number = exact_operations(structure, symprec, name)
    lattice = exact_lattice(crystal.lattice, rotations)
    turn = np.linalg.solve(crystal.lattice, lattice)  # nearly orthogonal: the lattice was made exact
    u, _, vt = np.linalg.svd(turn)
    turn = u @ vt
    turns = lattice.T @ rotations @ np.linalg.inv(lattice.T)
    operations = Operations(rotations, translations, turns)
    tol = 10 * symprec / np.linalg.norm(lattice, axis=1).min()
    count = len(crystal.kinds)
    parts: list[int] = []
    origin: list[tuple[int, int]] = [(-1, -1)] * count
    for m in range(count):
        if origin[m][0] >= 0:
            continue
        for k, image in enumerate(operations.images(crystal.centres[m])):
            offset = crystal.centres - image
            near = np.flatnonzero((np.abs(offset - np.rint(offset)) < tol).all(axis=1))
            if len(near) != 1 or crystal.kinds[near[0]] != crystal.kinds[m]:
                raise InputError(f"{name}: an operation of group {number} does not map molecules onto molecules")
            if origin[near[0]][0] < 0:
                origin[near[0]] = (len(parts), k)
        parts.append(m)
    forms, centres = [], []
    for m in parts:
        stabiliser = operations.stabiliser(crystal.centres[m], tol)
        images = operations.images(crystal.centres[m])[stabiliser]
        centres.append((images - np.rint(images - crystal.centres[m])).mean(axis=0))
        form = kinds[crystal.kinds[m]].turned(turn.T @ crystal.rotations[m])
        form, moved = form.symmetrised(turns[stabiliser])
        if moved > ASYMMETRIC:
            raise InputError(f"{name}: its rigid molecule does not have the symmetry of its site")
        forms.append(form)
    return IndependentMolecules(lattice, operations, forms, crystal.kinds[parts], np.array(centres), origin, number)
