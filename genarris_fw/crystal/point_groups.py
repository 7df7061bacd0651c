"""The point group of a molecule within a tolerance, its subgroups, and molecules made exactly symmetric."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.point_group_symbols import hermann_mauguin_symbol, parse_symbol, schoenflies_symbol
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PointGroup:
    """A finite group of operations that map a molecule onto itself.

    Attributes
    ----------
    symbol : str
        Hermann-Mauguin symbol, for example ``mmm``.
    schoenflies : str
        Schoenflies symbol, for example ``D2h``.
    operations : (m, 3, 3) ndarray
        Orthogonal matrices about the centre, exactly closed under multiplication; the identity first, then
        the proper ones, then the improper ones.
    centre : (3,) ndarray
        The centre in Å: the mean of all positions, every atom with weight one.
    permutations : (m, n) ndarray of int
        Operation k takes atom i to the place of atom ``permutations[k, i]``.
    deviation : float
        The largest distance in Å between an image of an atom and the atom whose place it takes.
    infinite : bool
        True for a linear molecule and for a single atom: the operations are those of a finite subgroup
        (C12v or D12h, which hold every crystallographic subgroup of C∞v or D∞h; Oh for an atom).
    """

    symbol: str
    schoenflies: str
    operations: Floats
    centre: Floats
    permutations: Integers
    deviation: float = 0.0
    infinite: bool = field(default=False)

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.operations)

    @property
    def order(self) -> int:
        """Number of operations."""
        return len(self.operations)

    @cached_property
    def multiplication_table(self) -> Integers:
        """(m, m) numbers: operation ``table[j, k]`` is operation j after operation k."""
        return _multiplication_table(self.operations)

    def subgroup(self, members: ArrayLike) -> PointGroup:
        """Return the subgroup made of some of the operations.

        Parameters
        ----------
        members : array_like of int
            Numbers of the operations; they must form a group.

        Returns
        -------
        PointGroup
        """
        chosen = np.sort(np.asarray(members, dtype=int))
        operations = self.operations[chosen]
        name = schoenflies_symbol(operations)
        return PointGroup(
            hermann_mauguin_symbol(name),
            name,
            operations,
            self.centre,
            self.permutations[chosen],
            self.deviation,
        )

    @cached_property
    def subgroup_members(self) -> list[tuple[int, ...]]:
        """Numbers of the operations of every subgroup, the largest first, the trivial one last."""
        table = self.multiplication_table
        cyclic = {_closure((k,), table) for k in range(len(self))}
        found = set(cyclic)
        waiting = list(cyclic)
        while waiting:
            group = waiting.pop()
            for other in cyclic:
                if not other <= group:
                    joined = _closure(tuple(group | other), table)
                    if joined not in found:
                        found.add(joined)
                        waiting.append(joined)
        return sorted((tuple(sorted(group)) for group in found), key=lambda group: (-len(group), group))

    def subgroups(self, symbol: str | None = None) -> list[PointGroup]:
        """Return the subgroups, the group itself among them.

        Parameters
        ----------
        symbol : str, optional
            Keep only those with this Hermann-Mauguin or Schoenflies symbol.

        Returns
        -------
        list of PointGroup
            The largest first.
        """
        groups = [self.subgroup(members) for members in self.subgroup_members]
        if symbol is None:
            return groups
        name = parse_symbol(symbol)
        return [group for group in groups if group.schoenflies == name]


def point_group(molecule: Molecule, tol: float = 1e-2) -> PointGroup:
    """Find the point group of a molecule.

    Every operation is found from where it takes two atoms that, with the centre, span a frame; the candidates
    are fitted to all atoms (Kabsch 1976) and kept when no atom misses its image by more than ``tol``. Where
    the operations within ``tol`` do not form a group, the limit is lowered until they do. At the end the
    matrices are averaged to an exact group.

    Parameters
    ----------
    molecule : Molecule
        The molecule; its orientation, place and the order of its atoms do not matter.
    tol : float, optional
        Largest distance in Å between an atom and the image of its equivalent.

    Returns
    -------
    PointGroup
        For a linear molecule the symbol is ``∞m`` (C∞v) or ``∞/mm`` (D∞h), for one atom ``∞∞m`` (Kh), and the
        operations are those of the finite subgroup C12v, D12h or Oh.

    Raises
    ------
    InputError
        For a molecule without atoms or a tolerance that is not positive.

    Examples
    --------
    >>> from genarris_fw.crystal import point_group, read_molecule
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> point_group(molecule).symbol
    'mm2'
    """
    if len(molecule) == 0:
        raise InputError("a molecule without atoms has no point group")
    if not (np.isfinite(tol) and tol > 0):
        raise InputError(f"the tolerance of a point group must be positive (Å), not {tol}")
    centre = molecule.positions.mean(axis=0)
    points = molecule.positions - centre
    kinds = np.unique(molecule.species, return_inverse=True)[1]
    axes = np.linalg.svd(points, full_matrices=True)[2]
    along = points @ axes[0]
    if np.linalg.norm(points - np.outer(along, axes[0]), axis=1).max() <= tol / 2:
        return _linear_group(points, kinds, axes[0], centre, tol)
    found = _operations(points, kinds, tol)
    operations, permutations, deviations = _largest_group(*found)
    name = schoenflies_symbol(operations)
    return PointGroup(hermann_mauguin_symbol(name), name, operations, centre, permutations, float(deviations.max()))


def symmetrize(molecule: Molecule, group: str | PointGroup | None = None, tol: float = 1e-2) -> Molecule:
    """Return the molecule averaged over the operations of a point group, which it then has exactly.

    Parameters
    ----------
    molecule : Molecule
        The molecule.
    group : str or PointGroup, optional
        The symbol of the group of the molecule or of a subgroup (of several with one symbol, the one from
        which the molecule deviates least is taken), or operations found before. By default the whole group
        found within ``tol``.
    tol : float, optional
        Tolerance in Å, as in `point_group`.

    Returns
    -------
    Molecule
        Same place, orientation and order of atoms.

    Raises
    ------
    InputError
        Where the symbol names no point group or the molecule does not have it within ``tol``.
    """
    if isinstance(group, PointGroup):
        return _averaged(molecule, group)
    found = point_group(molecule, tol)
    if group is None:
        return _averaged(molecule, found)
    name = parse_symbol(group)
    if name == found.schoenflies:
        return _averaged(molecule, found)
    candidates = [_averaged(molecule, sub) for sub in found.subgroups(name)]
    if not candidates:
        raise InputError(
            f"the molecule {molecule.formula} has the point group {found.symbol} ({found.schoenflies}) "
            f"within {tol:g} Å, which has no subgroup {group}; choose another group or a larger tolerance"
        )
    moved = [np.round(np.abs(new.positions - molecule.positions).max(), 9) for new in candidates]
    return candidates[int(np.argmin(moved))]


def _averaged(molecule: Molecule, group: PointGroup) -> Molecule:
    points = molecule.positions - group.centre
    total = np.zeros_like(points)
    for operation, permutation in zip(group.operations, group.permutations):
        total[permutation] += points @ operation.T
    return molecule.at(total / len(group) + group.centre)


def _operations(points: Floats, kinds: Integers, tol: float) -> tuple[Floats, Integers, Floats]:
    """Matrices, permutations and deviations of the operations within ``tol``; the molecule is not linear."""
    radii = np.linalg.norm(points, axis=1)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    alike = (kinds[:, None] == kinds[None]) & (np.abs(radii[:, None] - radii[None]) <= tol)
    i, j = _frame_atoms(points, alike.sum(axis=1))
    found: dict[tuple[int, ...], tuple[Floats, Integers, float]] = {}
    for image_i in np.flatnonzero(alike[i]):
        for image_j in np.flatnonzero(alike[j] & (np.abs(distances[image_i] - distances[i, j]) <= 2 * tol)):
            for sign in (1, -1):
                start = _frame(points[image_i], points[image_j], sign) @ _frame(points[i], points[j], 1).T
                fitted = _fit(start, points, kinds, sign)
                if fitted is not None and fitted[2] <= tol:
                    found.setdefault((sign, *fitted[1]), fitted)
    identity = (1, *range(len(points)))
    found[identity] = (np.eye(3), np.arange(len(points)), 0.0)
    chosen = [found[key] for key in sorted(found, key=lambda key: (key != identity, -key[0], key[1:]))]
    return (
        np.array([matrix for matrix, _, _ in chosen]),
        np.array([permutation for _, permutation, _ in chosen]),
        np.array([deviation for _, _, deviation in chosen]),
    )


def _frame_atoms(points: Floats, images: Integers) -> tuple[int, int]:
    """Two atoms that span a good frame with the centre and have few possible images."""
    area = np.linalg.norm(np.cross(points[:, None], points[None]), axis=2)
    choices = np.argwhere(area >= 0.25 * area.max())
    cost = images[choices[:, 0]] * images[choices[:, 1]]
    best = np.lexsort((-area[choices[:, 0], choices[:, 1]], cost))[0]
    return int(choices[best, 0]), int(choices[best, 1])


def _frame(first: Floats, second: Floats, sign: int) -> Floats:
    """Orthonormal columns: along the first vector, across it in the plane of both, and the plane's normal."""
    normal = np.cross(first, second)
    length = np.linalg.norm(normal)
    if length < 1e-9:
        return np.diag([1.0, 1.0, float(sign)])
    normal /= length
    u = first / np.linalg.norm(first)
    return np.column_stack([u, np.cross(normal, u), sign * normal])


