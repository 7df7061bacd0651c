"""Reading and writing structures in every format that is registered (`genarris_fw.crystal.file_format`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from genarris_fw.crystal.file_format import PoolFormat, Readable, StructureFormat
from genarris_fw.crystal.properties import check_properties
from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.through_ase import ASE_FORMATS, ase_format, read_with_ase
from genarris_fw.declaring.door import EXPORTS, FORMATS, Door, remembered
from genarris_fw.errors import InputError
from genarris_fw.files import read_ordinary, write_text
from genarris_fw.names import LONGEST, WORDS, checked_name, is_name, made_safe
from genarris_fw.showing import shown

PathLike = str | os.PathLike[str]

LARGEST_FILE = 2**30  # bytes
_KINDS: dict[Door, tuple[type[StructureFormat | PoolFormat], ...]] = {
    FORMATS: (StructureFormat,),
    EXPORTS: (StructureFormat, PoolFormat),
}


class KnownFormat(NamedTuple):
    """A registered format that can be used, with the name and the door by which it came."""

    door: Door
    name: str
    kind: StructureFormat | PoolFormat


def writable() -> tuple[str, ...]:
    """Return the names of the formats that can be written, without loading any of them."""
    return (*FORMATS.names(), *EXPORTS.names())


def readable() -> tuple[str, ...]:
    """Return the names of the formats that can be read; ASE's last."""
    found = [known.name for known in (*_working(True), *_working(False)) if known.kind.read is not None]
    return tuple(dict.fromkeys([*found, *ASE_FORMATS.values()]))


def structure_endings() -> tuple[str, ...]:
    """Return the endings of the files that structures are written into, a file for each, in all formats."""
    return tuple(dict.fromkeys(ending for kind in _of_structures() for ending in kind.write))


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


def read(path: PathLike, format: str | None = None) -> list[Structure]:
    """Read all structures of one file.

    Parameters
    ----------
    path : path
        The file.
    format : str, optional
        One of `READ_FORMATS`; by default told by the name (``.json``, ``.in``, ``.in.next_step``, ``.out``,
        ``.cif``, ``.extxyz``, ...) and, where that says nothing, by the content.

    Returns
    -------
    list of Structure
        At least one. A structure that does not state its struct_id is named after the file.

    Raises
    ------
    InputError
        One line with the path (and the line, where it is known) for whatever cannot be read.
    """
    file = Path(path)
    text = _text(file)
    found = _told(file, text) if format is None else _named(file, format)
    if isinstance(found, str):
        stem, structures = file.stem, read_with_ase(text, str(file), found)
    else:
        stem, structures = found.kind.stem(file), _read(found, file, text)
    stem = made_safe(stem, "structure", LONGEST - 10)  # a number may follow
    for number, structure in enumerate(structures, start=1):
        structure.struct_id = structure.struct_id or (stem if len(structures) == 1 else f"{stem}_{number}")
        checked_name(structure.struct_id, f"{file}: a structure")
        check_properties(structure.properties, len(structure), f"{file}: {structure.struct_id}")
    return structures


def read_folder(path: PathLike) -> list[Structure]:
    """Read a pool: every file of a folder with a structure of its own (json, geometry.in, cif), one per struct_id.

    Parameters
    ----------
    path : path
        The folder; its subfolders and hidden files are not read. Where a structure is there both as json and
        in another format, the json file is taken.

    Returns
    -------
    list of Structure
        Sorted by struct_id.

    Raises
    ------
    InputError
        Where the folder is missing or empty, a file cannot be read, or two files hold one struct_id.
    """
    folder = Path(path)
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot read the folder ({error.strerror})") from None
    sources: dict[str, Path] = {}
    structures: dict[str, Structure] = {}
    kinds = [found for found in _of_structures() if found.read is not None]
    for kind in kinds:
        before = set(structures)
        for file in (file for file in files if file.name.endswith(kind.endings)):
            for structure in read(file):
                name = structure.struct_id
                if name in before:
                    continue
                if name in structures:
                    raise InputError(f"{folder}: {sources[name].name} and {file.name} both hold {name}; remove one")
                structures[name], sources[name] = structure, file
    if not structures:
        *firsts, last = [ending for kind in kinds for ending in kind.endings[:1]]
        raise InputError(
            f"{folder}: no structures; expected files that end in {', '.join(firsts)} or {last}{_not_usable()}"
        )
    return [structures[name] for name in sorted(structures)]


