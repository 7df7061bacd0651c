"""The parts of a source, as documents of structures: what cannot be used is left out and named.

A few parts are in memory at a time, whatever the number of files.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import bson

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.crystal import Structure, space_group, whole_molecules
from genarris_fw.crystal.formats.files import NO_STRUCTURES, read_known
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.pools.documents import to_document
from genarris_fw.pools.foreign_names import take_over
from genarris_fw.pools.sharing import of_a_command
from genarris_fw.pools.sources import Part, Source
from genarris_fw.pools.usable import refuse_unusable

LARGEST_DOCUMENT = 15 * 2**20  # bytes; the server's limit is 16 MiB, and steps add properties
MANY_FILES = 100  # from here on they are shared out to processes
_CHUNK = 25  # files that a process gets at a time
_AHEAD = 4  # chunks, for each process, that are read before they are wanted


@dataclass(frozen=True)
class LeftOut:
    """A file, or one structure of several in it, that cannot be used."""

    file: str
    reason: str


@dataclass
class FileRead:
    """What a part gave.

    Attributes
    ----------
    part : Part
        Which.
    order : int
        How much its format is preferred, the lowest most.
    documents : list of NewStructure
        What can be used.
    left_out : list of LeftOut
        What cannot, with the reason.
    notes : list of str
        What its reader noted.
    """

    part: Part
    order: int = 0
    documents: list[NewStructure] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Reader = Callable[[Iterable[Part]], Iterator[FileRead]]


@contextmanager
def reader(source: Source, choices: Reading, processes: int | None = None) -> Iterator[Reader]:
    """Provide what reads the parts of a source, in their order; many of them by several processes.

    The processes are there before the ``with`` block begins, in which threads may be started.

    Parameters
    ----------
    source : Source
        Whose parts are to be read.
    choices : Reading
        What becomes of disorder.
    processes : int, optional
        How many read; by default as many as there are cores, if there are many files.

    Yields
    ------
    callable
        Parts -> what each gave; nothing is raised for what a file holds.
    """
    cores = processes or len(os.sched_getaffinity(0))

    def alone(parts: Iterable[Part]) -> Iterator[FileRead]:
        return (read_part(part, source.where, choices) for part in parts)

    first = next(source.parts())
    if cores < 2 or (len(source) < MANY_FILES and first.span is None):
        yield alone
        return
    read_part(first, source.where, choices)  # what is imported for it is shared by the processes that follow
    try:
        pool = ProcessPoolExecutor(cores, mp_context=get_context("fork"), initializer=of_a_command)
        list(pool.map(_ready, range(cores)))
    except (OSError, ImportError, NotImplementedError):  # a machine without semaphores: no /dev/shm, for example
        yield alone
        return
    try:
        yield lambda parts: _shared_out(pool, cores * _AHEAD, parts, source.where, choices)
    finally:
        pool.shutdown(cancel_futures=True)


def _shared_out(
    pool: ProcessPoolExecutor, ahead: int, parts: Iterable[Part], where: str, choices: Reading
) -> Iterator[FileRead]:
    waiting: deque[Future[list[FileRead]]] = deque()
    try:
        for chunk in _chunks(parts):
            waiting.append(pool.submit(_read_parts, chunk, where, choices))
            if len(waiting) > ahead:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            f"{where}: a process that reads its files was killed (is the memory full?); the same command goes on"
        ) from None


def _chunks(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield some files at a time; the rows of a database come in portions already."""
    chunk: list[Part] = []
    for part in parts:
        chunk.append(part)
        if part.span is not None or len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _ready(_: int) -> None:
    """What a process does first: nothing."""


def _read_parts(parts: list[Part], where: str, choices: Reading) -> list[FileRead]:
    return [read_part(part, where, choices) for part in parts]


def read_part(part: Part, where: str, choices: Reading, checked: bool = True) -> FileRead:
    """Read and check one part; here nothing is raised for what it holds.

    Parameters
    ----------
    part : Part
        Which.
    where : str
        The source that it is of.
    choices : Reading
        What becomes of disorder.
    checked : bool, optional
        Whether structures that cannot be (`refuse_unusable`) are left out.
    """
    found, noted = FileRead(part), replace(choices, notes=[], left_out=[])
    try:
        kind, found.order, structures = read_known(part.file, None, noted, part.span)
    except InputError as error:
        reason = _without(part.file, (noted.left_out or [str(error)])[0])
        if part.span is None or part.span[0] == part.span[1]:
            found.left_out += [LeftOut(part.file, reason)] if part.span is None or reason != NO_STRUCTURES else []
        elif reason != NO_STRUCTURES:
            return _in_halves(part, where, choices, checked)
        return found
    except Exception as error:  # a fault of a reader must not cost the other files
        found.left_out.append(LeftOut(part.file, f"cannot be read (unexpected {type(error).__name__}: {error})"))
        return found
    found.left_out += [LeftOut(part.file, _without(part.file, line)) for line in noted.left_out or ()]
    for structure in structures:
        name = f"{structure.struct_id}: " if len(structures) > 1 else ""
        try:
            if checked:
                refuse_unusable(structure, kind)
            take_over(structure, noted)
            found.documents.append(_document(structure))
        except InputError as error:
            found.left_out.append(LeftOut(part.file, f"{name}{error}"))
    found.notes = noted.notes
    for document in found.documents:
        stamp = f"{part.stamp}-{len(found.documents)}"
        document["provenance"] = {"imported_from": where, "file": part.name, "stamp": stamp}
    return found


def _without(file: str, line: str) -> str:
    """A line without the path that it begins with."""
    return line.removeprefix(file).lstrip(":, ")


def _in_halves(part: Part, where: str, choices: Reading, checked: bool) -> FileRead:
    """Read the records of a part in halves, so that one that cannot be read does not cost the others."""
    assert part.span is not None
    first, last = part.span
    middle = (first + last) // 2
    one, other = (
        read_part(Part(part.file, span, part.stamp), where, choices, checked)
        for span in ((first, middle), (middle + 1, last))
    )
    notes = list(dict.fromkeys(one.notes + other.notes))
    both = max(one.order, other.order), one.documents + other.documents, one.left_out + other.left_out
    return FileRead(part, *both, notes)


def _document(structure: Structure) -> NewStructure:
    """Return the document with what a file may leave out: Z and the space group."""
    Z = int(structure.properties.get("Z") or 0)
    if structure.lattice is None:
        Z = 1
    else:
        Z = Z or _count_molecules(structure)
        if structure.properties.get("spg") is None:
            structure.properties["spg"] = space_group(structure)
    document = to_document(structure, Z)
    size = len(bson.encode(document))
    if size > LARGEST_DOCUMENT:
        raise InputError(
            f"{structure.struct_id} takes {size} bytes, the database holds {LARGEST_DOCUMENT}: leave its large "
            "properties out"
        )
    return document


def _count_molecules(structure: Structure) -> int:
    """Return the number of molecules per cell, 0 when it is no crystal of one kind of molecule."""
    try:
        return int(whole_molecules(structure).properties.get("Z") or 0)
    except InputError:
        return 0
