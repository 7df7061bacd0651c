"""What a wave function says of a molecule's electrostatics: computed once, kept, and fitted in any way later.

The costly part is the wave function. What is kept of it is its potential at the points of all shells and its multipoles
at the nuclei, both in the molecule's standard frame: charges, with satellites or without, for sites of any potential,
and multipoles of any rank up to 4 follow in milliseconds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.lattice.charges.shells import OTHER_DENSITY, OTHER_SHELLS, shell_points
from genarris_fw.lattice.molecule.methods import theory_and_basis
from genarris_fw.lattice.molecule.standard_frame import rounded, standard_frame
from genarris_fw.lattice.molecule.wave_function import WaveFunction

Array = NDArray[np.float64]

VERSION = 1  # of what is kept; part of every key
LAST_WITHOUT_CORE = 36  # Kr: basis sets may have a potential for the core of heavier atoms
DECIMALS = 8  # of what is kept: below that is rounding


@dataclass(frozen=True, eq=False)
class MolecularPotential:
    """The electrostatics of a molecule's wave function, in the molecule's standard frame.

    Attributes
    ----------
    species : list of str
        Elements, n of them.
    positions : (n, 3) ndarray
        Å, in the standard frame, rounded to 1e-6.
    charge : int
        e.
    method : str
        What gave it, such as ``HF/6-31G**``.
    potential : (p,) ndarray
        kJ/mol per e, at `points`.
    checked : (c,) ndarray
        The same at `other_points`, which nothing is fitted to.
    multipoles : (n, 25) ndarray
        e Å^l, at the nuclei, by Stone's distributed analysis.
    """

    species: list[str]
    positions: Array
    charge: int
    method: str
    potential: Array
    checked: Array
    multipoles: Array

    @property
    def points(self) -> Array:
        """Where `potential` is, (p, 3), Å in the standard frame."""
        return shell_points(self.species, self.positions)

    @property
    def other_points(self) -> Array:
        """Where `checked` is, (c, 3), Å in the standard frame."""
        return shell_points(self.species, self.positions, OTHER_SHELLS, OTHER_DENSITY)

    def record(self) -> dict[str, Any]:
        """Return it as plain values for json or a database."""
        return {
            "version": VERSION,
            "species": list(self.species),
            "positions": self.positions.tolist(),
            "charge": self.charge,
            "method": self.method,
            "potential": self.potential.tolist(),
            "checked": self.checked.tolist(),
            "multipoles": self.multipoles.tolist(),
        }

    @classmethod
    def of(cls, record: dict[str, Any]) -> MolecularPotential:
        """Return what `record` has made plain."""
        arrays = {name: np.array(record[name]) for name in ("positions", "potential", "checked", "multipoles")}
        return cls(species=list(record["species"]), charge=record["charge"], method=record["method"], **arrays)


def key_of(molecule: Molecule, method: str, charge: int = 0) -> str:
    """Return the name under which a molecule's potential is kept: the same however the molecule is turned or moved.

    Parameters
    ----------
    molecule : Molecule
        Its atoms in their order.
    method : str
        Such as ``HF/6-31G**``; upper and lower case are the same.
    charge : int, optional
        e.

    Returns
    -------
    str
        A SHA-256 of the species, the positions in the standard frame to 1e-6 Å, method and charge.
    """
    frame = standard_frame(molecule.positions)
    positions = rounded(frame.inside(molecule.positions))
    # What was kept of heavy atoms before their core potentials were used is not found again.
    heavy = any(atomic_numbers[name] > LAST_WITHOUT_CORE for name in molecule.species)
    version = f"{VERSION} with core potentials" if heavy else VERSION
    content = [version, list(molecule.species), [f"{x:.6f}" for x in positions.ravel()], method.upper(), int(charge)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def computed(molecule: Molecule, method: str, charge: int = 0) -> MolecularPotential:
    """Compute the electrostatics of a molecule's wave function by pyscf.

    Parameters
    ----------
    molecule : Molecule
        The molecule.
    method : str
        ``HF/basis`` or ``functional/basis``.
    charge : int, optional
        e.

    Returns
    -------
    MolecularPotential
        The same to the last digit however the molecule was turned, on a given machine.

    Raises
    ------
    InputError, EngineError
        As of `WaveFunction`.
    """
    theory, basis = theory_and_basis(method)
    frame = standard_frame(molecule.positions)
    positions = rounded(frame.inside(molecule.positions))
    wave = WaveFunction(molecule.species, positions, theory, basis, charge)
    at = shell_points(molecule.species, positions)
    elsewhere = shell_points(molecule.species, positions, OTHER_SHELLS, OTHER_DENSITY)
    potential = np.round(wave.potential(np.concatenate([at, elsewhere])), DECIMALS)
    multipoles = np.round(wave.multipoles(), DECIMALS)
    # The sum of what was rounded is to be exact.
    multipoles[:, 0] += (charge - multipoles[:, 0].sum()) / len(multipoles)
    return MolecularPotential(
        list(molecule.species),
        positions,
        int(charge),
        f"{theory}/{basis}",
        potential[: len(at)],
        potential[len(at) :],
        multipoles,
    )
