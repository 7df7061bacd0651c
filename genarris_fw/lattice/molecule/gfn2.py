"""Charges and forces of GFN2-xTB: what there is without pyscf."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from ase.units import Hartree as HARTREE
from numpy.typing import NDArray

from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice.multipoles import BOHR

Array = NDArray[np.float64]

METHOD = "GFN2"
MISSING = "tblite is missing: pip install 'genarris_fw[tblite]', or 'genarris_fw[pyscf]' and method = HF/6-31G**"
STRETCH = 1.4  # nearest to the potentials of HF/6-31G**: 2 to 10 kJ/mol per e off, unstretched 2 to 11
ACCURACY = 0.1  # tighter than tblite's default of 1: charges to 1e-6 e


def is_gfn2(method: str) -> bool:
    """Tell whether a method's name is that of GFN2."""
    return method.strip().upper() in ("GFN2", "GFN2-XTB")


def gfn2_installed() -> bool:
    """Tell whether tblite can be used."""
    try:
        return importlib.util.find_spec("tblite.interface") is not None
    except ImportError:
        return False


def gfn2_charges(species: Sequence[str], positions: Array, charge: int = 0) -> Array:
    """Return charges at the nuclei with the dipole moment of GFN2-xTB.

    Bannwarth, Ehlert and Grimme, J. Chem. Theory Comput. 15, 1652 (2019). GFN2's own (Mulliken) charges go along with
    dipoles and quadrupoles of the atoms, without which they are of little use. They are multiplied by `STRETCH` here,
    and changed as little as possible, by least squares, so that the molecule has its dipole moment.

    Parameters
    ----------
    species : sequence of str
        Elements, n of them.
    positions : (n, 3) ndarray
        Å.
    charge : int, optional
        e.

    Returns
    -------
    (n,) ndarray
        e.

    Raises
    ------
    InputError
        Without tblite.
    EngineError
        Where GFN2 does not converge, kind ``scf``.
    """
    result = _result(species, positions, charge)
    own = STRETCH * np.asarray(result["charges"], dtype=np.float64)
    dipole = np.asarray(result["dipole"], dtype=np.float64) * BOHR
    origin = positions.mean(axis=0)
    # The dipole of a charged molecule is about the origin of the coordinates.
    wanted = np.array([charge, *(dipole - charge * origin)])
    sums = np.concatenate([np.ones((1, len(own))), (positions - origin).T])
    return np.asarray(own + np.linalg.pinv(sums, rcond=1e-6) @ (wanted - sums @ own))


def gfn2_forces(species: Sequence[str], positions: Array, charge: int = 0) -> tuple[float, Array]:
    """Return energy (eV) and forces (eV/Å) of GFN2-xTB; parameters and errors as of `gfn2_charges`."""
    result = _result(species, positions, charge)
    forces = -np.asarray(result["gradient"], dtype=np.float64) * (HARTREE / BOHR)
    return float(result["energy"]) * HARTREE, forces


def _result(species: Sequence[str], positions: Array, charge: int) -> Any:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        interface: Any = importlib.import_module("tblite.interface")
    except ImportError:
        raise InputError(MISSING) from None
    numbers = np.array([atomic_numbers[name] for name in species])
    calculator = interface.Calculator("GFN2-xTB", numbers, positions / BOHR, charge=float(charge))
    calculator.set("verbosity", 0)
    calculator.set("accuracy", ACCURACY)
    try:
        return calculator.singlepoint()
    except (RuntimeError, ValueError) as error:
        words = " ".join(str(error).split())
        raise EngineError(f"GFN2 did not converge ({words}); check the molecule and its charge", "scf", True) from None
