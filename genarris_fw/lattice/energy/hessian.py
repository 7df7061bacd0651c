"""Second derivatives by all rigid-body variables of the cell: modes, saddle points, frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.lattice.energy.rigid import RigidCrystal

if TYPE_CHECKING:
    from genarris_fw.lattice.energy.model import Model

Floats = NDArray[np.float64]

ZERO = 1e-2  # kJ/mol/Å2 per molecule: a mode is not said to go down for less
STEP = 1e-4  # Å, of the differences
SMALL = 1e-6  # of the largest: the moment of inertia of a linear molecule about its axis is none
# kJ/mol/(u Å2) to (rad/ps)2, and rad/ps to 1/cm: 1 kJ/mol/(u Å2) = 1e3 J/mol / (1e-3 kg/mol 1e-20 m2) = 1e26 /s2.
PER_PS2 = 100.0
PER_CM = 1e12 / (2 * np.pi * 2.99792458e10)


@dataclass(frozen=True, eq=False)
class Hessian:
    """The second derivatives of a crystal's energy, symmetry broken.

    Attributes
    ----------
    matrix : (6 + 6 Z, 6 + 6 Z) array
        kJ/mol per cell, by Å: six strains (xx yy zz and, of norm one, yz xz xy; times the cube root of the volume),
        then of every molecule three shifts along x, y, z and three turns about them (times the molecule's size).
    gradient : (6 + 6 Z,) array
    sizes : (Z,) array
        Å, of the molecules.
    where : tuple
        The crystal, as the kernel takes it.
    kernel, model, crystal
        What moves it.
    """

    matrix: Floats
    gradient: Floats
    sizes: Floats
    where: tuple[Any, ...]
    kernel: Any
    model: Model
    crystal: RigidCrystal

    @property
    def zero(self) -> float:
        """What counts as zero of the values of `modes`."""
        return ZERO

    def modes(self) -> tuple[Floats, Floats]:
        """Return curvatures (kJ/mol/Å2 per molecule), lowest first, and modes (rows, Å) without translations."""
        Z = len(self.sizes)
        still = self._without_translations()
        values, vectors = np.linalg.eigh(still.T @ self.matrix @ still)
        return values / Z, (still @ vectors).T

    def _without_translations(self) -> Floats:
        """An orthonormal basis (columns) of all motions but those of the whole crystal."""
        size, Z = len(self.matrix), len(self.sizes)
        whole = np.zeros((size, 3))
        for k in range(Z):
            whole[6 + 6 * k : 9 + 6 * k] = np.eye(3) / np.sqrt(Z)
        return np.asarray(np.linalg.svd(np.eye(size) - whole @ whole.T)[0][:, : size - 3])

    @property
    def volume(self) -> float:
        """Of the cell, Å3."""
        return abs(float(np.linalg.det(self.crystal.lattice)))

    def displaced(self, step: Floats) -> Structure:
        """Return the crystal after a step in the variables of the matrix, Å."""
        lattice, rotations, centres = self.kernel.moved(*self.where, step)
        proper = np.linalg.det(self.crystal.rotations) > 0
        turned = np.where(proper[:, None, None], rotations, -rotations)
        moved = RigidCrystal(lattice, self.crystal.kinds, turned, centres, self.crystal.orders)
        return moved.structure(self.model.kinds)

    def frequencies(self) -> Floats:
        """Return the Γ-point frequencies of the rigid molecules, 1/cm, ascending; imaginary ones negative.

        Three are those of the whole crystal's translation, nearly zero. A linear molecule's turn about its axis has
        none.
        """
        Z = len(self.sizes)
        weights: list[Floats] = []
        for k, (kind, rotation) in enumerate(zip(self.crystal.kinds, self.crystal.rotations, strict=True)):
            molecule = self.model.kinds[kind]
            values, vectors = np.linalg.eigh(mass_matrix(molecule.species, molecule.atoms @ rotation.T))
            keeps = values > SMALL * values[-1]
            block = np.zeros((6 * Z, int(keeps.sum())))
            block[6 * k : 6 * k + 6] = vectors[:, keeps] / np.sqrt(values[keeps])
            block[6 * k + 3 : 6 * k + 6] *= self.sizes[k]  # the matrix is by turns times the size
            weights.append(block)
        weight = np.concatenate(weights, axis=1)
        values = np.linalg.eigvalsh(weight.T @ self.matrix[6:, 6:] @ weight) * PER_PS2
        return np.asarray(np.sign(values) * np.sqrt(np.abs(values)) * PER_CM)


def mass_matrix(species: list[str], atoms: Floats) -> Floats:
    """Return the (6, 6) matrix of twice the kinetic energy by the velocities of shift and turn about the origin.

    u and u Å2 for atoms (n, 3) at Å about the point that molecules are turned about.
    """
    masses = np.array([atomic_masses[atomic_numbers[name]] for name in species])
    matrix = np.zeros((6, 6))
    for mass, (x, y, z) in zip(masses, atoms, strict=True):
        moves = np.concatenate([np.eye(3), [[0, z, -y], [-z, 0, x], [y, -x, 0]]], axis=1)  # shift + turn x atom
        matrix += mass * moves.T @ moves
    return matrix


def hessian_of(model: Model, structure: Structure, pressure: float = 0.0, differences: bool = False) -> Hessian:
    """Return the second derivatives of a crystal's energy by all its rigid-body variables.

    Parameters
    ----------
    model : Model
        The molecules and what is between them.
    structure : Structure
        A crystal of them.
    pressure : float
        GPa.
    differences : bool
        By central differences of the gradient instead of the kernel's own second derivatives.
    """
    kernel, where, crystal = model.free(structure, pressure)
    _, _, _, gradient, matrix, _ = kernel.energy(*where, second=not differences)
    if differences:
        count = len(gradient)
        matrix = np.zeros((count, count))
        for k in range(count):
            step = np.zeros(count)
            step[k] = STEP
            # By the variables at the displaced crystal; near a minimum the difference is of second order.
            matrix[k] = (kernel.energy(*where, step=step)[3] - kernel.energy(*where, step=-step)[3]) / (2 * STEP)
        matrix = (matrix + matrix.T) / 2
    sizes = np.array([max(0.5, np.sqrt((model.kinds[k].atoms ** 2).sum(axis=1).mean())) for k in crystal.kinds])
    return Hessian(matrix, gradient, sizes, where, kernel, model, crystal)
