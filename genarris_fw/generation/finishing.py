"""From what the kernels accept to finished structures: whole molecules, Niggli cell, space group."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.atom_properties import repeated
from genarris_fw.crystal.cells import CELL_KEYS, cell_values
from genarris_fw.crystal.point_groups import point_group
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import niggli_lattices
from genarris_fw.crystal.symmetry import space_group as detect_space_group
from genarris_fw.errors import GenarrisError
from genarris_fw.generation.freedom import Operations
from genarris_fw.generation.placement import Placement

Floats = NDArray[np.float64]

SYMPREC = 1e-2  # Å, for the space group as spglib sees it
UNCHANGED = 1e-6  # Å: how far a distance within a molecule may differ from the input's
# Far more than SYMPREC: what is not symmetric to this is not symmetric to spglib.
LOOSE = 5e-2  # Å, of the molecule
LOOSE_LATTICE = 0.1  # Å, of a lattice vector
LOOSE_TURN = 0.03  # rad: a small molecule may be turned by SYMPREC over its radius and pass for aligned
UNCHANGED_ENOUGH = 1e-3  # Å: a molecule that was moved by less on its site has the point group it had


@dataclass(frozen=True, eq=False)
class Hits:
    """What a kernel accepted in one occupation.

    Attributes
    ----------
    numbers : (m,) array
        Draw numbers, ascending.
    orientations : (m, parts) array
        Rows of the placement's coordinates.
    lattices, rotations, centres : (m, 3, 3), (m, parts, 3, 3), (m, parts, 3) arrays
        Cell (rows, Å, right-handed), turn of each independent molecule, fractional centre.
    """

    numbers: NDArray[np.int64]
    orientations: NDArray[np.intc]
    lattices: Floats
    rotations: Floats
    centres: Floats

    @classmethod
    def of(cls, numbers: NDArray[np.int64], orientations: NDArray[np.intc], geometry: Floats) -> Hits:
        """Take a kernel's rows apart."""
        count, parts = len(geometry), (geometry.shape[1] - 9) // 12
        own = geometry[:, 9:].reshape(count, parts, 12)
        rotations = own[:, :, :9].reshape(count, parts, 3, 3)
        return cls(numbers, orientations, geometry[:, :9].reshape(count, 3, 3), rotations, own[:, :, 9:])

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.numbers)

    def __getitem__(self, rows: Any) -> Hits:
        """Return the hits of some rows, as numpy selects them."""
        return Hits(
            self.numbers[rows], self.orientations[rows], self.lattices[rows], self.rotations[rows], self.centres[rows]
        )


