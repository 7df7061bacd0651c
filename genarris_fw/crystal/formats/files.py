"""Reading and writing structures in every format that is registered (`genarris_fw.crystal.file_format`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from genarris_fw.crystal.file_format import LAST, PoolFormat, Span, StructureFormat
from genarris_fw.crystal.formats.properties import check_properties
from genarris_fw.crystal.formats.registry import (
    BinaryFormat,
    KnownFormat,
    find_format,
    formats_of_structures,
    named,
    not_usable,
    readable,
    told_binary,
    told_format,
    writable,
)
from genarris_fw.crystal.formats.through_ase import read_with_ase
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.encodings import Text, decoded
from genarris_fw.errors import InputError
from genarris_fw.files import beginning, read_ordinary, whole_file, write_text
from genarris_fw.names import LONGEST, WORDS, checked_name, is_name, made_safe
from genarris_fw.showing import nearest, shown

PathLike = str | os.PathLike[str]

LARGEST_FILE = 2**30  # bytes
NO_STRUCTURES = "no structures"
_HEAD = 64  # bytes, which tell files that are no text


class FileRead(NamedTuple):
    """What a file holds, the name of its format, and in which order formats are preferred."""

    format: str
    order: int
    structures: list[Structure]


def read(path: PathLike, format: str | None = None, reading: Reading | None = None) -> list[Structure]:
    """Read all structures of one file.

    Parameters
    ----------
    path : path
        The file.
    format : str, optional
        One of `READ_FORMATS`; by default told by the name (``.json``, ``.in``, ``.in.next_step``, ``.out``,
        ``.cif``, ``.extxyz``, ...) and, where that says nothing, by the content.
    reading : Reading, optional
        Choices where the file leaves one, and the place for what its reader notes; without it that is a warning.

    Returns
    -------
    list of Structure
        At least one. A structure that does not state its struct_id is named after the file.

    Raises
    ------
    InputError
        One line with the path (and the line, where it is known) for whatever cannot be read.
    """
    choices = Reading() if reading is None else replace(reading)
    structures = read_known(path, format, choices).structures
    if reading is None:
        choices.warn(str(path))
    return structures


def read_known(path: PathLike, format: str | None, choices: Reading, span: Span | None = None) -> FileRead:
    """Read all structures of one file, and say which format it is of.

    Parameters
    ----------
    path, format
        As of `read`.
    choices : Reading
        Choices where the file leaves one, and the place for what its reader notes.
    span : (int, int), optional
        Of a file that `spans_of` has found some in: which records.

    Raises
    ------
    InputError
        As of `read`.
    """
    file = Path(path)
    if (binary := _binary(file, format)) is not None:
        known, kind = binary
        structures = _read_binary(binary, file, choices, span)
        return FileRead(known.name, kind.order, _named(structures, kind.stem(file), file, choices))
    text, note = _text(file)
    if note:
        choices.note(note)
    found = told_format(file, text) if format is None else named(file, format)
    if isinstance(found, str):
        name, order, stem, structures = found, LAST, file.stem, read_with_ase(text, str(file), found)
    else:
        name, order, stem = found.name, found.kind.order, found.kind.stem(file)
        structures = _read(found, file, text, choices)
    return FileRead(name, order, _named(structures, stem, file, choices))


def spans_of(path: PathLike, number: int) -> list[Span]:
    """Return the spans, of at most so many records each, in which a large file can be read; none where it cannot.

    Raises
    ------
    InputError
        One line with the path, where the file is not what it is called.
    """
    file = Path(path)
    binary = _binary(file, None)
    if binary is None or binary.kind.spans is None:
        return []
    with binary.known.door.blaming(binary.known.name, f"{file}: "):
        return binary.kind.spans(file, number)


def _named(structures: list[Structure], stem: str, file: Path, choices: Reading) -> list[Structure]:
    """Choose a record, name structures that have no name, and check names and properties."""
    if choices.record is not None:
        structures = [_record(structures, choices.record, file)]
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
    kinds = [found for found in formats_of_structures() if found.is_read]
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
            f"{folder}: no structures; expected files that end in {', '.join(firsts)} or {last}{not_usable()}"
        )
    return [structures[name] for name in sorted(structures)]


def write(structures: Structure | Iterable[Structure], path: PathLike, format: str = "json") -> list[Path]:
    """Write structures; each file appears completely or not at all.

    Parameters
    ----------
    structures : Structure or iterable of Structure
        What to write.
    path : path
        A folder for a format with a file for each structure (``json``, ``geometry`` or ``geo``, ``both``, ``cif``,
        ``cif_standard``, ``res``), which is named by its struct_id. A file for one that holds a pool (``geometry_out``,
        ``extxyz``, ``ase_db``, ``pymatgen_json``, ``chemiscope``), or is a table (``csv``, ``parquet``).
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
    pool = [structures] if isinstance(structures, Structure) else structures
    target = Path(path)
    refuse_unknown((format,))
    known = find_format(format)
    if isinstance(known.kind, PoolFormat):
        write_pool(known, pool, target)
        return [target]
    listed = list(pool)
    check_names([structure.struct_id for structure in listed], str(target))
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a folder for the format {format}")
    target.mkdir(parents=True, exist_ok=True)
    return [file for structure in listed for file in write_one(known, structure, target)]


