"""How alike two crystals are once the cell of one has been given the shape of the other's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw.comparing.powder import Powder, Reflections, pattern, reduced, similarity, spread
from genarris_fw.crystal import Structure
from genarris_fw.crystal.primitive_cell import primitive_cell

Floats = NDArray[np.float64]

LENGTHS = 0.3  # of an edge: how much longer or shorter the other crystal's may be
ANGLES = 20.0  # degrees
# Å: of translations that make a given cell a multiple of the primitive one; most are exact.
SYMPREC = 1e-3


class Fit(NamedTuple):
    """A crystal that was deformed until it is most alike another one.

    Attributes
    ----------
    similarity : float
        Of the powder patterns, from 0 to 1.
    structure : Structure
        The crystal, as it is where no deformed one is more alike; else a primitive cell of it in the shape of the other
        crystal's, atoms at their fractional coordinates.
    """

    similarity: float
    structure: Structure


def variable_cell_similarity(
    reference: Structure,
    structure: Structure,
    powder: Powder | None = None,
    lengths: float = LENGTHS,
    angles: float = ANGLES,
) -> float:
    """Return how alike the powder patterns of two crystals are, differences of their cells set aside.

    See `variable_cell_fit`, whose `similarity` it is.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.comparing import variable_cell_similarity
    >>> [urea] = read("examples/urea/urea.cif")
    >>> round(variable_cell_similarity(urea, urea), 3)
    1.0
    """
    return variable_cell_fit(reference, structure, powder, lengths, angles).similarity


def variable_cell_fit(
    reference: Structure,
    structure: Structure,
    powder: Powder | None = None,
    lengths: float = LENGTHS,
    angles: float = ANGLES,
) -> Fit:
    """Deform a crystal to the cell of another one, so that their powder patterns are most alike.

    Parameters
    ----------
    reference, structure : Structure
        Crystals. The cell of `structure` is deformed, atoms at their fractional coordinates.
    powder : Powder, optional
    lengths : float
        A cell fits whose edges differ by at most this fraction of those of the reference,
    angles : float
        and whose angles differ by at most so many degrees.

    Returns
    -------
    Fit
        With the highest `similarity` of the pattern of the reference and that of the structure, as it is or in a cell
        of it that fits, deformed.

    Raises
    ------
    InputError
        As of `pattern`.

    Notes
    -----
    After the variable-cell powder difference of Mayo, Otero-de-la-Roza and Johnson, CrystEngComm 24, 8326 (2022): cells
    of one crystal are looked for among the lattice vectors of the other, in primitive cells, so that a crystal at 0 K
    agrees with the same one at room temperature.
    """
    chosen = powder or Powder()
    target = pattern(reference, chosen)
    best = Fit(similarity(target, pattern(structure, chosen), chosen), structure)
    aim, given = primitive_cell(reference, SYMPREC)[0], primitive_cell(structure, SYMPREC)[0]
    if sorted(aim.species) != sorted(given.species):
        return best
    cell = reduced(aim.cell)
    reflections = Reflections(cell, chosen)
    for vectors in fitting_cells(cell, reduced(given.cell), lengths, angles):
        fractional = given.positions @ np.linalg.inv(vectors)
        deformed = spread(reflections.two_theta, reflections.intensities(given.species, fractional), chosen)
        if (alike := similarity(target, deformed, chosen)) > best.similarity:
            best = Fit(alike, Structure(cell, given.species, fractional @ cell, {}, structure.struct_id))
    return best


def fitting_cells(cell: Floats, lattice: Floats, lengths: float = LENGTHS, angles: float = ANGLES) -> Iterator[Floats]:
    """Yield the primitive cells of a lattice that have nearly the edges and angles of a given cell.

    Parameters
    ----------
    cell : (3, 3) ndarray
        Rows are the vectors of the cell to be fitted, Å.
    lattice : (3, 3) ndarray
        Those of a primitive, reduced cell of the lattice.
    lengths, angles : float
        As of `variable_cell_similarity`.

    Yields
    ------
    (3, 3) ndarray
        Vectors of the lattice, Å; of a cell and its image by inversion, whose patterns are the same, one.
    """
    wanted = np.linalg.norm(cell, axis=1)
    # |n_i| <= |v| |reciprocal vector i|
    reach = np.floor(wanted.max() * (1.0 + lengths) * np.linalg.norm(np.linalg.inv(lattice), axis=0)).astype(int)
    axes = [np.arange(-n, n + 1) for n in reach]
    numbers = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    vectors = numbers @ lattice
    norms = np.linalg.norm(vectors, axis=1)
    a, b, c = (np.flatnonzero(np.abs(norms - length) <= lengths * length) for length in wanted)
    a = a[len(numbers) - 1 - a > a]  # the partner of each vector stands as far from the end of the list
    alpha, beta, gamma = _angles(cell)
    for i in a:
        other, third = (_between(vectors[i], vectors[some]) for some in (b, c))
        fits = np.abs(third - beta) <= angles
        for j in b[np.abs(other - gamma) <= angles]:
            near = c[fits & (np.abs(_between(vectors[j], vectors[c]) - alpha) <= angles)]
            volumes = numbers[near] @ np.cross(numbers[i], numbers[j])
            yield from (vectors[[i, j, k]] for k in near[np.abs(volumes) == 1])


def _between(vector: Floats, others: Floats) -> Floats:
    """Angles between a vector and others, degrees."""
    lengths = np.linalg.norm(vector) * np.linalg.norm(others, axis=1)
    return np.asarray(np.degrees(np.arccos(np.clip(others @ vector / lengths, -1.0, 1.0))))


def _angles(cell: Floats) -> list[float]:
    """Angles between b and c, a and c, a and b, degrees."""
    return [float(_between(cell[i], cell[[j]])[0]) for i, j in ((1, 2), (0, 2), (0, 1))]
