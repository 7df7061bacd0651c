"""Lattice energies of rigid molecules: potentials, charges, sums, minimisation, and the search for the lowest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.lattice.charges.by_method import electrostatics
    from genarris_fw.lattice.charges.electrostatics import Electrostatics
    from genarris_fw.lattice.energy.minimiser import Minimised
    from genarris_fw.lattice.energy.model import LatticeEnergy, Model
    from genarris_fw.lattice.molecule.relaxation import relaxed
    from genarris_fw.lattice.potentials.potential import Potential
    from genarris_fw.lattice.searching.finding import Match, find, overlay
    from genarris_fw.lattice.searching.search import Search, search

# Loaded when they are asked for: a command that reads options needs the names of potentials, not the search.
_FROM = {
    "Electrostatics": "charges.electrostatics",
    "LatticeEnergy": "energy.model",
    "Match": "searching.finding",
    "Minimised": "energy.minimiser",
    "Model": "energy.model",
    "Potential": "potentials.potential",
    "Search": "searching.search",
    "electrostatics": "charges.by_method",
    "find": "searching.finding",
    "overlay": "searching.finding",
    "relaxed": "molecule.relaxation",
    "search": "searching.search",
}

__all__ = [
    "Electrostatics",
    "LatticeEnergy",
    "Match",
    "Minimised",
    "Model",
    "Potential",
    "Search",
    "electrostatics",
    "find",
    "overlay",
    "relaxed",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'genarris_fw.lattice' has no attribute '{name}'")
    return getattr(importlib.import_module(f"genarris_fw.lattice.{_FROM[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
