"""The settings of the engine aims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, derived, option
from genarris_fw.declaring.types import InputFile, InputFolder, Real, Said, ScratchFolder, Whole, Words, word_list
from genarris_fw.engines.aims.control import Control
from genarris_fw.engines.aims.species import digest_of
from genarris_fw.engines.programs.settings import ProgramSettings
from genarris_fw.errors import InputError


def file_names(text: Any) -> list[str]:
    """Read a list of names of files, without folders."""
    if text == []:
        return []
    names = word_list(text)
    if any(name != Path(name).name for name in names):
        raise ValueError("a name with a folder")
    return names


FileNames = Annotated[
    list[str], BeforeValidator(file_names), Said("list", 'a list of names, ["Name", ...], of files without a folder')
]
Text = Annotated[str, Said("str", "a text")]


class AimsSettings(ProgramSettings):
    """How FHI-aims is run."""

    # No shell reads it.
    aims_command: Words | None = option(
        "command that starts it, with {cores} for the number of cores", changes_results=False
    )
    aims_lib_dir: InputFolder | None = option(
        "folder of the module aims_w, its library, instead of aims_command", changes_results=False
    )
    # Files such as 06_C_default, for species that control.in has no block of.
    species_dir: InputFolder | None = option(
        "folder of the species files", default_words="AIMS_SPECIES_DIR, where control.in has no species"
    )
    control_path: InputFile | None = option(
        "the control.in that is copied to every job's folder",
        REQUIRED,
        expected="the path of FHI-aims' control.in",
        changes_results=False,
    )
    control: Text | None = derived("the text of control.in; wins over control_path")
    max_restarts: Whole = option(
        "how often a relaxation that reached its step limit goes on from geometry.in.next_step", 3, ge=0, le=1000
    )
    keep_files: FileNames = option(
        "further files of each calculation to keep in the structure's folder",
        [],
        changes_results=False,
        written_down=False,
    )
    # FHI-aims itself ends at SIGTERM.
    grace: Real = option(
        "between SIGTERM and SIGKILL, where it has to end", 5.0, unit="s", changes_results=False, ge=0.01, le=3600
    )
    scratch_dir: ScratchFolder | None = option(
        "where calculations run, each in a folder of its own",
        changes_results=False,
        default_words="beside the folder of the results",
    )
    omp_num_threads: Whole = derived("OpenMP threads of each process", 1, changes_results=False, ge=1, le=10**4)

    def lacking(self) -> list[str]:
        """Return the needed settings that are not given: the text of control.in stands for its path."""
        return [] if self.control is not None else super().lacking()

    def problems(self) -> list[str]:
        """Return in words which values do not go together."""
        both = self.aims_command and self.aims_lib_dir
        return ["both aims_command and aims_lib_dir are given; give one of them"] if both else []

    def with_control(self) -> AimsSettings:
        """Return the settings with the text of control.in.

        Raises
        ------
        InputError
            Where it cannot be read.
        """
        if self.control is not None:
            return self
        assert self.control_path is not None  # `lacking` has looked
        try:
            text = Path(self.control_path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(
                f"{self.control_path}: control.in cannot be read ({error.strerror}); correct control_path"
            ) from None
        return self.model_copy(update={"control": text})

    def of_the_energy(self) -> dict[str, Any]:
        """Return a digest of control.in, and of the species defaults that it may be completed with."""
        control = Control(self.control or "")
        return {"control": control.digest, "species": digest_of(control, self.species_dir)}

    def of_the_result(self, relax: bool) -> dict[str, Any]:
        """Return the settings that a result depends on; species files count by their content, with the energy's."""
        return {name: value for name, value in super().of_the_result(relax).items() if name != "species_dir"}

    def recorded(self) -> dict[str, Any]:
        """Return what is kept with each energy: all settings, of control.in a digest."""
        return self.as_dict() | {"control": Control(self.control or "").digest}
