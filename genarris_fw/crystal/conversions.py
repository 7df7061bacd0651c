"""Structures as other programs hold them in Python, and back: ASE's Atoms, pymatgen's Structure and Molecule.

Species, places, lattice, struct_id and properties go along. The struct_id is an entry ``struct_id`` beside the
properties: in ``Atoms.info``, and in ``properties`` of pymatgen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.crystal.atom_properties import ATOM_PROPERTIES
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Molecule as PymatgenMolecule
    from pymatgen.core.structure import Structure as PymatgenStructure

STRUCT_ID = "struct_id"
MISSING = "pymatgen is not installed: pip install 'genarris_fw[structure_matcher]'"
# What ASE's readers say of a file, not of a structure.
_NOTES_OF_ASE = {"spacegroup", "spacegroup_kinds", "unit_cell", "occupancy"}
_NOT_PLAIN = object()


def to_ase(structure: Structure) -> Atoms:
    """Return a structure as ASE's Atoms.

    Parameters
    ----------
    structure : Structure
        A crystal (periodic in three directions) or a molecule (in none).

    Returns
    -------
    Atoms
        ``info`` has struct_id and properties. The property ``energy`` (eV) is what `get_potential_energy` returns;
        ``initial_moments``, ``initial_charges`` and ``fixed_atoms`` are magnetic moments, charges and a constraint.

    Examples
    --------
    >>> from genarris_fw.crystal import read, to_ase
    >>> [urea] = read("examples/urea/urea.cif")
    >>> to_ase(urea).info["struct_id"]
    'urea'
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.constraints import FixAtoms

    atoms = structure.to_ase()
    atoms.info = {STRUCT_ID: structure.struct_id, **_but_of_atoms(structure.properties)}
    if moments := structure.properties.get("initial_moments"):
        atoms.set_initial_magnetic_moments([moment or 0.0 for moment in moments])
    if charges := structure.properties.get("initial_charges"):
        atoms.set_initial_charges([charge or 0.0 for charge in charges])
    if fixed := structure.properties.get("fixed_atoms"):
        atoms.set_constraint(FixAtoms(indices=list(fixed)))
    energy = structure.properties.get("energy")
    if _is_number(energy):
        atoms.calc = SinglePointCalculator(atoms, energy=energy)
    return atoms


def from_ase(atoms: Atoms, struct_id: str = "") -> Structure:
    """Return the structure of ASE's Atoms; what is periodic in no direction is a molecule.

    Parameters
    ----------
    atoms : Atoms
        Texts, numbers, and lists, arrays and tables of them in ``info`` become properties, as do the numbers of a
        calculator's results; other objects are left out.
    struct_id : str, optional
        By default what ``info`` has as ``struct_id``.

    Raises
    ------
    InputError
        Where the atoms cannot be a structure: no element, a flat cell.
    """
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    found = {**atoms.info, **{name: value for name, value in results.items() if np.ndim(value) == 0}}
    properties = _plain_ones(found, _NOTES_OF_ASE)
    for name, column in (("initial_moments", "initial_magmoms"), ("initial_charges", "initial_charges")):
        if atoms.has(column) and atoms.get_array(column).ndim == 1 and atoms.get_array(column).any():
            properties[name] = [float(value) for value in atoms.get_array(column)]
    if fixed := _fixed(atoms):
        properties["fixed_atoms"] = fixed
    named = properties.pop(STRUCT_ID, "")
    return Structure.from_ase(atoms, struct_id or str(named), properties)


