"""Two crystals laid upon each other, molecule by molecule: what is drawn, and written as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.clustering.fingerprints import Molecules, molecules_of
from genarris_fw.clustering.matching import centred, prepare
from genarris_fw.comparing.cluster_match import ClusterMatch, Place, Tolerances, match_clusters
from genarris_fw.crystal.structure import Molecule, Structure

Floats = NDArray[np.float64]

MARGIN = 5.0  # Å between the clusters and the walls of the box that they are written in


@dataclass(frozen=True, eq=False)
class LaidMolecule:
    """A molecule of a cluster.

    Attributes
    ----------
    species : tuple of str
        Of its n atoms.
    positions : (n, 3) ndarray
        Å, as the first crystal lies.
    bonds : tuple of (int, int)
    matched : bool
        Whether it has a counterpart.
    """

    species: tuple[str, ...]
    positions: Floats
    bonds: tuple[tuple[int, int], ...]
    matched: bool


@dataclass(frozen=True, eq=False)
class Overlay:
    """A cluster of one crystal, and that of another one which is laid upon it.

    Attributes
    ----------
    match : ClusterMatch
    names : (str, str)
        Of the crystals.
    first, second : tuple of LaidMolecule
        As many molecules of each, in the same order, the central one first; where a molecule of the first crystal has
        no counterpart, the nearest of the second one.
    """

    match: ClusterMatch
    names: tuple[str, str]
    first: tuple[LaidMolecule, ...]
    second: tuple[LaidMolecule, ...]


def overlay(
    first: Structure, second: Structure, tolerances: Tolerances | None = None, molecule: Molecule | None = None
) -> Overlay:
    """Lay the second crystal upon the first one.

    Parameters
    ----------
    first, second, tolerances, molecule
        As of `match_clusters`.

    Returns
    -------
    Overlay

    Raises
    ------
    InputError
        As of `match_clusters`.
    """
    chosen = tolerances or Tolerances()
    ready = (prepare(one, chosen.matching, molecule) for one in (first, second))
    match = match_clusters(next(ready), next(ready), chosen)
    crystals = (_Laid(first, molecule), _Laid(second, molecule))
    there = [crystals[0].at(place, place_of is not None) for place, place_of in zip(match.first, match.second)]
    centres = [one.positions.mean(axis=0) for one in there]
    places = list(match.second)
    for k, centre in enumerate(centres):
        if places[k] is None:
            taken = {place for place in places if place is not None}
            places[k] = crystals[1].nearest((centre - match.move) @ match.turn, taken)
    laid = [
        _moved(crystals[1].at(place, matched is not None), match)
        for place, matched in zip(places, match.second)
        if place is not None
    ]
    names = (first.struct_id or "first", second.struct_id or "second")
    return Overlay(match, names, tuple(there), tuple(laid))


class _Laid:
    """A crystal taken apart, its molecules where `prepare` has them."""

    def __init__(self, structure: Structure, molecule: Molecule | None) -> None:
        self.crystal: Molecules = molecules_of(structure, molecule)
        self.positions = centred(self.crystal)
        self.species = structure.species

    def at(self, place: Place, matched: bool) -> LaidMolecule:
        """Return a molecule at its place."""
        rows, kind = self.crystal.atoms[place.molecule], self.crystal.kinds[place.molecule]
        bonds = tuple((i, j) for i, around in enumerate(kind.neighbours) for j in around if i < j)
        positions = self.positions[rows] + np.array(place.move)
        return LaidMolecule(tuple(self.species[i] for i in rows), positions, bonds, matched)

    def nearest(self, point: Floats, taken: set[Place]) -> Place | None:
        """Return the molecule whose centre is nearest to a point, of those that are not taken."""
        cells = np.array(list(np.ndindex(3, 3, 3))) - 1
        found: list[tuple[float, Place]] = []
        for number, rows in enumerate(self.crystal.atoms):
            away = point - self.positions[rows].mean(axis=0)
            home = np.rint(away @ np.linalg.inv(self.crystal.lattice))
            moves = (home + cells) @ self.crystal.lattice
            found += [
                (float(np.linalg.norm(away - move)), Place(number, (float(move[0]), float(move[1]), float(move[2]))))
                for move in moves
            ]
        return next((place for _, place in sorted(found) if not _is_among(place, taken)), None)


def _is_among(place: Place, taken: set[Place]) -> bool:
    return any(place.molecule == one.molecule and np.allclose(place.move, one.move, atol=1e-6) for one in taken)


def _moved(molecule: LaidMolecule, match: ClusterMatch) -> LaidMolecule:
    positions = molecule.positions @ match.turn.T + match.move
    return LaidMolecule(molecule.species, positions, molecule.bonds, molecule.matched)


def format_overlay(overlay: Overlay) -> str:
    """Return the text of a cif file: both clusters in one box, then each alone in the same box.

    In the first block the first crystal's atoms are the disorder group 1, and those of the second one group 2: programs
    draw no bonds between groups, and can colour and hide them.
    """
    everything = np.concatenate([one.positions for one in (*overlay.first, *overlay.second)])
    corner = everything.min(axis=0) - MARGIN
    box = everything.max(axis=0) + MARGIN - corner
    first = list(_atom_lines(overlay.first, "A", 1, corner, box))
    second = list(_atom_lines(overlay.second, "B", 2, corner, box))
    one, other = overlay.names
    mirrored = ", mirrored" if overlay.match.mirrored else ""
    said = f"# {overlay.match}: A (disorder group 1) is {one}, B (disorder group 2) is {other}{mirrored}"
    blocks = [("overlay", first + second), ("first", first), ("second", second)]
    return "\n".join(line for name, atoms in blocks for line in [*_head(name, said, box), *atoms, ""])


def _head(name: str, said: str, box: Floats) -> Iterator[str]:
    yield from (f"data_{name}", said, "_space_group_name_H-M_alt 'P 1'", "_space_group_IT_number 1")
    yield from (f"_cell_length_{axis} {length:.5f}" for axis, length in zip("abc", box))
    yield from (f"_cell_angle_{angle} 90" for angle in ("alpha", "beta", "gamma"))
    yield from ("loop_", "_space_group_symop_operation_xyz", "'x,y,z'", "loop_")
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    yield from (f"_atom_site_{column}" for column in (*columns, "disorder_assembly", "disorder_group"))


def _atom_lines(
    molecules: Sequence[LaidMolecule], letter: str, group: int, corner: Floats, box: Floats
) -> Iterator[str]:
    counts: dict[str, int] = {}
    for one in molecules:
        for name, (x, y, z) in zip(one.species, ((one.positions - corner) / box).tolist()):
            counts[name] = counts.get(name, 0) + 1
            yield f"{name}{counts[name]}{letter} {name} {x:.6f} {y:.6f} {z:.6f} 1 A {group}"
