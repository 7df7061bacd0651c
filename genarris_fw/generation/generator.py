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
from genarris_fw.generation.contacts import check_fraction
from genarris_fw.generation.placement import Placement, default_cutoffs
from genarris_fw.generation.sites import Site, check_Z, compatible_sites
from genarris_fw.generation.space_groups import check_space_group

MODES = ("rejection",)
LARGEST_VOLUME = 1e7  # Å3


@dataclass(frozen=True)
class Accepted:
    """A draw without overlaps: its number, the site it used, and the crystal."""

    draw: int
    site: Site
    structure: Structure


@dataclass(frozen=True)
class Block:
    """What a range of draws gave: the accepted ones in order, and how many draws were made."""

    accepted: list[Accepted]
    draws: int


@dataclass(frozen=True)
class Generated:
    """Generated crystals, the draws (attempts) they took, and the wall time in seconds."""

    structures: list[Structure]
    attempts: int
    seconds: float

    @property
    def supergroups(self) -> int:
        """How many of the structures have another space group than intended: one that contains it."""
        return sum(s.properties["spg"] != s.properties["attempted_spg"] for s in self.structures)


def draw_block(
    molecule: Molecule,
    Z: int,
    space_group: int,
    sites: Sequence[Site],
    volume_mean: float,
    volume_std: float,
    sr: float,
    seed: int,
    first_draw: int,
    n_draws: int,
    quota: int,
    cutoffs: NDArray[np.float64] | None = None,
) -> Block:
    """Make the draws ``first_draw`` ... ``first_draw + n_draws - 1`` of a space group.

    A draw takes a volume from Normal(volume_mean, volume_std), one of the sites, a cell of exactly that volume, an
    orientation and a position. What draw number d gives depends only on (seed, space_group, d) and the arguments before
    `seed`, never on how draws are divided into blocks.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    Z : int
        Molecules in the conventional cell.
    space_group : int
        1 to 230.
    sites : sequence of Site
        The molecule's `compatible_sites`; those of other groups are ignored.
    volume_mean, volume_std : float
        Of the conventional cell, Å3.
    sr : float
        Fraction of the van der Waals distance that contacts must keep.
    seed : int
        0 to 2**64 - 1.
    first_draw, n_draws : int
        Which draws.
    quota : int
        Stop after this many accepted draws.
    cutoffs : (n, n) array, optional
        Use these distances (Å) instead of those of `sr`.

    Returns
    -------
    Block
        `draws` counts up to the last draw made, the one that filled the quota included.

    Raises
    ------
    InputError
        For arguments outside their range, or when no site belongs to the group.
    """
    _check(volume_mean, volume_std, sr, seed)
    if first_draw < 0 or n_draws < 0 or quota < 0 or first_draw + n_draws >= 2**63:
        raise InputError(f"draws {first_draw} + {n_draws} with quota {quota}: these must be whole numbers from 0")
    if len(molecule) == 0:
        raise InputError("a molecule without atoms cannot be packed")
    own = [site for site in sites if site.space_group == check_space_group(space_group)]
    if not own:
        raise InputError(f"space group {space_group} offers this molecule no site for Z = {check_Z(Z)}")
    placement = Placement(molecule, check_Z(Z), own, default_cutoffs(molecule, sr, cutoffs))
    accepted, draws = [], 0
    for made, hit in placement.accepted(int(seed), int(first_draw), int(n_draws), int(quota), volume_mean, volume_std):
        draws = made
        if hit is not None:
            accepted.append(Accepted(*hit))
            if len(accepted) == quota:
                break
    return Block(accepted, draws)


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
    sites: Sequence[Site] | None = None,
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
        ``rejection``: attempts are independent and kept when nothing overlaps.
    tol : float
        How far the molecule may be from symmetric to count as such, Å.
    max_attempts : int
        Give up after this many attempts.
    sites : sequence of Site, optional
        Use these instead of all `compatible_sites` of the group.

    Returns
    -------
    Generated
        At most n structures, Niggli reduced (never to a primitive cell), molecule after molecule, with properties
        ``Z``, ``attempted_spg``, ``spg`` (as found by spglib; the intended group or one that contains it) and others.

    Raises
    ------
    InputError
        For arguments outside their range, or a space group without a site for Z such molecules.
    """
    start = time.perf_counter()
    if mode not in MODES:
        raise InputError(f"generation mode {mode!r} is not available; use {' or '.join(MODES)}")
    if n < 0 or max_attempts < 0:
        raise InputError(f"{n} structures in {max_attempts} attempts: neither may be negative")
    _check(volume_mean, volume_std, sr, seed)
    if sites is None:
        sites = compatible_sites(molecule, Z, tol, space_groups=[check_space_group(space_group)])
    block = draw_block(molecule, Z, space_group, sites, volume_mean, volume_std, sr, seed, 0, max_attempts, n)
    return Generated([hit.structure for hit in block.accepted], block.draws, time.perf_counter() - start)


def _check(volume_mean: float, volume_std: float, sr: float, seed: int) -> None:
    if not (math.isfinite(volume_mean) and 0 < volume_mean <= LARGEST_VOLUME):
        raise InputError(f"volume_mean = {volume_mean}: the cell's volume must be a positive number of Å3")
    if not (math.isfinite(volume_std) and 0 <= volume_std <= volume_mean):
        raise InputError(f"volume_std = {volume_std}: it must lie between 0 and volume_mean")
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**64:
        raise InputError(f"seed = {seed}: the seed must be a whole number from 0 to 2**64 - 1")
    check_fraction(sr)
