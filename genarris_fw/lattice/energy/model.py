"""The model: potential and charges of rigid molecules; the energy of any crystal of them and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw._kernels.lattice_multipole_sum import MultipoleLatticeSum
from genarris_fw._kernels.lattice_sum import LatticeSum
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.placement import Placement
from genarris_fw.lattice.charges.by_method import on_sites_of
from genarris_fw.lattice.energy.elasticity import elastic_constants
from genarris_fw.lattice.energy.free_energy import free_energy
from genarris_fw.lattice.energy.hessian import Hessian, hessian_of
from genarris_fw.lattice.energy.minimiser import Minimised, SiteMinimiser, minimised
from genarris_fw.lattice.energy.rigid import RigidCrystal, rigid_crystal, without_symmetry
from genarris_fw.lattice.energy.site_forms import SiteForms
from genarris_fw.lattice.sums.arguments import Terms, Told, kernel_of, symmetry_arguments, told
from genarris_fw.lattice.sums.kinds import Kind
from genarris_fw.lattice.sums.multipole_kinds import MultipoleKind, kind_of
from genarris_fw.units import GPA_A3_IN_KJ_PER_MOL

Floats = NDArray[np.float64]

NEUTRAL = 1e-3  # e: a cell's charge may be so far from none


@dataclass(frozen=True, eq=False)
class LatticeEnergy:
    """The lattice energy of a crystal.

    Attributes
    ----------
    total, repulsion_dispersion, electrostatic : float
        kJ/mol per molecule; of molecules as they are, against molecules far apart.
    by_rank : dict of (int, int) or "higher" -> float
        The electrostatic energy by the ranks of the multipoles; charges alone: (0, 0). With multipoles (0, 0), (0, 1),
        (1, 1) and all others together, as DMACRYS has them: higher.
    stress : (3, 3) array
        GPa; the derivative by a strain over the volume, so negative where the crystal wants to expand.
    forces, torques : (Z, 3) arrays
        On the molecules, about the means of their atoms; kJ/mol/Å, kJ/mol/radian; in the order in which the structure
        has them.
    pressure_work : float
        P V, part of the total; kJ/mol per molecule.
    """

    total: float
    repulsion_dispersion: float
    electrostatic: float
    by_rank: dict[tuple[int, int] | str, float]
    stress: Floats
    forces: Floats
    torques: Floats
    pressure_work: float = 0.0


class Model:
    """Rigid molecules with a potential and electrostatics.

    Parameters
    ----------
    molecules : Molecule or sequence of Molecule
        The kinds of molecule that crystals are made of; mirror images are the same kind.
    potential : Potential
        Exp-6 of types of atoms.
    electrostatics : Electrostatics, None, or a sequence of them
        Of each kind, in the frame of its molecule; None: no charges. Those that `electrostatics` made are fitted anew
        where the potential moves hydrogens into their bonds, unless their sites were given.
    alpha : float, optional
        Of Ewald's sums, 1/Å; the energy does not depend on it. Chosen by the potential's reach when not given.

    Raises
    ------
    InputError
        Where they do not fit together, and for what `potential` raises.

    Examples
    --------
    >>> from genarris_fw import lattice
    >>> from genarris_fw.crystal import read, read_molecule
    >>> model = lattice.Model(read_molecule("examples/urea/urea.in"), lattice.Potential("W99"))
    >>> [urea] = read("examples/urea/urea.cif")
    >>> round(model.energy(urea).total, 1)  # without charges, kJ/mol per molecule
    1.0
    >>> model.minimise(urea).converged
    True
    """

    def __init__(
        self,
        molecules: Molecule | Sequence[Molecule],
        potential: Any,
        electrostatics: Any = None,
        alpha: float | None = None,
    ) -> None:
        self.molecules = [molecules] if isinstance(molecules, Molecule) else list(molecules)
        several = isinstance(electrostatics, Sequence)
        charges = list(electrostatics) if several else [electrostatics] * len(self.molecules)
        if len(charges) != len(self.molecules) or (electrostatics is not None and not several and len(charges) != 1):
            raise InputError(f"{len(self.molecules)} molecules need as many electrostatics; {len(charges)} are given")
        self.potential = potential
        self.electrostatics = [
            on_sites_of(potential, one, own) for one, own in zip(self.molecules, charges, strict=True)
        ]
        named = [potential.types_of(molecule) for molecule in self.molecules]
        distinct = sorted({name for names in named for name in names})
        self.parameters = potential.parameters(distinct)
        self.terms = Terms.of(self.parameters, potential.taper, alpha)
        self.kinds: list[Kind] = []
        for molecule, names, own in zip(self.molecules, named, self.electrostatics, strict=True):
            types = np.array([distinct.index(name) for name in names], dtype=np.intp)
            sites = np.asarray(potential.sites_of(molecule), dtype=float)
            axes = np.asarray(potential.axes_of(molecule), dtype=float) if np.any(self.parameters.rho20) else None
            self.kinds.append(kind_of(molecule, types, sites, own, axes))
        self.site_forms = SiteForms(self.kinds[0], self.terms)

    def rigid(self, structure: Structure) -> RigidCrystal:
        """Return a crystal with the model's molecules in place of its own."""
        crystal = rigid_crystal(structure, self.kinds)
        charge = sum(net_charge(self.kinds[k]) for k in crystal.kinds)
        if abs(charge) > NEUTRAL:
            raise InputError(
                f"{structure.struct_id or 'the crystal'}: the charges of its cell sum to {charge:+.3f} e; expected none"
            )
        return crystal

    def free(self, structure: Structure, pressure: float = 0.0) -> tuple[LatticeSum, tuple[Any, ...], RigidCrystal]:
        """Take a crystal with all its molecules independent.

        Returns
        -------
        kernel, where, crystal
            The kernel, where the crystal stands (arguments of the kernel's methods), and the rigid molecules.
        """
        crystal = self.rigid(structure)
        proper = np.linalg.det(crystal.rotations) > 0
        own = without_symmetry(crystal, self.kinds)
        kernel = kernel_of(self._both_hands, symmetry_arguments(own.operations, list(crystal.centres)), pressure)
        rotations = np.where(proper[:, None, None], crystal.rotations, -crystal.rotations)
        numbers = 2 * crystal.kinds + np.where(proper, 0, 1)
        return kernel, (crystal.lattice, rotations, crystal.centres, numbers), crystal

    @cached_property
    def _both_hands(self) -> Told:
        """What the kernel is told of the molecules and their mirror images: the same for every crystal."""
        forms = [form for kind in self.kinds for form in (kind, kind.turned(-np.eye(3)))]
        return told(self.terms, forms, [k for k in range(len(self.kinds)) for _ in range(2)])

    def energy(self, structure: Structure, pressure: float = 0.0) -> LatticeEnergy:
        """Return the lattice energy of a crystal, its molecules replaced by the model's.

        Parameters
        ----------
        structure : Structure
            Molecules and atoms in any order.
        pressure : float
            GPa.

        Raises
        ------
        InputError
            Where a molecule is none of the model's, or the cell is charged or cannot be summed over.
        """
        kernel, where, crystal = self.free(structure, pressure)
        exp6, electrostatic, work, _, _, cart = kernel.energy(*where)
        Z = len(crystal.kinds)
        if not np.isfinite(exp6):
            raise InputError(
                f"{structure.struct_id or 'the crystal'}: its cell is too flat or too small to be summed over"
            )
        return LatticeEnergy(
            total=(exp6 + electrostatic + work) / Z,
            repulsion_dispersion=exp6 / Z,
            electrostatic=electrostatic / Z,
            by_rank=by_rank(kernel, electrostatic, Z),
            stress=tensor(cart[:6]) / float(np.linalg.det(crystal.lattice)) / GPA_A3_IN_KJ_PER_MOL,
            forces=-cart[6:].reshape(Z, 2, 3)[:, 0],
            torques=-cart[6:].reshape(Z, 2, 3)[:, 1],
            pressure_work=work / Z,
        )

    def minimise(self, structure: Structure, break_symmetry: bool = False, pressure: float = 0.0) -> Minimised:
        """Minimise a crystal; see `genarris_fw.lattice.energy.minimiser.minimised`."""
        return minimised(self, structure, break_symmetry, pressure)

    def hessian(self, structure: Structure, pressure: float = 0.0, differences: bool = False) -> Hessian:
        """Return the second derivatives in all rigid-body variables of the cell; see `Hessian`."""
        return hessian_of(self, structure, pressure, differences)

    def elastic_constants(self, structure: Structure) -> Floats:
        """Return the (6, 6) elastic constants in GPa, the molecules relaxed; see `elasticity.elastic_constants`."""
        return elastic_constants(hessian_of(self, structure))

    def free_energy(self, structure: Structure, temperature: float, mesh: tuple[int, int, int] = (1, 1, 1)) -> float:
        """Return the harmonic free energy, kJ/mol per molecule; see `genarris_fw.lattice.energy.free_energy`."""
        return free_energy(self, structure, temperature, mesh)

    def site_minimiser(self, placement: Placement, pressure: float = 0.0) -> SiteMinimiser:
        """Return what minimises what a generator's kernel accepted in one occupation, without looking at structures."""
        return SiteMinimiser(self, placement, pressure)


def net_charge(kind: Kind) -> float:
    """Return the charge of a molecule, e."""
    charge = kind.charges.sum() + kind.aside_charges.sum()
    return float(charge + kind.multipoles[:, 0].sum() if isinstance(kind, MultipoleKind) else charge)


def by_rank(kernel: LatticeSum, electrostatic: float, Z: int) -> dict[tuple[int, int] | str, float]:
    """Return the parts of the electrostatic energy of the kernel's last evaluation, kJ/mol per molecule."""
    if not isinstance(kernel, MultipoleLatticeSum):
        return {(0, 0): electrostatic / Z}
    names: list[tuple[int, int] | str] = [(0, 0), (0, 1), (1, 1), "higher"]
    return {name: part / Z for name, part in zip(names, kernel.components, strict=True)}


def tensor(six: Floats) -> Floats:
    """Return the symmetric (3, 3) matrix of xx yy zz and, times the root of 2, yz xz xy."""
    xx, yy, zz = six[:3]
    yz, xz, xy = np.asarray(six[3:]) / np.sqrt(2.0)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
