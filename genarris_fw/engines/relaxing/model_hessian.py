"""A guess of the curvature of a molecular crystal's energy, to start a relaxation with.

Bonds, angles and torsions get the force constants of the model of R. Lindh, A. Bernhardsson, G. Karlström and
P.-Å. Malmqvist, Chem. Phys. Lett. 241, 423 (1995); contacts between molecules a spring that falls off with
distance. The springs act on positions and cell alike, so that the guess knows that straining a cell strains
its molecules: the coupling that makes plain quasi-Newton steps on atoms and cell slow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import atomic_numbers
from ase.geometry import get_angles_derivatives, get_dihedrals_derivatives
from ase.units import Bohr, Hartree
from numpy.typing import NDArray

from genarris_fw.crystal.crystal_bonds import bonds_of_crystal
from genarris_fw.crystal.radii import vdw_radius
from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.checks import neighbours

Floats = NDArray[np.float64]

# Lindh et al. 1995, table 1, by row of the periodic table (H-He, Li-Ne, the rest): α in 1/bohr2, r in bohr.
_ALPHA = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.2800, 0.2800], [0.3949, 0.2800, 0.2800]])
_LENGTH = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])
# Their three constants, here in eV/Å2 and eV.
_STRETCH = 0.45 * Hartree / Bohr**2
_BEND = 0.15 * Hartree
_TORSION = 0.005 * Hartree
# Contacts: a Lennard-Jones-like curvature (eV/Å2) at the sum of the van der Waals radii, and its fall-off.
_CONTACT = 0.03
_CONTACT_POWER = 8
_CONTACT_REACH = 6.0
_CONTACT_CAP = 5.0

Bonded = list[list[tuple[int, Floats]]]


def model_hessian(structure: Structure, cell_scale: float) -> Floats:
    """Return the model's second derivatives.

    Parameters
    ----------
    structure : Structure
        A crystal or a molecule, n atoms.
    cell_scale : float
        The cell's coordinates are ``cell_scale`` times the strain (Å), as in ASE's `FrechetCellFilter`.

    Returns
    -------
    ndarray
        (3n+9, 3n+9) for a crystal, (3n, 3n) for a molecule, in eV/Å2; symmetric, no negative eigenvalue.
    """
    springs = _Springs(structure, cell_scale)
    bonded = _bonded(structure)
    springs.pairs(structure)
    springs.angles_and_torsions(bonded)
    return springs.hessian


class _Springs:
    """Adds k·(∂q/∂x)(∂q/∂x)ᵀ for each internal coordinate q."""

    def __init__(self, structure: Structure, cell_scale: float) -> None:
        self.n = len(structure)
        self.scale = cell_scale
        self.periodic = structure.lattice is not None
        size = 3 * self.n + (9 if self.periodic else 0)
        self.hessian = np.zeros((size, size))
        numbers = np.array([atomic_numbers[name] for name in structure.species])
        self.row = np.digitize(numbers, [3, 11])

    def add(self, constant: float, atoms: list[int], derivatives: Floats, places: Floats) -> None:
        """Add one spring: ∂q/∂(atom), and where (which image) those atoms are, relative to any origin."""
        line = np.zeros(len(self.hessian))
        for atom, derivative in zip(atoms, derivatives):
            line[3 * atom : 3 * atom + 3] += derivative
        if self.periodic:
            line[-9:] = (derivatives.T @ places).ravel() / self.scale
        used = np.flatnonzero(line)
        self.hessian[np.ix_(used, used)] += constant * np.outer(line[used], line[used])

    def rho(self, i: Any, j: Any, distance: Any) -> Any:
        """Lindh's measure of how bonded atoms are: of one pair, or of many at once."""
        a, b = self.row[i], self.row[j]
        return np.exp(_ALPHA[a, b] * (_LENGTH[a, b] ** 2 - (distance / Bohr) ** 2))

    def pairs(self, structure: Structure) -> None:
        """Stretches: bonds and contacts, all at once, for there are many."""
        i, j, _, vectors = neighbours(structure, _CONTACT_REACH)
        distances = np.linalg.norm(vectors, axis=1)
        radii = np.array([vdw_radius(name) for name in structure.species])
        contacts = np.minimum(_CONTACT * ((radii[i] + radii[j]) / distances) ** _CONTACT_POWER, _CONTACT_CAP)
        # Each pair comes in both directions: half of the spring each time.
        constants = 0.5 * (_STRETCH * np.minimum(1.0, self.rho(i, j, distances)) + contacts)
        units = vectors / distances[:, None]
        pulls = constants[:, None] * units
        n, cell = self.n, slice(3 * self.n, None)
        blocks = pulls[:, :, None] * units[:, None, :]
        atoms = np.zeros((n, n, 3, 3))
        for (a, b), sign in (((i, i), 1.0), ((j, j), 1.0), ((i, j), -1.0), ((j, i), -1.0)):
            np.add.at(atoms, (a, b), sign * blocks)
        self.hessian[: 3 * n, : 3 * n] += atoms.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
        if not self.periodic:
            return
        strains = (units[:, :, None] * vectors[:, None, :]).reshape(-1, 9) / self.scale
        coupling = np.zeros((n, 3, 9))
        for a, sign in ((i, -1.0), (j, 1.0)):
            np.add.at(coupling, a, sign * pulls[:, :, None] * strains[:, None, :])
        self.hessian[: 3 * n, cell] += coupling.reshape(3 * n, 9)
        self.hessian[cell, : 3 * n] += coupling.reshape(3 * n, 9).T
        self.hessian[cell, cell] += (strains.T * constants) @ strains

    def angles_and_torsions(self, bonded: Bonded) -> None:
        """Bends about each atom, torsions about each bond, and out-of-plane bends of atoms with three bonds."""
        for j, around in enumerate(bonded):
            for first, (i, u) in enumerate(around):
                for k, v in around[first + 1 :]:
                    self._bend(j, i, u, k, v)
                if j < i or (i == j and tuple(u) > tuple(-u)):
                    self._torsions(j, i, u, around, bonded[i])
            if len(around) == 3:
                self._out_of_plane(j, around)

    def _bend(self, j: int, i: int, u: Floats, k: int, v: Floats) -> None:
        if _sine(u, v) < 0.1:
            return
        derivatives = get_angles_derivatives(u[None], v[None])[0] * (np.pi / 180.0)
        constant = _BEND * self.rho(i, j, _length(u)) * self.rho(j, k, _length(v))
        self.add(constant, [i, j, k], derivatives, np.array([u, np.zeros(3), v]))

    def _torsions(
        self,
        j: int,
        k: int,
        w: Floats,
        around_j: list[tuple[int, Floats]],
        around_k: list[tuple[int, Floats]],
    ) -> None:
        for i, u in around_j:
            if i == k and np.allclose(u, w):
                continue
            for m, v in around_k:
                if m == j and np.allclose(v, -w):
                    continue
                if _sine(u, w) < 0.2 or _sine(w, v) < 0.2:
                    continue
                derivatives = get_dihedrals_derivatives(-u[None], w[None], v[None])[0] * (np.pi / 180.0)
                constant = (
                    _TORSION * self.rho(i, j, _length(u)) * self.rho(j, k, _length(w)) * self.rho(k, m, _length(v))
                )
                self.add(constant, [i, j, k, m], derivatives, np.array([u, np.zeros(3), w, w + v]))

    def _out_of_plane(self, j: int, around: list[tuple[int, Floats]]) -> None:
        (i, u), (k, v), (m, w) = around
        if _sine(k_i := v - u, w - v) < 0.2 or _sine(w - v, -w) < 0.2:
            return
        derivatives = get_dihedrals_derivatives(k_i[None], (w - v)[None], -w[None])[0] * (np.pi / 180.0)
        constant = _TORSION * self.rho(i, j, _length(u)) * self.rho(k, j, _length(v)) * self.rho(m, j, _length(w))
        self.add(constant, [i, k, m, j], derivatives, np.array([u, v, w, np.zeros(3)]))


def _length(vector: Floats) -> float:
    return float(np.linalg.norm(vector))


def _sine(u: Floats, v: Floats) -> float:
    return float(np.linalg.norm(np.cross(u, v)) / (np.linalg.norm(u) * np.linalg.norm(v)))


def _bonded(structure: Structure) -> Bonded:
    """For each atom its bonded neighbours and the vectors to them."""
    bonded: Bonded = [[] for _ in range(len(structure))]
    found = bonds_of_crystal(structure)
    pairs = zip(found.first.tolist(), found.second.tolist(), found.vectors(structure), strict=True)
    for i, j, vector in pairs:
        bonded[i].append((j, vector))
        bonded[j].append((i, -vector))
    return bonded
