"""The equation of state of a crystal: energy against volume after Birch and Murnaghan, and the Delta gauge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.collections import dcdft
from ase.units import GPa
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError

# The Delta gauge compares two curves this far to both sides of their mean volume (Lejaeghere 2016).
DELTA_RANGE = 0.06
# Gauss-Legendre points; on so narrow a range the curves are smooth enough for full precision.
QUADRATURE_POINTS = 20
MEV_PER_EV = 1000.0
PARAMETERS = 4


@dataclass(frozen=True)
class EquationOfState:
    """A third-order Birch-Murnaghan curve.

    Attributes
    ----------
    V0 : float
        Equilibrium volume, Å3.
    E0 : float
        Energy at V0, eV.
    B0 : float
        Bulk modulus at V0, GPa.
    B1 : float
        Its pressure derivative at V0.
    residual : float
        Root mean square distance (eV) of the fitted energies from the curve; 0 for a curve that is no fit.
    """

    V0: float
    E0: float
    B0: float
    B1: float
    residual: float = 0.0

    def energy(self, volume: ArrayLike) -> NDArray[np.float64]:
        """Return the energy (eV) at each volume (Å3), in the shape of ``volume``.

        F. Birch, Phys. Rev. 71, 809 (1947), https://doi.org/10.1103/PhysRev.71.809.
        """
        strain = (self.V0 / np.asarray(volume, dtype=float)) ** (2 / 3) - 1
        scale = 9 / 16 * self.B0 * GPa * self.V0
        return np.asarray(self.E0 + scale * strain**2 * (2 + (self.B1 - 4) * strain))

    def per_atom(self, atoms: int) -> EquationOfState:
        """Return the curve of one atom, this one being of ``atoms`` atoms."""
        if atoms < 1:
            raise InputError(f"an equation of state is of one atom at least, not of {atoms}")
        return EquationOfState(self.V0 / atoms, self.E0 / atoms, self.B0, self.B1, self.residual / atoms)


def fit(volumes: ArrayLike, energies: ArrayLike) -> EquationOfState:
    """Fit a third-order Birch-Murnaghan equation of state.

    The curve is a cubic polynomial in V^(-2/3), so the fit is a linear one and needs no guess, as in the Delta
    project: K. Lejaeghere et al., Crit. Rev. Solid State 39, 1 (2014), https://doi.org/10.1080/10408436.2013.772503.

    Parameters
    ----------
    volumes : (n,) array_like
        Å3, positive, at least four different ones.
    energies : (n,) array_like
        eV.

    Returns
    -------
    EquationOfState

    Raises
    ------
    InputError
        For fewer than four volumes, numbers that are not finite, or energies without a minimum within the range
        of the volumes.

    Examples
    --------
    >>> from genarris_fw.energetics import fit
    >>> found = fit([38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0], [-0.10, -0.16, -0.19, -0.20, -0.19, -0.16, -0.12])
    >>> round(found.V0, 1)
    40.9
    """
    v, e = _checked(volumes, energies)
    # Relative to the mean volume and the lowest energy, which keeps the fit well conditioned.
    middle, lowest = float(v.mean()), float(e.min())
    curve = np.polynomial.Polynomial.fit((v / middle) ** (-2 / 3), e - lowest, deg=PARAMETERS - 1).convert()
    slope, curvature, third = curve.deriv(1), curve.deriv(2), curve.deriv(3)
    found_roots = np.asarray(slope.roots(), dtype=complex)
    roots = [float(x.real) for x in found_roots if abs(x.imag) < 1e-9 and x.real > 0]
    within = [x for x in roots if v.min() <= middle * x ** (-3 / 2) <= v.max()]
    minima = [x for x in within if float(np.real(curvature(x))) > 0]
    if not minima:
        raise InputError(
            f"the energies have no minimum between {v.min():.4g} and {v.max():.4g} Å3: no equation of state; "
            "take volumes on both sides of the equilibrium"
        )
    x0 = minima[0]
    v0 = middle * x0 ** (-3 / 2)
    bulk_modulus = 4 / 9 * x0**2 * curvature(x0) / v0
    derivative = 4 + 2 / 3 * x0 * third(x0) / curvature(x0)
    e0 = lowest + float(curve(x0))
    found = EquationOfState(v0, e0, float(bulk_modulus / GPa), float(derivative))
    residual = float(np.sqrt(np.mean((found.energy(v) - e) ** 2)))
    return EquationOfState(found.V0, found.E0, found.B0, found.B1, residual)


def delta(a: EquationOfState, b: EquationOfState, atoms_a: int = 1, atoms_b: int = 1) -> float:
    """Return the Delta gauge between two equations of state, in meV per atom.

    The root mean square difference of the two curves, their minima laid upon each other, within 6 % of the mean of
    the two volumes: K. Lejaeghere et al., Science 351, aad3000 (2016), https://doi.org/10.1126/science.aad3000.

    Parameters
    ----------
    a, b : EquationOfState
        The two curves, in either order.
    atoms_a, atoms_b : int, optional
        How many atoms each curve is of.
    """
    first, second = a.per_atom(atoms_a), b.per_atom(atoms_b)
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_POINTS)
    volumes = (first.V0 + second.V0) / 2 * (1 + DELTA_RANGE * nodes)
    difference = (first.energy(volumes) - first.E0) - (second.energy(volumes) - second.E0)
    return MEV_PER_EV * float(np.sqrt(weights @ difference**2 / weights.sum()))


def wien2k(element: str) -> EquationOfState:
    """Return the all-electron reference of an elemental solid: PBE by WIEN2k, per atom, with E0 = 0.

    The numbers are those of the Delta project as `ase.collections.dcdft` has them.

    Raises
    ------
    InputError
        Where the project has no such element.
    """
    if element not in dcdft.data:
        raise InputError(f"there is no WIEN2k reference for '{element}'; there is one for: {', '.join(dcdft.data)}")
    values = dcdft.data[element]
    return EquationOfState(values["wien2k_volume"], 0.0, values["wien2k_B"], values["wien2k_Bp"])


def _checked(volumes: ArrayLike, energies: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    v, e = np.asarray(volumes, dtype=float), np.asarray(energies, dtype=float)
    if v.ndim != 1 or v.shape != e.shape:
        raise InputError(f"an equation of state needs one energy per volume, not {e.size} for {v.size}")
    if not (np.isfinite(v).all() and np.isfinite(e).all() and (v > 0).all()):
        raise InputError("an equation of state needs finite energies at finite, positive volumes")
    if len(np.unique(v)) < PARAMETERS:
        raise InputError(f"an equation of state needs {PARAMETERS} different volumes, not {len(np.unique(v))}")
    return v, e
