"""One structure's calculation as it stands: the input that the next attempt gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from genarris_fw.crystal.formats.genarris_json import format_json
from genarris_fw.crystal.formats.geometry_in import format_geometry_in, parse_geometry_in
from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.aims.control import Control, digest
from genarris_fw.errors import InputError

CONTROL, GEOMETRY, NEXT_STEP, HESSIAN = "control.in", "geometry.in", "geometry.in.next_step", "hessian.aims"
TAG = "# belongs to the input"
# Lines of geometry.in.next_step with which FHI-aims goes on as if it had not been interrupted.
_SEARCH = ("trust_radius", "hessian_file", "hessian_block")


@dataclass
class AimsJob:
    """What the next attempt starts from.

    Attributes
    ----------
    structure : Structure
        The geometry.
    control : Control
        The control.in, with the blocks of all species.
    relax : bool
        Whether this is a relaxation.
    first : Structure or None
        Where the relaxation began, if it goes on from a checkpoint.
    next_step, hessian : str or None
        The texts of geometry.in.next_step and hessian.aims that a relaxation goes on from.
    moved : bool
        The last attempt of a relaxation has come to another geometry.
    must_end : bool
        The time is over, or a stop is wanted: no further attempt.
    attempts, restarts : int
        How many there were.
    """

    structure: Structure
    control: Control
    relax: bool
    first: Structure | None = None
    next_step: str | None = None
    hessian: str | None = None
    moved: bool = False
    must_end: bool = False
    attempts: int = 0
    restarts: int = 0
    _tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the structure for the first one where none is given, and name the calculation by its inputs."""
        if self.first is None:
            self.first = self.structure
        first = format_geometry_in(self.first, header=False)
        self._tag = f"{TAG} {digest(self.control.text + first)}"

    @property
    def name(self) -> str:
        """What messages call the structure."""
        return self.structure.struct_id or "the structure"

    @property
    def json(self) -> str | None:
        """The name of the file of the structure in Genarris' own format, for one that has a name."""
        return f"{self.structure.struct_id}.json" if self.structure.struct_id else None

    @property
    def geometry(self) -> str:
        """The text of geometry.in: a comment says which first input it belongs to, however far it has come."""
        return f"{self._tag}\n" + format_geometry_in(self.structure, header=False) + self._search()

    def write(self, folder: Path) -> None:
        """Write the inputs into a folder."""
        (folder / CONTROL).write_text(self.control.text, encoding="utf-8")
        (folder / GEOMETRY).write_text(self.geometry, encoding="utf-8")
        if self.json is not None and self.first is not None:
            (folder / self.json).write_text(format_json(self.first), encoding="utf-8")
        self.write_reached(folder)

    def write_reached(self, folder: Path) -> None:
        """Write how far the relaxation had come into a folder: an attempt that comes to nothing must not lose it."""
        for name, text in ((NEXT_STEP, self.next_step), (HESSIAN, self.hessian)):
            if text is not None:
                (folder / name).write_text(text, encoding="utf-8")

    def began_in(self, folder: Path) -> bool:
        """Return whether what lies in a folder began with this very input; corrections do not count."""
        geometry, control = text_of(folder / GEOMETRY), text_of(folder / CONTROL)
        return (
            geometry is not None
            and control is not None
            and geometry.startswith(f"{self._tag}\n")
            and Control(control).canonical == self.control.canonical
        )

    def go_on_from(self, folder: Path) -> bool:
        """Take over the geometry that a relaxation in this folder has come to, where there is one."""
        text = text_of(folder / NEXT_STEP)
        reached = read_geometry(folder / NEXT_STEP, self.structure) if self.relax else None
        self.moved = reached is not None and text != self.next_step
        if reached is None:
            return False
        self.structure, self.next_step, self.hessian = reached, text, text_of(folder / HESSIAN)
        return True

    def _search(self) -> str:
        """The lines of geometry.in.next_step about the state of the search for the minimum."""
        lines = [line for line in (self.next_step or "").splitlines() if line.strip().startswith(_SEARCH)]
        without = "hessian_file" if self.hessian is None else "\n"
        return "".join(f"{line}\n" for line in lines if without not in line)


def read_geometry(path: Path, like: Structure) -> Structure | None:
    """Read a geometry file, which FHI-aims may be writing at this moment.

    Parameters
    ----------
    path : Path
        The file.
    like : Structure
        What it must be a geometry of; gives name and properties.

    Returns
    -------
    Structure or None
        None where the file is not there, not whole, or of something else.
    """
    text = text_of(path)
    if text is None:
        return None
    try:
        found = parse_geometry_in(text.splitlines(), str(path))
    except InputError:
        return None
    if found.species != like.species or (found.lattice is None) != (like.lattice is None):
        return None
    return Structure(found.lattice, like.species, found.positions, like.properties, like.struct_id)


def text_of(path: Path) -> str | None:
    """Return the text of a file, None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
