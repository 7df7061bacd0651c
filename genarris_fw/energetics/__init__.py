"""What energies are for: equations of state, convergence, comparisons, and what may be compared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.energetics.comparable import FROM_A_FILE, Source, comparable_energies, comparable_groups
    from genarris_fw.energetics.comparison import EngineComparison, compare
    from genarris_fw.energetics.convergence import cheapest, reached
    from genarris_fw.energetics.equation_of_state import EquationOfState, delta, fit, wien2k
    from genarris_fw.energetics.error_bars import Ranking, ranking
    from genarris_fw.energetics.record import EnergyRecord

# Loaded when they are asked for: a command that asks what may be compared needs no equations of state.
_FROM = {
    **dict.fromkeys(("FROM_A_FILE", "Source", "comparable_energies", "comparable_groups"), "comparable"),
    **dict.fromkeys(("EngineComparison", "compare"), "comparison"),
    **dict.fromkeys(("cheapest", "reached"), "convergence"),
    **dict.fromkeys(("EquationOfState", "delta", "fit", "wien2k"), "equation_of_state"),
    **dict.fromkeys(("Ranking", "ranking"), "error_bars"),
    "EnergyRecord": "record",
}

__all__ = [
    "FROM_A_FILE",
    "EnergyRecord",
    "EngineComparison",
    "EquationOfState",
    "Ranking",
    "Source",
    "cheapest",
    "comparable_energies",
    "comparable_groups",
    "compare",
    "delta",
    "fit",
    "ranking",
    "reached",
    "wien2k",
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'genarris_fw.energetics' has no attribute '{name}'")
    return getattr(importlib.import_module(f"genarris_fw.energetics.{_FROM[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
