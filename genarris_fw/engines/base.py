"""The one small interface behind which every engine stands."""

from __future__ import annotations

import difflib
import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.declaring.option import REQUIRED, Declared
from genarris_fw.engines.k_points import grid_of_spacing
from genarris_fw.errors import InputError
from genarris_fw.version import __version__

if TYPE_CHECKING:
    from mpi4py.MPI import Comm
    from typing_extensions import Self

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
    communicator : mpi4py.MPI.Comm or None
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
    communicator: Comm | None = None
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


class Settings(Declared):
    """Base of an engine's settings: every field is one, declared by `option`, or by `derived` where ui.conf has none.

    Default, bounds, unit and words stand there and nowhere else: what `get` takes and refuses, the options of ui.conf
    and their tables, and the hash of an energy follow from them.
    """

    @classmethod
    def of(cls, engine: str, given: Mapping[str, Any]) -> Self:
        """Make settings of keywords.

        Parameters
        ----------
        engine : str
            The engine's name, for errors.
        given : mapping
            The keywords; None means the default.

        Raises
        ------
        InputError
            For a name that is no setting (with the valid ones), a value that the setting does not take, a needed
            setting that is not there, or values that do not go together.
        """
        for name in given:
            if name not in cls.model_fields:
                near = difflib.get_close_matches(name, cls.model_fields, 1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                valid = ", ".join(cls.model_fields) or "none"
                raise InputError(f"engine {engine}: unknown setting '{name}'; {hint}valid: {valid}")
        try:
            made = cls.model_validate({name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            [first, *_] = error.errors()
            name, reason = str(first["loc"][0]), first.get("ctx", {}).get("error")
            if isinstance(reason, InputError):
                raise InputError(f"engine {engine}: {name}: {reason}") from None
            raise InputError(
                f"engine {engine}: setting '{name}' must be {cls.expected(name)}, not {given[name]!r}"
            ) from None
        for name in made.lacking():
            raise InputError(f"engine {engine}: set {name} to {cls.expected(name)}: it is needed")
        for problem in made.problems():
            raise InputError(f"engine {engine}: {problem}")
        return made

    def lacking(self) -> list[str]:
        """Return the needed settings that are not given."""
        return [name for name in self.declared() if self.info(name).default is REQUIRED and getattr(self, name) is None]

    def problems(self) -> list[str]:
        """Return in words which values do not go together, and what to do."""
        return []

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as plain values."""
        return self.model_dump()

    def of_the_result(self, relax: bool) -> dict[str, Any]:
        """Return the settings that all which an evaluation gives depends on, its energy and more.

        Parameters
        ----------
        relax : bool
            Whether it is a relaxation.
        """
        values = self.as_dict()
        return {name: values[name] for name in type(self).model_fields if self.info(name).changes_results}

    def of_the_energy(self) -> dict[str, Any]:
        """Return the settings that the energy of a given structure depends on."""
        infos = {name: self.info(name) for name in type(self).model_fields}
        return {
            name: value
            for name, value in self.as_dict().items()
            if infos[name].changes_results and infos[name].changes_energy
        }


class Engine(ABC):
    """What computes energies and relaxes structures.

    An engine is one folder and one line in the entry-point group ``genarris_fw.engines``. What it can do and what it
    needs are members of its class; callers ask for those and never for its name.

    Parameters
    ----------
    **settings
        The fields of its `model`.

    Attributes
    ----------
    name : str
        The name `genarris_fw.engines.get` knows it by.
    title : str
        How tables and messages call it; empty: its name.
    model : type of Settings
        Its settings, declared. They are the options of ui.conf, too.
    options : Settings
        The settings of this one.
    implied_by : tuple of str
        Settings that, given in ui.conf, name the engine.
    carries : mapping
        Setting that names a file -> setting that holds its text: such a file is of one step alone, and a run carries
        its text, so that no worker needs the file.
    computes_molecules, relaxes : bool
        Whether it computes structures without a lattice, and whether it relaxes.
    without_relaxations : str
        Of an engine that does not relax: what to say where one is asked of it.
    in_common : str
        What crystals must have in common for their energies to be compared ('muffin tins'); empty where energies of
        structures that are evaluated apart are comparable. See `shared_by`.
    molecule_by : str
        Which field of an energy's record must be that of the molecule's for a lattice energy: 'settings_hash', or
        'method' where a molecule needs other settings than a crystal.
    second_opinion : int
        Its place among the engines by which `genarris-fw new` has the lowest of a search ranked again, 1 the best
        (docs/engines.md); 0: none of them.
    made_for : frozenset of str, optional
        The elements that it was made for, where they are few.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    model: ClassVar[type[Settings]] = Settings
    options: Settings
    implied_by: ClassVar[tuple[str, ...]] = ()
    carries: ClassVar[Mapping[str, str]] = {}
    computes_molecules: ClassVar[bool] = True
    relaxes: ClassVar[bool] = True
    without_relaxations: ClassVar[str] = "relaxes nothing"
    in_common: ClassVar[str] = ""
    molecule_by: ClassVar[str] = "settings_hash"
    second_opinion: ClassVar[int] = 0
    made_for: ClassVar[frozenset[str] | None] = None

    def __init__(self, **settings: Any) -> None:
        self.options = self.model.of(self.name, settings)

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether it can be used here, and a remark for the user: the version, or how to get it."""
        return True, ""

    @classmethod
    def of_a_run(cls, settings: Mapping[str, Any], threads: int) -> dict[str, Any]:
        """Return settings as a run uses them, with the OpenMP threads of each process of a replica."""
        return dict(settings)

    @classmethod
    def for_single_points(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with which a single point is not refused, whatever else they ask for."""
        return dict(settings)

    @classmethod
    def shared_by(cls, settings: Mapping[str, Any], structures: Sequence[Structure]) -> dict[str, Any]:
        """Return the settings that several structures must share for their energies to be compared."""
        return {}

    @classmethod
    def kept_for(cls, settings: Mapping[str, Any], structure: Structure) -> dict[str, Any]:
        """Return the settings that keep the sampling of a structure where its cell changes: its k grid."""
        return {}

    @classmethod
    def k_grid_of(cls, settings: Mapping[str, Any], structure: Structure, spacing: float) -> list[int]:
        """Return the k grid of the cell that is computed, with neighbouring points not farther apart (1/Å)."""
        assert structure.lattice is not None
        return grid_of_spacing(structure.lattice, spacing)

    @classmethod
    def at_cutoff(cls, settings: Mapping[str, Any], rkmax: float, k_grid: list[int]) -> dict[str, Any] | None:
        """Return what changes in the settings for a basis and k grid; None for an engine without such settings."""
        changes: dict[str, Any] = {"rkmax": rkmax, "k_grid": k_grid}
        return changes if set(changes) <= set(cls.model.model_fields) else None

    @property
    def wants_communicator(self) -> bool:
        """Whether it is driven over MPI, by all ranks of a replica together."""
        return False

    @property
    @abstractmethod
    def version(self) -> str:
        """Name and version of the program or library that computes."""

    @property
    def identity(self) -> str | None:
        """What computes, as exactly as is known before it does: results are found again where this is the same.

        None where the version is not known then: results of such an engine are never found again.
        """
        return f"{self.version}, genarris_fw {__version__}"

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
