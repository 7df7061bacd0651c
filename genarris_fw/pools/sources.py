"""What is imported: a folder of files, or one file, in parts that are read one by one.

Of a folder with a million files only their names are held.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genarris_fw.crystal.file_format import LAST, Span
from genarris_fw.crystal.formats.files import spans_of
from genarris_fw.crystal.formats.registry import not_usable, order_by_name, told_by_mark
from genarris_fw.errors import InputError
from genarris_fw.telling import Told, untold

ROWS = 100  # of a database, which are read at once
_TELLING = 2**16  # bytes of a file whose name tells nothing
_NAMELESS = (".out",)  # outputs of many programs, of which some are structures


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or some records of one.

    Attributes
    ----------
    file : str
        Its path.
    span : (int, int), optional
        Which records; all by default.
    stamp : str
        Size and time of the file: another one, and it was written again.
    """

    file: str
    span: Span | None = None
    stamp: str = ""

    @property
    def name(self) -> str:
        """What it is called within its source."""
        base = os.path.basename(self.file)  # noqa: PTH119 - asked for every file of a large pool
        return base if self.span is None else f"{base}, records {self.span[0]} to {self.span[1]}"


class Source:
    """The parts of a folder or a file, those of preferred formats first, by name within a format.

    Parameters
    ----------
    path : Path
        A folder, of which files count whose names tell a format that can be read (and outputs, ``.out``, that tell it
        themselves), or a file.

    Raises
    ------
    InputError
        For a folder that is not there, or has nothing of this.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path.absolute())
        self._files = _files(path) if path.is_dir() else [str(path)]
        if not self._files:
            raise InputError(
                f"{path}: no structures; expected files whose names end in .json, .in, .cif, .extxyz, .pdb, .res, .db "
                f"or another ending of a format that is read, or outputs{not_usable()}"
            )

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._files)

    def parts(self, told: Told = untold) -> Iterator[Part]:
        """Yield the parts, and tell how many files are passed."""
        for number, file in enumerate(self._files):
            told("reading files", number, len(self._files))
            stamp = _stamp(file)
            try:
                spans = spans_of(file, ROWS)
            except InputError:  # which is said when it is read
                spans = []
            if not spans:
                yield Part(file, None, stamp)
            yield from (Part(file, span, stamp) for span in spans)


def _files(folder: Path) -> list[str]:
    """The files of a folder that may hold structures."""
    by_order: dict[int, list[str]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not (entry.is_file() or _leads_nowhere(entry)):
                    continue
                if (order := _order(folder / entry.name)) is not None:
                    by_order[order].append(entry.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot read the folder ({error.strerror})") from None
    return [str(folder / name) for order in sorted(by_order) for name in sorted(by_order[order])]


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to what is not there, which is then named as left out."""
    return entry.is_symlink() and not Path(entry.path).exists()


def _order(file: Path) -> int | None:
    order = order_by_name(file)
    return LAST if order is None and file.suffix.lower() in _NAMELESS and _is_told(file) else order


def _is_told(file: Path) -> bool:
    """Whether the beginning of a file tells a format."""
    try:
        with file.open("rb") as stream:
            return told_by_mark(file, stream.read(_TELLING).decode("latin-1"))
    except (OSError, InputError):
        return False


def _stamp(file: str) -> str:
    try:
        about = os.stat(file)  # noqa: PTH116 - asked for every file of a large pool
    except (OSError, ValueError):
        return ""
    return f"{about.st_size}-{about.st_mtime_ns}"
