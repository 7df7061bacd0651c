"""Atomic radii in Å: covalent ones for bonds, van der Waals ones for volumes and contacts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from ase.data.vdw import vdw_radii
from ase.data.vdw_alvarez import vdw_radii as alvarez_radii
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError


def _by_symbol(radii: ArrayLike) -> dict[str, float]:
    """The known radii of one of ASE's tables, which stand in the order of the atomic numbers."""
    return {
        symbol: float(radius)
        for symbol, radius in zip(chemical_symbols, np.asarray(radii, dtype=float), strict=False)
        if symbol != "X" and np.isfinite(radius)
    }


# Van der Waals radii in Å, from three places; a later one wins:
# 1. Alvarez, Dalton Trans. 2013, 42, 8617 (doi:10.1039/c3dt50599e), as ase.data.vdw_alvarez tabulates them: for the
#    elements that 2 lacks, above all transition metals and lanthanides. For most metals that both have, his radius is
#    0.2 to 1 Å larger (Zn 2.39 instead of 1.39): where that matters, give custom_radii.
# 2. Bondi, J. Phys. Chem. 1964, 68, 441 and Mantina et al., J. Phys. Chem. A 2009, 113, 5806, as ase.data.vdw has them.
# 3. The elements of molecular crystals, by name, so that a change of ASE's tables cannot change a volume.
VDW: dict[str, float] = (
    _by_symbol(alvarez_radii)
    | _by_symbol(vdw_radii)
    | {
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
)


def vdw_radius(symbol: str) -> float:
    """Van der Waals radius of one element.

    Parameters
    ----------
    symbol : str
        Element symbol.

    Returns
    -------
    float
        Radius in Å, of `VDW`.

    Raises
    ------
    InputError
        Where no table has a radius for the element.

    Examples
    --------
    >>> from genarris_fw.crystal import vdw_radius
    >>> vdw_radius("O")
    1.52
    """
    if symbol not in VDW:
        raise InputError(
            f'no van der Waals radius is known for {symbol}; give one in Å, such as custom_radii = {{"{symbol}": 2.0}}'
        )
    return VDW[symbol]


def covalent_radius(symbol: str) -> float:
    """Covalent radius of one element, in Å (Cordero et al. 2008, as ASE tabulates them).

    Examples
    --------
    >>> from genarris_fw.crystal import covalent_radius
    >>> covalent_radius("C")
    0.76
    """
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
