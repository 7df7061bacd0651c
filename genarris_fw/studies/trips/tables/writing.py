"""Trips as a table: a row for each pair of zones between which somebody travels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genarris_fw.files import whole_file
from genarris_fw.studies.trips.model.names import Names

HEADER = ("category", "origin", "destination", "trips")


def write_trips(path: Path, trips: NDArray[np.float64], names: Names, least: float = 0.0) -> int:
    """Write trips as CSV: category, origin, destination, trips.

    Parameters
    ----------
    path : Path
        Which file; it is whole, or not there.
    trips : (N, O, D) ndarray
        As `trips` of the model gives them.
    names : Names
        What is what.
    least : float, optional
        Pairs with no more trips than this are left out; by default those without any.

    Returns
    -------
    int
        How many rows there are.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    rows = 0
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(HEADER)
        for category, of_category in zip(names.categories, trips):
            for origin, row in zip(names.origins, of_category):
                there = np.flatnonzero(row > least)
                rows += len(there)
                values = row[there].tolist()
                lines.writerows((category, origin, names.destinations[d], value) for d, value in zip(there, values))
    return rows
