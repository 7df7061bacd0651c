"""A molecule's charges by a method: fitted to the potential of its wave function, analysed from it, or of GFN2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.electrostatics import LARGEST_RANK, Electrostatics
from genarris_fw.lattice.charges.equal_sites import averaged, classes, symmetry
from genarris_fw.lattice.charges.fit import exact_sum, fit_charges
from genarris_fw.lattice.charges.molecular_potential import MolecularPotential, computed, key_of
from genarris_fw.lattice.charges.satellites import satellites as satellites_of
from genarris_fw.lattice.molecule.gfn2 import METHOD as GFN2
from genarris_fw.lattice.molecule.gfn2 import gfn2_charges, is_gfn2
from genarris_fw.lattice.molecule.methods import DEFAULT, theory_and_basis
from genarris_fw.lattice.molecule.standard_frame import rounded, standard_frame
from genarris_fw.lattice.molecule.wave_function import even_electrons
from genarris_fw.lattice.multipoles import potential, shifted

Array = NDArray[np.float64]

# How far a hydrogen's site may lie from its nucleus, Å: potentials move it by 0.1.
FARTHEST = 0.5


class Kept(Protocol):
    """Where potentials are kept: a dictionary, or a database."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a key, or None."""

    def __setitem__(self, key: str, record: dict[str, Any]) -> None:
        """Keep a record."""


class HydrogenSites(Protocol):
    """What charges need of a potential."""

    def sites_of(self, molecule: Molecule) -> Array:
        """Return where the atoms act, (n, 3) in Å."""


def electrostatics(
    molecule: Molecule,
    method: str = DEFAULT,
    satellites: bool = True,
    rank: int = 0,
    hydrogen_sites: ArrayLike | None = None,
    charge: int = 0,
    kept: Kept | None = None,
) -> Electrostatics:
    """Return the charges or multipoles of a molecule.

    Parameters
    ----------
    molecule : Molecule
        One conformer.
    method : str, optional
        ``HF/6-31G**``, ``B3LYP/6-311G**`` or another theory/basis of pyscf, or ``GFN2``: charges of the tight-binding
        method, which need no pyscf and are several times worse.
    satellites : bool, optional
        Of charges (rank 0): whether massless ones beside nitrogen and oxygen are fitted with them.
    rank : int, optional
        0: charges fitted to the potential. 1 to 4: multipoles at the atoms up to this rank, analysed from the density
        by Stone's method; they need no satellites.
    hydrogen_sites : (n, 3) array_like, optional
        Å: where the charges of the hydrogens are (a row for every atom; of other atoms it is not used). By default at
        the nuclei, and a `Model` whose potential moves hydrogens into their bonds has the charges fitted anew there;
        with sites given, the molecule's positions for example, they stay where they are.
    charge : int, optional
        Of the molecule, e.
    kept : Kept, optional
        Key (`molecular_potential.key_of`) -> record of a potential that was computed before; what is computed now is
        put there.

    Returns
    -------
    Electrostatics
        Equal at atoms that the symmetry of the molecule makes equal; the sum of all charges is `charge`.

    Raises
    ------
    InputError
        For an unknown method, an odd number of electrons, or a program that is not installed.
    EngineError
        Where the field does not converge.

    Examples
    --------
    >>> from genarris_fw import lattice
    >>> from genarris_fw.crystal import read_molecule
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> charges = lattice.electrostatics(molecule, "HF/6-31G**")
    >>> round(abs(float(charges.multipoles[:, 0].sum())), 6)  # e
    0.0
    """
    if rank not in range(LARGEST_RANK + 1):
        raise InputError(f"rank = {rank}: expected a whole number from 0 to {LARGEST_RANK}")
    even_electrons(molecule.species, charge)
    if is_gfn2(method):
        make = partial(_of_gfn2, molecule, rank, charge)
    else:
        theory, basis = theory_and_basis(method)
        source = found_or_computed(molecule, f"{theory}/{basis}", charge, kept)
        make = partial(described, molecule, source, satellites, rank)
    found = make(hydrogen_sites=hydrogen_sites)
    return replace(found, remake=make) if hydrogen_sites is None else found


def on_sites_of(potential: HydrogenSites, molecule: Molecule, found: Electrostatics) -> Electrostatics:
    """Return charges with the hydrogens' where a potential has these, unless their sites were given."""
    remake = getattr(found, "remake", None)
    sites = potential.sites_of(molecule)
    if remake is None or np.array_equal(sites, molecule.positions):
        return found
    remade: Electrostatics = remake(hydrogen_sites=sites)
    return remade