def write_one(known: KnownFormat, structure: Structure, folder: Path) -> list[Path]:
    """Write one structure in a format with files of its own for each, and return these.

    Raises
    ------
    InputError
        For what the format cannot hold.
    OSError
        Where the folder or the disk refuses.
    """
    kind = known.kind
    assert isinstance(kind, StructureFormat)
    _refuse_molecule(known, structure)
    files = []
    for ending, text_of in kind.write.items():
        files.append(folder / f"{structure.struct_id}{ending}")
        write_text(files[-1], _written(known, files[-1], text_of, structure))
    return files


def write_pool(known: KnownFormat, structures: Iterable[Structure], file: Path) -> None:
    """Write structures, as they come, in a format that holds a whole pool.

    Raises
    ------
    InputError, OSError
        As of `write_one`.
    """
    kind = known.kind
    assert isinstance(kind, PoolFormat)

    def held() -> Iterator[Structure]:
        for structure in structures:
            if not kind.molecules:
                _refuse_molecule(known, structure)
            yield structure

    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial, known.door.blaming(known.name, f"{file}: "):
        kind.write_to(partial, held())


def refuse_unknown(formats: Sequence[str]) -> None:
    """Refuse formats that cannot be written, and none.

    Raises
    ------
    InputError
        Naming the nearest, and all that there are.
    """
    unknown = [name for name in formats if name not in writable()]
    if unknown or not formats:
        near = nearest(unknown[0], writable()) if unknown else ""
        raise InputError(f"unknown format '{', '.join(unknown)}'{near}; the formats are {', '.join(writable())}")


def holds_molecules(known: KnownFormat) -> bool:
    """Tell whether a format can hold a structure without a lattice."""
    return isinstance(known.kind, StructureFormat | PoolFormat) and known.kind.molecules


def _refuse_molecule(known: KnownFormat, structure: Structure) -> None:
    if structure.lattice is None and not holds_molecules(known):
        raise InputError(
            f"{structure.struct_id}: a molecule has no cell, and {known.name} holds crystals only; write it as json, "
            "geometry or extxyz"
        )


def _record(structures: list[Structure], number: int, file: Path) -> Structure:
    """Return the record that is asked for."""
    if number > len(structures):
        holds = "one record" if len(structures) == 1 else f"{len(structures)} records"
        raise InputError(f"{file}: record = {number}, but the file holds {holds}")
    return structures[number - 1]


def _written(known: KnownFormat, file: Path, text_of: Callable[[Any], str], what: Any) -> str:
    with known.door.blaming(known.name, f"{file}: "):
        text = text_of(what)
        if not isinstance(text, str):
            raise TypeError(f"it wrote no text but a {type(text).__name__}")
        return text


def _read(known: KnownFormat, file: Path, text: str, reading: Reading) -> list[Structure]:
    door, name, kind = known
    with door.blaming(name, f"{file}: "):
        structures = kind.structures(text, str(file), reading)
        if not structures:
            raise InputError(f"{file}: {NO_STRUCTURES}")
        if not all(isinstance(structure, Structure) for structure in structures):
            raise TypeError("it read something else than a Structure")
        return structures


def _binary(file: Path, format: str | None) -> BinaryFormat | None:
    found = told_binary(file, beginning(file, _HEAD))
    return found if found is None or format in (None, found.known.name) else None


def _read_binary(found: BinaryFormat, file: Path, reading: Reading, span: Span | None) -> list[Structure]:
    assert found.kind.read_file is not None
    with found.known.door.blaming(found.known.name, f"{file}: "):
        structures = found.kind.read_file(file, reading, span)
        if not structures:
            raise InputError(f"{file}: {NO_STRUCTURES}")
        return structures


def _text(file: Path) -> Text:
    """Content of a text file; InputError for one that is missing, empty, huge or binary."""
    content = read_ordinary(file, LARGEST_FILE)
    try:
        found = decoded(content)
    except InputError as error:
        raise InputError(f"{file}: {error}; expected one of the formats {', '.join(readable())}") from None
    if not found.text.strip():
        raise InputError(f"{file}: the file is empty")
    return found


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse struct_ids that cannot name files.

    Raises
    ------
    InputError
        Beginning with `where`, for a name that is none, or stands twice.
    """
    seen = set()
    for name in names:
        if not is_name(name):
            raise InputError(f"{where}: {shown(name)} cannot name a file; a struct_id is {WORDS}")
        if name in seen:
            raise InputError(f"{where}: two structures have the struct_id {name}; their files would be one")
        seen.add(name)
