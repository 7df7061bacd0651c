"""What the compiled sampler needs to know of one space group, and the structures made of what it accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw._kernels.generator import Sampler
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import niggli_reduce
from genarris_fw.crystal.symmetry import space_group as detect_space_group
from genarris_fw.errors import InputError
from genarris_fw.generation.contacts import contact_margin, cutoff_matrix
from genarris_fw.generation.sites import Site, place
from genarris_fw.generation.space_groups import space_group
from genarris_fw.generation.volume import union_volume

CALL_DRAWS = 1 << 17  # draws per call of the kernel, so that signals are seen a few times a second
CALL_ACCEPTED = 256
LARGEST_NORMAL = 8.6  # standard deviations; the kernel's normal numbers stay below
CONTACT_TOLERANCE = 1e-6  # Å; the accepted structure is compared with the cutoffs to this
SYMPREC = 1e-2  # Å, for the space group as spglib sees it


class Placement:
    """The sites of one space group, filled with one kind of molecule.

    Parameters
    ----------
    molecule : Molecule
        n atoms.
    Z : int
        Molecules in the conventional cell.
    sites : sequence of Site
        Of one space group.
    cutoffs : (n, n) array
        Smallest allowed intermolecular distances, Å.
    """

    def __init__(self, molecule: Molecule, Z: int, sites: Sequence[Site], cutoffs: NDArray[np.float64]) -> None:
        self.molecule, self.Z, self.sites, self.cutoffs = molecule, Z, list(sites), np.asarray(cutoffs, dtype=float)
        if self.cutoffs.shape != (len(molecule), len(molecule)):
            raise InputError(
                f"the cutoff matrix has shape {self.cutoffs.shape}; the molecule has {len(molecule)} atoms"
            )
        crystal = self.crystal = space_group(sites[0].space_group)
        placed = [place(molecule, site) for site in sites]
        self.coordinates = np.concatenate(placed)
        positions = [next(p for p in crystal.positions if site.wyckoff == f"{Z}{p.letter}") for site in sites]
        copies = [self._copies(p.origin, p.basis) for p in positions]
        self.operations = np.array([chosen for chosen, _ in copies])
        bases = np.zeros((len(sites), 3, 3))
        for base, position in zip(bases, positions, strict=True):
            base[: len(position.basis)] = position.basis
        self.sampler = Sampler(
            crystal.number,
            crystal.lattice_system,
            self.cutoffs,
            [p.origin for p in positions],
            bases,
            [len(p.basis) for p in positions],
            [site.freedom for site in sites],
            [site.axis for site in sites],
            np.cumsum([0, *(len(p) for p in placed)]),
            self.coordinates,
            crystal.rotations[self.operations],
            crystal.translations[self.operations],
            crystal.turns[self.operations],
            [skip for _, skip in copies],
        )

    def _copies(self, origin: NDArray[np.float64], basis: NDArray[np.float64]) -> tuple[list[int], list[bool]]:
        """Return one operation for each of the Z molecules and whether an earlier one has the same contacts."""
        point = origin + np.array([0.193160131, 0.371780537, 0.117450233])[: len(basis)] @ basis
        images = self.crystal.images(point)
        chosen: list[int] = []
        for k, image in enumerate(images):
            if _same(image, images[chosen]) is None:
                chosen.append(k)
        skip: list[bool] = []
        for k, operation in enumerate(chosen):
            back = np.linalg.solve(self.crystal.rotations[operation], point - self.crystal.translations[operation])
            inverse = _same(back, images[chosen])
            skip.append(inverse is not None and inverse < k)
        return chosen, skip

    def accepted(
        self, seed: int, first: int, count: int, quota: int, mean: float, std: float
    ) -> Iterator[tuple[int, tuple[int, Site, Structure] | None]]:
        """Make draws and yield (how many were made so far, what the last of them gave), ending with the last draw.

        Stops when `count` draws are made or `quota` structures are accepted.
        """
        made = found = 0
        if self.hopeless(mean + LARGEST_NORMAL * std):
            yield count, None
            return
        while made < count and found < quota:
            start = made
            used, draws, sites, orientations, geometry = self.sampler.draw(
                seed, first + made, min(count - made, CALL_DRAWS), min(quota - found, CALL_ACCEPTED), mean, std
            )
            for draw, site, orientation, numbers in zip(draws, sites, orientations, geometry, strict=True):
                structure = self.structure(int(site), int(orientation), numbers)
                if structure is not None:
                    found += 1
                    yield int(draw) - first + 1, (int(draw), self.sites[site], structure)
            made = start + int(used)
            yield made, None

    def structure(self, site: int, orientation: int, numbers: NDArray[np.float64]) -> Structure | None:
        """Build what the sampler accepted, Niggli reduced; None if a contact is too short after all."""
        ax, bx, by, cx, cy, cz = numbers[:6]
        lattice = np.array([[ax, 0, 0], [bx, by, 0], [cx, cy, cz]])
        rotation, centre = numbers[6:15].reshape(3, 3), numbers[15:]
        operations = self.operations[site]
        centres = self.crystal.rotations[operations] @ centre + self.crystal.translations[operations]
        points = self.coordinates[orientation] @ rotation.T
        molecules = points @ self.crystal.turns[operations].transpose(0, 2, 1)
        molecules = molecules + ((centres % 1.0) @ lattice)[:, None]
        conventional = Structure(lattice, self.molecule.species * self.Z, molecules.reshape(-1, 3))
        structure = niggli_reduce(conventional, self.Z)
        if contact_margin(structure, self.cutoffs) < -CONTACT_TOLERANCE:
            return None
        chosen = self.sites[site]
        properties: dict[str, Any] = {
            "Z": self.Z,
            "number_of_atoms_in_molecule": len(self.molecule),
            "unit_cell_volume": structure.cell_volume,
            "attempted_spg": chosen.space_group,
            "attempted_wyckoff_position": chosen.wyckoff,
            "site_symmetry_group": chosen.site_symmetry,
            "spg": detect_space_group(structure, SYMPREC),
        }
        structure.properties = properties | structure.properties
        return structure

    def hopeless(self, volume: float) -> bool:
        """Tell whether no packing fits the volume, because balls that may not overlap take more than all of it."""
        radii = np.diag(self.cutoffs) / 2
        for _ in range(len(radii)):
            excess = radii[:, None] + radii - self.cutoffs
            worst = np.unravel_index(excess.argmax(), excess.shape)
            if excess[worst] <= 1e-12:
                break
            smaller = worst[int(radii[worst[1]] < radii[worst[0]])]
            radii[smaller] -= excess[worst]
        # An atom stays away from the same atom of all other molecules: spheres fill at most pi / sqrt(18) of space.
        spheres = float(np.diag(self.cutoffs).max()) ** 3 / np.sqrt(2.0)
        balls = 0.99 * union_volume(self.coordinates[0], np.maximum(radii, 0.0), spacing=0.1)
        return volume < self.Z * max(spheres, balls)


def _same(point: NDArray[np.float64], images: NDArray[np.float64]) -> int | None:
    """Return which of the points equals the given one apart from lattice translations."""
    offset = images - point
    hits = np.flatnonzero((np.abs(offset - np.rint(offset)) < 1e-6).all(axis=1))
    return int(hits[0]) if len(hits) else None


def default_cutoffs(molecule: Molecule, sr: float, cutoffs: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the given cutoff matrix or, without one, that of `sr`."""
    return cutoff_matrix(molecule, sr) if cutoffs is None else cutoffs
