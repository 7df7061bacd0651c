"""ASE's trajectories (``.traj``): relaxations, or pools in one file; a molecular dynamics is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from genarris_fw.crystal.file_format import ReadFormat, Span
from genarris_fw.crystal.formats.ase_json import from_row
from genarris_fw.crystal.formats.dynamics import SAID
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.names import LONGEST, made_safe

MAGIC = b"- of Ulm"


def frame_spans(file: Path, number: int) -> list[Span]:
    """Return the first and the last frame, from 0, of groups of at most so many.

    Raises
    ------
    InputError
        One line with the path, for what is no trajectory of ASE.
    """
    with _opened(file) as trajectory:
        frames = len(trajectory)
    return [(first, min(first + number, frames) - 1) for first in range(0, frames, number)]


def read_frames(file: Path, reading: Reading, span: Span | None = None) -> list[Structure]:
    """Read frames of a trajectory, all or those of a span.

    Returns
    -------
    list of Structure
        Named after the file and the frame, from 1; with the energy, eV per cell, and ``info`` as properties.

    Raises
    ------
    InputError
        One line with the path, and with the frame where there is one; for a molecular dynamics.
    """
    stem = made_safe(file.stem, "structure", LONGEST - 10)
    with _opened(file) as trajectory:
        first, last = span or (0, len(trajectory) - 1)
        _refuse_dynamics(trajectory, file)
        structures = []
        for k in range(first, last + 1):
            try:
                structure = from_row(_row(trajectory[k]), f"{file}, frame {k + 1}", reading)
            except InputError as error:
                reading.leave_out(str(error))
                continue
            structure.struct_id = f"{stem}_{k + 1}"
            structures.append(structure)
    return structures


def _refuse_dynamics(trajectory: Any, file: Path) -> None:
    """Refuse frames of which the last but one has velocities: of a relaxation none has."""
    if len(trajectory) > 1 and all(
        trajectory[k].has("momenta") and trajectory[k].get_momenta().any() for k in (-2, -1)
    ):
        raise InputError(f"{file}: a molecular dynamics ({len(trajectory)} frames with velocities); {SAID}")


def _row(atoms: Any) -> dict[str, Any]:
    results = atoms.calc.results if atoms.calc is not None else {}
    energies = {name: float(results[name]) for name in ("energy", "free_energy") if results.get(name) is not None}
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.tolist(),
        "pbc": atoms.pbc.tolist(),
        "info": {str(name): value.item() if hasattr(value, "item") else value for name, value in atoms.info.items()},
        **energies,
    }


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a trajectory, and say whatever ASE raises in one line."""
    from ase.io.trajectory import TrajectoryReader  # here, since it is slow to import

    try:
        with closing(TrajectoryReader(str(file))) as trajectory:
            if not len(trajectory):
                raise InputError(f"{file}: a trajectory without frames")
            yield trajectory
    except InputError:
        raise
    except Exception as error:  # the readers of ASE raise errors of every class
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{file}: cannot be read as a trajectory of ASE ({reason})") from None


ASE_TRAJECTORY = ReadFormat(read_file=read_frames, spans=frame_spans, magic=MAGIC, endings=(".traj",), order=41)
