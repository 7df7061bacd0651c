"""Engines that give energy and forces within this process: single points and relaxations, the same for all."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.base import Context, Engine, Evaluation, Settings
from genarris_fw.engines.checks import refuse_not_finite, refuse_overlaps
from genarris_fw.engines.relaxing.settings import RelaxationSettings
from genarris_fw.errors import EngineError

Floats = NDArray[np.float64]


@dataclass
class Point:
    """Energy (eV per cell), forces (n, 3) in eV/Å and stress (3, 3) in eV/Å3 (None for a molecule)."""

    energy: float
    forces: Floats
    stress: Floats | None


class Potential(Protocol):
    """A function of the geometry of one structure that may keep what helps its next call."""

    details: dict[str, Any]

    def __call__(self, structure: Structure) -> Point:
        """Return energy, forces and stress; the species are those the potential was made for."""

    def still_fits(self, structure: Structure, part: float = 1.0) -> bool:
        """Return whether the choices made for the first structure (its supercell) still hold for this one.

        Parameters
        ----------
        structure : Structure
            The geometry now.
        part : float, optional
            How much of what was asked for is enough, between 0 and 1.
        """


@contextmanager
def threads(cores: int) -> Iterator[None]:
    """Limit the threads of the numerical libraries in this process."""
    with threadpool_limits(limits=max(1, int(cores))):
        yield


class PotentialEngine(Engine):
    """An engine made of a `Potential`."""

    model: ClassVar[type[Settings]] = RelaxationSettings

    @property
    def method(self) -> str:
        """What the energy is called, for example ``GFN1-xTB``."""
        return self.name

    @abstractmethod
    def potential(self, structure: Structure) -> Potential:
        """Return the potential for a structure; called anew for each structure.

        Raises
        ------
        EngineError
            When the engine cannot compute such a structure.
        """

    def details(self) -> dict[str, Any]:
        """What every evaluation says about the engine."""
        return {
            "engine": self.name,
            "version": self.version,
            "method": self.method,
            "settings": self.settings,
            "settings_hash": self.settings_hash,
        }

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute or relax one structure; see `Engine.evaluate`.

        Raises
        ------
        EngineError
            As of `Engine.evaluate`; kind ``input``, permanent, for a relaxation by an engine that does not relax.
        """
        context = context or Context()
        if isinstance(structure, Molecule):
            structure = structure.to_structure()
        started = time.perf_counter()
        if relax and not self.relaxes:
            raise EngineError(f"engine {self.name} {self.without_relaxations}", kind="input", permanent=True)
        refuse_overlaps(structure)
        reason = context.stop_reason()
        if reason:
            raise EngineError(f"{structure.struct_id or 'the structure'}: {reason} before it began", kind="walltime")
        with threads(context.cores):
            if relax:
                # Here: a single point does not need what takes a third of a second to import.
                from genarris_fw.engines.relaxing.relaxation import relax_structure

                assert isinstance(self.options, RelaxationSettings), f"{self.name} relaxes, without settings for that"
                result = relax_structure(self, structure, self.options, context)
            else:
                result = self._single_point(structure)
        result.seconds = time.perf_counter() - started
        result.details = self.details() | result.details
        return result

    def checked_point(self, potential: Potential, structure: Structure) -> Point:
        """Call the potential; a number that is not finite is an `EngineError`."""
        point = potential(structure)
        refuse_not_finite(structure.struct_id or "the structure", point.energy, point.forces, point.stress)
        return point

    def _single_point(self, structure: Structure) -> Evaluation:
        potential = self.potential(structure)
        point = self.checked_point(potential, structure)
        details = {"calls": 1, "steps": 0, "reason": "single point"} | potential.details
        return Evaluation(point.energy, point.forces, point.stress, structure.copy(), True, 0.0, details)
