"""The one small interface behind which every engine stands."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]


def _never() -> bool:
    return False


@dataclass
class Context:
    """Where and under which limits an evaluation runs.

    Attributes
    ----------
    folder : Path or None
        Where the engine may write files of its own; None: it writes none.
    cores : int
        How many cores the evaluation may use.
    communicator : object or None
        An MPI communicator, for engines that are driven over one.
    deadline : float or None
        Unix time (`time.time`) at which the evaluation must have returned.
    should_stop : callable
        Asked between steps; True ends a relaxation early, unconverged.
    checkpoint : callable or None
        Called with the current `Structure` after each step of a relaxation.
    first : Structure or None
        Where a relaxation began that goes on from a checkpoint: what has changed is told against it. None: it begins
        with the structure that is given.
    """

    folder: Path | None = None
    cores: int = 1
    communicator: Any = None
    deadline: float | None = None
    should_stop: Callable[[], bool] = _never
    checkpoint: Callable[[Structure], object] | None = None
    first: Structure | None = None

    def stop_reason(self, needed: float = 0.0) -> str | None:
        """Return why to stop now (``deadline`` or ``stopped``), or None.

        Parameters
        ----------
        needed : float, optional
            Seconds that the next step is expected to take.
        """
        if self.deadline is not None and time.time() + needed >= self.deadline:
            return "deadline"
        return "stopped" if self.should_stop() else None


@dataclass
class Evaluation:
    """What an engine found.

    Attributes
    ----------
    energy : float
        eV per cell (a molecule: eV).
    forces : (n, 3) ndarray or None
        eV/Å, in the order of the structure's atoms.
    stress : (3, 3) ndarray or None
        eV/Å3, positive where the crystal wants to contract; None for a molecule.
    structure : Structure
        The structure that energy, forces and stress belong to: after a relaxation the relaxed one.
    converged : bool
        Everything that was asked for was reached.
    seconds : float
        Wall time.
    details : dict
        Plain values: engine, version, settings, supercell, calls, steps, reason, ...
    """

    energy: float
    forces: Floats | None
    stress: Floats | None
    structure: Structure
    converged: bool
    seconds: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """Base of an engine's settings: a frozen dataclass whose fields are the valid names."""

    # Fields that do not enter the energy of a given structure.
    NOT_OF_THE_ENERGY: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def of(cls, engine: str, given: dict[str, Any]) -> Any:
        """Make settings of keywords.

        Parameters
        ----------
        engine : str
            The engine's name, for errors.
        given : dict
            The keywords; None means the default.

        Raises
        ------
        InputError
            For a name that is no setting (with the valid ones) or a value of the wrong type.
        """
        names = [f.name for f in dataclasses.fields(cls)]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                raise InputError(f"engine {engine}: unknown setting '{name}'; {hint}valid: {', '.join(names)}")
        hints = get_type_hints(cls)
        kept = {name: _typed(engine, name, v, hints[name]) for name, v in given.items() if v is not None}
        return cls(**kept)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as plain values."""
        return dataclasses.asdict(self)

    def of_the_energy(self) -> dict[str, Any]:
        """Return the settings that the energy of a given structure depends on."""
        return {name: value for name, value in self.as_dict().items() if name not in self.NOT_OF_THE_ENERGY}


def _typed(engine: str, name: str, value: Any, hint: Any) -> Any:
    """Check a value against the annotation of its field; whole numbers are accepted as floats."""
    allowed = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = tuple(get_origin(kind) or kind for kind in allowed)
    if isinstance(value, int) and not isinstance(value, bool) and float in kinds and int not in kinds:
        value = float(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        words = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
        raise InputError(f"engine {engine}: setting '{name}' must be {words}, not {value!r}")
    if isinstance(value, float) and not np.isfinite(value):
        raise InputError(f"engine {engine}: setting '{name}' must be a finite number, not {value!r}")
    return value


class Engine(ABC):
    """What computes energies and relaxes structures.

    Attributes
    ----------
    name : str
        The name `genarris_fw.engines.get` knows it by.
    options : Settings
        Its settings, typed.
    """

    name: ClassVar[str]
    options: Settings

    @property
    @abstractmethod
    def version(self) -> str:
        """Name and version of the program or library that computes."""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        return self.options.as_dict()

    @property
    def settings_hash(self) -> str:
        """16 hex digits over engine, version and the settings an energy depends on.

        Energies may be compared only where this is the same. How a relaxation is carried out (``fmax``,
        ``max_steps``, ...) does not change the energy of a given structure and is not part of it.
        """
        record = {"engine": self.name, "version": self.version, "settings": self.options.of_the_energy()}
        return hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @abstractmethod
    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute the energy of a structure, or relax it.

        Parameters
        ----------
        structure : Structure or Molecule
            A crystal, or a molecule (no lattice), which is computed without periodicity.
        relax : bool, optional
            Relax positions and cell.
        context : Context, optional
            Folder, cores, deadline and the like.

        Returns
        -------
        Evaluation
            Its numbers are always finite.

        Raises
        ------
        EngineError
            When there is no usable result; ``kind`` says why, ``permanent`` whether trying again is vain.
        """
