"""Starting FHI-aims: as a program under its launcher, or as a library over a communicator."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genarris_fw.engines.aims.settings import AimsSettings
from genarris_fw.engines.base import Context
from genarris_fw.engines.programs import process
from genarris_fw.errors import EngineError

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

OUTPUT = "aims.out"
ERRORS = f"{OUTPUT}.err"
EXAMPLE = "aims_command = srun --exact -n {cores} /path/to/aims.x"

# launch(folder, context, look) runs FHI-aims in a folder and says how it ended, where it is a program.
Launch = Callable[[Path, Context, Callable[[], object]], "process.Ended | None"]


def command_line(template: str, processes: int) -> list[str]:
    """Return the words of a command line.

    Parameters
    ----------
    template : str
        As the user wrote it; ``{cores}`` stands for the number of processes.
    processes : int
        That number: the cores divided by the threads of each.

    Raises
    ------
    EngineError
        Kind ``missing`` where the program (or, under a launcher, FHI-aims by its path) is not there, ``launcher``
        where it cannot be executed or the template cannot be read.
    """
    try:
        words = [word.replace("{cores}", str(processes)) for word in shlex.split(template)]
    except ValueError as error:
        raise EngineError(f"aims_command = {template}: {error}; correct the quotes", "launcher", True) from None
    if not words:
        raise EngineError(f"aims_command is empty; for example {EXAMPLE}", "missing", True)
    for word in (words[0], words[-1]):
        if "/" in word and not word.startswith("-") and not Path(word).is_absolute():
            raise EngineError(f"aims_command: {word} is a relative path; give it in full", "launcher", True)
    program, last = Path(words[0]), Path(words[-1])
    if shutil.which(words[0]) is None:
        if program.is_file():
            raise EngineError(f"aims_command: {program} is not executable; chmod +x {program}", "launcher")
        where = "there is no such file on this machine" if program.is_absolute() else "it is not on the PATH here"
        raise EngineError(f"aims_command: {program}: {where}; correct it or load its module", "missing")
    if last.is_absolute() and not last.exists():
        raise EngineError(f"aims_command: {last}: there is no such file on this machine; correct it", "missing")
    return words


def as_program(options: AimsSettings) -> Launch:
    """Return what launches the program of ``aims_command``."""

    def launch(folder: Path, context: Context, look: Callable[[], object]) -> process.Ended:
        processes = max(1, context.cores // options.omp_num_threads)
        assert options.aims_command is not None  # else the library is called
        command = command_line(options.aims_command, processes)
        limits = process.Limits(options.silence, options.max_gigabytes, options.grace)
        threads = str(options.omp_num_threads)
        environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "MKL_DYNAMIC": "FALSE"}
        return process.run(command, folder, OUTPUT, context, limits, environment, look)

    return launch


def as_library(options: AimsSettings, communicator: Comm, order: Callable[[Path], object]) -> Launch:
    """Return what calls the library of ``aims_lib_dir``, on all ranks.

    Parameters
    ----------
    options : AimsSettings
        Names the library.
    communicator : mpi4py.MPI.Comm
        Whose ranks compute together.
    order : callable
        Tells the other ranks the folder; they call the library too.
    """

    def launch(folder: Path, context: Context, look: Callable[[], object]) -> None:
        order(folder)
        run_library(options, communicator, folder, context)

    return launch


def run_library(options: AimsSettings, communicator: Comm, folder: Path, context: Context) -> None:
    """Call the library in a folder; every rank of the communicator does."""
    from genarris_fw.engines.aims.library import run

    os.environ.setdefault("OMP_NUM_THREADS", str(options.omp_num_threads))
    assert options.aims_lib_dir is not None  # else the program is started
    run(communicator, options.aims_lib_dir, folder, context)
