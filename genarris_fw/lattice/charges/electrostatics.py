"""What a molecule's charges are: sites with multipoles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.errors import InputError
from genarris_fw.lattice.multipoles import potential, rank_of, rotated

Array = NDArray[np.float64]

NEUTRAL = 1e-4  # e: what multipoles printed with few digits miss of the molecule's charge
LARGEST_RANK = 4


@dataclass(frozen=True, eq=False)
class Electrostatics:
    """Multipoles at sites, in the frame of a molecule's positions.

    Attributes
    ----------
    sites : (k, 3) ndarray
        Å: those of the atoms in their order, then those of massless satellites.
    multipoles : (k, (rank + 1)^2) ndarray
        e Å^l, in DMACRYS' order (`genarris_fw.lattice.multipoles`).
    error : float or None
        Root of the mean square deviation from the potential of the wave function on shells of 1.5 to 3 van der Waals
        radii, kJ/mol per e.
    method : str
        Where they come from.
    remake : callable or None
        Makes them anew with other sites of the hydrogens (`hydrogen_sites` of `electrostatics`); None where those were
        given.

    Raises
    ------
    InputError
        For arrays that do not fit together.
    """

    sites: Array
    multipoles: Array
    error: float | None = None
    method: str = "given"
    remake: Callable[..., Electrostatics] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check and copy what was given."""
        sites = np.array(self.sites, dtype=np.float64)
        values = np.array(self.multipoles, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if sites.ndim != 2 or sites.shape[1] != 3 or values.ndim != 2 or len(values) != len(sites) or not len(sites):
            raise InputError(
                f"electrostatics: sites {sites.shape} and multipoles {values.shape} do not fit together; give k sites "
                "(k, 3) in Å and for each of them its (rank + 1)^2 multipoles, or its charge"
            )
        if not (np.isfinite(sites).all() and np.isfinite(values).all()):
            raise InputError("electrostatics: a site or a multipole is not a finite number")
        if rank_of(values.shape[1]) > LARGEST_RANK:
            raise InputError(f"electrostatics: multipoles of rank {rank_of(values.shape[1])}; at most {LARGEST_RANK}")
        object.__setattr__(self, "sites", sites)
        object.__setattr__(self, "multipoles", values)

    @property
    def rank(self) -> int:
        """The highest rank of the multipoles."""
        return rank_of(self.multipoles.shape[1])

    @property
    def charge(self) -> float:
        """The sum of all charges, e."""
        return float(self.multipoles[:, 0].sum())

    def potential(self, points: ArrayLike) -> Array:
        """Return the potential at points, (p, 3) in Å -> (p,) in kJ/mol per e."""
        return potential(points, self.sites, self.multipoles)

    def moved(self, rotation: ArrayLike, shift: ArrayLike) -> Electrostatics:
        """Return them for a molecule whose atoms went from x to rotation @ x + shift; mirror images are allowed."""
        matrix = np.asarray(rotation, dtype=np.float64)
        sites = self.sites @ matrix.T + np.asarray(shift, dtype=np.float64)
        return Electrostatics(sites, rotated(self.multipoles, matrix), self.error, self.method)


def check_neutral(found: Electrostatics, charge: float = 0.0) -> None:
    """Refuse charges that do not sum to the charge of their molecule.

    Parameters
    ----------
    found : Electrostatics
        Of one molecule.
    charge : float, optional
        What they have to sum to, e.

    Raises
    ------
    InputError
        That says what they sum to.
    """
    if abs(found.charge - charge) > NEUTRAL * max(1.0, np.sqrt(len(found.sites))):
        raise InputError(
            f"the charges of the molecule ({found.method}) sum to {found.charge:+.5f} e, and not to its charge, "
            f"{charge:+g} e; correct them, or say what the molecule's charge is"
        )
