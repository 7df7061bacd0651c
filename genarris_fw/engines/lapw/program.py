"""The program Elk: where it is, which version it is, how it is started."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import time
from functools import lru_cache
from pathlib import Path

from genarris_fw.engines.base import Context
from genarris_fw.engines.lapw.elk_output import PROGRAM_OUTPUT, VERSION
from genarris_fw.engines.lapw.failures import INSTALL, refuse_failed_run, refuse_ghosts
from genarris_fw.engines.lapw.settings import LAPWSettings
from genarris_fw.engines.programs import process
from genarris_fw.errors import EngineError

DEBIAN_SPECIES = Path("/usr/share/elk-lapw/species")
# Where Elk's own source tree, and installations by prefix, have the species files, seen from the program.
SPECIES_NEARBY = ("../species", "../../species", "../share/elk-lapw/species", "../share/elk/species")
# A task that does not exist: Elk says its version and ends.
NO_TASK = "tasks\n  -1\n\n"
SECONDS_FOR_VERSION = 60.0


def command_line(template: str, cores: int) -> list[str]:
    """Return the words of the command, its program by its whole path.

    Raises
    ------
    EngineError
        Kind ``missing`` where the program, or its launcher, is not there or not executable.
    """
    try:
        words = [word.replace("{cores}", str(cores)) for word in shlex.split(template)]
    except ValueError as error:
        raise EngineError(
            f"engine lapw: lapw_command = {template}: {error}; correct the quotes", "input", True
        ) from None
    if not words:
        raise EngineError("engine lapw: lapw_command is empty; for example lapw_command = elk-lapw", "input", True)
    # The launcher and, under a launcher, the program itself.
    for place in {0, len(words) - 1} if not words[-1].startswith("-") else {0}:
        found = shutil.which(words[place])
        if found is None and Path(words[place]).is_file():
            path = words[place]
            raise EngineError(f"engine lapw: {path} is not executable; chmod +x {path}", "missing", True)
        if found is None:
            raise EngineError(f"engine lapw: the program '{words[place]}' is not there; {INSTALL}", "missing", True)
        words[place] = str(Path(found).absolute())
    return words


def species_folder(settings: LAPWSettings) -> Path:
    """Return the folder of the species files.

    Raises
    ------
    EngineError
        Kind ``missing`` where there is none.
    """
    if settings.species_dir is not None:
        places = [Path(settings.species_dir).expanduser()]
    else:
        program = Path(command_line(settings.lapw_command, 1)[-1]).resolve()
        places = [DEBIAN_SPECIES, *((program.parent / near).resolve() for near in SPECIES_NEARBY)]
    for place in places:
        if place.is_dir() and any(place.glob("*.in")):
            return place.absolute()
    where = places[0] if settings.species_dir else "beside the program"
    raise EngineError(
        f"engine lapw: there are no species files ({where}); set species_dir to Elk's folder 'species'", "missing", True
    )


def run_elk(settings: LAPWSettings, folder: Path, context: Context, name: str = "the structure") -> None:
    """Run Elk in a folder that has its input.

    Raises
    ------
    EngineError
        Where it does not end as it should.
    """
    words = command_line(settings.lapw_command, context.cores)
    parallel = "{cores}" in settings.lapw_command
    threads = settings.threads or (1 if parallel else context.cores)
    # Elk's threads call the linear algebra: with threads of its own inside, OpenBLAS hangs.
    environment = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    # Arrays of large crystals lie on the threads' stacks.
    environment["OMP_STACKSIZE"] = "256M"
    limits = process.Limits(silence=settings.silence, gigabytes=settings.max_gigabytes)
    ended = process.run(
        words, folder, PROGRAM_OUTPUT, context, limits, environment, lambda: refuse_ghosts(folder, name)
    )
    refuse_failed_run(ended, folder, settings.lapw_command, name)


@lru_cache(maxsize=8)
def elk_version(command: str) -> str:
    """Return the program's version, as it says itself.

    Raises
    ------
    EngineError
        Kind ``missing`` where the program cannot be started or is not Elk.
    """
    with tempfile.TemporaryDirectory(prefix="lapw-") as place:
        folder = Path(place)
        (folder / "elk.in").write_text(NO_TASK, encoding="utf-8")
        limit = Context(deadline=time.time() + SECONDS_FOR_VERSION)
        process.run(command_line(command, 1), folder, PROGRAM_OUTPUT, limit, environment={"OPENBLAS_NUM_THREADS": "1"})
        said = "".join(path.read_text(errors="replace") for path in sorted(folder.glob(f"{PROGRAM_OUTPUT}*")))
    found = VERSION.search(said)
    if found is None:
        words = " ".join(said.split())[-200:] or "it says nothing"
        raise EngineError(f"engine lapw: '{command}' is not Elk ({words}); {INSTALL}", "missing", True)
    return found[1]
