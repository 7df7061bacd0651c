"""GFN-FF: a force field that makes its parameters from the first geometry of a structure.

Its library was seen to corrupt the heap after some ten calculators in a process, so that each structure has a process
of its own, which a crash ends and nothing else. The library finds bonds in the geometry as it is given (urea with
molecules cut by the cell is 1.5 kJ/mol off): molecules are made whole, and it is told which atoms belong together.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import cached_property
from typing import Any

import numpy as np
from ase.units import Bohr
from numpy.typing import NDArray

from genarris_fw.crystal.molecules import shifts_to_whole
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.base import Context, Evaluation
from genarris_fw.engines.gfnff.process import Process
from genarris_fw.engines.gfnff.settings import CRYSTALS, GFNFFSettings
from genarris_fw.engines.relaxing.on_supercell import SupercellPotential, refuse_elements_beyond
from genarris_fw.engines.relaxing.potential import Floats, Point, Potential, PotentialEngine
from genarris_fw.errors import EngineError, InputError

HOW = "pip install 'genarris_fw[gfnff]'"
LAST_ELEMENT = 103
# Å of vacuum around a molecule that is computed as a crystal: 0.07 kJ/mol from the molecule alone for urea (4.6 D).
VACUUM = 30.0


class GFNFFEngine(PotentialEngine):
    """GFN-FF by the library gfnff.

    Parameters
    ----------
    **settings
        The fields of `GFNFFSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where gfnff is not installed.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "gfnff"
    title = "GFN-FF"
    model = GFNFFSettings
    options: GFNFFSettings
    second_opinion = 2

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether gfnff can be used, and a remark for the user."""
        if importlib.util.find_spec("gfnff") is None:
            return False, f"not installed; {HOW}"
        return True, f"gfnff {importlib.metadata.version('gfnff')}"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if not self.installed()[0]:
            raise EngineError(f"the engine gfnff cannot be used, gfnff is not installed; {HOW}", "missing", True)
        self._processes: list[Process] = []

    @cached_property
    def version(self) -> str:
        """The version of gfnff."""
        return f"gfnff {importlib.metadata.version('gfnff')}"

    @property
    def method(self) -> str:
        """GFN-FF and its parameters."""
        return f"GFN-FF {self.options.parametrisation}"

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute or relax one structure, and end its processes; see `Engine.evaluate`."""
        try:
            return super().evaluate(structure, relax, context)
        finally:
            self._end_processes()

    def potential(self, structure: Structure) -> Potential:
        """Return GFN-FF for one structure, on its supercell, in a new process."""
        refuse_elements_beyond(structure, LAST_ELEMENT, "GFN-FF")
        self._end_processes()  # a relaxation that chooses its supercell anew is done with the former
        self._processes.append(Process(self.options.silence))
        return GFNFFPotential(self._processes[-1], self.options, structure)

    def _end_processes(self) -> None:
        while self._processes:
            self._processes.pop().end()


class GFNFFPotential(SupercellPotential):
    """One structure's use of its process."""

    def __init__(self, process: Process, options: GFNFFSettings, structure: Structure) -> None:
        super().__init__(structure, options.min_width)
        self._process, self._options = process, options
        self._started = False
        self._shifts = np.zeros((len(structure), 3), dtype=np.int64)
        self._molecules: NDArray[np.int64] | None = None
        if structure.lattice is not None:
            self._shifts, self._molecules = _molecules(structure)

    def __call__(self, structure: Structure) -> Point:
        """Return energy, forces and stress of one cell."""
        positions, lattice = structure.positions / Bohr, self._box(structure.positions)
        if structure.lattice is not None:
            whole = structure.positions + self._shifts @ structure.lattice
            positions, lattice = self.repeated(structure.lattice, whole)
        question: dict[str, Any] = {
            "positions": positions.tolist(),
            "lattice": None if lattice is None else lattice.tolist(),
        }
        if not self._started:
            question |= {
                "numbers": self.numbers,
                "version": self._options.parametrisation,
                "fragments": self._fragments(),
            }
        found = self._process.ask(structure.struct_id or "the structure", question)
        self._started = True
        return self.of_one_cell(structure, found["energy"], found["gradient"], found["sigma"])

    def _fragments(self) -> list[int] | None:
        """Return the number of each computed atom's molecule, from 1."""
        if self._molecules is None:
            return None
        count = int(self._molecules.max())
        return [int(number) + copy * count for copy in range(self.copies) for number in self._molecules]

    def _box(self, positions: Floats) -> Floats | None:
        """Return the cell (bohr) of a molecule whose parameters are for crystals alone."""
        if self._options.parametrisation != CRYSTALS:
            return None
        return np.asarray(np.diag(np.ptp(positions, axis=0) + VACUUM) / Bohr)


def _molecules(structure: Structure) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells by which atoms are moved to make molecules whole, and the number of each one's molecule."""
    try:
        shifts, parts = shifts_to_whole(structure)
    except InputError as error:
        raise EngineError(f"GFN-FF: {error}; take another engine", kind="input", permanent=True) from None
    numbers = np.zeros(len(structure), dtype=np.int64)
    for number, part in enumerate(parts, start=1):
        numbers[part] = number
    return shifts, numbers
