"""The embedded engine: extended tight binding (GFN1-xTB) by tblite, on supercells.

tblite samples the Γ point alone. The cell is therefore repeated until every perpendicular width reaches
``min_width``; energy, forces and stress are mapped back to the one cell.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
from functools import cached_property
from typing import Any

import numpy as np
from ase.units import Bohr, Hartree, kB

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.relaxing.on_supercell import SupercellPotential, refuse_elements_beyond
from genarris_fw.engines.relaxing.potential import Point, Potential, PotentialEngine
from genarris_fw.engines.supercell import smallest_supercell
from genarris_fw.engines.tblite.settings import TBLiteSettings
from genarris_fw.errors import EngineError

LAST_ELEMENT = 86
# What is tried, once, when the self-consistent cycle does not converge: neither changes the converged energy.
GENTLER_MIXING = {"mixer-damping": 0.15, "max-iter": 1000}


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
        The fields of `TBLiteSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where tblite is not installed.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "tblite"
    model = TBLiteSettings
    options: TBLiteSettings

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether tblite can be used, and a remark for the user."""
        if importlib.util.find_spec("tblite") is None:
            return False, "not installed; pip install 'genarris_fw[tblite]'"
        return True, f"tblite {importlib.metadata.version('tblite')}"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
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
        refuse_elements_beyond(structure, LAST_ELEMENT, self.method, " (elements up to radon only)")
        return TBLitePotential(self._tblite, self.options, structure)


class TBLitePotential(SupercellPotential):
    """The calculator of one structure, kept alive so that the next geometry starts from the last density."""

    def __init__(self, tblite: Any, options: TBLiteSettings, structure: Structure) -> None:
        self._tblite, self._options = tblite, options
        slanted = None
        if structure.lattice is not None and options.supercell == "smallest":
            slanted = smallest_supercell(structure.lattice, options.min_width)
        super().__init__(structure, options.min_width, slanted)
        if slanted is not None:
            self.details["supercell"] = slanted.tolist()
        self._calculator: Any = None
        self._result: Any = None

    def __call__(self, structure: Structure) -> Point:
        """Return energy, forces and stress of one cell."""
        positions, lattice = structure.positions / Bohr, None
        if structure.lattice is not None:
            positions, lattice = self.repeated(structure.lattice, structure.positions)
        name = structure.struct_id or "the structure"
        result = self._converged_result(name, positions, lattice)
        return self.of_one_cell(structure, result["energy"], result["gradient"], result["virial"])

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
            options.method, np.array(self.numbers), positions, lattice=lattice, periodic=periodic
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
