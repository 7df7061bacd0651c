"""The embedded engine: extended tight binding (GFN1-xTB) by tblite, on supercells.

tblite samples the Γ point alone. The cell is therefore repeated until every perpendicular width reaches
``min_width``; energy, forces and stress are mapped back to the one cell.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from ase.data import atomic_numbers
from ase.units import Bohr, Hartree, kB

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.potential import Point, Potential, PotentialEngine, RelaxationSettings
from genarris_fw.engines.supercell import (
    mean_over_copies,
    repeated_positions,
    smallest_repeats,
    smallest_supercell,
    wide_enough,
)
from genarris_fw.errors import EngineError, InputError

METHODS = ("GFN1-xTB", "GFN2-xTB", "IPEA1-xTB")
LAST_ELEMENT = 86
# What is tried, once, when the self-consistent cycle does not converge: neither changes the converged energy.
GENTLER_MIXING = {"mixer-damping": 0.15, "max-iter": 1000}


@dataclass(frozen=True)
class TBLiteSettings(RelaxationSettings):
    """Settings of the tblite engine, besides those of a relaxation.

    Attributes
    ----------
    method : str
        ``GFN1-xTB``, ``GFN2-xTB`` or ``IPEA1-xTB``.
    min_width : float
        Å; the least perpendicular width of the supercell.
    supercell : str
        ``diagonal``: the cell repeated along its own vectors; ``smallest``: the smallest supercell of that width,
        slanted where this needs fewer copies (2 instead of 4 for benzene, 3 instead of 8 for naphthalene). The
        two sample the crystal at other points, of like quality: energies differ by a few tenths of a kJ/mol
        and are not to be compared with each other.
    accuracy : float
        Scales the thresholds of the self-consistent cycle; smaller is tighter. 10 changes energies by less than
        0.001 kJ/mol and saves a tenth of the time or more; 100 is too loose.
    electronic_temperature : float
        K.
    max_iterations : int
        Cap of the self-consistent cycle.
    """

    method: str = "GFN1-xTB"
    min_width: float = 9.0
    supercell: str = "diagonal"
    accuracy: float = 10.0
    electronic_temperature: float = 300.0
    max_iterations: int = 250

    NOT_OF_THE_ENERGY: ClassVar[frozenset[str]] = RelaxationSettings.NOT_OF_THE_ENERGY | {"max_iterations"}

    def __post_init__(self) -> None:
        """Refuse unknown words and values out of their bounds, with an InputError."""
        super().__post_init__()
        if self.method not in METHODS:
            raise InputError(f"engine tblite: unknown method {self.method!r}; valid: {', '.join(METHODS)}")
        if self.supercell not in ("diagonal", "smallest"):
            raise InputError(
                f"engine tblite: setting 'supercell' must be 'diagonal' or 'smallest', not {self.supercell!r}"
            )
        for name in ("min_width", "accuracy", "electronic_temperature", "max_iterations"):
            if not getattr(self, name) > 0:
                raise InputError(f"engine tblite: setting '{name}' must be positive, not {getattr(self, name)}")


def installed() -> tuple[bool, str]:
    """Return whether tblite can be used, and a remark for the user."""
    if importlib.util.find_spec("tblite") is None:
        return False, "not installed; pip install 'genarris_fw[tblite]'"
    return True, f"tblite {importlib.metadata.version('tblite')}"


def _interface() -> Any:
    """Import tblite; its OpenMP reads the number of threads from the environment when it is loaded."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        return importlib.import_module("tblite.interface")
    except ImportError as error:
        raise EngineError(
            f"the engine tblite cannot be loaded ({error}); pip install 'genarris_fw[tblite]'", "missing", True
        ) from None


