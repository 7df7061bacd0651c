"""Trajectories of a molecular dynamics, as far as a file tells that it is one.

Such frames are no candidates for crystals: each is somewhere on its way, with an energy of moving atoms.
"""

from __future__ import annotations

import re
from itertools import pairwise

from genarris_fw.errors import InputError

_VELOCITIES = re.compile(r"Properties=\S*?\b(velo|vel|velocities|velocity|momenta)\b:R", re.IGNORECASE)
_TIME = re.compile(
    r"\b(?:time|time_fs|time_ps|md_time|md_step|simulation_time)\s*=\s*\"?([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)",
    re.IGNORECASE,
)
_MOVES = re.compile(r"^\s*velocity\s", re.MULTILINE)
SAID = "take single structures, each relaxed"


def refuse_dynamics_xyz(text: str, where: str) -> None:
    """Refuse an xyz file of several frames of the same atoms that have velocities, or times that only grow.

    Raises
    ------
    InputError
        With the path and what told it.
    """
    if not _VELOCITIES.search(text) and not _TIME.search(text):
        return
    comments = _comments(text)
    if len(comments) < 2:
        return
    if all(_VELOCITIES.search(comment) for comment in comments):
        raise InputError(f"{where}: a molecular dynamics ({len(comments)} frames with velocities); {SAID}")
    times = [float(match[1]) for match in map(_TIME.search, comments) if match]
    if len(times) == len(comments) and all(one < other for one, other in pairwise(times)):
        raise InputError(
            f"{where}: a molecular dynamics ({len(comments)} frames, from time {times[0]:g} to {times[-1]:g}); {SAID}"
        )


def refuse_dynamics_geometry(blocks: list[list[str]], where: str) -> None:
    """Refuse several blocks of geometry.in of which all have velocities.

    Raises
    ------
    InputError
        With the path.
    """
    if len(blocks) > 1 and all(any(_MOVES.match(line) for line in block) for block in blocks):
        raise InputError(f"{where}: a molecular dynamics ({len(blocks)} structures with velocities); {SAID}")


def _comments(text: str) -> list[str]:
    """The second lines of the frames; nothing for frames of different numbers of atoms."""
    lines, found, at, sizes = text.splitlines(), [], 0, set()
    while at + 1 < len(lines) and lines[at].strip().isdigit() and len(lines[at]) < 20:
        size = int(lines[at])
        sizes.add(size)
        found.append(lines[at + 1])
        at += size + 2
        while at < len(lines) and not lines[at].strip():
            at += 1
    return found if len(sizes) == 1 else []