def _fit(start: Floats, points: Floats, kinds: Integers, sign: int) -> tuple[Floats, Integers, float] | None:
    """Match the images under ``start`` to atoms and fit the operation to the match; None without a match."""
    matrix = start
    permutation = None
    for _ in range(3):
        images = points @ matrix.T
        gaps = np.linalg.norm(images[:, None] - points[None], axis=2)
        gaps[kinds[:, None] != kinds[None]] = np.inf
        nearest = gaps.argmin(axis=1)
        if len(set(nearest.tolist())) < len(points):
            return None
        if permutation is not None and (nearest == permutation).all():
            break
        permutation = nearest
        matrix = _best_operation(points, points[permutation], sign)
    assert permutation is not None
    deviation = np.linalg.norm(points @ matrix.T - points[permutation], axis=1).max()
    return matrix, permutation, float(deviation)


def _best_operation(points: Floats, images: Floats, sign: int) -> Floats:
    """Orthogonal matrix of the given determinant that best takes points to images (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(images.T @ points)
    u[:, 2] *= sign * np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt)


def _largest_group(matrices: Floats, permutations: Integers, deviations: Floats) -> tuple[Floats, Integers, Floats]:
    """Keep the operations below the highest deviation at which they form a group, and make them exact."""
    table = _product_numbers(matrices, permutations)
    for limit in sorted(set(deviations.tolist()), reverse=True):
        kept = np.flatnonzero(deviations <= limit)
        products = table[np.ix_(kept, kept)]
        if np.isin(products, kept).all():
            number_among_kept = np.searchsorted(kept, products)
            return _exact_group(matrices[kept], number_among_kept), permutations[kept], deviations[kept]
    raise AssertionError("the identity alone is a group")


def _product_numbers(matrices: Floats, permutations: Integers) -> Integers:
    """Which operation is j after k, by permutation and determinant; -1 where it is none of them."""
    signs = np.sign(np.linalg.det(matrices)).astype(int)
    number = {(sign, row.tobytes()): k for k, (sign, row) in enumerate(zip(signs.tolist(), permutations))}
    table = np.full((len(matrices), len(matrices)), -1)
    for j, permutation in enumerate(permutations):
        for k, row in enumerate(permutation[permutations]):
            table[j, k] = number.get((int(signs[j] * signs[k]), row.tobytes()), -1)
    return table


def _exact_group(matrices: Floats, table: Integers) -> Floats:
    """Orthogonal matrices near the given ones that multiply exactly as the table says.

    The mean of all products ``(g h) h^-1`` that should equal g, made orthogonal; each step squares the error
    (Grove, Karcher and Ruh 1974).
    """
    exact = matrices
    for _ in range(8):
        mean = np.einsum("jkab,kcb->jac", exact[table], exact) / len(exact)
        u, _, vt = np.linalg.svd(mean)
        exact = u @ vt
    return np.asarray(exact)


def _multiplication_table(operations: Floats) -> Integers:
    products = np.einsum("jab,kbc->jkac", operations, operations).reshape(-1, 9)
    flat = operations.reshape(-1, 9)
    gaps = np.linalg.norm(products[:, None] - flat[None], axis=2)
    return np.asarray(gaps.argmin(axis=1).reshape(len(flat), len(flat)))


def _closure(members: tuple[int, ...], table: Integers) -> frozenset[int]:
    """All products of some operations."""
    inside = np.zeros(len(table), dtype=bool)
    inside[list(members)] = True
    while True:
        chosen = np.flatnonzero(inside)
        inside[table[np.ix_(chosen, chosen)].ravel()] = True
        if inside.sum() == len(chosen):
            return frozenset(chosen.tolist())


def _linear_group(points: Floats, kinds: Integers, axis: Floats, centre: Floats, tol: float) -> PointGroup:
    """Finite stand-in for the group of a linear molecule (12-fold axis) or of one atom (Oh)."""
    # Only here: it is slow to import, and few molecules are linear.
    from scipy.spatial.transform import Rotation

    along = points @ axis
    if np.abs(along).max() <= tol / 2:
        operations = np.concatenate([cube := Rotation.create_group("O").as_matrix(), -cube])
        same = np.tile(np.arange(len(points)), (len(operations), 1))
        return PointGroup("∞∞m", "Kh", _identity_first(operations), centre, same, 0.0, True)
    offset = np.linalg.norm(points - np.outer(along, axis), axis=1).max()
    frame = _frame(axis, np.eye(3)[np.abs(axis).argmin()], 1)[:, [1, 2, 0]]
    turns = Rotation.create_group("C12").as_matrix()
    upright = np.concatenate([turns, turns @ np.diag([-1.0, 1.0, 1.0])])
    gaps = np.abs(-along[:, None] - along[None]) + np.where(kinds[:, None] == kinds[None], 0.0, np.inf)
    reverse = gaps.argmin(axis=1)
    deviation = float(gaps.min(axis=1).max())
    symmetric = deviation + offset <= tol and len(set(reverse.tolist())) == len(points)
    upright_same = np.tile(np.arange(len(points)), (len(upright), 1))
    if not symmetric:
        operations = _identity_first(frame @ upright @ frame.T)
        return PointGroup("∞m", "C∞v", operations, centre, upright_same, float(2 * offset), True)
    turned = upright @ np.diag([1.0, -1.0, -1.0])
    local = np.concatenate([upright, turned])
    permutations = np.concatenate([upright_same, np.tile(reverse, (len(turned), 1))])
    proper_first = np.argsort(np.linalg.det(local) < 0, kind="stable")
    operations = frame @ local[proper_first] @ frame.T
    return PointGroup(
        "∞/mm", "D∞h", operations, centre, permutations[proper_first], deviation + float(2 * offset), True
    )


def _identity_first(operations: Floats) -> Floats:
    """Order operations: the identity, the other proper ones, the improper ones."""
    keys = np.lexsort((-np.trace(operations, axis1=1, axis2=2), np.linalg.det(operations) < 0))
    return operations[keys]
