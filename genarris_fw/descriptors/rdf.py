"""Vectors of radial symmetry functions: what Genarris calls RDF (or RSF) and compares crystals by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

import genarris_fw._kernels.rdf as kernel
from genarris_fw.crystal.structure import Structure
from genarris_fw.descriptors.radial_functions import RadialFunctions, radial_functions
from genarris_fw.errors import InputError

Array = NDArray[np.float64]


def pool_elements(structures: Sequence[Structure]) -> list[str]:
    """Return the sorted symbols of all elements that occur in the structures."""
    return sorted({name for structure in structures for name in structure.species})


def environments(structure: Structure, functions: RadialFunctions, elements: Sequence[str]) -> Array:
    """Sum the radial functions over the neighbours of every atom.

    Neighbours are all atoms of the crystal inside the cutoff, of the atom's own molecule and of others,
    its own periodic images included, itself excluded.

    Parameters
    ----------
    structure : Structure
        A crystal of n atoms.
    functions : RadialFunctions
        The m functions.
    elements : sequence of str
        Symbols of all elements, in the order of the result's second axis.

    Returns
    -------
    (n, len(elements), m) ndarray

    Raises
    ------
    InputError
        For a structure without a cell or with an element that is not listed.
    """
    label = structure.struct_id or "a structure"
    if structure.lattice is None:
        raise InputError(f"{label} is a molecule: RDF vectors are made of crystals, give it a lattice")
    index = {name: i for i, name in enumerate(elements)}
    missing = sorted(set(structure.species) - set(index))
    if missing:
        raise InputError(f"{label} has {', '.join(missing)}, not among the pool's elements {', '.join(elements)}")
    kinds = np.array([index[name] for name in structure.species], dtype=np.intp)
    # In a frame turned so that the lattice is a lower triangle (QR of its transpose), images are
    # enumerated exactly; distances do not notice the turn.
    turn, upper = np.linalg.qr(structure.lattice.T)
    turn = turn * np.sign(np.diagonal(upper))
    out = np.zeros((len(structure), len(elements), len(functions)))
    kernel.environments(
        np.ascontiguousarray(structure.lattice @ turn),
        np.ascontiguousarray(structure.positions @ turn),
        kinds,
        functions.eta,
        functions.centres,
        functions.spacing,
        functions.cutoff,
        out,
    )
    return out


def _cell_vector(structure: Structure, around: Array, elements: Sequence[str]) -> Array:
    """Mean over all atoms of the cell, one block for each ordered element pair."""
    species = np.array(structure.species)
    blocks = [around[species == element].sum(axis=0) for element in elements]
    return np.ravel(blocks) / len(species)


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
) -> Array | list[Array]:
    """Describe crystals by radial symmetry functions.

    For a centre atom i and the neighbours j of element b,
    G_k(i, b) = sum_j exp(-eta_k (r_ij - Rs_k)^2) (cos(pi r_ij / cutoff) + 1) / 2 over all r_ij <= cutoff.
    A crystal's vector holds, for every ordered pair of elements (a centre, b neighbour), the sum over the
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

    Returns
    -------
    (n, d) ndarray
        d = E^2 n_D_inter for E elements; blocks ordered by centre, then neighbour, both alphabetically.
    list of (n_atoms, E n_D_inter) ndarray
        With `per_atom`: one array per structure, a row per atom, a block per neighbour element.

    Raises
    ------
    InputError
        For no structures and no elements, a structure without a cell or with an element that is not
        listed, or an impossible option.
    """
    functions = radial_functions(cutoff, n_D_inter, init_scheme, eta_range, Rs_range, seed)
    symbols = pool_elements(structures) if elements is None else sorted(set(elements))
    if not symbols:
        raise InputError("no structures to describe: the pool is empty")
    around = (environments(structure, functions, symbols) for structure in structures)
    if per_atom:
        return [values.reshape(len(values), -1) for values in around]
    vectors = np.zeros((len(structures), len(symbols) ** 2 * len(functions)))
    for row, (structure, values) in enumerate(zip(structures, around)):
        vectors[row] = _cell_vector(structure, values, symbols)
    return vectors
