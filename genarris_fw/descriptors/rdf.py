"""Vectors of radial symmetry functions: what Genarris calls RDF (or RSF) and compares crystals by."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, overload

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

import genarris_fw._kernels.rdf as kernel
from genarris_fw.crystal.structure import Structure
from genarris_fw.descriptors.radial_functions import RDF_CONVENTIONS, choose, radial_functions
from genarris_fw.errors import InputError

Array = NDArray[np.float64]

FARTHEST = 1e6  # Å; beyond it, double precision no longer resolves a place within a cell to 1e-10 Å
MOST_IMAGES = 2e6  # of an atom, listed in memory: 80 MB
MOST_PAIRS = 1e10  # a minute


def pool_elements(structures: Sequence[Structure]) -> list[str]:
    """Return the sorted symbols of all elements that occur in the structures."""
    return sorted({name for structure in structures for name in structure.species})


@dataclass(frozen=True)
class _Pool:
    """The structures as arrays: lattices (s, 3, 3) and, structure after structure, the atoms of all.

    Within a structure atoms of one element stand together; `places` says where each stood, `starts`, (s + 1,),
    where each structure begins.
    """

    lattices: Array
    points: Array
    kinds: NDArray[np.intp]
    places: NDArray[np.intp]
    starts: NDArray[np.intp]


def _label(structure: Structure) -> str:
    return structure.struct_id or "a structure"


def _elements(structures: Sequence[Structure], elements: Sequence[str] | None) -> list[str]:
    if elements is None:
        symbols = pool_elements(structures)
        if not symbols:
            raise InputError("no structures to describe: the pool is empty")
        return symbols
    symbols = sorted({str(name) for name in elements})
    unknown = [name for name in symbols if name not in atomic_numbers or name == "X"]
    if unknown or not symbols:
        raise InputError(
            f"elements are {', '.join(symbols) or 'none'}; list the pool's, by the periodic table's symbols"
        )
    for structure in structures:
        missing = sorted(set(structure.species) - set(symbols))
        if missing:
            listed = ", ".join(symbols)
            raise InputError(f"{_label(structure)} has {', '.join(missing)}, not among the pool's elements {listed}")
    return symbols


def _gather(structures: Sequence[Structure], symbols: list[str]) -> _Pool:
    """Check the structures and put them into arrays."""
    lattices = np.empty((len(structures), 3, 3))
    for lattice, structure in zip(lattices, structures):
        if structure.lattice is None:
            raise InputError(f"{_label(structure)} is a molecule: RDF vectors are made of crystals, give it a lattice")
        if len(structure) == 0:
            raise InputError(f"{_label(structure)} has no atoms: nothing to describe")
        lattice[:] = structure.lattice
    counts = np.array([len(structure) for structure in structures], dtype=np.intp)
    which = np.repeat(np.arange(len(structures)), counts)
    index = {name: i for i, name in enumerate(symbols)}
    kinds = np.array([index[name] for structure in structures for name in structure.species], dtype=np.intp)
    points = np.concatenate([np.zeros((0, 3)), *(structure.positions for structure in structures)])
    # Asked in this way, a number that is none fails too.
    wrong = which[~(np.abs(points) < FARTHEST).all(axis=1)].tolist()
    wrong += np.flatnonzero(~(np.abs(lattices) < FARTHEST).all(axis=(1, 2))).tolist()
    if wrong:
        name = _label(structures[wrong[0]])
        raise InputError(f"{name} has a lattice or position that is not finite or beyond {FARTHEST:g} Å; correct it")
    flat = np.flatnonzero(np.abs(np.linalg.det(lattices)) < 1e-6)
    if len(flat):
        raise InputError(f"the lattice vectors of {_label(structures[flat[0]])} lie in a plane: the cell has no volume")
    places = np.lexsort((kinds, which))
    starts = np.concatenate([np.zeros(1, dtype=np.intp), np.cumsum(counts)])
    return _Pool(lattices, points[places], kinds[places], places, starts)


def _shorten(lattices: Array) -> Array:
    """Return the same lattices by shorter vectors, shortest first: a compact cell needs fewer lines of images."""
    short = lattices.copy()
    for _ in range(100):
        products = np.einsum("sic,sjc->sij", short, short)
        steps = np.rint(products / np.einsum("sii->si", products)[:, None, :])
        if not (steps - np.eye(3)).any():
            break
        for i, j in permutations(range(3), 2):
            along = np.einsum("sc,sc->s", short[:, i], short[:, j]) / np.einsum("sc,sc->s", short[:, j], short[:, j])
            short[:, i] -= np.rint(along)[:, None] * short[:, j]
    order = np.argsort(np.linalg.norm(short, axis=2), axis=1)
    return np.take_along_axis(short, order[:, :, None], axis=1)


def _turn(pool: _Pool) -> _Pool:
    """Return the same crystals by compact cells that are lower triangles, so that images are enumerated exactly."""
    lattices = _shorten(pool.lattices)
    turns, uppers = np.linalg.qr(np.swapaxes(lattices, 1, 2))
    turns = turns * np.sign(np.einsum("sii->si", uppers))[:, None, :]
    turn = np.repeat(turns, np.diff(pool.starts), axis=0)
    points = np.einsum("nc,ncd->nd", pool.points, turn)
    return _Pool(lattices @ turns, points, pool.kinds, pool.places, pool.starts)


def _check_effort(pool: _Pool, structures: Sequence[Structure], cutoff: float) -> None:
    """Refuse what would fill the memory or not end: the kernel looks at all these images for each pair of atoms."""
    ax, by, cz = np.einsum("sii->is", pool.lattices)
    across = 2 * cutoff + np.hypot(ax, by)
    images = (across / ax + 2) * (across / by + 2) * (2 * cutoff / cz + 2)
    pairs = images * np.diff(pool.starts) ** 2 / 2
    too_many = np.flatnonzero((images > MOST_IMAGES) | (pairs > MOST_PAIRS))
    if len(too_many):
        worst = too_many[0]
        raise InputError(
            f"cutoff is {cutoff:g} Å: {_label(structures[worst])} has too many atoms within it, about "
            f"{pairs[worst]:.1g} pairs; give a smaller cutoff"
        )


def _number_of_threads(threads: int) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise InputError(f"threads is {threads}; give a whole number, at least 1")
    return int(threads)


@overload
def rdf(
    structures: Sequence[Structure],
    cutoff: float = ...,
    n_D_inter: int = ...,
    init_scheme: str = ...,
    eta_range: Sequence[float] = ...,
    Rs_range: Sequence[float] = ...,
    seed: int = ...,
    elements: Sequence[str] | None = ...,
    per_atom: Literal[False] = ...,
    convention: str = ...,
    threads: int = ...,
) -> Array: ...


@overload
def rdf(
    structures: Sequence[Structure],
    cutoff: float = ...,
    n_D_inter: int = ...,
    init_scheme: str = ...,
    eta_range: Sequence[float] = ...,
    Rs_range: Sequence[float] = ...,
    seed: int = ...,
    elements: Sequence[str] | None = ...,
    *,
    per_atom: Literal[True],
    convention: str = ...,
    threads: int = ...,
) -> list[Array]: ...


def rdf(
    structures: Sequence[Structure],
    cutoff: float = 12.0,
    n_D_inter: int = 12,
    init_scheme: str = "shifted",
    eta_range: Sequence[float] = (0.05, 0.5),
    Rs_range: Sequence[float] = (0.1, 12.0),
    seed: int = 0,
    elements: Sequence[str] | None = None,
    per_atom: bool = False,
    convention: str = "mean",
    threads: int = 1,
) -> Array | list[Array]:
    """Describe crystals by radial symmetry functions.

    For a centre atom i and the neighbours j of element b,
    G_k(i, b) = sum_j exp(-eta_k (r_ij - Rs_k)^2) (cos(pi r_ij / cutoff) + 1) / 2 over all 0 < r_ij <= cutoff.
    Neighbours are all atoms of the crystal, of the atom's own molecule and of others, its own periodic images
    included. A crystal's vector holds, for every ordered pair of elements (a centre, b neighbour), the sum over the
    centres of element a divided by the number of all atoms of the cell.

    Parameters
    ----------
    structures : sequence of Structure
        n crystals.
    cutoff : float
        Radius in Å.
    n_D_inter : int
        Number of functions for each ordered pair of elements.
    init_scheme, eta_range, Rs_range, seed
        See `radial_functions`.
    elements : sequence of str, optional
        All elements of the pool, so that parts of a pool give vectors of the same layout; by default
        those of the structures given. Pairs that a structure lacks give 0.
    per_atom : bool
        Return the surroundings of every atom instead of the crystals' vectors.
    convention : {'mean', '2.0-manual'}
        ``mean``: as above. ``2.0-manual``, to repeat results of the code that the Genarris 2.0 manual describes:
        its grids (see `radial_functions`), a plain sum over the centres, and as neighbours the atoms of the cells
        -2 to 2 along each lattice vector, the centre itself (r = 0) included. Such a vector depends on the choice
        of the cell and of the atoms in it, and lacks neighbours where a cell is shorter than half the cutoff.
    threads : int
        Structures at a time; the result does not depend on it.

    Returns
    -------
    (n, d) ndarray
        d = E^2 m for E elements and m functions: m = n_D_inter, or one less in the grids of ``2.0-manual``;
        blocks ordered by centre, then neighbour, both alphabetically.
    list of (n_atoms, E m) ndarray
        With `per_atom`: one array per structure, a row per atom, a block per neighbour element.

    Raises
    ------
    InputError
        For no structures and no elements, a structure without a cell, with an element that is not listed or with
        numbers that are not finite, or an impossible option.

    Notes
    -----
    A structure's sums are linear in the histogram of its distances. Instead of evaluating every function at every
    distance, the kernel gathers for each bin of distances the moments 0 to 7 of the places within it, and
    multiplies these by the functions' polynomials on the bins (`RadialFunctions.pieces`). What differs is less than
    1e-10 of the value, or less than 1e-20. Functions too narrow for that are evaluated.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.descriptors import rdf
    >>> [urea] = read("examples/urea/urea.cif")
    >>> rdf([urea], n_D_inter=4).shape  # 4 functions of each of 16 pairs of elements
    (1, 64)
    """
    functions = radial_functions(cutoff, n_D_inter, init_scheme, eta_range, Rs_range, seed, convention)
    whole = choose("convention", convention, RDF_CONVENTIONS) == "mean"
    workers = _number_of_threads(threads)
    symbols = _elements(structures, elements)
    pool = _gather(structures, symbols)
    if whole:
        pool = _turn(pool)
        _check_effort(pool, structures, functions.cutoff)
    pieces = functions.pieces()
    sums = kernel.Sum(functions.eta, functions.centres, functions.spacing, functions.cutoff, pieces, whole)
    # One block of rows for each structure: its atoms, or its elements as centres.
    blocks = pool.starts if per_atom else np.arange(len(structures) + 1) * len(symbols)
    out = np.zeros((blocks[-1], len(symbols), len(functions)))
    fill = sums.surround if per_atom else sums.describe

    def add_up(numbers: Sequence[int]) -> None:
        for i in numbers:
            atoms = slice(pool.starts[i], pool.starts[i + 1])
            fill(pool.lattices[i], pool.points[atoms], pool.kinds[atoms], out[blocks[i] : blocks[i + 1]])

    if workers == 1:
        add_up(range(len(structures)))
    else:
        shares = [range(start, len(structures), 4 * workers) for start in range(4 * workers)]
        with ThreadPoolExecutor(workers) as executor:
            list(executor.map(add_up, shares))
    if not per_atom:
        vectors = out.reshape(len(structures), len(symbols) ** 2 * len(functions))
        return vectors / np.diff(pool.starts)[:, None] if whole else vectors
    rows = np.empty((len(out), len(symbols) * len(functions)))
    rows[pool.places] = out.reshape(rows.shape)
    return [rows[start:after] for start, after in zip(pool.starts[:-1], pool.starts[1:])]
