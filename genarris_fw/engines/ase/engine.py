"""Any ASE calculator as an engine: a registered potential's name or ``module:factory``, and the factory's keywords."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from genarris_fw.declaring.door import POTENTIALS
from genarris_fw.engines.ase.calculator import CalculatorEngine, in_words
from genarris_fw.engines.ase.settings import ASESettings
from genarris_fw.engines.ase.what_computes import files_among, starts_a_program
from genarris_fw.errors import EngineError, InputError

UNKNOWN = "(version unknown)"


class ASEEngine(CalculatorEngine):
    """An engine made of an ASE calculator; the calculator (a model) is made once and used for all structures.

    After a failure it is made anew: a calculator may keep a program running that is gone now.

    Parameters
    ----------
    **settings
        The fields of `ASESettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where the module, the factory or the potential's package is not there or cannot be loaded.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "ase"
    model = ASESettings
    options: ASESettings

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether the engine can be used, and a remark for the user."""
        return True, f"ase {importlib.metadata.version('ase')}; needs calculator = module:factory"

    @classmethod
    def at_cutoff(cls, settings: Mapping[str, Any], rkmax: float, k_grid: list[int]) -> dict[str, Any]:
        """Return what changes in the settings for a basis and k grid: the factory gets them among its keywords."""
        return {"calculator_settings": {**settings.get("calculator_settings", {}), "rkmax": rkmax, "k_grid": k_grid}}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._factory = _load(self.options.calculator)

    @cached_property
    def version(self) -> str:
        """The distribution that registers the potential, or that its module comes from, with its version."""
        if is_registered(self.options.calculator):
            return POTENTIALS.version(self.options.calculator)
        top = self.options.calculator.partition(":")[0].partition(".")[0]
        names = importlib.metadata.packages_distributions().get(top) or []
        known = [f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names))]
        return ", ".join(known) or f"{top} {UNKNOWN}"

    @property
    def identity(self) -> str | None:
        """The package's version and the files that the factory is given; None where these do not say what computes.

        Which program a calculator starts, nobody knows; nor what a module is that no package brings.
        """
        made = self.__dict__.get("calculator")
        if UNKNOWN in self.version or any(starts_a_program(one) for one in (self._factory, made)):
            return None
        files = files_among(self.options.calculator_settings)
        return None if files is None else ", ".join([str(super().identity), *files])

    @property
    def method(self) -> str:
        """The calculator's name."""
        return self.options.calculator

    def new_calculator(self) -> Any:
        """Call the factory.

        Raises
        ------
        EngineError
            When the factory refuses its keywords or fails.
        """
        try:
            return self._factory(**self.options.calculator_settings)
        except Exception as error:
            raise EngineError(
                f"engine ase: {self.options.calculator} could not be made with "
                f"calculator_settings = {self.options.calculator_settings} ({in_words(error)})",
                kind="input",
                permanent=True,
            ) from error


def is_registered(calculator: str) -> bool:
    """Tell whether a calculator is given by the name of a registered potential."""
    return calculator in POTENTIALS.names()


def _load(name: str) -> Callable[..., Any]:
    if is_registered(name):
        return _load_registered(name)
    module, _, factory = name.partition(":")
    try:
        found = importlib.import_module(module)
    except Exception as error:  # a module of the user's own may fail in any way
        raise EngineError(
            f"engine ase: the module of calculator '{name}' cannot be loaded ({in_words(error)}); install it, or "
            "correct the name",
            kind="missing",
            permanent=True,
        ) from None
    try:
        for part in factory.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise EngineError(
            f"engine ase: the module '{module}' has no '{factory}'; correct calculator = module:factory",
            kind="missing",
            permanent=True,
        ) from None
    return _callable(name, found)


def _load_registered(name: str) -> Callable[..., Any]:
    try:
        found = POTENTIALS.load(name)
    except InputError as error:  # nothing that another attempt, or another structure, would mend
        raise EngineError(f"engine ase: {error}", kind="missing", permanent=True) from error
    return _callable(name, found)


def _callable(name: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise InputError(f"engine ase: '{name}' is nothing that can be called to make a calculator")
    made: Callable[..., Any] = found
    return made
