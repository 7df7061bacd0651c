"""SO3LR: a network for organic molecules with long-range electrostatics and dispersion, for ranking alone.

A. Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025).
"""

from __future__ import annotations

import importlib
from typing import Any

from genarris_fw.engines.ase.packaged_model import PackagedModel
from genarris_fw.engines.so3lr.settings import SO3LRSettings

# Å. The energy depends on it (20 instead of 12: 6 kJ/mol for urea), so that crystal and molecule have the same.
LONG_RANGE_CUTOFF = 12.0
# Of others the network has numbers that nothing was fitted to.
TRAINED_ON = {1: "H", 6: "C", 7: "N", 8: "O", 9: "F", 15: "P", 16: "S", 17: "Cl"}


class SO3LREngine(PackagedModel):
    """SO3LR by so3krates-torch; it relaxes nothing.

    Raises
    ------
    EngineError
        Kind ``missing`` where a package is not installed.
    InputError
        For any setting: it has none.
    """

    name = "so3lr"
    title = "SO3LR"
    model = SO3LRSettings
    options: SO3LRSettings
    relaxes = False
    without_relaxations = "is for ranking only: it distorts stacked cells when it relaxes them"
    packages = (("so3krates_torch", "so3krates-torch"),)
    # In float32 an energy of a large cell is rounded to some tenths of a kJ/mol.
    precision = "float64"
    second_opinion = 3
    made_for = frozenset(TRAINED_ON.values())

    @property
    def method(self) -> str:
        """The model."""
        return "SO3LR"

    def load(self) -> Any:
        """Return the calculator, neutral and without a spin."""
        calculator = importlib.import_module("so3krates_torch.calculator.so3").SO3LRCalculator
        return calculator(r_max_lr=LONG_RANGE_CUTOFF, compute_stress=True, device="cpu", default_dtype=self.precision)

    def elements(self) -> set[int]:
        """Return the elements of the training set."""
        return set(TRAINED_ON)
