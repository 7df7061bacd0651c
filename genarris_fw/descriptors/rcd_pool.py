"""Environments of many crystals, laid out for the compiled comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import genarris_fw._kernels.rcd as kernel
from genarris_fw.descriptors.rcd_descriptor import Environment
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

TIE = 1e-3  # Å; neighbours whose distances differ by less are equally far


@dataclass(frozen=True, eq=False)
class Views:
    """How an environment looks when the atoms of the molecules in it are named in other ways.

    Attributes
    ----------
    turns : (2 m, 3, 3) ndarray
        What t becomes: for each of m operations of the molecule in the middle, then for each of them with the
        crystal mirrored.
    changes : (2 m, c, c) ndarray
        What the cosines become.
    names : (h, c, c) ndarray
        What the cosines become when the neighbour's atoms are named in its h ways.
    """

    turns: Floats
    changes: Floats
    names: Floats


def views(form: str, operations: Floats, mirror: Floats) -> Views:
    """Return the views of environments of a molecule.

    Parameters
    ----------
    form, operations, mirror
        As in `genarris_fw.descriptors.rcd_descriptor.RelativeCoordinates`.

    Returns
    -------
    Views
    """
    turns = np.concatenate([operations, operations @ mirror])
    one = np.eye(3)
    if form == "general":
        return Views(turns, np.tile(one, (len(turns), 1, 1)), one[None])
    if form == "linear":
        # Reversing the neighbour's axis b reverses a.b, b.d and (a x b).d; the last one is a pseudoscalar.
        return Views(turns, turns, np.stack([one, -one])[: len(operations)])
    plain = [np.kron(turn, one) for turn in operations]
    mirrored = [np.kron(turn @ mirror, mirror) for turn in operations]
    return Views(turns, np.array(plain + mirrored), np.array([np.kron(one, turn.T) for turn in operations]))


def distance_rows(
    crystals: Sequence[Sequence[Environment]],
    looks: Views,
    rows: tuple[int, int],
    select_pairs: int,
    ratio: float,
    mirror: bool,
) -> NDArray[np.float32]:
    """Compare some crystals with all, as `genarris_fw.descriptors.rcd.rcd_difference` says.

    Parameters
    ----------
    crystals : sequence of sequences of Environment
        Of n crystals.
    looks : Views
        Of their molecule.
    rows : (int, int)
        The first row and the one after the last.
    select_pairs, ratio
        As there (`contribution_ratio`).
    mirror : bool
        Whether mirror images are equal.

    Returns
    -------
    (last - first, n) ndarray of float32

    Raises
    ------
    InputError
        Where memory does not suffice.
    """
    environments = [one for crystal in crystals for one in crystal]
    neighbours = np.concatenate([one.neighbours for one in environments])
    starts = _edges([len(one.neighbours) for one in environments])
    distances = np.sqrt(np.einsum("ka,ka->k", neighbours[:, :3], neighbours[:, :3]))
    cosines = np.ascontiguousarray(neighbours[:, 3:].T)
    limits = np.repeat(distances[starts[:-1] + select_pairs - 1], np.diff(starts)) + TIE
    out = np.empty((rows[1] - rows[0], len(crystals)), dtype=np.float32)
    try:
        kernel.difference_rows(
            _edges([len(crystal) for crystal in crystals]),
            starts,
            np.add.reduceat(distances <= limits, starts[:-1], dtype=np.intp),
            np.array([one.weight for one in environments]),
            np.array([one.both for one in environments], dtype=np.uint8),
            np.ascontiguousarray((neighbours[:, :3] / distances[:, None]).T),
            np.stack([distances, 1.0 / distances, np.einsum("ck,ck->k", cosines, cosines)]),
            cosines,
            np.ascontiguousarray(looks.names @ cosines),
            looks.turns,
            looks.changes,
            select_pairs,
            ratio / len(cosines),
            mirror,
            *rows,
            out,
        )
    except MemoryError:
        raise InputError(f"{len(crystals)} RCD descriptors do not fit into memory; compare fewer at once") from None
    return out


def _edges(counts: Sequence[int]) -> NDArray[np.intp]:
    """Where groups of these sizes begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
