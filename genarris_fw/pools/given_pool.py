"""The structures that a run begins with: a folder or a file that its ui.conf names, all of which must be usable.

A run that leaves out what it does not understand would look like one that has seen all. ``genarris-fw import`` names
what cannot be used, and takes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import Geometry, NewStructure
from genarris_fw.catalogue.runs import refuse_unknown_run
from genarris_fw.crystal.formats.registry import structure_endings
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.pools.exporting import refuse_unknown_pool
from genarris_fw.pools.reading import read_part
from genarris_fw.pools.same_crystal import same_crystal
from genarris_fw.pools.sources import Part, Source

AT_A_TIME = 500  # documents
# What a structure takes along from its run: not its pools, nor what guards writing there.
_COPIED = ("struct_id", "n_atoms", "Z", "geometry", "properties", "energies")


def given_pool(path: Path, note: Callable[[str], object]) -> Iterator[list[NewStructure]]:
    """Yield the structures of a folder or a file, some documents at a time, each struct_id once.

    Parameters
    ----------
    path : Path
        A file of any format that is read, a database among them; or a folder, of which files with a structure of
        their own are read (json before geometry.in before cif, ...), and only where there are none all others.
    note : callable
        Told what readers noted, one line each.

    Raises
    ------
    InputError
        For a file that cannot be read, two crystals of one struct_id, and where there are no structures.
    """
    seen: dict[str, tuple[Part, Geometry]] = {}
    batch: list[NewStructure] = []
    for part in _parts(path):
        found = read_part(part, str(path), Reading(), checked=False)
        for left in found.left_out:
            raise InputError(f"{left.file}: {left.reason}; genarris-fw import takes the others")
        for line in found.notes:
            note(f"{part.file}: {line}")
        for document in found.documents:
            name = document["struct_id"]
            if name in seen:
                _refuse_other(name, part, document["geometry"], *seen[name])
                continue
            seen[name] = part, document["geometry"]
            batch.append(document)
        if len(batch) >= AT_A_TIME:
            yield batch
            batch = []
    if batch:
        yield batch


def pool_of_a_run(catalogue: Catalogue, name: str) -> Iterator[list[NewStructure]]:
    """Yield copies of the structures of a pool of another run, some documents at a time.

    Parameters
    ----------
    catalogue : Catalogue
        The database of both runs.
    name : str
        ``RUN:POOL``.

    Raises
    ------
    InputError
        For a run or a pool that is not there, with the nearest names.
    """
    run, _, pool = name.partition(":")
    if not catalogue.runs.is_there(run):
        refuse_unknown_run(run, catalogue.runs.names())
    ids = catalogue.structures.pool_ids(run, pool)
    if not ids:
        refuse_unknown_pool(catalogue, run, pool)
    batch: list[NewStructure] = []
    for document in catalogue.structures.load(run, ids, _COPIED):
        copied = {field: value for field, value in document.items() if field in _COPIED}
        batch.append(cast(NewStructure, copied | {"provenance": {"imported_from": name}}))
        if len(batch) >= AT_A_TIME:
            yield batch
            batch = []
    yield batch


def _parts(path: Path) -> list[Part]:
    parts = list(Source(path).parts())
    of_one = [part for part in parts if part.file.endswith(structure_endings())]
    return of_one if path.is_dir() and of_one else parts


def _refuse_other(name: str, part: Part, geometry: Geometry, before: Part, known: Geometry) -> None:
    if not same_crystal(geometry, known):
        raise InputError(f"{part.file} and {before.name} both hold {name}, which are two crystals; rename one")
