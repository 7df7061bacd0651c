"""What is known of single atoms, beside element and place: moments, charges, constraints, as geometry.in has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# A value or None for every atom; numbers of atoms, from 0.
VALUES, NUMBERS = ("initial_moments", "initial_charges"), ("fixed_atoms",)
ATOM_PROPERTIES = (*VALUES, *NUMBERS)


def atom_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some properties that belong to single atoms."""
    return {name: list(properties[name]) for name in ATOM_PROPERTIES if properties.get(name)}


def repeated(properties: Mapping[str, Any], n_atoms: int, copies: int) -> dict[str, Any]:
    """Return the properties of a molecule's atoms in a cell of copies of it, one after the other.

    Parameters
    ----------
    properties : mapping
        Of the molecule; what does not belong to single atoms is left out.
    n_atoms : int
        Atoms of the molecule.
    copies : int
        How many copies the cell holds.
    """
    found = atom_properties(properties)
    for name, values in found.items():
        if name in VALUES:
            found[name] = values * copies
        else:
            found[name] = [number + copy * n_atoms for copy in range(copies) for number in values]
    return found


def permuted(properties: Mapping[str, Any], sequence: Sequence[int]) -> dict[str, Any]:
    """Return the properties of atoms that are taken in another order, or of some of them alone.

    Parameters
    ----------
    properties : mapping
        What does not belong to single atoms is left out.
    sequence : sequence of int
        Which atom comes first, second, ...; those that are not named are left out.
    """
    found = atom_properties(properties)
    for name, values in found.items():
        if name in VALUES:
            found[name] = [values[number] for number in sequence]
        else:
            fixed = set(values)
            found[name] = [at for at, number in enumerate(sequence) if number in fixed]
    return {name: values for name, values in found.items() if any(value is not None for value in values)}
