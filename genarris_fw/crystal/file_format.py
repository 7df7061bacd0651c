"""What a format of files is: how structures become a text, how a text becomes structures, and how it is told.

Ours and those of other packages are registered in the same groups of entry points. Under ``genarris_fw.formats``
are those that a run may write by itself (``output_format``): each a `StructureFormat` that holds crystals and
molecules. Under ``genarris_fw.exports`` are further ones, of the command ``export``, and under ``genarris_fw.readers``
those that are only read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genarris_fw.errors import InputError

if TYPE_CHECKING:
    from genarris_fw.crystal.property_table import PropertyTable
    from genarris_fw.crystal.reading import Reading
    from genarris_fw.crystal.structure import Structure

_ENDING = re.compile(r"\.[\w.+-]*\w", flags=re.ASCII)
LAST = 1000
_CHUNK = 2**20  # bytes
Span = tuple[int, int]  # the first and the last record of some of a file's


@dataclass(frozen=True, kw_only=True)
class Holds:
    """What a format can hold: what is said of it, and what its round trips are tested for.

    Attributes
    ----------
    geometry : float or None
        Å within which atoms and lattice vectors are read back; 0 with all digits, None for a format without them.
    oriented : bool
        Whether a cell keeps its directions in space; else its lengths and angles, and fractional coordinates.
    ids : bool
        Whether the struct_id is in the file; where it is not, the name of the file says it.
    properties : str
        ``all`` of any type, ``plain`` ones (numbers and texts), ``some`` that the format knows, or ``none``.
    group : bool
        Whether the file states the space group; in formats with properties that is the property ``spg``.
    """

    geometry: float | None
    oriented: bool = True
    ids: bool = True
    properties: Literal["all", "plain", "some", "none"] = "all"
    group: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Readable:
    """How files of a format are read; one that is only written leaves it all out.

    Attributes
    ----------
    read : callable, optional
        Text and path -> structures, at least one; those that do not state their struct_id have none. It raises
        `InputError`, one line that begins with the path.
    read_by : callable, optional
        As `read`, with a `Reading` as third argument: choices to follow, and where to note what was left out.
    endings : tuple of str
        How the names of its files end, in lower case and with the dot.
    marked : callable, optional
        Text -> whether it is of this format, whatever its file is called.
    likely : callable, optional
        Text -> whether it is of this format, asked where neither a mark nor the file's name tells one.
    order : int
        Where a folder holds a structure in several formats the lowest is read. Ours have 10 to 30.
    holds : Holds, optional
        What files of it can hold.
    """

    read: Callable[[str, str], list[Structure]] | None = None
    read_by: Callable[[str, str, Reading], list[Structure]] | None = None
    endings: tuple[str, ...] = ()
    marked: Callable[[str], bool] | None = None
    likely: Callable[[str], bool] | None = None
    order: int = LAST
    holds: Holds | None = None

    def __post_init__(self) -> None:
        """Refuse what no file of the format could be called, or written by, with an InputError."""
        _check_endings(self.endings)

    @property
    def is_read(self) -> bool:
        """Whether files of this format can be read."""
        return self.read is not None or self.read_by is not None

    def structures(self, text: str, where: str, reading: Reading) -> list[Structure]:
        """Read a text by the function that was registered."""
        if self.read_by is not None:
            return list(self.read_by(text, where, reading))
        assert self.read is not None
        return list(self.read(text, where))

    def is_marked(self, file: Path, text: str) -> bool:
        """Tell whether the text says that it is of this format."""
        return self.is_read and self.marked is not None and self.marked(text)

    def is_named(self, file: Path, text: str) -> bool:
        """Tell whether the file's name says that it is of this format."""
        return self.is_read and file.name.lower().endswith(self.endings)

    def is_likely(self, file: Path, text: str) -> bool:
        """Tell whether the text looks like one of this format."""
        return self.is_read and self.likely is not None and self.likely(text)

    def stem(self, file: Path) -> str:
        """Return a file's name without the ending that this format has."""
        found = [ending for ending in self.endings if file.name.lower().endswith(ending)]
        return file.name[: -len(max(found, key=len))] if found else file.stem


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadFormat(Readable):
    """A format that is only read; it needs `read`, `read_by`, or, for files that are no text, `read_file`.

    Attributes
    ----------
    read_file : callable, optional
        Path, `Reading` and span (None: all) -> structures, of a file that is no text.
    spans : callable, optional
        Path and number -> the spans of at most so many records each in which the file can be read; with `read_file`.
    magic : bytes
        With what such a file begins; a file that is called so and begins otherwise is refused.
    """

    read_file: Callable[[Path, Reading, Span | None], list[Structure]] | None = None
    spans: Callable[[Path, int], list[Span]] | None = None
    magic: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what no file of the format could be called, or read by, with an InputError."""
        super().__post_init__()
        if not self.is_read:
            raise InputError("a format that is only read needs a function that reads it")

    @property
    def is_read(self) -> bool:
        """Whether files of this format can be read."""
        return self.read_file is not None or super().is_read

    def begins(self, head: bytes) -> bool:
        """Tell whether a file that begins so is one of this format, which is no text."""
        return bool(self.magic) and head.startswith(self.magic)


@dataclass(frozen=True, kw_only=True, eq=False)
class StructureFormat(Readable):
    """A format with files of its own for each structure.

    Attributes
    ----------
    write : mapping of str to callable
        Ending of a file -> structure -> the file's text. It raises `InputError` for what it cannot hold.
    molecules : bool
        Whether it can hold a structure without a lattice.
    """

    write: Mapping[str, Callable[[Structure], str]]
    molecules: bool = True

    def __post_init__(self) -> None:
        """Refuse what no file of the format could be called, or written by, with an InputError."""
        super().__post_init__()
        if not self.write:
            raise InputError("a format needs an ending of its files")
        _check_endings(self.write)


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolFormat(Readable):
    """A format that holds a whole pool in one file; it needs `write`, `parts` or `save`.

    Attributes
    ----------
    ending : str
        Of the file that is written, with the dot.
    write : callable, optional
        Structures -> the file's text. It raises `InputError` for what it cannot hold.
    parts : callable, optional
        Structures -> the same text, part by part as they come, for pools that are larger than the memory.
    save : callable, optional
        Structures and path -> nothing: it writes the file, which is no text and there already, empty.
    molecules : bool
        Whether it can hold a structure without a lattice.
    media_type : str
        What a browser is told that it is.
    """

    ending: str
    write: Callable[[Sequence[Structure]], str] | None = None
    parts: Callable[[Iterable[Structure]], Iterator[str]] | None = None
    save: Callable[[Iterable[Structure], Path], object] | None = None
    molecules: bool = True
    media_type: str = "text/plain"

    def __post_init__(self) -> None:
        """Refuse what no file of the format could be called, or written by, with an InputError."""
        super().__post_init__()
        _check_endings((self.ending,))
        if not self.is_written:
            raise InputError("a format of a whole pool needs a function that writes it")

    @property
    def is_written(self) -> bool:
        """Whether there is a function that writes it."""
        return any((self.write, self.parts, self.save))

    @property
    def streams(self) -> bool:
        """Whether structures are written as they come."""
        return self.write is None or self.parts is not None

    def write_to(self, path: Path, structures: Iterable[Structure]) -> None:
        """Write a file, which is there already, empty."""
        if self.save is not None:
            self.save(structures, path)
            return
        with path.open("wb") as stream:
            stream.writelines(self.chunks(structures))

    def chunks(self, structures: Iterable[Structure]) -> Iterator[bytes]:
        """Yield the file's content, part by part where the format can."""
        if self.write is not None or self.parts is not None:
            yield from (text.encode() for text in self._texts(structures))
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"pool{self.ending}")
            file.touch()
            self.write_to(file, structures)
            with file.open("rb") as stream:
                while part := stream.read(_CHUNK):
                    yield part

    def _texts(self, structures: Iterable[Structure]) -> Iterator[str]:
        if self.parts is not None:
            yield from self.parts(structures)
            return
        assert self.write is not None
        text = self.write(list(structures))
        if not isinstance(text, str):
            raise TypeError(f"it wrote no text but a {type(text).__name__}")
        yield text


@dataclass(frozen=True, kw_only=True, eq=False)
class TableFormat(PoolFormat):
    """A format of tables: what is known of every structure, without geometries.

    Attributes
    ----------
    save_table : callable
        Table and path -> nothing: it writes the file, which is there already, empty.
    """

    save_table: Callable[[PropertyTable, Path], object]

    @property
    def is_written(self) -> bool:
        """It is."""
        return True

    def write_to(self, path: Path, structures: Iterable[Structure]) -> None:
        """Write the table of some structures into a file, which is there already, empty."""
        from genarris_fw.crystal.property_table import table_of

        self.save_table(table_of(structures), path)


def _check_endings(endings: Mapping[str, object] | tuple[str, ...]) -> None:
    for ending in endings:
        if not _ENDING.fullmatch(ending) or ending != ending.lower():
            raise InputError(f"{ending!r} is no ending of a file: a dot, and letters and digits in lower case")