class TBLiteEngine(PotentialEngine):
    """GFN1-xTB and its kin by tblite.

    Parameters
    ----------
    **settings
        The fields of `TBLiteSettings` and `RelaxationSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where tblite is not installed.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "tblite"
    options: TBLiteSettings

    def __init__(self, **settings: Any) -> None:
        self.options = TBLiteSettings.of(self.name, settings)
        self._tblite = _interface()

    @cached_property
    def version(self) -> str:
        """The version of tblite."""
        return f"tblite {importlib.metadata.version('tblite')}"

    @property
    def method(self) -> str:
        """The name of the Hamiltonian."""
        return self.options.method

    def potential(self, structure: Structure) -> Potential:
        """Return GFN-xTB for one structure, on its supercell."""
        beyond = sorted({s for s in structure.species if atomic_numbers[s] > LAST_ELEMENT})
        if beyond:
            raise EngineError(
                f"{structure.struct_id or 'the structure'}: {self.method} has no parameters for "
                f"{', '.join(beyond)} (elements up to radon only); take another engine",
                kind="input",
                permanent=True,
            )
        return TBLitePotential(self._tblite, self.options, structure)


class TBLitePotential:
    """The calculator of one structure, kept alive so that the next geometry starts from the last density."""

    def __init__(self, tblite: Any, options: TBLiteSettings, structure: Structure) -> None:
        self._tblite, self._options = tblite, options
        numbers = np.array([atomic_numbers[name] for name in structure.species])
        self.supercell = np.eye(3, dtype=np.int64)
        if structure.lattice is not None and options.supercell == "smallest":
            self.supercell = smallest_supercell(structure.lattice, options.min_width)
        elif structure.lattice is not None:
            self.supercell = np.diag(smallest_repeats(structure.lattice, options.min_width)).astype(np.int64)
        self._copies = abs(round(float(np.linalg.det(self.supercell))))
        self._numbers = np.tile(numbers, self._copies)
        self._calculator: Any = None
        self._result: Any = None
        self.details: dict[str, Any] = {"supercell": None, "cells_computed": 1, "atoms_computed": len(numbers)}
        if structure.lattice is not None:
            diagonal = options.supercell == "diagonal"
            shown = np.diag(self.supercell) if diagonal else self.supercell
            self.details |= {
                "supercell": shown.tolist(),
                "cells_computed": self._copies,
                "atoms_computed": len(self._numbers),
            }

    def still_fits(self, structure: Structure, part: float = 1.0) -> bool:
        """Return whether the supercell still has the part of ``min_width`` for this geometry."""
        return structure.lattice is None or wide_enough(
            structure.lattice, self.supercell, part * self._options.min_width
        )

    def __call__(self, structure: Structure) -> Point:
        """Return energy, forces and stress of one cell."""
        positions, lattice = structure.positions / Bohr, None
        if structure.lattice is not None:
            positions = repeated_positions(structure.lattice, structure.positions, self.supercell) / Bohr
            lattice = self.supercell @ structure.lattice / Bohr
        name = structure.struct_id or "the structure"
        result = self._converged_result(name, positions, lattice)
        energy = float(result["energy"]) * Hartree / self._copies
        forces = -mean_over_copies(result["gradient"], self._copies) * (Hartree / Bohr)
        stress = None
        if structure.lattice is not None:
            virial = np.asarray(result["virial"]) * Hartree / self._copies
            stress = 0.5 * (virial + virial.T) / structure.cell_volume
        return Point(energy, forces, stress)

    def _converged_result(self, name: str, positions: Any, lattice: Any) -> Any:
        failures = (RuntimeError, ValueError)
        try:
            if self._calculator is None:
                self._calculator = self._new_calculator(positions, lattice)
            else:
                self._calculator.update(positions=positions, lattice=lattice)
            self._result = self._calculator.singlepoint(self._result)
            return self._result
        except failures:
            self._calculator = self._result = None
        try:
            # From a fresh density, with gentler mixing and more cycles.
            self._calculator = self._new_calculator(positions, lattice, GENTLER_MIXING)
            self._result = self._calculator.singlepoint()
        except failures as error:
            self._calculator = self._result = None
            words = " ".join(str(error).split())
            kind = "scf" if "SCF" in words or "conver" in words else "crash"
            raise EngineError(
                f"{name}: {self._options.method} gave no energy ({words}), with gentler mixing too; "
                "leave the structure out, or take another engine",
                kind=kind,
                permanent=True,
            ) from None
        self.details["corrections"] = [*self.details.get("corrections", []), "scf: gentler mixing, more cycles"]
        return self._result

    def _new_calculator(self, positions: Any, lattice: Any, changes: dict[str, Any] | None = None) -> Any:
        options = self._options
        periodic = None if lattice is None else np.array([True] * 3)
        calculator = self._tblite.Calculator(
            options.method, self._numbers, positions, lattice=lattice, periodic=periodic
        )
        values = {
            "verbosity": 0,
            "accuracy": options.accuracy,
            "temperature": options.electronic_temperature * kB / Hartree,
            "max-iter": options.max_iterations,
        }
        for key, value in (values | (changes or {})).items():
            calculator.set(key, value)
        return calculator
