"""Random crystals of one molecule in one space group."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.generation.contacts import check_fraction, cutoff_matrix
from genarris_fw.generation.draws import MODES, Group, Sampling
from genarris_fw.generation.modes import pilot
from genarris_fw.generation.occupations import Occupation, occupations
from genarris_fw.generation.sites import Site, check_Z
from genarris_fw.generation.space_groups import check_space_group

LARGEST_VOLUME = 1e7  # Å3
DEFORMATION = 1e-3  # Å
FIRST_ROUND = {"rejection": 4096, "packing": 32}
LARGEST_ROUND = {"rejection": 1 << 20, "packing": 1 << 13}


@dataclass(frozen=True)
class Generated:
    """Generated crystals, the draws (attempts) they took, the wall time in seconds, and the mode used."""

    structures: list[Structure]
    attempts: int
    seconds: float
    mode: str = "rejection"

    @property
    def supergroups(self) -> int:
        """How many of the structures have another space group than intended: one that contains it."""
        return sum(s.properties["spg"] != s.properties["attempted_spg"] for s in self.structures)


def generate(
    molecule: Molecule,
    Z: int,
    space_group: int,
    n: int,
    volume_mean: float,
    volume_std: float,
    sr: float = 0.85,
    seed: int = 0,
    mode: str = "rejection",
    tol: float = 1e-2,
    max_attempts: int = 10_000_000,
    sites: Sequence[Site | Occupation] | None = None,
    cutoffs: NDArray[np.float64] | None = None,
    site_combinations: bool = False,
    max_deformation: float = DEFORMATION,
    confirm: bool = False,
) -> Generated:
    """Generate crystals of a molecule in a space group.

    Parameters
    ----------
    molecule : Molecule
        The molecule; on special positions it is made exactly symmetric.
    Z : int
        Molecules in the conventional cell.
    space_group : int
        1 to 230.
    n : int
        How many structures are wanted.
    volume_mean, volume_std : float
        Of the conventional cell, Å3; redrawn for every attempt.
    sr : float
        Fraction of the van der Waals distance that contacts must keep (hydrogen bonds have fixed distances).
    seed : int
        The same seed gives the same structures.
    mode : str
        ``rejection``: attempts are independent and kept when nothing overlaps. ``packing``: from each attempt overlaps
        are removed inside the space group at constant volume; many more succeed, with another distribution. ``auto``:
        whichever gives more for the same work, by a pilot of fixed length.
    tol : float
        How far the molecule may be from symmetric to count as such, Å.
    max_attempts : int
        Give up after this many attempts.
    sites : sequence of Site or Occupation, optional
        Use these instead of all sites of the group.
    cutoffs : (n, n) array, optional
        Use these distances (Å) instead of those of `sr`.
    site_combinations : bool
        Also fill two Wyckoff positions at once (see `occupations`).
    max_deformation : float
        Leave out sites on which an atom would have to be moved by more than this to make the molecule symmetric, Å.
    confirm : bool
        Ask spglib for the space group of every structure. Otherwise it is asked only where the molecule has an
        operation that maps the lattice onto itself and is not the site's: elsewhere there can be no larger group.

    Returns
    -------
    Generated
        At most n structures, Niggli reduced (never to a primitive cell), molecule after molecule, with properties
        ``Z``, ``attempted_spg``, ``spg`` (the intended group or one that contains it) and others.

    Raises
    ------
    InputError
        For arguments outside their range, or a space group without a site for Z such molecules.

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> from genarris_fw.generation import generate
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> made = generate(molecule, Z=2, space_group=4, n=3, volume_mean=150, volume_std=5, seed=1, mode="packing")
    >>> [structure.properties["spg"] for structure in made.structures]
    [4, 4, 4]
    """
    start = time.perf_counter()
    if mode not in (*MODES, "auto"):
        raise InputError(f"generation mode {mode!r} is not available; use {', '.join(MODES)} or auto")
    if n < 0 or max_attempts < 0:
        raise InputError(f"{n} structures in {max_attempts} attempts: neither may be negative")
    check_sampling(volume_mean, volume_std, sr, seed)
    if len(molecule) == 0:
        raise InputError("a molecule without atoms cannot be packed")
    if sites is None:
        found = occupations(molecule, Z, tol, [check_space_group(space_group)], site_combinations)
    else:
        given = [site if isinstance(site, Occupation) else Occupation((site,)) for site in sites]
        found = [o for o in given if o.space_group == check_space_group(space_group)]
    chosen = undeformed(found, max_deformation)
    if not chosen:
        raise InputError(no_site(space_group, check_Z(Z), found, max_deformation))
    group = Group(molecule, chosen, cutoff_matrix(molecule, sr) if cutoffs is None else cutoffs, confirm)
    seed = int(seed)
    if mode == "auto":
        mode = pilot(group, seed, volume_mean, volume_std).mode
    structures, attempts = _rounds(group, Sampling(mode, seed, volume_mean, volume_std), n, max_attempts)
    return Generated(structures, attempts, time.perf_counter() - start, mode)


def _rounds(group: Group, sampling: Sampling, n: int, max_attempts: int) -> tuple[list[Structure], int]:
    """Draw in rounds that grow until there are n structures or the attempts are spent."""
    structures: list[Structure] = []
    attempts = first = 0
    size = FIRST_ROUND[sampling.mode]
    if group.hopeless(sampling):
        return [], max_attempts if n else 0
    while len(structures) < n and attempts < max_attempts:
        count = min(size, max(1, (max_attempts - attempts) // len(group)))
        accepted, draws = group.draw(sampling, first, count, n - len(structures))
        left = max_attempts - attempts
        if draws > left:  # fewer attempts are left than there are occupations
            accepted = [hit for hit in accepted if hit.attempts <= max_attempts]
            draws = left
        for hit in accepted:
            structure = hit.structure
            structure.properties |= {"draw": hit.draw, "generation_mode": sampling.mode}
            structures.append(structure)
        attempts, first = attempts + draws, first + count
        size = min(2 * size, LARGEST_ROUND[sampling.mode])
    return structures, attempts


def undeformed(found: Sequence[Occupation], max_deformation: float) -> list[Occupation]:
    """Return the occupations on which no atom is moved by more than this (Å) to make the molecule symmetric."""
    return [o for o in found if max(site.deformation for site in o.sites) <= max_deformation]


def no_site(space_group: int, Z: int, found: Sequence[Occupation], max_deformation: float) -> str:
    """Say in one line why a space group cannot be used."""
    if not found:
        return f"space group {space_group} offers this molecule no site for Z = {Z}"
    least = min(max(site.deformation for site in o.sites) for o in found)
    return (
        f"space group {space_group}: the molecule is not symmetric enough for its sites: an atom would be moved by "
        f"{least:.2g} Å, more than max_deformation = {max_deformation:g} Å; symmetrise the molecule or raise that"
    )


def check_sampling(volume_mean: float, volume_std: float, sr: float, seed: int) -> None:
    """Check what every draw depends on.

    Raises
    ------
    InputError
        For a number outside its range.
    """
    if not (math.isfinite(volume_mean) and 0 < volume_mean <= LARGEST_VOLUME):
        raise InputError(f"volume_mean = {volume_mean}: the cell's volume must be a positive number of Å3")
    if not (math.isfinite(volume_std) and 0 <= volume_std <= volume_mean):
        raise InputError(f"volume_std = {volume_std}: it must lie between 0 and volume_mean")
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**64:
        raise InputError(f"seed = {seed}: the seed must be a whole number from 0 to 2**64 - 1")
    check_fraction(sr)
