"""Which FHI-aims a command starts, known by the content of the program."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from genarris_fw.engines.content import content_digest

# The first bytes of a compiled program; a script starts others, which may change while it stays the same.
ELF = b"\x7fELF"
# What starts a program that is not the one of this name on this machine.
CONTAINERS = {"apptainer", "singularity", "docker", "podman", "shifter", "ch-run", "sarus", "enroot"}


def program_digest(command: str) -> str | None:
    """Return the digest of the program that a command's last word names.

    Parameters
    ----------
    command : str
        As of `AimsSettings.aims_command`.

    Returns
    -------
    str or None
        None where the program is not here, is a script, or comes in a container.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return None  # the engine says what is wrong with it
    if not words or CONTAINERS & {Path(word).name for word in words}:
        return None
    found = shutil.which(words[-1]) if len(words) == 1 or Path(words[-1]).is_absolute() else None
    try:
        return content_digest(found) if found is not None and _is_compiled(found) else None
    except OSError:
        return None


def _is_compiled(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(len(ELF)) == ELF
