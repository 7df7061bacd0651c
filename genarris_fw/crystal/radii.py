"""Atomic radii in Å: covalent ones for bonds, van der Waals ones for volumes and contacts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from ase.data.vdw import vdw_radii
from numpy.typing import NDArray

from genarris_fw.errors import InputError

# Radii of Bondi (1964) and Mantina et al. (2009), as ASE tabulates them. The elements of molecular crystals
# are named here, so that a change of ASE's table cannot change a volume.
VDW: dict[str, float] = {
    symbol: float(radius)
    for symbol, radius in zip(chemical_symbols, vdw_radii, strict=False)
    if symbol != "X" and np.isfinite(radius)
} | {
    "H": 1.20,
    "B": 1.92,
    "C": 1.70,
    "N": 1.55,
    "O": 1.52,
    "F": 1.47,
    "Si": 2.10,
    "P": 1.80,
    "S": 1.80,
    "Cl": 1.75,
    "Br": 1.85,
    "I": 1.98,
}


def vdw_radius(symbol: str) -> float:
    """Van der Waals radius of one element.

    Parameters
    ----------
    symbol : str
        Element symbol.

    Returns
    -------
    float
        Radius in Å.

    Raises
    ------
    InputError
        Where the table has no radius for the element.
    """
    if symbol not in VDW:
        raise InputError(f"no van der Waals radius is known for {symbol}; known: {', '.join(sorted(VDW))}")
    return VDW[symbol]


def covalent_radius(symbol: str) -> float:
    """Covalent radius of one element, in Å (Cordero et al. 2008, as ASE tabulates them)."""
    return float(covalent_radii[atomic_numbers[symbol]])


def natural_cutoffs(species: Sequence[str], factor: float = 1.0) -> NDArray[np.float64]:
    """Bond radii of atoms: two atoms are bonded when they are closer than the sum of both radii.

    Parameters
    ----------
    species : sequence of str
        Element symbols, n of them.
    factor : float, optional
        Multiplies every covalent radius.

    Returns
    -------
    (n,) ndarray
        Radii in Å.
    """
    return factor * np.array([covalent_radius(symbol) for symbol in species], dtype=float)