def write(structures: Structure | Iterable[Structure], path: PathLike, format: str = "json") -> list[Path]:
    """Write structures; each file appears completely or not at all.

    Parameters
    ----------
    structures : Structure or iterable of Structure
        What to write.
    path : path
        A folder for a format with a file for each structure (``json``, ``geometry`` or ``geo``, ``both``, ``cif``),
        which is named by its struct_id. A file for one that holds a pool (``geometry_out``, ``extxyz``, and ``csv``,
        a table of the scalar properties).
    format : str, optional
        One of `WRITE_FORMATS`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For an unknown format, a struct_id that cannot name a file or stands twice, or a value that the format
        cannot hold.
    OSError
        Where the folder or the disk refuses.
    """
    pool = [structures] if isinstance(structures, Structure) else list(structures)
    target = Path(path)
    if format not in writable():
        raise InputError(f"unknown output format {format!r}; known: {', '.join(writable())}")
    known = find_format(format)
    kind = known.kind
    if isinstance(kind, PoolFormat):
        write_text(target, _written(known, target, kind.write, pool))
        return [target]
    _check_names(pool, target)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a folder for the format {format}")
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for structure in pool:
        if structure.lattice is None and not kind.molecules:
            raise InputError(
                f"{structure.struct_id}: a molecule has no cell, and {format} holds crystals only; write it as json, "
                "geometry or extxyz"
            )
        for ending, text_of in kind.write.items():
            files.append(target / f"{structure.struct_id}{ending}")
            write_text(files[-1], _written(known, files[-1], text_of, structure))
    return files


def _written(known: KnownFormat, file: Path, text_of: Callable[[Any], str], what: Any) -> str:
    with known.door.blaming(known.name, f"{file}: "):
        text = text_of(what)
        if not isinstance(text, str):
            raise TypeError(f"it wrote no text but a {type(text).__name__}")
        return text


def _read(known: KnownFormat, file: Path, text: str) -> list[Structure]:
    door, name, kind = known
    with door.blaming(name, f"{file}: "):
        assert kind.read is not None
        structures = list(kind.read(text, str(file)))
        if not structures:
            raise InputError(f"{file}: no structures")
        if not all(isinstance(structure, Structure) for structure in structures):
            raise TypeError("it read something else than a Structure")
        return structures


def _text(file: Path) -> str:
    """Content of a text file; InputError for one that is missing, empty, huge or binary."""
    content = read_ordinary(file, LARGEST_FILE)
    if not content.strip():
        raise InputError(f"{file}: the file is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{file}: not a text file; expected one of the formats {', '.join(readable())}")
    return text


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


def _of_structures() -> list[StructureFormat]:
    """Return the formats with a file for each structure, in the order in which they are preferred."""
    kinds = [known.kind for known in (*_working(True), *_working(False)) if isinstance(known.kind, StructureFormat)]
    return sorted(dict.fromkeys(kinds), key=lambda kind: kind.order)


def _not_usable() -> str:
    """Return what else a reader of an error should know: formats that are installed and cannot be used."""
    return "".join(f"; {problem}" for door, kinds in _KINDS.items() for problem in door.problems(*kinds))


def _named(file: Path, name: str) -> KnownFormat | str:
    """Return a format that can be read, or ASE's name of one."""
    if name in writable():
        found = find_format(name)
        if found.kind.read is not None:
            return found
    elif name in ASE_FORMATS.values():
        return name
    raise InputError(f"{file}: unknown format {name!r} of a file to read; known: {', '.join(readable())}")


def _told(file: Path, text: str) -> KnownFormat | str:
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
        f"{file}: neither its name nor its content tells a format; known: {', '.join(readable())}{_not_usable()}"
    )


def _telling(ours: bool, tells: Callable[[Readable, Path, str], bool], file: Path, text: str) -> Iterator[KnownFormat]:
    for known in _working(ours):
        if ours:  # asked for every file of a large pool
            told = tells(known.kind, file, text)
        else:
            with known.door.blaming(known.name, f"{file}: "):
                told = tells(known.kind, file, text)
        if told:
            yield known


def _check_names(pool: Sequence[Structure], target: Path) -> None:
    seen = set()
    for structure in pool:
        name = structure.struct_id
        if not is_name(name):
            raise InputError(f"{target}: {shown(name)} cannot name a file; a struct_id is {WORDS}")
        if name in seen:
            raise InputError(f"{target}: two structures have the struct_id {name}; their files would be one")
        seen.add(name)
