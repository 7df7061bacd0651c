"""Distributed multipole analysis: the multipoles at the atoms that a density matrix has."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.lattice.multipoles import BOHR, regular, shifted

Array = NDArray[np.float64]

RANK = 4
# Whose a Gaussian is, as GDMA has it: distances count in the radii of the atoms, 0.325 Å for hydrogen and 0.65 Å else.
HYDROGEN, OTHERS = 0.5, 1.0
TIE = 1e-6  # of squared distances (Å2): sites so equally near share
_NAMES = ("int1e_ovlp", "int1e_r", "int1e_rr", "int1e_rrr", "int1e_rrrr")


def analysed(mol: Any, density: Array, species: Sequence[str], positions: Array) -> Array:
    """Return the multipoles at the nuclei, electrons and nuclei together, by Stone's method.

    A. J. Stone, Chem. Phys. Lett. 83, 233 (1981); A. J. Stone and M. Alderton, Mol. Phys. 56, 1047 (1985). The product
    of two primitive Gaussians is a Gaussian at their common centre, whose multipoles end at the sum of their angular
    momenta; it is described at the nearest nucleus (or shared by those that are equally near). The shift from the
    common centre to the nucleus is exact, and so is the sum of the multipoles up to `RANK`.

    Parameters
    ----------
    mol : pyscf.gto.Mole
        The molecule with its basis.
    density : (n, n) ndarray
        The density matrix of all electrons.
    species : sequence of str
        Elements, k of them.
    positions : (k, 3) ndarray
        Å, those of `mol`.

    Returns
    -------
    (k, 25) ndarray
        e Å^l.
    """
    # Some basis sets have the same Gaussian in several shells (6-311G** of sulphur): each once.
    primitive, contractions = mol.decontract_basis(aggregate=True)
    density = contractions @ density @ contractions.T
    shares = _shares(primitive, species, positions)
    first = primitive.ao_loc_nr()
    origin = positions.mean(axis=0)
    sums = np.zeros((len(positions), (RANK + 1) ** 2))
    of_atom = primitive.aoslice_by_atom()
    with primitive.with_common_origin(origin / BOHR):
        for low, high, start, end in of_atom:
            if low == high:
                continue
            shell_of = np.repeat(np.arange(primitive.nbas), np.diff(first))
            weights = shares[:, shell_of[start:end]][:, :, shell_of] * density[start:end]
            weights = weights.reshape(len(positions), -1)
            for rank, name in enumerate(_NAMES):
                moments = primitive.intor(name, shls_slice=(low, high, 0, primitive.nbas))
                moments = np.asarray(moments).reshape(3**rank, -1)
                chosen, coefficients = _monomials(rank)
                part = (weights @ moments[chosen].T) @ coefficients
                sums[:, rank**2 : (rank + 1) ** 2] -= part * BOHR**rank
    found = np.array([shifted(sums[i], origin - positions[i]) for i in range(len(positions))])
    found[:, 0] += mol.atom_charges()
    return found


def _shares(primitive: Any, species: Sequence[str], positions: Array) -> Array:
    """Return what part of the product of two shells each site gets, (k, shells, shells)."""
    exponents = np.array([float(primitive.bas_exp(i)[0]) for i in range(primitive.nbas)])
    centres = np.array([positions[primitive.bas_atom(i)] for i in range(primitive.nbas)])
    total = exponents[:, None] + exponents
    common = (exponents[:, None] * centres[:, None].transpose(2, 0, 1) + exponents * centres.T[:, None]) / total
    radii = np.array([HYDROGEN if name == "H" else OTHERS for name in species])
    away = np.array(
        [((common - site[:, None, None]) ** 2).sum(axis=0) / radius**2 for site, radius in zip(positions, radii)]
    )
    near = away <= away.min(axis=0) + TIE
    return np.asarray(near / near.sum(axis=0))


@functools.cache
def _monomials(rank: int) -> tuple[list[int], Array]:
    """Return which of the 3^rank products of coordinates differ, and the solid harmonics of that rank in them."""
    products = list(itertools.product(range(3), repeat=rank))
    chosen = [i for i, product in enumerate(products) if list(product) == sorted(product)]
    points = np.random.default_rng(rank).normal(size=(4 * len(chosen), 3))
    values = np.array([points[:, products[i]].prod(axis=1) for i in chosen]).T
    harmonics = regular(points, rank)[:, rank**2 :]
    return chosen, np.asarray(np.linalg.lstsq(values, harmonics, rcond=None)[0])
