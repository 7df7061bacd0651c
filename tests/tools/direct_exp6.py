"""Crystals with DMACRYS' reference energies, and a plain direct sum of exp-6 over all images to compare them with."""

import json
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from shared_data import shared

from genarris_fw.crystal import Molecule
from genarris_fw.crystal.bonds import bonds, connected_components
from genarris_fw.lattice.potentials.parameters import Parameters
from genarris_fw.lattice.potentials.potential import Potential

DATA = Path(__file__).resolve().parents[1] / "data" / "lattice_exp6.json"
PRIMITIVE = ((0.0, 0.0, 0.0),)
FACE_CENTRED = (*PRIMITIVE, (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
A_CENTRED = (*PRIMITIVE, (0.0, 0.5, 0.5))


@dataclass
class Case:
    """A crystal that DMACRYS has calculated."""

    cell: dict[str, float]
    species: list[str]
    fractional: np.ndarray
    operations: list[str]
    centring: tuple[tuple[float, float, float], ...]
    nuclei: bool  # whether the atoms are nuclei, or sites with their hydrogens nearer to their partners already
    energies: dict[str, float]  # kJ/mol per molecule of repulsion and dispersion, by potential


@cache
def stored() -> dict[str, Case]:
    """The cases that lie in the repository."""
    records = json.loads(DATA.read_text())
    del records["source"]
    return {
        name: Case(
            record["cell"],
            [atom[0] for atom in record["atoms"]],
            np.array([atom[1:] for atom in record["atoms"]]),
            record["symmetry_operations"],
            PRIMITIVE,
            record["nuclei"],
            record["energies"],
        )
        for name, record in records.items()
    }


def beside(name: str, potential: str, centring: tuple[tuple[float, float, float], ...]) -> Case:
    """A case of the data beside the repository, whose list of operations leaves the centring out."""
    record: dict[str, Any] = json.loads(shared(f"lattice/dmacrys/{name}.json").read_text())
    crystal = record["crystal"]
    return Case(
        crystal["cell"],
        [atom["element"] for atom in crystal["atoms"]],
        np.array([atom["frac_xyz"] for atom in crystal["atoms"]]),
        crystal["symmetry_operations"],
        centring,
        True,
        {potential: record["reference"]["initial"]["repulsion_dispersion_kJ"]},
    )


def lattice_of(cell: dict[str, float]) -> np.ndarray:
    a, b, c = cell["a"], cell["b"], cell["c"]
    alpha, beta, gamma = (radians(cell[name]) for name in ("alpha", "beta", "gamma"))
    x = cos(beta)
    y = (cos(alpha) - cos(beta) * cos(gamma)) / sin(gamma)
    return np.array([[a, 0, 0], [b * cos(gamma), b * sin(gamma), 0], [c * x, c * y, c * sqrt(1 - x * x - y * y)]])


def operation(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation of ``-x,+y+1/2,-z+1/2``, in fractional coordinates."""
    W, w = np.zeros((3, 3)), np.zeros(3)
    for row, part in enumerate(text.replace(" ", "").lower().split(",")):
        for sign, above, below, axis in re.findall(r"([+-]?)(?:(\d+)/(\d+)|([xyz]))", part):
            one = -1.0 if sign == "-" else 1.0
            if axis:
                W[row, "xyz".index(axis)] += one
            else:
                w[row] += one * int(above) / int(below)
    return W, w


@dataclass
class Sites:
    """The molecules of a cell: sites in Å, types, axes, and which molecule each site belongs to."""

    lattice: np.ndarray
    points: np.ndarray
    types: list[str]
    axes: np.ndarray
    molecule: np.ndarray


def cell_of(case: Case, potential: Potential) -> Sites:
    """All molecules of a case's cell, typed by a potential of ours, which places the sites where nuclei are given."""
    lattice = lattice_of(case.cell)
    x = case.fractional @ lattice
    points, axes, types, which = np.zeros_like(x), np.zeros_like(x), [""] * len(x), np.zeros(len(x), int)
    for number, atoms in enumerate(connected_components(len(x), bonds(case.species, x))):
        molecule = Molecule([case.species[i] for i in atoms], x[atoms])
        points[atoms] = potential.sites_of(molecule) if case.nuclei else molecule.positions
        axes[atoms], which[atoms] = potential.axes_of(molecule), number
        for i, one in zip(atoms, potential.types_of(molecule), strict=True):
            types[i] = one
    inverse = np.linalg.inv(lattice)
    images: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for W, w in [operation(text) for text in ("x,y,z", *case.operations)]:
        for shift in case.centring:
            moved = (points @ inverse @ W.T + w + shift) @ lattice
            turned = axes @ inverse @ W.T @ lattice
            images.append((moved, turned, which + len(images) * (which.max() + 1)))
    joined = [np.concatenate([image[k] for image in images]) for k in range(3)]
    return Sites(lattice, joined[0], types * len(images), joined[1], joined[2])


def placed(lattice: np.ndarray, molecules: list[Molecule], potential: Potential) -> Sites:
    """The sites of a cell's molecules."""
    return Sites(
        lattice,
        np.concatenate([potential.sites_of(molecule) for molecule in molecules]),
        [one for molecule in molecules for one in potential.types_of(molecule)],
        np.concatenate([potential.axes_of(molecule) for molecule in molecules]),
        np.repeat(np.arange(len(molecules)), [len(molecule) for molecule in molecules]),
    )


def direct_energy(sites: Sites, numbers: Parameters, taper=(15.0, 17.0), only: int | None = None) -> float:
    """Exp-6 energy of a cell, kJ/mol: half the sum over all pairs of sites of different molecules within the taper.

    `only`: just of the first so many sites with all others, for a cell whose molecules are alike. The guard, within
    which no pair of a crystal lies, is left out.
    """
    start, end = taper
    index = np.array([numbers.types.index(one) for one in sites.types])
    normals = np.linalg.inv(sites.lattice).T
    span = np.ptp(sites.points @ normals.T, axis=0)
    reach = np.ceil(end * np.linalg.norm(normals, axis=1) + span).astype(int)
    first = slice(0, only)
    x, kinds, axes, which = sites.points[first], index[first], sites.axes[first], sites.molecule[first]
    total = 0.0
    for shift in product(*(range(-n, n + 1) for n in reach)):
        offsets = sites.points[None] + np.array(shift) @ sites.lattice - x[:, None]
        r = np.linalg.norm(offsets, axis=2)
        near = r < end
        if shift == (0, 0, 0):
            near &= which[:, None] != sites.molecule[None]
        i, j = np.nonzero(near)
        if len(i) == 0:
            continue
        r, u = r[i, j], offsets[i, j] / r[i, j][:, None]
        a, b = kinds[i], index[j]
        rho = numbers.rho20[a] * p2((axes[i] * u).sum(1)) * (numbers.rho20[a] != 0)
        rho = rho + numbers.rho20[b] * p2((sites.axes[j] * -u).sum(1)) * (numbers.rho20[b] != 0)
        B, damping = numbers.B[a, b], numbers.damping[a, b]
        energy = numbers.A[a, b] * np.exp(-B * (r - rho)) - damped(damping * r) * numbers.C[a, b] / r**6
        t = np.clip((r - start) / (end - start), 0.0, 1.0)
        total += float((energy * (1 - 10 * t**3 + 15 * t**4 - 6 * t**5)).sum())
    return 0.5 * total


def p2(x: np.ndarray) -> np.ndarray:
    return 1.5 * x * x - 0.5


def damped(x: np.ndarray) -> np.ndarray:
    """Tang and Toennies' f6; 1 where the parameter is 0."""
    total, term = np.ones_like(x), np.ones_like(x)
    for k in range(1, 7):
        term = term * x / k
        total += term
    return np.where(x > 0.0, 1.0 - np.exp(-x) * total, 1.0)
