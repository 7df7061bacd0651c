"""Z' of the structures of a pool, from what the catalogue holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal.z_prime import is_centred, pure_translations, z_prime
from genarris_fw.errors import InputError
from genarris_fw.pools.documents import from_document


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
        times = translations.get(ids[row], 1)
        if times:
            found[row] = z_prime(int(groups[row]), int(molecules[row]), times)
    return found


def _translations(catalogue: Catalogue, run: str, ids: Sequence[str]) -> dict[str, int]:
    """Return by structure how often its cell holds the lattice; 0 for one that has no cell."""
    found = {}
    for document in catalogue.structures.load(run, ids, ["geometry"]):
        try:
            found[document["struct_id"]] = pure_translations(from_document(document))
        except InputError:
            found[document["struct_id"]] = 0
    return found
