"""The settings of the engine aims."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genarris_fw.engines.aims.control import Control
from genarris_fw.engines.aims.species import digest_of
from genarris_fw.engines.base import Settings
from genarris_fw.errors import InputError


@dataclass(frozen=True)
class AimsSettings(Settings):
    """How FHI-aims is run.

    Attributes
    ----------
    aims_command : str or None
        The command line, with its launcher: ``srun --exact -n {cores} /path/to/aims.x``. ``{cores}`` stands for the
        cores of the evaluation. No shell reads it.
    aims_lib_dir : str or None
        The folder of the module ``aims_w``: FHI-aims as a library. Either this or ``aims_command``.
    species_dir : str or None
        Folder with files such as ``06_C_default``, for species that control.in has no block of; None: the
        environment's ``AIMS_SPECIES_DIR``, where control.in has no blocks at all.
    control_path : str or None
        The control.in.
    control : str or None
        Its text; wins over ``control_path``.
    auto_correct : bool
        Try the remedies for a self-consistent cycle that does not converge, each once.
    max_restarts : int
        How often a relaxation that reached its step limit or its own wall time is gone on with.
    scratch_dir : str or None
        Where it computes; None: beside the folder of the results.
    silence : float
        Seconds; FHI-aims hangs when it writes nothing for longer.
    max_gigabytes : float
        What it may write in all.
    grace : float
        Seconds between SIGTERM and SIGKILL when it has to end; FHI-aims itself ends at SIGTERM.
    omp_num_threads : int
        Threads per process.
    keep_files : list of str
        Names of further files to keep with the results.
    """

    aims_command: str | None = None
    aims_lib_dir: str | None = None
    species_dir: str | None = None
    control_path: str | None = None
    control: str | None = None
    auto_correct: bool = False
    max_restarts: int = 3
    scratch_dir: str | None = None
    silence: float = 3600.0
    max_gigabytes: float = 2.0
    grace: float = 5.0
    omp_num_threads: int = 1
    keep_files: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse values out of their bounds, paths in keep_files and two ways to FHI-aims, with an InputError."""
        for name in ("silence", "max_gigabytes", "grace", "omp_num_threads"):
            if not getattr(self, name) > 0:
                raise InputError(f"engine aims: setting '{name}' must be positive, not {getattr(self, name)}")
        if self.max_restarts < 0:
            raise InputError(f"engine aims: setting 'max_restarts' must not be negative, not {self.max_restarts}")
        for name in self.keep_files:
            if not isinstance(name, str) or name != Path(name).name:
                raise InputError(f"engine aims: keep_files: {name!r} must be the name of a file, without a folder")
        if self.aims_command and self.aims_lib_dir:
            raise InputError("engine aims: both aims_command and aims_lib_dir are given; give one of them")

    def with_control(self) -> AimsSettings:
        """Return the settings with the text of control.in.

        Raises
        ------
        InputError
            Where there is none, or it cannot be read.
        """
        if self.control is not None:
            return self
        if not self.control_path:
            raise InputError("engine aims: there is no control.in; set control_path")
        try:
            return replace(self, control=Path(self.control_path).read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise InputError(
                f"{self.control_path}: control.in cannot be read ({error.strerror}); correct control_path"
            ) from None

    def of_the_energy(self) -> dict[str, Any]:
        """Return a digest of control.in, and of the species defaults that it may be completed with."""
        control = Control(self.control or "")
        return {"control": control.digest, "species": digest_of(control, self.species_dir)}

    def recorded(self) -> dict[str, Any]:
        """Return what is kept with each energy: all settings, of control.in a digest."""
        return self.as_dict() | {"control": Control(self.control or "").digest}
