"""The structures of a pool as numbers for the page: columns of bytes, compressed, in base64."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pictures.z_primes import z_prime_words

Array = NDArray[np.float64]

# So many structures of one pool are put on the page, those of lowest energy; more make it slow, and large.
MOST_POINTS = 200_000
# So many groups have names; two bytes hold their numbers.
MOST_GROUPS = 65_000
UNKNOWN = "unknown"


@dataclass
class Points:
    """What the interactive landscape shows of a pool.

    Attributes
    ----------
    name : str
        The pool.
    of : int
        How many structures the pool has; there may be fewer points.
    ids : list of str
        What each is called.
    numbers : dict of str to (n,) ndarray
        ``energy`` (kJ/mol per molecule above the lowest), ``density`` (g/cm3), ``volume`` (Å3 per molecule) and
        others; NaN where they are not known.
    groups : dict of str to (list of str, (n,) ndarray of int)
        What each belongs to: the names, and of every point the index of its name.
    experiment : int
        Which one is the measured crystal, -1 for none.
    """

    name: str
    of: int
    ids: list[str]
    numbers: dict[str, Array]
    groups: dict[str, tuple[list[str], NDArray[np.uint16]]] = field(default_factory=dict)
    experiment: int = -1


def points_of(pool: PoolData, Z_primes: Array | None = None) -> Points | None:
    """Return the structures that have an energy and a density; None where there are none.

    Parameters
    ----------
    pool : PoolData
        What is known of it.
    Z_primes : (n,) ndarray, optional
        Z' of every structure.
    """
    if pool.energies is None:
        return None
    density = pool.property("density")
    rows = np.flatnonzero(np.isfinite(density) & np.isfinite(pool.energies))
    if not len(rows):
        return None
    rows = rows[np.argsort(pool.energies[rows], kind="stable")][:MOST_POINTS]
    energies = pool.relative_energies()
    assert energies is not None
    volumes = np.where(pool.Z > 0, pool.property("cell_vol") / np.where(pool.Z > 0, pool.Z, 1.0), np.nan)
    numbers = {"density": density, "energy": energies, "volume": volumes, "hits": pool.property("hits")}
    groups = {
        "space group": [symbol_of(value) for value in pool.property("spg")],
        "cluster": None if pool.labels is None else [str(label) for label in pool.labels],
        "Z′": None if Z_primes is None else [_words(value) for value in Z_primes],
        "Z": [f"{value:.0f}" if value > 0 else UNKNOWN for value in pool.Z],
        "made by": [mode or UNKNOWN for mode in pool.modes],
    }
    measured = experiment_of(pool)
    places = np.flatnonzero(rows == measured)
    return Points(
        pool.name,
        len(pool.ids),
        [pool.ids[row] for row in rows],
        {name: values[rows] for name, values in numbers.items() if np.isfinite(values[rows]).any()},
        {
            name: _indexed([words[row] for row in rows])
            for name, words in groups.items()
            if words is not None and len(set(words) - {UNKNOWN}) > (name not in ("space group", "Z′"))
        },
        int(places[0]) if len(places) else -1,
    )


def packed(points: Points) -> dict[str, Any]:
    """Return points as plain values: what they are, and their columns as text.

    Returns
    -------
    dict
        ``name``, ``of``, ``n``, ``experiment``, ``numbers`` (names), ``groups``: pairs of a name and its groups, and
        ``data``: base64 of zlib's compression of the numbers (float32, little endian), the groups (uint16) and the
        ids (JSON in UTF-8), one after another; every column begins at a multiple of four bytes.
    """
    columns = [values.astype("<f4").tobytes() for values in points.numbers.values()]
    columns += [index.astype("<u2").tobytes() for _, index in points.groups.values()]
    columns.append(json.dumps(points.ids, ensure_ascii=False).encode())
    aligned = b"".join(column + b" " * (-len(column) % 4) for column in columns)
    return {
        "name": points.name,
        "of": points.of,
        "n": len(points.ids),
        "experiment": points.experiment,
        "numbers": list(points.numbers),
        "groups": [[name, names] for name, (names, _) in points.groups.items()],
        "data": base64.b64encode(zlib.compress(aligned, 6)).decode(),
    }


def experiment_of(pool: PoolData) -> int | None:
    """Return the row of the measured crystal; of several the lowest in rank, None where there is none."""
    ranks = pool.property("experiment_rank")
    return int(np.nanargmin(ranks)) if np.isfinite(ranks).any() else None


def symbol_of(number: float) -> str:
    """Return a space group as ``14 P21/c``."""
    if not np.isfinite(number) or not 1 <= number <= 230:
        return UNKNOWN
    group = gemmi.find_spacegroup_by_number(int(number))
    assert group is not None
    return f"{int(number)} {group.short_name()}"


def _words(value: float) -> str:
    return z_prime_words(value) if np.isfinite(value) else UNKNOWN


def _leading(words: str) -> float:
    """Return the number that words begin with, so that 2 comes before 14."""
    first = words.partition(" ")[0]
    return float(first) if first.isdigit() else np.inf


def _indexed(words: Sequence[str]) -> tuple[list[str], NDArray[np.uint16]]:
    """Return the different words, the most frequent first, and which of them each is."""
    unique, which, counts = np.unique(np.asarray(words, dtype=str), return_inverse=True, return_counts=True)
    found = [str(one) for one in unique]
    order = np.array(sorted(range(len(found)), key=lambda k: (-counts[k], _leading(found[k]), found[k])))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    if len(order) > MOST_GROUPS:  # the small ones have one name
        order, place = order[: MOST_GROUPS + 1], np.minimum(place, MOST_GROUPS)
    return [found[k] for k in order[:MOST_GROUPS]] + ["others"] * (len(order) > MOST_GROUPS), place[which].astype(
        np.uint16
    )