def found_or_computed(
    molecule: Molecule,
    method: str = DEFAULT,
    charge: int = 0,
    kept: Kept | None = None,
    compute: Callable[[Molecule, str, int], MolecularPotential] = computed,
) -> MolecularPotential:
    """Return the potential of a molecule's wave function: from `kept`, else computed and put there."""
    key = key_of(molecule, method, charge)
    if kept is not None and (record := kept.get(key)) is not None:
        return MolecularPotential.of(record)
    source = compute(molecule, method, charge)
    if kept is not None:
        kept[key] = source.record()
    return source


def described(
    molecule: Molecule,
    source: MolecularPotential,
    satellites: bool = True,
    rank: int = 0,
    hydrogen_sites: ArrayLike | None = None,
) -> Electrostatics:
    """Return charges or multipoles that describe the potential of a wave function; parameters as of `electrostatics`.

    Raises
    ------
    InputError
        Where the potential is that of another molecule.
    """
    frame = standard_frame(molecule.positions)
    if source.species != list(molecule.species) or not np.allclose(
        source.positions, rounded(frame.inside(molecule.positions)), atol=2e-6
    ):
        raise InputError("the potential is that of another molecule, or of another conformer")
    atoms = _atom_sites(molecule, hydrogen_sites)
    inside = frame.inside(atoms)
    standard = Molecule(source.species, source.positions)
    group = symmetry(standard)
    if rank:
        values = averaged(group, source.positions, source.multipoles)
        moved = [shifted(value, at - site) for value, at, site in zip(values, source.positions, inside)]
        values = np.array(moved)[:, : (rank + 1) ** 2]
        error = _rms(potential(source.points, inside, values) - source.potential)
        found = Electrostatics(inside, values, error, f"{source.method}, distributed multipoles")
    else:
        extra = satellites_of(source.species, source.positions) if satellites else np.zeros((0, 3))
        sites = np.concatenate([inside, extra])
        charges, error = fit_charges(
            source.points, source.potential, sites, _classes(group, standard, sites), source.charge
        )
        words = "fitted charges" + (" and satellites" if len(extra) else "")
        found = Electrostatics(sites, charges[:, None], error, f"{source.method}, {words}")
    outside = found.moved(frame.axes.T, frame.origin)
    places = np.concatenate([atoms, outside.sites[len(atoms) :]])
    return Electrostatics(places, outside.multipoles, found.error, found.method)


def error_elsewhere(molecule: Molecule, source: MolecularPotential, found: Electrostatics) -> float:
    """Return the root of the mean square error on shells that nothing was fitted to, kJ/mol per e."""
    points = standard_frame(molecule.positions).outside(source.other_points)
    return _rms(found.potential(points) - source.checked)


def _of_gfn2(molecule: Molecule, rank: int, charge: int, hydrogen_sites: ArrayLike | None) -> Electrostatics:
    if rank:
        raise InputError(f"method = {GFN2} gives charges alone, and rank = {rank} asks for multipoles; take HF/6-31G**")
    frame = standard_frame(molecule.positions)
    positions = rounded(frame.inside(molecule.positions))
    labels = classes(symmetry(Molecule(molecule.species, positions)), positions)
    own = gfn2_charges(molecule.species, positions, charge)
    mean = np.bincount(labels, own) / np.bincount(labels)
    charges = exact_sum(mean[labels], float(charge), labels)
    words = f"{GFN2} charges with the dipole moment (a fallback: lattice energies some 10 to 30 kJ/mol too weak)"
    return Electrostatics(_atom_sites(molecule, hydrogen_sites), charges[:, None], None, words)


def _atom_sites(molecule: Molecule, hydrogen_sites: ArrayLike | None) -> Array:
    """Return where the charges of the atoms are, (n, 3) in Å."""
    if hydrogen_sites is None:
        return molecule.positions.copy()
    given = np.asarray(hydrogen_sites, dtype=np.float64)
    if given.shape != molecule.positions.shape:
        raise InputError(
            f"hydrogen_sites has the shape {given.shape}; expected a row for each of {len(molecule)} atoms"
        )
    hydrogen = np.array([name == "H" for name in molecule.species])
    if hydrogen.any() and np.linalg.norm(given - molecule.positions, axis=1)[hydrogen].max() > FARTHEST:
        raise InputError(f"hydrogen_sites: a site is more than {FARTHEST} Å from its hydrogen; give them in its frame")
    return np.where(hydrogen[:, None], given, molecule.positions)


def _classes(group: Any, standard: Molecule, sites: Array) -> NDArray[np.int64]:
    """Return the classes of all sites; those of atoms by the nuclei, whose symmetry it is."""
    at_nuclei = np.concatenate([standard.positions, sites[len(standard) :]])
    return classes(group, at_nuclei)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
