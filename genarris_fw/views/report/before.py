"""The energies that the parents of a pool's structures had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from genarris_fw.catalogue import Catalogue
from genarris_fw.energetics.comparable import Source, comparable_groups
from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pictures.quantities import number
from genarris_fw.views.report.points import Array


def energies_before(catalogue: Catalogue, pool: PoolData) -> tuple[Array | None, tuple[str, str]]:
    """Return the energies of the structures that those of a pool were made from.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    pool : PoolData
        With `parents` and `energy_name`.

    Returns
    -------
    (n,) ndarray or None
        eV per molecule; those called as the pool's own energies are, else the ones that most parents have, and of
        several engines those of one. None where the parents have no energies.
    (str, str)
        What the energies before and after are called.
    """
    parents = sorted(set(filter(None, pool.parents)))
    found = catalogue.structures.energies(pool.run, parents)
    names = Counter(name for energies in found.values() for name in energies)
    if not names:
        return None, ("", "")
    name = pool.energy_name if pool.energy_name in names else min(names, key=lambda one: (-names[one], one))
    records: list[Mapping[str, Any]] = [found.get(parent, {}).get(name) or {} for parent in pool.parents]
    values = np.array([number(record.get("per_molecule")) for record in records])
    sources = [Source.of(record) for record in records]
    groups = comparable_groups(Counter(source for source, value in zip(sources, values) if np.isfinite(value)))
    if not groups:
        return None, ("", "")
    values = np.where([source == groups[0][0] for source in sources], values, np.nan)
    return values, (f"before, {name}", f"after, {pool.energy_name}")