class Finisher:
    """Makes the structures of one occupation.

    Parameters
    ----------
    placement : Placement
        The molecule on its sites.
    every : bool
        Ask spglib for the space group of every structure, not only of those that may have a larger one.
    """

    def __init__(self, placement: Placement, every: bool = False) -> None:
        self.placement, self.every = placement, every
        coordinates = placement.coordinates
        self.inner = np.linalg.norm(coordinates[:, :, None] - coordinates[:, None], axis=3)
        self.own: list[Floats] = []
        self.extra = None if every else self._extra_operations()

    def _extra_operations(self) -> list[Floats] | None:
        """Operations, for each orientation, that the molecule has and its site has not; None where spglib must look.

        An isometry of the crystal beyond the intended group takes a molecule to one of its images; followed by the
        group's operation back, it is an operation of the molecule itself. So there is none where no operation of the
        molecule, beyond those of its site, maps the lattice onto itself and the molecules onto one another.
        """
        placement = self.placement
        if len(placement.occupation.sites) > 1:
            return None
        [site] = placement.occupation.sites
        if len(placement.molecule) == 1:
            return None
        # Turned copies of one molecule, unless it was changed, in each orientation in its own way.
        changed = site.deformation > UNCHANGED_ENOUGH
        found = []
        for k, rotation in enumerate(site.orientations):
            if k == 0 or changed:
                group = point_group(Molecule(placement.molecule.species, placement.coordinates[k]), LOOSE)
                if group.infinite:
                    return None
                frame = rotation
            turn = rotation @ frame.T
            turned = turn @ group.operations @ turn.T
            self.own.append(turned)
            gaps = np.abs(turned[:, None] - site.operations).max(axis=(2, 3)).min(axis=1)
            found.append(turned[gaps > LOOSE])
        return found

    def structures(self, hits: Hits) -> list[Structure]:
        """Return the finished crystals, in the order of the hits.

        Raises
        ------
        GenarrisError
            When a molecule came out changed, which would be an error of this program.
        """
        if not len(hits):
            return []
        placement = self.placement
        Z, n = placement.Z, len(placement.molecule)
        molecules, centres = self._molecules(hits)
        lattices, turns = _niggli(hits.lattices)
        inverse = np.linalg.inv(lattices)
        # Bring every molecule's centre into the new cell.
        places = centres @ turns
        places -= np.floor(places @ inverse + 1e-6) @ lattices
        positions = molecules @ turns[:, None] + places[:, :, None]
        self._check_unchanged(hits, positions)
        cells = cell_values(lattices)
        groups = self._space_groups(hits, lattices, positions)
        species = placement.molecule.species * Z
        occupation = placement.occupation
        of_atoms = repeated(placement.molecule.properties, n, Z)
        common: dict[str, Any] = {
            "Z": Z,
            "number_of_atoms_in_molecule": n,
            "unit_cell_volume": 0.0,
            "attempted_spg": occupation.space_group,
            "attempted_wyckoff_position": occupation.wyckoff,
            "site_symmetry_group": occupation.site_symmetry,
        }
        made = []
        for lattice, points, cell, group in zip(lattices, positions, cells, groups, strict=True):
            properties = common | {"unit_cell_volume": float(cell[-1]), "spg": group}
            properties |= dict(zip(CELL_KEYS, cell.tolist(), strict=True))
            properties |= {name: list(values) for name, values in of_atoms.items()}
            made.append(Structure(lattice, species, points.reshape(-1, 3), properties))
        return made

    def _molecules(self, hits: Hits) -> tuple[Floats, Floats]:
        """Atoms about their centres (m, Z, n, 3) and centres (m, Z, 3), Cartesian, in the kernels' cell."""
        crystal, placement = self.placement.crystal, self.placement
        atoms, centres = [], []
        for part, operations in enumerate(placement.copies):
            points = placement.coordinates[hits.orientations[:, part]]
            points = np.einsum("mij,maj->mai", hits.rotations[:, part], points)
            atoms.append(np.einsum("zij,maj->mzai", crystal.turns[operations], points))
            images = np.einsum("zij,mj->mzi", crystal.rotations[operations], hits.centres[:, part])
            images = (images + crystal.translations[operations]) % 1.0
            centres.append(np.einsum("mzi,mij->mzj", images, hits.lattices))
        return np.concatenate(atoms, axis=1), np.concatenate(centres, axis=1)

    def _check_unchanged(self, hits: Hits, positions: Floats) -> None:
        at = 0
        for part, operations in enumerate(self.placement.copies):
            own = positions[:, at : at + len(operations)]
            at += len(operations)
            wrong = 0.0
            for atom in range(own.shape[2]):
                apart = own[:, :, atom:] - own[:, :, atom, None]
                distances = np.sqrt(np.einsum("mzai,mzai->mza", apart, apart))
                gaps = np.abs(distances - self.inner[hits.orientations[:, part], None, atom, atom:])
                wrong = float(np.maximum(wrong, gaps.max()))
            if not wrong <= UNCHANGED:
                name = f"space group {self.placement.occupation.space_group}, draws from {hits.numbers[0]}"
                raise GenarrisError(f"{name}: a molecule came out changed by {wrong:.1e} Å; please report this")

    def _space_groups(self, hits: Hits, lattices: Floats, positions: Floats) -> list[int]:
        """The intended group, or what spglib finds where there may be more."""
        intended = self.placement.occupation.space_group
        groups = [intended] * len(hits)
        species = self.placement.molecule.species * self.placement.Z
        for k in np.flatnonzero(self._may_have_more(hits)):
            groups[k] = detect_space_group(Structure(lattices[k], species, positions[k].reshape(-1, 3)), SYMPREC)
        return groups

    def _may_have_more(self, hits: Hits) -> NDArray[np.bool_]:
        """Tell for which crystals an operation of the molecule beyond its site's maps lattice and molecules."""
        if self.extra is None:
            return np.ones(len(hits), dtype=bool)
        found = np.zeros(len(hits), dtype=bool)
        lattices = _primitive(self.placement.crystal) @ hits.lattices
        inverse = np.linalg.inv(lattices)
        for orientation in np.unique(hits.orientations[:, 0]):
            rows = np.flatnonzero(hits.orientations[:, 0] == orientation)
            extra = self.extra[orientation - self.placement.starts[0]]
            if len(extra):
                rotations, cells = hits.rotations[rows, 0][:, None], lattices[rows][:, None]
                turned = rotations @ extra @ rotations.swapaxes(2, 3)
                mapped = cells @ turned.swapaxes(2, 3) @ inverse[rows][:, None]
                missed = (mapped - np.rint(mapped)) @ cells
                allowed = np.maximum(LOOSE_LATTICE, LOOSE_TURN * np.linalg.norm(lattices[rows], axis=2))[:, None]
                kept = (np.linalg.norm(missed, axis=3) < allowed).all(axis=2)
                which, candidate = np.nonzero(kept)
                mapping = self._maps_molecules(hits, rows[which], turned[which, candidate])
                found[rows[which[mapping]]] = True
        return found

    def _maps_molecules(self, hits: Hits, rows: NDArray[np.intp], candidates: Floats) -> NDArray[np.bool_]:
        """Tell of turns about the first molecule's centre, one of each row, which map all molecules onto molecules."""
        crystal, operations = self.placement.crystal, self.placement.copies[0]
        lattices, first = hits.lattices[rows], hits.centres[rows, 0]
        images = np.matmul(crystal.rotations[operations], first[:, None, :, None])[..., 0]
        centres = (images + crystal.translations[operations] - first[:, None]) @ lattices
        offsets = (centres @ candidates.swapaxes(1, 2))[:, :, None] - centres[:, None]
        offsets -= np.rint(offsets @ np.linalg.inv(lattices)[:, None]) @ lattices[:, None]
        edges = np.linalg.norm(lattices, axis=2).sum(axis=1)
        allowed = np.maximum(LOOSE_LATTICE, LOOSE_TURN * edges)[:, None, None]
        same_place = np.linalg.norm(offsets, axis=3) < allowed
        mapping = same_place.any(axis=2).all(axis=1)
        turns = crystal.turns[operations]
        for k in np.flatnonzero(mapping):
            # From one molecule to another: the turn must be one that takes the molecule onto itself.
            own = hits.rotations[rows[k], 0] @ self.own[hits.orientations[rows[k], 0] - self.placement.starts[0]]
            own = own @ hits.rotations[rows[k], 0].T
            between = np.einsum("lji,jm,kmn->klin", turns, candidates[k], turns)
            gaps = np.abs(between[:, :, None] - own).max(axis=(3, 4)).min(axis=2)
            mapping[k] = (same_place[k] & (gaps < LOOSE)).any(axis=1).all()
        return np.asarray(mapping)


def _primitive(operations: Operations) -> Floats:
    """Fractional basis of all translations of a cell, its centrings included."""
    pure = (operations.rotations == np.eye(3)).all(axis=(1, 2))
    centrings = operations.translations[pure]
    vectors = np.concatenate([centrings[np.abs(centrings).max(axis=1) > 0], np.eye(3)])
    for rows in combinations(range(len(vectors)), 3):
        if abs(abs(np.linalg.det(vectors[list(rows)])) - 1.0 / len(centrings)) < 1e-6:
            return vectors[list(rows)]
    raise AssertionError("centring translations and the cell's edges always hold a basis")


def _niggli(lattices: Floats) -> tuple[Floats, Floats]:
    """Lower triangular Niggli cells (m, 3, 3), and how the crystals were turned: new = old @ turn."""
    reduced = niggli_lattices(lattices, "a generated structure")
    lower = np.linalg.cholesky(reduced @ reduced.transpose(0, 2, 1))
    return np.asarray(lower, dtype=float), np.asarray(np.linalg.solve(reduced, lower), dtype=float)
