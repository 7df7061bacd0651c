"""Pools as files: the formats that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import StructureDocument
from genarris_fw.crystal import PoolFormat, Structure, StructureFormat
from genarris_fw.crystal.file_format import TableFormat
from genarris_fw.crystal.formats.files import check_names, holds_molecules, refuse_unknown, write_one, write_pool
from genarris_fw.crystal.formats.properties import check_properties
from genarris_fw.crystal.formats.registry import KnownFormat, find_format
from genarris_fw.errors import InputError
from genarris_fw.files import whole_file
from genarris_fw.names import made_safe
from genarris_fw.pools.documents import from_document
from genarris_fw.pools.sharing import shared_out
from genarris_fw.showing import nearest, shown
from genarris_fw.telling import Told, untold
from genarris_fw.threads import default_threads

_AT_A_TIME = 50  # structures of a batch
MANY = 200  # from here on several processes write


def export_pool(
    catalogue: Catalogue,
    run: str,
    pool: str,
    folder: Path,
    formats: Sequence[str] = ("json",),
    allowed: Callable[[list[Path]], object] = lambda files: None,
    told: Told = untold,
    only: Sequence[str] | None = None,
) -> list[Path]:
    """Write a pool's structures with their properties into a folder.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        Which structures.
    folder : Path
        Made when it is not there. Files per structure are called ``<struct_id>.<ending>``, files of the whole
        pool ``<pool>.<ending>``.
    formats : sequence of str, optional
        Of `genarris_fw.crystal.WRITE_FORMATS`.
    allowed : callable, optional
        Called with all files before the first is written; may raise.
    told : callable, optional
        Told how far it is; never before other processes are started.
    only : sequence of str, optional
        Ids of the structures that are meant, where it is not the whole pool.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For an unknown run, pool (the message names those there are) or format, for what a format cannot hold, or a
        folder that cannot be written.
    """
    refuse_unknown(formats)
    known = {name: find_format(name) for name in formats}
    catalogue.runs.get(run)
    ids = catalogue.structures.pool_ids(run, pool) if only is None else only
    if not ids:
        refuse_unknown_pool(catalogue, run, pool)
    files = {name: _files(one, folder, pool, ids) for name, one in known.items()}
    allowed([file for some in files.values() for file in some])
    each = [name for name, one in known.items() if isinstance(one.kind, StructureFormat)]
    try:
        if each:
            check_names(ids, str(folder))  # before there is a folder
            folder.mkdir(parents=True, exist_ok=True)
            write_structures(catalogue, run, ids, folder, each, told)
        for name in [name for name in known if name not in each]:
            _write_whole(catalogue, run, pool, ids, known[name], files[name][0], told)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    return [file for some in files.values() for file in some]


def _files(known: KnownFormat, folder: Path, pool: str, ids: Sequence[str]) -> list[Path]:
    kind = known.kind
    if isinstance(kind, PoolFormat):
        return [folder / (made_safe(pool, "pool") + kind.ending)]
    assert isinstance(kind, StructureFormat)
    return [folder / f"{name}{ending}" for name in ids for ending in kind.write]


def write_structures(
    catalogue: Catalogue,
    run: str,
    ids: Sequence[str],
    folder: Path,
    formats: Sequence[str],
    told: Told = untold,
    crystals_only: bool = False,
) -> None:
    """Write structures as files of their own: several processes write what this one reads.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, ids
        Which structures.
    folder : Path
        It is there.
    formats : sequence of str
        With a file for each structure.
    told : callable, optional
        Told how far it is; never before the processes are started.
    crystals_only : bool, optional
        Leave molecules out of formats that hold crystals only, where they are refused else.

    Raises
    ------
    InputError
        For names that cannot be files, and what a format cannot hold.
    OSError
        Where the folder or the disk refuses.
    """
    check_names(ids, str(folder))
    documents = catalogue.structures.load(run, ids)
    batches = ((some, folder, formats, crystals_only) for some in iter(lambda: list(islice(documents, _AT_A_TIME)), []))
    processes = default_threads() if len(ids) >= MANY else 1
    done = 0
    for number in shared_out(_write_batch, batches, processes):
        done += number
        told(f"writing {', '.join(formats)}", done, len(ids))  # not before the processes are there


def _write_batch(job: tuple[list[StructureDocument], Path, Sequence[str], bool]) -> int:
    documents, folder, formats, crystals_only = job
    structures = [structure_of(document) for document in documents]
    for name in formats:
        known = find_format(name)
        for structure in structures:
            if structure.lattice is not None or not crystals_only or holds_molecules(known):
                write_one(known, structure, folder)
    return len(structures)


def _write_whole(
    catalogue: Catalogue, run: str, pool: str, ids: Sequence[str], known: KnownFormat, file: Path, told: Told
) -> None:
    """Write the one file of a pool, from a stream of its structures, or its table."""
    kind = known.kind
    if isinstance(kind, TableFormat):
        from genarris_fw.pools.property_table import read_property_table

        table = read_property_table(catalogue, run, pool, told=told).of(ids)
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as partial, known.door.blaming(known.name, f"{file}: "):
            kind.save_table(table, partial)
        return

    def structures() -> Iterator[Structure]:
        for number, document in enumerate(catalogue.structures.load(run, ids), start=1):
            yield structure_of(document)
            told(f"writing {known.name}", number, len(ids))

    write_pool(known, structures(), file)


def pool_structures(catalogue: Catalogue, run: str, pool: str, told: Told = untold) -> list[Structure]:
    """Return the structures of a pool in the order of their ids; a relaxed one names its parent.

    Raises
    ------
    InputError
        For an unknown run or pool; the message names those there are.
    """
    catalogue.runs.get(run)
    ids = catalogue.structures.pool_ids(run, pool)
    if not ids:
        refuse_unknown_pool(catalogue, run, pool)
    structures = []
    for document in catalogue.structures.load(run, ids):
        structures.append(structure_of(document))
        told("reading structures", len(structures), len(ids))
    return structures


def refuse_unknown_pool(catalogue: Catalogue, run: str, pool: str) -> NoReturn:
    """Refuse a pool that a run has not got.

    Raises
    ------
    InputError
        Naming the nearest, and all that there are.
    """
    known = catalogue.structures.pools(run)
    listed = ", ".join(known) or "none yet"
    raise InputError(f"no pool '{pool}' in run '{run}'{nearest(pool, known)}; its pools: {listed}")


def structure_of(document: StructureDocument) -> Structure:
    """Return the structure of a document as it is exported: a relaxed one names its parent.

    Raises
    ------
    InputError
        For properties that no file can hold.
    """
    structure = from_document(document)
    check_properties(structure.properties, len(structure), shown(structure.struct_id))
    if document.get("parent"):
        structure.properties["parent"] = document["parent"]
    return structure


def last_pool(catalogue: Catalogue, run: str, known: Collection[str] | None = None) -> str:
    """Return the pool that the last step of a run so far has made.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.
    known : collection of str, optional
        Its pools, where they are known; all its structures are looked at for them otherwise.

    Raises
    ------
    InputError
        When the run is unknown or has no pool yet.
    """
    record = catalogue.runs.get(run)
    steps = record.get("options", {}).get("steps", [])
    pools = sorted(known) if known is not None else catalogue.structures.pools(run)
    made = [step["options"].get("output_pool") for step in steps]
    for pool in [*reversed(made), *pools]:
        if pool in pools:
            return str(pool)
    if record.get("state") == "finished":
        raise InputError(f"run '{run}' has no pool: none of its steps made structures")
    raise InputError(f"run '{run}' has no pool yet; see how far it is with: genarris-fw status {run}")
