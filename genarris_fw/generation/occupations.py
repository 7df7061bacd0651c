"""How Z molecules can be laid on a space group's Wyckoff positions: on one of them, or on two at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from genarris_fw.crystal.structure import Molecule
from genarris_fw.generation.sites import Site, check_Z, compatible_sites
from genarris_fw.generation.space_groups import space_group

_LETTERS = 32  # more than any group has positions


@dataclass(frozen=True)
class Occupation:
    """One or two Wyckoff positions of a space group that Z molecules fill together.

    Attributes
    ----------
    sites : tuple of Site
        One for every independent molecule.
    """

    sites: tuple[Site, ...]

    @property
    def space_group(self) -> int:
        """Number of the space group."""
        return self.sites[0].space_group

    @property
    def wyckoff(self) -> str:
        """Multiplicities and letters, such as ``4a`` or ``2a+2d``."""
        return "+".join(site.wyckoff for site in self.sites)

    @property
    def site_symmetry(self) -> str:
        """Symbols of the sites' point groups, such as ``-1`` or ``-1+-1``."""
        return "+".join(site.site_symmetry for site in self.sites)

    @property
    def number(self) -> int:
        """A number that names the occupation within its space group, whatever else is allowed."""
        number = 0
        for site in self.sites:
            letters = [p.letter for p in space_group(site.space_group).positions]
            number = number * _LETTERS + letters.index(site.wyckoff[-1]) + 1
        return number


def occupations(
    molecule: Molecule,
    Z: int,
    tol: float = 1e-2,
    space_groups: Collection[int] | None = None,
    combinations: bool = False,
) -> list[Occupation]:
    """Return every way to lay Z molecules on Wyckoff positions.

    Parameters
    ----------
    molecule : Molecule
        The molecule.
    Z : int
        Molecules in the conventional cell.
    tol : float
        Å; how far the molecule may be from symmetric.
    space_groups : collection of int, optional
        Look only at these; all 230 by default.
    combinations : bool
        Also fill two positions at once, whose multiplicities add up to Z: two special ones (Z' = 1/2 + 1/2), two
        independent molecules on the general position (Z' = 2), and so on. A position without a free parameter holds
        one molecule only.

    Returns
    -------
    list of Occupation
        By space group; single positions first.

    Raises
    ------
    InputError
        As `compatible_sites`.

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> from genarris_fw.generation import occupations
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> len(occupations(molecule, Z=4, space_groups=[14], combinations=True))
    1
    """
    found = [Occupation((site,)) for site in compatible_sites(molecule, Z, tol, space_groups)]
    if combinations:
        sites: dict[int, list[Site]] = {}
        for multiplicity in range(1, check_Z(Z)):
            for site in compatible_sites(molecule, multiplicity, tol, space_groups):
                sites.setdefault(site.space_group, []).append(site)
        for group in sites.values():
            for i, first in enumerate(group):
                for second in group[i:]:
                    twice = first is second and not first.parameters
                    if first.multiplicity + second.multiplicity == Z and not twice:
                        found.append(Occupation((first, second)))
    return sorted(found, key=lambda o: (o.space_group, len(o.sites)))
