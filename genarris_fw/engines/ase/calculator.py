"""Engines made of an ASE calculator, whichever that is: made once, and used for all structures."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from ase.calculators.calculator import CalculationFailed, PropertyNotImplementedError
from ase.stress import voigt_6_to_full_3x3_stress

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.relaxing.potential import Point, Potential, PotentialEngine
from genarris_fw.errors import EngineError


class CalculatorEngine(PotentialEngine):
    """An engine made of an ASE calculator.

    After a failure the calculator is made anew: it may keep a program running that is gone now.
    """

    @abstractmethod
    def new_calculator(self) -> Any:
        """Return a new calculator.

        Raises
        ------
        EngineError
            Where it cannot be made.
        """

    @cached_property
    def calculator(self) -> Any:
        """The calculator itself, made at its first use."""
        return self.new_calculator()

    def before_a_call(self) -> None:
        """Set in this process what the calculator takes for granted; nothing by default."""

    def potential(self, structure: Structure) -> Potential:
        """Return the calculator, bound to one structure."""
        return CalculatorPotential(self, self.method)

    def forget_calculator(self) -> None:
        """Make the calculator anew when it is next asked for: one that failed may have lost its program."""
        self.__dict__.pop("calculator", None)


class CalculatorPotential:
    """One structure's use of a shared ASE calculator."""

    def __init__(self, engine: CalculatorEngine, name: str) -> None:
        self._engine, self._name = engine, name
        self.details: dict[str, Any] = {"supercell": None}

    def still_fits(self, structure: Structure, part: float = 1.0) -> bool:
        """Return True: the calculator is periodic by itself."""
        return True

    def __call__(self, structure: Structure) -> Point:
        """Return energy, forces and stress; a calculator without stress gives none for a crystal's cell."""
        atoms = structure.to_ase()
        calculator = self._engine.calculator
        self._engine.before_a_call()
        where = structure.struct_id or "the structure"
        try:
            atoms.calc = calculator
            energy = float(atoms.get_potential_energy())
            forces = np.array(atoms.get_forces(), dtype=float)
            stress = None
            if structure.lattice is not None:
                try:
                    stress = voigt_6_to_full_3x3_stress(atoms.get_stress())
                except (PropertyNotImplementedError, NotImplementedError):
                    stress = None
        except EngineError:
            raise
        # A lost program or file is worth another attempt; what the calculator itself refuses is not.
        except (CalculationFailed, OSError) as error:
            self._engine.forget_calculator()
            raise EngineError(f"{where}: {self._name} failed ({in_words(error)})", kind="crash") from error
        except Exception as error:
            self._engine.forget_calculator()
            raise EngineError(
                f"{where}: {self._name} cannot compute it ({in_words(error)})", kind="crash", permanent=True
            ) from error
        return Point(energy, forces, stress)


def in_words(error: BaseException) -> str:
    """Return an error of somebody else's code as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
