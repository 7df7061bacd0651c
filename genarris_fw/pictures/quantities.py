"""Numbers of structures by name, with the words and units that belong on an axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Structure
from genarris_fw.crystal.known_properties import known_property
from genarris_fw.errors import InputError


def label_of(name: str) -> str:
    """Return what an axis says of a property: its words and unit, or its plain name where neither is known."""
    return known_property(name).label


def number(value: Any) -> float:
    """Return the value as a number, NaN where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return float("nan")
    return float(value)


def values_of(structures: Sequence[Structure], name: str) -> NDArray[np.float64]:
    """Return one number of every structure.

    Parameters
    ----------
    structures : sequence of Structure
    name : str
        A property; volume and density are computed from the cell: ``volume_per_molecule`` (with the property
        ``Z``), ``cell_volume``, ``cell_vol``, ``unit_cell_volume`` (all Å3), ``density`` (g/cm3).

    Returns
    -------
    (n,) ndarray
        NaN for a structure that does not have it.

    Raises
    ------
    InputError
        When none of the structures has it; the message names the numbers they have.
    """
    computed = _FROM_THE_CELL.get(name)
    values = np.array([computed(s) if computed else number(s.properties.get(name)) for s in structures], dtype=float)
    if len(structures) and not np.isfinite(values).any():
        raise no_number(name, [s.properties for s in structures])
    return values


def no_number(name: str, properties: Sequence[Mapping[str, Any]]) -> InputError:
    """Return the error for a property that no structure has, with the names of those they have."""
    known = sorted({key for one in properties for key, value in one.items() if np.isfinite(number(value))})
    return InputError(
        f"no structure has a number '{name}' among its properties; numbers there: {', '.join(known) or 'none'}"
    )


def _volume(structure: Structure) -> float:
    return float("nan") if structure.lattice is None else structure.cell_volume


def _volume_per_molecule(structure: Structure) -> float:
    Z = number(structure.properties.get("Z"))
    return _volume(structure) / Z if Z > 0 else float("nan")


def _density(structure: Structure) -> float:
    return float("nan") if structure.lattice is None else structure.density


_FROM_THE_CELL: dict[str, Callable[[Structure], float]] = {
    "volume_per_molecule": _volume_per_molecule,
    "cell_volume": _volume,
    "cell_vol": _volume,
    "unit_cell_volume": _volume,
    "density": _density,
}
