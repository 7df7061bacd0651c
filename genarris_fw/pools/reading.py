"""A folder of files, or one file, as documents of structures: what cannot be used is left out and named."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import bson

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.crystal import Structure, space_group, whole_molecules
from genarris_fw.crystal.formats.files import read_known
from genarris_fw.crystal.formats.registry import not_usable, told_by_mark, told_by_name
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.pools.documents import to_document
from genarris_fw.pools.usable import refuse_unusable
from genarris_fw.telling import Told, untold

LARGEST_DOCUMENT = 15 * 2**20  # bytes; the server's limit is 16 MiB, and steps add properties
MANY_FILES = 100  # from here on they are shared out to processes
_CHUNK = 25
_TELLING = 2**16  # bytes of a file whose name tells nothing
_NAMELESS = (".out",)  # outputs of many programs, of which some are structures


@dataclass(frozen=True)
class LeftOut:
    """A file, or one structure of several in it, that cannot be used."""

    file: str
    reason: str


@dataclass
class FileRead:
    """What one file gave.

    Attributes
    ----------
    file : str
        Its path.
    order : int
        How much its format is preferred, the lowest most.
    documents : list of NewStructure
        What can be used.
    left_out : list of LeftOut
        What cannot, with the reason.
    notes : list of str
        What its reader noted.
    """

    file: str
    order: int = 0
    documents: list[NewStructure] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class PoolRead:
    """What a folder or file gave, each struct_id once.

    Attributes
    ----------
    documents : list of NewStructure
        By struct_id.
    files : dict
        Struct_id -> the file it is from.
    left_out : list of LeftOut
        What cannot be used, by file.
    notes : list of str
        What readers noted, each with its file.
    """

    documents: list[NewStructure]
    files: dict[str, str]
    left_out: list[LeftOut]
    notes: list[str]


def read_pool(source: Path, choices: Reading, processes: int | None = None, told: Told = untold) -> PoolRead:
    """Read all structures of a folder, or of a file.

    Parameters
    ----------
    source : Path
        A folder, of which files are read whose names tell a format that can be read (and outputs, ``.out``, that tell
        it themselves), or a file.
    choices : Reading
        What becomes of disorder.
    processes : int, optional
        How many read; by default as many as there are cores, if there are many files.
    told : callable, optional
        Told how far it is; never before other processes are started.

    Returns
    -------
    PoolRead
        At least one structure. Where several files hold a struct_id, the one of the preferred format is taken: json,
        geometry.in, cif, then the others.

    Raises
    ------
    InputError
        Where nothing can be used, with the first reason.
    """
    files = [source] if not source.is_dir() else _files(source)
    if not files:
        raise InputError(
            f"{source}: no structures; expected files whose names end in .json, .in, .cif, .extxyz, .pdb, .res or "
            f"another ending of a format that is read, or outputs{not_usable()}"
        )
    every: list[FileRead] = []
    for file in _all(files, str(source.absolute()), choices, processes):
        every.append(file)
        if len(every) > 1:  # the processes are there
            told("reading files", len(every), len(files))
    found = _merged(every)
    if not found.documents:
        first = found.left_out[0]
        more = f"; {len(found.left_out) - 1} more files likewise" if len(found.left_out) > 1 else ""
        within = "" if first.file == str(source) else f"{source}: nothing can be used: "
        raise InputError(f"{within}{first.file}: {first.reason}{more}")
    return found


def _files(folder: Path) -> list[Path]:
    """The files of a folder that may hold structures."""
    try:
        every = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot read the folder ({error.strerror})") from None
    return [file for file in every if told_by_name(file) or (file.suffix.lower() in _NAMELESS and _is_told(file))]


def _is_told(file: Path) -> bool:
    """Whether the beginning of a file tells a format."""
    try:
        with file.open("rb") as stream:
            return told_by_mark(file, stream.read(_TELLING).decode("latin-1"))
    except (OSError, InputError):
        return False


def _all(files: Sequence[Path], source: str, choices: Reading, processes: int | None) -> Iterator[FileRead]:
    cores = processes or len(os.sched_getaffinity(0))
    jobs = [(str(file), source, replace(choices, notes=[])) for file in files]
    if len(files) < MANY_FILES or cores < 2:
        yield from map(_read_file, jobs)
        return
    yield _read_file(jobs[0])  # what is imported once is shared by the processes that follow
    try:
        pool = ProcessPoolExecutor(cores, mp_context=get_context("fork"), initializer=_unheard)
    except (OSError, ImportError, NotImplementedError):  # a machine without semaphores: no /dev/shm, for example
        yield from map(_read_file, jobs[1:])
        return
    try:
        yield from pool.map(_read_file, jobs[1:], chunksize=_CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)


def _unheard() -> None:
    """Leave Ctrl-C, which a terminal sends to all its processes, to the one that waits for this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_file(job: tuple[str, str, Reading]) -> FileRead:
    """Read and check one file; here nothing is raised for what it holds."""
    file, source, choices = job
    found = FileRead(file)
    choices.notes.clear()
    try:
        kind, found.order, structures = read_known(file, None, choices)
    except InputError as error:
        found.left_out.append(LeftOut(file, str(error).removeprefix(file).lstrip(":, ")))
        return found
    except Exception as error:  # a fault of a reader must not cost the other files
        found.left_out.append(LeftOut(file, f"cannot be read (unexpected {type(error).__name__}: {error})"))
        return found
    for structure in structures:
        name = f"{structure.struct_id}: " if len(structures) > 1 else ""
        try:
            refuse_unusable(structure, kind)
            found.documents.append(_document(structure, source))
        except InputError as error:
            found.left_out.append(LeftOut(file, f"{name}{error}"))
    found.notes = list(choices.notes)
    return found


def _merged(found: list[FileRead]) -> PoolRead:
    """Take every struct_id once, from the preferred format."""
    documents: dict[str, NewStructure] = {}
    sources: dict[str, FileRead] = {}
    left_out = [one for each in found for one in each.left_out]
    for each in sorted(found, key=lambda each: each.order):  # stable: by name within a format
        for document in each.documents:
            name = document["struct_id"]
            if name not in documents:
                documents[name], sources[name] = document, each
            elif sources[name].order == each.order and document["geometry"] != documents[name]["geometry"]:
                other = Path(sources[name].file).name
                left_out.append(LeftOut(each.file, f"holds {name}, and so does {other}, another crystal; rename one"))
    notes = [f"{each.file}: {line}" for each in found for line in each.notes]
    files = {name: each.file for name, each in sources.items()}
    return PoolRead([documents[name] for name in sorted(documents)], files, left_out, notes)


def _document(structure: Structure, source: str) -> NewStructure:
    """Return the document with what a file may leave out: Z and the space group."""
    Z = int(structure.properties.get("Z") or 0)
    if structure.lattice is None:
        Z = 1
    else:
        Z = Z or _count_molecules(structure)
        if structure.properties.get("spg") is None:
            structure.properties["spg"] = space_group(structure)
    document = to_document(structure, Z, {"imported_from": source})
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
