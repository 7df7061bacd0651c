"""Z' of the structures of a pool, from what the catalogue holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import Geometry
from genarris_fw.crystal.z_prime import is_centred, translations_of_many, z_prime


def z_primes(
    catalogue: Catalogue, run: str, ids: Sequence[str], space_groups: ArrayLike, Z: ArrayLike
) -> NDArray[np.float64]:
    """Return how many molecules the asymmetric unit of each structure has.

    Parameters
    ----------
    catalogue : Catalogue
        The database. Geometries are read of those structures alone whose space group is centred: their cell may be
        the conventional or the primitive one.
    run : str
        The run.
    ids : sequence of str
        n structures.
    space_groups, Z : (n,) array_like
        Of each: the number of its space group, and molecules in its cell; NaN where that is not known.

    Returns
    -------
    (n,) ndarray
        NaN where the space group or Z is not known.
    """
    groups, molecules = np.asarray(space_groups, dtype=float), np.asarray(Z, dtype=float)
    found = np.full(len(ids), np.nan)
    known = [int(row) for row in np.flatnonzero(np.isin(groups, np.arange(1, 231)) & (molecules > 0))]
    centred = [row for row in known if is_centred(int(groups[row]))]
    translations = _translations(catalogue, run, [ids[row] for row in centred])
    for row in known:
        group = int(groups[row])
        if not is_centred(group) or ids[row] in translations:
            found[row] = z_prime(group, int(molecules[row]), translations.get(ids[row], 1))
    return found


def _translations(catalogue: Catalogue, run: str, ids: Sequence[str]) -> dict[str, int]:
    """Return by structure how often its cell holds the lattice; those without a cell are left out."""
    alike: dict[tuple[str, ...], list[tuple[str, Geometry]]] = {}
    for document in catalogue.structures.load(run, ids, ["geometry"]):
        geometry = document["geometry"]
        if geometry["lattice"] is not None and geometry["species"]:
            alike.setdefault(tuple(geometry["species"]), []).append((document["struct_id"], geometry))
    found: dict[str, int] = {}
    for species, crystals in alike.items():
        lattices = np.array([geometry["lattice"] for _, geometry in crystals], dtype=float)
        positions = np.array([geometry["positions"] for _, geometry in crystals], dtype=float)
        times = translations_of_many(species, lattices, positions)
        found |= {name: int(number) for (name, _), number in zip(crystals, times, strict=True)}
    return found
