"""Radii of the muffin tins: spheres that nearly touch and never overlap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.checks import neighbours
from genarris_fw.errors import EngineError

# Å; what stays between two spheres (Elk keeps 0.05 bohr).
GAP = 0.027

Radii = dict[str, float]


def shortest_distances(structure: Structure, within: float) -> dict[tuple[str, str], float]:
    """Return the shortest distance (Å) between atoms of each two elements, where it is below ``within``."""
    first, second, _, vectors = neighbours(structure, within)
    found: dict[tuple[str, str], float] = {}
    for i, j, distance in zip(first, second, np.linalg.norm(vectors, axis=1), strict=True):
        a, b = sorted((structure.species[int(i)], structure.species[int(j)]))
        found[a, b] = min(found.get((a, b), within), float(distance))
    return found


def fitting_radii(structure: Structure, wanted: Mapping[str, float]) -> Radii:
    """Reduce radii where spheres would overlap, both of two that do by the same part.

    Parameters
    ----------
    structure : Structure
        A crystal.
    wanted : mapping
        Element -> radius (Å), none of which is exceeded.

    Returns
    -------
    dict
        Element -> radius (Å), for the elements of the structure.
    """
    radii = {name: wanted[name] for name in dict.fromkeys(structure.species)}
    distances = shortest_distances(structure, 2 * max(radii.values()) + GAP)

    def part(pair: tuple[str, str]) -> float:
        """What is left of the two radii when their spheres have just room."""
        return (distances[pair] - GAP) / (radii[pair[0]] + radii[pair[1]])

    # The tightest pair first; each step makes radii smaller, so every pair is done once at most.
    left = set(distances)
    while left:
        tightest = min(left, key=lambda pair: (part(pair), pair))
        factor = part(tightest)
        if factor >= 1:
            break
        for name in set(tightest):
            radii[name] *= factor
        left.remove(tightest)
    return radii


def refuse_overlapping_spheres(structure: Structure, radii: Mapping[str, float]) -> None:
    """Refuse given radii that do not fit a structure.

    Raises
    ------
    EngineError
        Kind ``input``, permanent.
    """
    name = structure.struct_id or "the structure"
    lacking = sorted(set(structure.species) - set(radii))
    if lacking:
        raise EngineError(
            f"{name}: muffin_tin has no radius for {', '.join(lacking)}; give one, or muffin_tin = auto",
            kind="input",
            permanent=True,
        )
    widest = 2 * max(radii[element] for element in structure.species)
    for (a, b), distance in shortest_distances(structure, widest).items():
        if radii[a] + radii[b] > distance:
            raise EngineError(
                f"{name}: the muffin tins of {a} and {b} overlap: {radii[a]:.4g} + {radii[b]:.4g} Å of radii on "
                f"{distance:.4g} Å; take smaller radii, or muffin_tin = auto",
                kind="input",
                permanent=True,
            )
