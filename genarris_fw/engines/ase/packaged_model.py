"""Models of PyTorch whose weights come with Python packages, on one thread of the CPU."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import warnings
from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar

from ase.data import atomic_numbers

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.ase.calculator import CalculatorEngine, in_words
from genarris_fw.engines.relaxing.potential import Potential
from genarris_fw.errors import EngineError

HOW = "pip install 'genarris_fw[ml]' (with the CPU build of torch)"


class PackagedModel(CalculatorEngine):
    """An engine made of models that are installed together with their weights.

    Attributes
    ----------
    packages : tuple of (str, str)
        Module and distribution of each; all of them are needed, and their versions are the engine's.
    precision : str
        The floating-point type that the model computes in: 'float32' or 'float64'. PyTorch keeps one for the whole
        process, so that it is set before every call.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]]
    precision: ClassVar[str]

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether all packages are there, and a remark for the user."""
        needed = (("torch", "torch"), *cls.packages)
        missing = [package for module, package in needed if importlib.util.find_spec(module) is None]
        if missing:
            return False, f"not installed: {', '.join(missing)}; {HOW}"
        return True, cls._versions()

    @classmethod
    def _versions(cls) -> str:
        return ", ".join(f"{package} {importlib.metadata.version(package)}" for _, package in cls.packages)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        available, remark = self.installed()
        if not available:
            raise EngineError(f"the engine {self.name} cannot be used, {remark}", "missing", True)

    @cached_property
    def version(self) -> str:
        """The versions of the packages that bring model and weights."""
        return self._versions()

    @abstractmethod
    def load(self) -> Any:
        """Return the calculator."""

    @abstractmethod
    def elements(self) -> set[int]:
        """Return the atomic numbers that the model was trained on."""

    def new_calculator(self) -> Any:
        """Load the model, with its own words kept from our output.

        Raises
        ------
        EngineError
            Kind ``missing``, permanent: it cannot be loaded.
        """
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                self.before_a_call()
                return self.load()
        except Exception as error:  # whatever somebody else's package does
            raise EngineError(
                f"engine {self.name}: the model cannot be loaded ({in_words(error)}); {HOW}", "missing", True
            ) from error

    def before_a_call(self) -> None:
        """Set PyTorch's precision and threads for this model: another one may have been called meanwhile."""
        torch = importlib.import_module("torch")
        torch.set_default_dtype(getattr(torch, self.precision))
        torch.set_num_threads(1)

    def potential(self, structure: Structure) -> Potential:
        """Return the model, bound to one structure of elements that it knows.

        Raises
        ------
        EngineError
            Kind ``input``, permanent, for an element that it was not trained on.
        """
        known = self.elements()
        beyond = sorted({s for s in structure.species if atomic_numbers[s] not in known})
        if beyond:
            raise EngineError(
                f"{structure.struct_id or 'the structure'}: {self.method} was not trained on {', '.join(beyond)}; "
                "take another engine",
                kind="input",
                permanent=True,
            )
        return super().potential(structure)
