"""A potential: soft."""

from typing import Any

from ase.calculators.lj import LennardJones


def pillow(**settings: Any) -> LennardJones:
    """Return the calculator; its settings are those of Lennard-Jones."""
    return LennardJones(**({"sigma": 3.4, "epsilon": 0.01, "rc": 8.0, "smooth": True} | settings))
