"""A database from an archive of `genarris_fw.database.backup`, checked as a whole before anything is written."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from bson import decode_file_iter, json_util
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database

from genarris_fw.database.backup import COUNTER, FORMAT, MANIFEST, ONE_MOMENT, RAW, at_work, collections_of
from genarris_fw.database.held import end_leases
from genarris_fw.database.launchpads import client_options, database_name, explained
from genarris_fw.database.leftovers import temporary_folder
from genarris_fw.database.manifest import entries_of
from genarris_fw.database.redaction import redact
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.telling import Told, untold

_BATCH_BYTES = 8 * 1024**2
_BLOCK_BYTES = 1024**2
# What reading a damaged archive ends in.
_DAMAGE = (tarfile.TarError, zlib.error, BSONError, EOFError, ValueError, LookupError, TypeError, RecursionError)


def restore(
    uri: str,
    file: Path,
    force: bool = False,
    replace: Callable[[], object] = lambda: None,
    told: Told = untold,
) -> dict[str, int]:
    """Fill the database at `uri` from an archive of :func:`genarris_fw.database.backup.backup`.

    Leases and locks in it are over afterwards: who held them worked on another database.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    file : Path
        The archive.
    force : bool, optional
        Replace what the database holds; without it, a database with documents is refused.
    replace : callable, optional
        Called before what a database holds is replaced; may raise.
    told : callable, optional
        Told how far it is.

    Returns
    -------
    dict
        Collection -> number of documents.

    Raises
    ------
    InputError
        When the file is no archive, is damaged, the database is not empty, or rockets work on it.
    DatabaseError
        When the database fails.
    """
    file = Path(file).absolute()
    try:
        with temporary_folder(file.parent) as place:
            collections = _unpack(file, place, told)
            with explained(uri), MongoClient(uri, **client_options(uri)) as client:
                database = client[database_name(uri)]
                if _refuse_filled(database, redact(uri), force):
                    replace()
                for about in collections_of(database):
                    database.drop_collection(about["name"])
                for about in collections:
                    _load(database, about, place, told)
                end_leases(database)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error})") from error
    return {about["name"]: about["count"] for about in collections}


def of_one_moment(file: Path) -> bool:
    """Tell whether an archive says that it is of one moment; older versions made others."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            return _manifest(archive, file).get(ONE_MOMENT) is True
    except (OSError, *_DAMAGE) as error:
        raise _damaged(file, error) from error


# ---- the archive


def _unpack(file: Path, place: Path, told: Told) -> list[dict[str, Any]]:
    """Unpack and check the archive, to its last byte; return the manifest's collections."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            collections = entries_of(_manifest(archive, file))
            for number, about in enumerate(collections):
                target = place / f"{number}.bson"
                told(f"unpacking {about['name']}", 0, 0)
                if _extract(archive, about["file"], target) != about["sha256"]:
                    raise InputError(f"{file}: damaged ({about['file']} is not what was written)")
                if sum(1 for _ in _documents(target)) != about["count"]:
                    raise InputError(f"{file}: damaged ({about['file']} does not hold {about['count']} documents)")
                about["file"] = target.name
            while archive.fileobj is not None and archive.fileobj.read(_BLOCK_BYTES):
                pass  # the checksum of the whole stands at its end
    except InputError:
        raise
    except (OSError, *_DAMAGE) as error:
        raise _damaged(file, error) from error
    return collections


def _damaged(file: Path, error: BaseException) -> InputError:
    if isinstance(error, OSError) and error.errno is not None:
        return InputError(f"{file}: cannot be read ({error.strerror or error})")
    return InputError(f"{file}: not a whole backup archive ({' '.join(str(error).split())[:200]}): take another one")


def _manifest(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    with _member(archive, MANIFEST) as source:
        manifest = json_util.loads(source.read().decode())
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        said = manifest.get("format") if isinstance(manifest, dict) else manifest
        raise InputError(f"{file}: a backup of another kind ({str(said)[:100]!r})")
    return manifest


def _extract(archive: tarfile.TarFile, name: str, target: Path) -> str:
    """Write one file of the archive to the disk and return its SHA-256."""
    digest = hashlib.sha256()
    with target.open("wb") as output, _member(archive, name) as source:
        while block := source.read(_BLOCK_BYTES):
            output.write(block)
            digest.update(block)
    return digest.hexdigest()


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Return the open content of one file of the archive."""
    content = archive.extractfile(name)
    if content is None:
        raise ValueError(f"{name} is no file")
    return content


# ---- the database


def _refuse_filled(database: Database[dict[str, Any]], where: str, force: bool) -> bool:
    """Refuse a database with documents, unless by force, and one that rockets work on; tell whether it has some."""
    full = _first_filled(database)
    if full and not force:
        raise InputError(
            f"{where}: the database is not empty ({full} has documents): "
            "restore into another one, or replace it with --force"
        )
    if at_work(database):
        raise InputError(f"{where}: rockets work on this database: stop them, or restore into another one")
    return full is not None


def _first_filled(database: Database[dict[str, Any]]) -> str | None:
    """Return a collection that holds documents, FireWorks' untouched counter aside."""
    untouched = {"next_fw_id": 1, "next_launch_id": 1}
    for about in collections_of(database):
        found = database[about["name"]].find_one({}, {"_id": 0})
        if found is not None and not (about["name"] == COUNTER and found == untouched):
            return str(about["name"])
    return None


def _load(database: Database[dict[str, Any]], about: dict[str, Any], place: Path, told: Told) -> None:
    """Create a collection, its documents and its indexes."""
    database.create_collection(about["name"], **about["options"])
    collection = database.get_collection(about["name"], codec_options=RAW)
    done = 0
    for batch in _batches(place / about["file"]):
        told(f"restoring {about['name']}", done, about["count"])
        collection.insert_many(batch)
        done += len(batch)
    for index in about["indexes"]:
        options = {key: value for key, value in index.items() if key != "key"}
        collection.create_index(list(index["key"].items()), **options)
    there = collection.count_documents({})
    if there != about["count"]:
        raise DatabaseError(f"{about['name']}: {there} of {about['count']} documents restored: restore again")


def _documents(file: Path) -> Iterator[RawBSONDocument]:
    """Yield the documents of a file."""
    with file.open("rb") as source:
        yield from decode_file_iter(source, RAW)


def _batches(file: Path) -> Iterator[list[RawBSONDocument]]:
    """Yield the documents of a file in batches of a few megabytes."""
    batch: list[RawBSONDocument] = []
    size = 0
    for document in _documents(file):
        batch.append(document)
        size += len(document.raw)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
