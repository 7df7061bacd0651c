"""What OPTIMADE says of the elements in a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import Any

from optimade.models.utils import anonymous_element_generator


@lru_cache(maxsize=1024)
def composition(species: tuple[str, ...], Z: int) -> Mapping[str, Any]:
    """Return the properties of a structure that follow from its atoms alone; those of a pool are of few kinds.

    Parameters
    ----------
    species : tuple of str
        Element symbols of the cell.
    Z : int
        Molecules in the cell; 0 where it is not known.

    Returns
    -------
    dict
        As OPTIMADE names them. The formulas are made as its specification v1.2 says (section "Properties Used by
        Multiple Entry Types" and those that follow); ``chemical_formula_descriptive`` is that of a molecule in Hill
        order, or of the cell where it does not consist of Z equal parts.
    """
    counts = Counter(species)
    elements = sorted(counts)
    divisor = gcd(*counts.values())
    reduced = {element: counts[element] // divisor for element in elements}
    molecule = {e: n // Z for e, n in counts.items()} if Z > 0 and not any(n % Z for n in counts.values()) else counts
    in_turn = sorted(reduced.values(), reverse=True)
    return {
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [counts[element] / len(species) for element in elements],
        "chemical_formula_descriptive": _formula(_in_hill_order(molecule)),
        "chemical_formula_reduced": _formula(reduced),
        "chemical_formula_hill": _formula(_in_hill_order(counts)),
        "chemical_formula_anonymous": _formula(dict(zip(anonymous_element_generator(), in_turn))),
        "nsites": len(species),
        "species": [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in elements],
    }


def _in_hill_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Return carbon, hydrogen where there is carbon, then the others by their symbols."""
    first = [element for element in ("C", "H") if "C" in counts and element in counts]
    return {element: counts[element] for element in [*first, *sorted(counts.keys() - set(first))]}


def _formula(counts: Mapping[str, int]) -> str:
    return "".join(f"{symbol}{number if number > 1 else ''}" for symbol, number in counts.items())