def to_pymatgen(structure: Structure) -> PymatgenStructure | PymatgenMolecule:
    """Return a crystal as pymatgen's Structure, a molecule as its Molecule.

    Returns
    -------
    pymatgen.core.Structure or pymatgen.core.Molecule
        Its ``properties`` have struct_id and properties; ``initial_moments`` and ``initial_charges`` are the properties
        ``magmom`` and ``charge`` of the sites, ``fixed_atoms`` those named ``selective_dynamics``. The property
        ``charge`` (e) is that of the whole, and ``multiplicity`` the spin multiplicity of a molecule.

    Raises
    ------
    InputError
        Where pymatgen is not installed, or refuses the structure.
    """
    try:
        from pymatgen.core.structure import Molecule
        from pymatgen.core.structure import Structure as PymatgenStructure
    except ImportError:
        raise InputError(MISSING) from None
    own = structure.properties
    properties = {STRUCT_ID: structure.struct_id, **_but_of_atoms(own)}
    sites: dict[str, list[Any]] = {}
    if own.get("initial_moments"):
        sites["magmom"] = list(own["initial_moments"])
    if own.get("initial_charges"):
        sites["charge"] = list(own["initial_charges"])
    if own.get("fixed_atoms"):
        sites["selective_dynamics"] = [[i not in own["fixed_atoms"]] * 3 for i in range(len(structure))]
    charge = float(own["charge"]) if _is_number(own.get("charge")) else 0.0
    try:
        if structure.lattice is None:
            spin = int(own["multiplicity"]) if _is_number(own.get("multiplicity")) else None
            return Molecule(
                structure.species, structure.positions, charge, spin, site_properties=sites, properties=properties
            )
        return PymatgenStructure(
            structure.lattice,
            structure.species,
            structure.positions,
            charge=charge or None,
            coords_are_cartesian=True,
            site_properties=sites,
            properties=properties,
        )
    except ValueError as error:  # a multiplicity that the electrons cannot have
        said = " ".join(str(error).split())
        raise InputError(f"{structure.struct_id or 'the structure'}: pymatgen refuses it ({said})") from None


def from_pymatgen(found: PymatgenStructure | PymatgenMolecule, struct_id: str = "") -> Structure:
    """Return the structure of pymatgen's Structure or Molecule.

    Parameters
    ----------
    found : pymatgen.core.Structure or pymatgen.core.Molecule
        Ordered: one whole atom at each site. Oxidation states are left out.
    struct_id : str, optional
        By default what its ``properties`` have as ``struct_id``.

    Raises
    ------
    InputError
        For a disordered one, and for sites that are no elements.
    """
    if not found.is_ordered:
        raise InputError("a disordered structure of pymatgen: several atoms, or parts of one, share a site; order it")
    properties = _plain_ones(found.properties or {}, set())
    named = properties.pop(STRUCT_ID, "")
    for name, column in (("initial_moments", "magmom"), ("initial_charges", "charge")):
        values = _plain(list(found.site_properties.get(column, ())))
        if isinstance(values, list) and all(value is None or _is_number(value) for value in values) and any(values):
            properties[name] = values
    moves = found.site_properties.get("selective_dynamics", ())
    if fixed := [i for i, free in enumerate(moves) if free is not None and not any(free)]:
        properties["fixed_atoms"] = fixed
    lattice = getattr(found, "lattice", None)
    species = [getattr(site.specie, "symbol", str(site.specie)) for site in found]
    cell = None if lattice is None else lattice.matrix
    return Structure(cell, species, found.cart_coords, properties, struct_id or str(named))


def _fixed(atoms: Atoms) -> list[int]:
    from ase.constraints import FixAtoms

    return sorted({int(i) for one in atoms.constraints if isinstance(one, FixAtoms) for i in one.index})


def _but_of_atoms(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in ATOM_PROPERTIES}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain_ones(values: Mapping[str, Any], without: set[str]) -> dict[str, Any]:
    found = {str(name): _plain(value) for name, value in values.items() if name not in without}
    return {name: value for name, value in found.items() if value is not _NOT_PLAIN}


def _plain(value: Any) -> Any:
    """Return arrays as lists; of what is neither a text, a number nor lists and tables of them, `_NOT_PLAIN`."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    if isinstance(value, Mapping):
        table = {str(name): _plain(item) for name, item in value.items()}
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in table.values()) else table
    return _NOT_PLAIN
