"""A selection as files in any format that is written, made while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import PoolFormat, Structure, StructureFormat
from genarris_fw.crystal.formats.registry import KnownFormat, find_format, writable
from genarris_fw.errors import InputError
from genarris_fw.names import made_safe
from genarris_fw.pools.exporting import structure_of
from genarris_fw.showing import nearest, shown

BATCH = 500
MOST_STRUCTURES = 100_000
MOST_AT_ONCE = 20_000  # in a format of a whole pool, that is made as a whole
MOST_FORMATS = 10
LEFT_OUT = "left_out.txt"


class TooMany(InputError):
    """More structures than can be sent in this way."""


@dataclass(frozen=True)
class Download:
    """A file that is being made: what it is called, what it is, and its bytes as they come."""

    name: str
    media_type: str
    chunks: Iterator[bytes]


def known_formats() -> list[dict[str, str]]:
    """Return the formats that can be written: ``name``, ``kind`` (``structure`` or ``pool``), ``ending``."""
    found = []
    for name in writable():
        try:
            kind = find_format(name).kind
        except InputError:  # its package cannot be used
            continue
        if isinstance(kind, PoolFormat):
            found.append({"name": name, "kind": "pool", "ending": kind.ending})
        elif isinstance(kind, StructureFormat):
            found.append({"name": name, "kind": "structure", "ending": next(iter(kind.write))})
    return found


def download(catalogue: Catalogue, run: str, ids: Sequence[str], title: str, formats: str) -> Download:
    """Return structures as a file: by itself where it is one, else as a zip of several.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
    ids : sequence of str
        The structures.
    title : str
        What the file is called, without its ending.
    formats : str
        Comma-separated.

    Raises
    ------
    InputError
        For an unknown format, no structure, or a first structure that the format cannot hold.
    TooMany
    """
    names = list(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    for name in names:
        if name not in writable():
            raise InputError(f"unknown format {shown(name)}{nearest(name, writable())}; known: {', '.join(writable())}")
    if not 1 <= len(names) <= MOST_FORMATS:
        raise InputError(f"no format is asked for, or more than {MOST_FORMATS}; known: {', '.join(writable())}")
    if not ids:
        raise InputError("no structure is selected")
    known = [find_format(name) for name in names]
    _refuse_many(len(ids), known)
    title = made_safe(title, "structures")
    kind = known[0].kind
    if len(known) == 1 and isinstance(kind, PoolFormat):
        return Download(
            f"{title}{kind.ending}", kind.media_type, _begun(_pool_texts(known[0], _loaded(catalogue, run, ids)))
        )
    if len(known) == 1 and len(ids) == 1 and isinstance(kind, StructureFormat) and len(kind.write) == 1:
        [structure] = _loaded(catalogue, run, ids)
        [(ending, text)] = _texts(known[0], structure)
        return Download(f"{made_safe(ids[0], 'structure')}{ending}", "text/plain", iter([text.encode()]))
    return Download(f"{title}.zip", "application/zip", _begun(_zipped(catalogue, run, ids, known, title)))


def _refuse_many(number: int, known: Sequence[KnownFormat]) -> None:
    most = MOST_STRUCTURES
    for one in known:
        if isinstance(one.kind, PoolFormat) and not one.kind.streams:
            most = MOST_AT_ONCE
    if number > most:
        raise TooMany(f"{number} structures are too many, at most {most} so: genarris-fw export writes whole pools")


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first chunk now, so that what is wrong from the beginning is an answer of its own."""
    first = next(chunks, b"")
    return chain([first], chunks)


def _loaded(catalogue: Catalogue, run: str, ids: Sequence[str]) -> Iterator[Structure]:
    for first in range(0, len(ids), BATCH):
        yield from map(structure_of, catalogue.structures.load(run, ids[first : first + BATCH]))


def _pool_texts(known: KnownFormat, structures: Iterator[Structure]) -> Iterator[bytes]:
    """Yield the text of a format that holds a pool, part by part where parts make a whole."""
    kind = known.kind
    assert isinstance(kind, PoolFormat)
    chunks = kind.chunks(structures)
    while some := list(islice(chunks, BATCH)):
        yield b"".join(some)


def _texts(known: KnownFormat, structure: Structure) -> Iterator[tuple[str, str]]:
    """Yield the files of a structure: ending and text."""
    kind = known.kind
    assert isinstance(kind, StructureFormat)
    if structure.lattice is None and not kind.molecules:
        raise InputError(f"{structure.struct_id}: a molecule has no cell, and {known.name} holds crystals only")
    for ending, text_of in kind.write.items():
        yield ending, text_of(structure)


class _Pipe(io.RawIOBase):
    """What a zip is written to and sent from."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        self._parts.append(bytes(part))  # type: ignore[call-overload]
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        found, self._parts = b"".join(self._parts), []
        return found


def _zipped(
    catalogue: Catalogue, run: str, ids: Sequence[str], known: Sequence[KnownFormat], title: str
) -> Iterator[bytes]:
    """Yield a zip: files of single structures in a folder, those of the whole beside it; what was left out is told."""
    pipe = _Pipe()
    left_out: list[str] = []
    taken: Counter[str] = Counter()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        each = [one for one in known if isinstance(one.kind, StructureFormat)]
        for structure in _loaded(catalogue, run, ids) if each else ():
            name = made_safe(structure.struct_id, "structure")
            taken[name] += 1
            name += f"_{taken[name]}" if taken[name] > 1 else ""  # two names may be made one
            for one in each:
                try:
                    files = list(_texts(one, structure))
                except InputError as error:
                    left_out.append(f"{one.name}: {error}")
                    continue
                for ending, text in files:
                    archive.writestr(f"{title}/{name}{ending}", text)
            if len(pipe._parts) > BATCH:
                yield pipe.taken()
        for one in known:
            if isinstance(one.kind, PoolFormat):
                with archive.open(f"{title}{one.kind.ending}", "w", force_zip64=True) as file:
                    for part in _pool_texts(one, _loaded(catalogue, run, ids)):
                        file.write(part)
                        yield pipe.taken()
        if left_out:
            archive.writestr(LEFT_OUT, "\n".join(left_out) + "\n")
    yield pipe.taken()
