"""What a structure and a molecule are: species, Cartesian positions in Å, and for a crystal a lattice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal.atom_properties import atom_properties
from genarris_fw.crystal.cells import cell_values, cell_volume
from genarris_fw.errors import InputError

# 1 u/Å3 in g/cm3: the atomic mass constant, CODATA 2018, times 1e24.
U_PER_A3_IN_G_PER_CM3 = 1.66053906660
# Å: beyond these numbers lose the digits that distances need, and nothing that is calculated here is so large.
LARGEST_POSITION, LARGEST_LENGTH = 10**6, 10**5


def _checked_atoms(species: Sequence[str], positions: ArrayLike) -> tuple[list[str], NDArray[np.float64]]:
    names = [str(name) for name in species]
    points = np.array(positions, dtype=float).reshape(-1, 3) if names else np.zeros((0, 3))
    if len(points) != len(names):
        raise InputError(f"{len(names)} species but {len(points)} positions; give one position (x, y, z) per atom")
    if unknown := _unknown(tuple(names)):
        raise InputError(f"unknown element symbol {', '.join(unknown)}; use the symbols of the periodic table")
    farthest = np.abs(points).max(initial=0.0)
    if not farthest <= LARGEST_POSITION:  # asked in this way, a number that is none fails too
        if not np.isfinite(points).all():
            raise InputError("a position is not a finite number")
        raise InputError(f"an atom lies more than {LARGEST_POSITION} Å from the origin")
    return names, points


@lru_cache(maxsize=64)
def _unknown(species: tuple[str, ...]) -> list[str]:
    """Return what of some names is no element."""
    return sorted({name for name in species if name not in atomic_numbers or name == "X"})


@lru_cache(maxsize=64)
def _mass(species: tuple[str, ...]) -> float:
    """Mass in u of atoms; the structures of a pool are of the same ones."""
    return float(sum(atomic_masses[atomic_numbers[name]] for name in species))


@dataclass
class Molecule:
    """A molecule: species and Cartesian positions.

    Parameters
    ----------
    species : sequence of str
        Element symbols, n of them.
    positions : (n, 3) array_like
        Cartesian positions in Å.
    properties : dict, optional
        Plain values keyed by name: what its file says of the atoms (``initial_moments``, ``initial_charges``,
        ``fixed_atoms``), and of the whole (``relative_energy`` of a conformer, ``name``).

    Raises
    ------
    InputError
        For unknown elements, non-finite numbers or differing lengths.

    Examples
    --------
    >>> from genarris_fw.crystal import Molecule
    >>> molecule = Molecule(["O", "H", "H"], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    >>> molecule.formula, len(molecule), round(molecule.mass, 2)
    ('H2O', 3, 18.02)
    """

    species: list[str]
    positions: NDArray[np.float64]
    properties: dict[str, Any] = field(default_factory=dict, compare=False)

    def __init__(self, species: Sequence[str], positions: ArrayLike, properties: dict[str, Any] | None = None) -> None:
        self.species, self.positions = _checked_atoms(species, positions)
        self.properties = dict(properties or {})

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.species)

    @property
    def mass(self) -> float:
        """Mass in u."""
        return float(sum(atomic_masses[atomic_numbers[name]] for name in self.species))

    @property
    def formula(self) -> str:
        """Chemical formula in Hill order."""
        return str(self.to_ase().get_chemical_formula("hill"))

    def to_ase(self) -> Atoms:
        """Return the molecule as non-periodic ASE atoms."""
        return Atoms(self.species, positions=self.positions)

    def at(self, positions: ArrayLike) -> Molecule:
        """Return the same atoms at other positions, (n, 3), Å."""
        return Molecule(self.species, positions, self.properties)

    def to_structure(self, struct_id: str = "") -> Structure:
        """Return the molecule as a structure without a lattice, with what is known of its atoms."""
        return Structure(None, self.species, self.positions, atom_properties(self.properties), struct_id)


@dataclass
class Structure:
    """One crystal (or, without a lattice, one molecule) with its properties.

    Parameters
    ----------
    lattice : (3, 3) array_like or None
        Rows are the lattice vectors in Å; None for a molecule.
    species : sequence of str
        Element symbols, n of them. In a molecular crystal molecule after molecule, each in the same order.
    positions : (n, 3) array_like
        Cartesian positions in Å; each molecule is whole.
    properties : dict, optional
        Plain values keyed by name (``spg``, ``energy``, ``RDF``, ...).
    struct_id : str, optional
        The stable name of the structure.

    Raises
    ------
    InputError
        For unknown elements, non-finite numbers, differing lengths or a flat lattice.

    Examples
    --------
    >>> from genarris_fw.crystal import Structure
    >>> structure = Structure([[4, 0, 0], [0, 5, 0], [0, 0, 6]], ["He"], [[0, 0, 0]], {"spg": 47}, "helium")
    >>> structure
    Structure('helium': He1; 4 5 6 Å, 90 90 90 degrees)
    >>> structure.cell_volume, structure.cell_parameters
    (120.0, (4.0, 5.0, 6.0, 90.0, 90.0, 90.0))
    """

    lattice: NDArray[np.float64] | None
    species: list[str]
    positions: NDArray[np.float64]
    properties: dict[str, Any] = field(default_factory=dict)
    struct_id: str = ""

    def __init__(
        self,
        lattice: ArrayLike | None,
        species: Sequence[str],
        positions: ArrayLike,
        properties: dict[str, Any] | None = None,
        struct_id: str = "",
    ) -> None:
        self.species, self.positions = _checked_atoms(species, positions)
        self.lattice = None
        if lattice is not None:
            rows = np.array(lattice, dtype=float)
            numbers = rows.ravel().tolist()  # plain ones: for nine of them, numpy is slow
            if rows.shape != (3, 3) or not all(map(math.isfinite, numbers)):
                raise InputError("a lattice is three vectors of three finite numbers, in Å")
            if max(map(abs, numbers)) > LARGEST_LENGTH:
                raise InputError(f"a lattice vector is longer than {LARGEST_LENGTH} Å")
            if cell_volume(numbers) < 1e-6:
                raise InputError("the lattice vectors lie in a plane: the cell has no volume")
            self.lattice = rows
        self.properties = dict(properties or {})
        self.struct_id = struct_id

    def __repr__(self) -> str:
        """Name it, with its atoms and its cell: all coordinates would fill a notebook."""
        atoms = " ".join(f"{name}{number}" for name, number in sorted(Counter(self.species).items()))
        if self.lattice is None:
            return f"Structure({self.struct_id!r}: {atoms}; a molecule)"
        a, b, c, *angles = (f"{round(value, 3):g}" for value in self.cell_parameters)
        return f"Structure({self.struct_id!r}: {atoms}; {a} {b} {c} Å, {' '.join(angles)} degrees)"

    def __len__(self) -> int:
        """Return the number of atoms in the cell, or of the molecule."""
        return len(self.species)

    @property
    def cell(self) -> NDArray[np.float64]:
        """The lattice of a crystal; an InputError for a molecule."""
        if self.lattice is None:
            raise InputError(f"{self.struct_id or 'the structure'} is a molecule: it has no cell")
        return self.lattice

    @property
    def cell_volume(self) -> float:
        """Volume of the cell in Å3 (always positive)."""
        return cell_volume(self.cell.ravel().tolist())

    @property
    def cell_parameters(self) -> tuple[float, float, float, float, float, float]:
        """Lengths a, b, c in Å and angles α, β, γ in degrees."""
        a, b, c, alpha, beta, gamma, _ = cell_values(self.cell).tolist()
        return a, b, c, alpha, beta, gamma

    @property
    def mass(self) -> float:
        """Mass of all atoms in u."""
        return _mass(tuple(self.species))

    @property
    def density(self) -> float:
        """Density in g/cm3."""
        return self.mass / self.cell_volume * U_PER_A3_IN_G_PER_CM3

    @property
    def fractional(self) -> NDArray[np.float64]:
        """(n, 3) fractional coordinates; not wrapped, molecules stay whole."""
        return np.asarray(self.positions @ np.linalg.inv(self.cell))

    def copy(self) -> Structure:
        """Return a copy that shares nothing mutable at the top level."""
        return Structure(self.lattice, self.species, self.positions, dict(self.properties), self.struct_id)

    @classmethod
    def from_ase(cls, atoms: Atoms, struct_id: str = "", properties: dict[str, Any] | None = None) -> Structure:
        """Make a structure of ASE atoms; atoms without periodicity become a molecule."""
        lattice = np.array(atoms.cell) if atoms.pbc.any() else None
        return cls(lattice, atoms.get_chemical_symbols(), atoms.positions, properties, struct_id)

    def to_ase(self) -> Atoms:
        """Return ASE atoms; properties are not carried."""
        periodic = self.lattice is not None
        return Atoms(self.species, positions=self.positions, cell=self.lattice if periodic else None, pbc=periodic)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Structure:
        """Make a structure of a Genarris json record (see `genarris_fw.crystal.formats.genarris_json`)."""
        from genarris_fw.crystal.formats.genarris_json import from_record

        return from_record(record)

    def to_dict(self) -> dict[str, Any]:
        """Return the Genarris json record of the structure."""
        from genarris_fw.crystal.formats.genarris_json import to_record

        return to_record(self)
