"""The vectors of a pool as an array, from its documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign


def pool_vectors(campaign: Campaign[SharedOptions], ids: Sequence[str], name: str) -> NDArray[np.float64]:
    """Return the vectors of some structures.

    Parameters
    ----------
    campaign : Campaign
        The run and the step.
    ids : sequence of str
        The n structures.
    name : str
        The property that holds them.

    Returns
    -------
    (n, d) ndarray

    Raises
    ------
    RunFailed
        When a structure has none, when they differ in length, or one is not a list of numbers.
    """
    vectors = campaign.properties(ids, name)
    lengths = {struct: len(vector) if isinstance(vector, list) else 0 for struct, vector in zip(ids, vectors)}
    without = [struct for struct, length in lengths.items() if not length]
    if without:
        raise RunFailed(
            f"{campaign.step}: {len(without)} of {len(ids)} structures lack the vector '{name}' (first {without[0]}): "
            "run Run_Rdf_Calc on this pool, or name another property"
        )
    if len(set(lengths.values())) > 1:
        odd = next(struct for struct, length in lengths.items() if length != lengths[ids[0]])
        raise RunFailed(
            f"{campaign.step}: the vectors '{name}' of {ids[0]} and {odd} differ in length: they were made for other "
            "elements or options; run Run_Rdf_Calc on this pool as a whole"
        )
    try:
        found = np.array(vectors, dtype=float)
    except (TypeError, ValueError):
        found = np.full((1, 1), np.nan)
    if not np.isfinite(found).all() or found.ndim != 2:
        raise RunFailed(f"{campaign.step}: a vector '{name}' holds something else than numbers; run Run_Rdf_Calc again")
    return found
