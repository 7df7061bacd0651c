"""Pools as files: the formats that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NoReturn

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import StructureDocument
from genarris_fw.crystal import PoolFormat, Structure, StructureFormat, write
from genarris_fw.crystal.formats.properties import check_properties
from genarris_fw.crystal.formats.registry import find_format, writable
from genarris_fw.errors import InputError
from genarris_fw.names import made_safe
from genarris_fw.pools.documents import from_document
from genarris_fw.showing import nearest, shown
from genarris_fw.telling import Told, untold

# Structures are written so many at a time, and it is told how many are.
_AT_A_TIME = 20


def export_pool(
    catalogue: Catalogue,
    run: str,
    pool: str,
    folder: Path,
    formats: Sequence[str] = ("json",),
    allowed: Callable[[list[Path]], object] = lambda files: None,
    told: Told = untold,
    ids: Sequence[str] | None = None,
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
        Told how far it is.
    ids : sequence of str, optional
        Only these structures of the pool.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For an unknown run, pool (the message names those there are) or format, or a folder that cannot be
        written.
    """
    unknown = [name for name in formats if name not in writable()]
    if unknown or not formats:
        raise InputError(f"unknown format '{', '.join(unknown)}'; the formats are {', '.join(writable())}")
    kinds = {name: find_format(name).kind for name in formats}
    structures = pool_structures(catalogue, run, pool, told, ids)
    one_file = {
        name: made_safe(pool, "pool") + kind.ending for name, kind in kinds.items() if isinstance(kind, PoolFormat)
    }
    names = [structure.struct_id for structure in structures]
    files = [folder / file for file in one_file.values()]
    files += [
        folder / f"{name}{ending}"
        for kind in kinds.values()
        if isinstance(kind, StructureFormat)
        for name in names
        for ending in kind.write
    ]
    allowed(files)
    written: list[Path] = []
    try:
        for name in kinds:
            at_a_time = len(structures) if name in one_file else _AT_A_TIME
            for k in range(0, len(structures), at_a_time):
                told(f"writing {name}", k, len(structures))
                written += write(structures[k : k + at_a_time], folder / one_file.get(name, ""), name)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    return written


def pool_structures(
    catalogue: Catalogue, run: str, pool: str, told: Told = untold, ids: Sequence[str] | None = None
) -> list[Structure]:
    """Return the structures of a pool, or some of them, in the order of their ids; a relaxed one names its parent.

    Raises
    ------
    InputError
        For an unknown run or pool; the message names those there are.
    """
    catalogue.runs.get(run)
    ids = catalogue.structures.pool_ids(run, pool) if ids is None else ids
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
    steps = catalogue.runs.get(run).get("options", {}).get("steps", [])
    pools = sorted(known) if known is not None else catalogue.structures.pools(run)
    made = [step["options"].get("output_pool") for step in steps]
    for pool in [*reversed(made), *pools]:
        if pool in pools:
            return str(pool)
    raise InputError(f"run '{run}' has no pool yet; see how far it is with: genarris-fw status {run}")
