"""The formats that are registered (`genarris_fw.crystal.file_format`), and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genarris_fw.crystal.file_format import LAST, PoolFormat, Readable, ReadFormat, StructureFormat
from genarris_fw.crystal.formats.through_ase import ASE_FORMATS, ase_format
from genarris_fw.declaring.door import EXPORTS, FORMATS, READERS, Door, remembered
from genarris_fw.errors import InputError

_KINDS: dict[Door, tuple[type[StructureFormat | PoolFormat | ReadFormat], ...]] = {
    FORMATS: (StructureFormat,),
    EXPORTS: (StructureFormat, PoolFormat),
    READERS: (ReadFormat,),
}


class KnownFormat(NamedTuple):
    """A registered format that can be used, with the name and the door by which it came."""

    door: Door
    name: str
    kind: StructureFormat | PoolFormat | ReadFormat


class BinaryFormat(NamedTuple):
    """A registered format of files that are no text."""

    known: KnownFormat
    kind: ReadFormat


def writable() -> tuple[str, ...]:
    """Return the names of the formats that can be written, without loading any of them."""
    return (*FORMATS.names(), *EXPORTS.names())


def readable() -> tuple[str, ...]:
    """Return the names of the formats that can be read; ASE's last."""
    found = [known.name for known in (*_working(True), *_working(False)) if known.kind.is_read]
    return tuple(dict.fromkeys([*found, *ASE_FORMATS.values()]))


def structure_endings() -> tuple[str, ...]:
    """Return the endings of the files that structures are written into, a file for each, in all formats."""
    return tuple(dict.fromkeys(ending for kind in formats_of_structures() for ending in kind.write))


def find_format(name: str) -> KnownFormat:
    """Return a format by its name.

    Raises
    ------
    InputError
        For an unknown name, and one whose package cannot be used.
    """
    having = [door for door in _KINDS if name in door.names()]
    if not having:
        raise InputError(f"unknown format {name!r}; known: {', '.join(writable())}")
    if len(having) > 1:
        packages = " and ".join(f"'{door.package(name)}'" for door in having)
        raise InputError(f"format '{name}' is brought by two packages, {packages}: uninstall one of them")
    [door] = having
    return KnownFormat(door, name, door.load_as(name, *_KINDS[door]))


@remembered
def _working(ours: bool) -> tuple[KnownFormat, ...]:
    """Return the formats of this package, or of others, that can be used."""
    found = []
    for door, kinds in _KINDS.items():
        for name in door.names():
            if door.is_ours(name) == ours:
                with suppress(InputError):
                    found.append(KnownFormat(door, name, door.load_as(name, *kinds)))
    return tuple(found)


def formats_of_structures() -> list[StructureFormat]:
    """Return the formats with a file for each structure, in the order in which they are preferred."""
    kinds = [known.kind for known in (*_working(True), *_working(False)) if isinstance(known.kind, StructureFormat)]
    return sorted(dict.fromkeys(kinds), key=lambda kind: kind.order)


def not_usable() -> str:
    """Return what else a reader of an error should know: formats that are installed and cannot be used."""
    return "".join(f"; {problem}" for door, kinds in _KINDS.items() for problem in door.problems(*kinds))


def named(file: Path, name: str) -> KnownFormat | str:
    """Return a format that can be read, or ASE's name of one."""
    if name in (*writable(), *READERS.names()):
        found = find_format(name)
        if found.kind.is_read:
            return found
    elif name in ASE_FORMATS.values():
        return name
    raise InputError(f"{file}: unknown format {name!r} of a file to read; known: {', '.join(readable())}")


def told_format(file: Path, text: str) -> KnownFormat | str:
    """Return the format that a file's marks, name or content tell, ours first; a name of ASE's where it reads it."""
    marked_or_named = (
        known
        for ours in (True, False)  # others are loaded only where none of ours is told
        for tells in (Readable.is_marked, Readable.is_named)
        for known in _telling(ours, tells, file, text)
    )
    found = next(marked_or_named, None) or ase_format(file)
    if found:
        return found
    likely = (known for ours in (True, False) for known in _telling(ours, Readable.is_likely, file, text))
    for known in likely:
        return known
    raise InputError(
        f"{file}: neither its name nor its content tells a format; known: {', '.join(readable())}{not_usable()}"
    )


def told_by_name(file: Path) -> bool:
    """Tell whether a file's name is one of a format that can be read."""
    return order_by_name(file) is not None


def order_by_name(file: Path) -> int | None:
    """Return how much the format is preferred that a file's name tells, the lowest most; None where it tells none."""
    for known in (*_working(True), *_working(False)):
        if known.kind.is_named(file, ""):
            return known.kind.order
    return LAST if ase_format(file) else None


def told_binary(file: Path, head: bytes) -> BinaryFormat | None:
    """Return the format of a file that is no text, by its beginning, or by its name.

    Parameters
    ----------
    file : Path
        Its path.
    head : bytes
        Its beginning; empty for a file that cannot be read, of which something else will be said.
    """
    for known in (*_working(True), *_working(False)):
        kind = known.kind
        if not isinstance(kind, ReadFormat) or kind.read_file is None:
            continue
        if kind.begins(head) or (head and kind.is_named(file, "")):
            return BinaryFormat(known, kind)
    return None


def told_by_mark(file: Path, text: str) -> bool:
    """Tell whether a text, or the beginning of one, says itself of which format that can be read it is."""
    return any(True for ours in (True, False) for _ in _telling(ours, Readable.is_marked, file, text))


def _telling(ours: bool, tells: Callable[[Readable, Path, str], bool], file: Path, text: str) -> Iterator[KnownFormat]:
    for known in _working(ours):
        if ours:  # asked for every file of a large pool
            told = tells(known.kind, file, text)
        else:
            with known.door.blaming(known.name, f"{file}: "):
                told = tells(known.kind, file, text)
        if told:
            yield known
