"""A database in one file and back: an archive of BSON, made and read without MongoDB's own tools.

The archive is a ``tar.gz`` of ``manifest.json`` and one ``<collection>.bson`` for each collection, documents
one after the other as ``mongodump`` writes them. The manifest holds the number of documents, the SHA-256 of each
file, options and indexes. A member of a replica set is read as of one moment, whatever is written meanwhile. From a
server by itself, collections are read one after the other: stop the rockets where they must agree.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from bson import decode_file_iter, json_util
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from genarris_fw import __version__
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.launchpads import client_options, database_name, explained
from genarris_fw.farm.redaction import redact

FORMAT = "genarris_fw backup 1"
_MANIFEST = "manifest.json"
_BATCH_BYTES = 8 * 1024**2
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_COUNTER = "fw_id_assigner"
_MOMENT_IS_LOST = (239, 246)  # the server has not kept it, or an index was made meanwhile
_ATTEMPTS = 5


def backup(uri: str, file: Path, scratch: Path | None = None) -> dict[str, int]:
    """Write the database at `uri` to `file`.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    file : Path
        The archive; it appears when it is complete, and on the disk.
    scratch : Path, optional
        Where the uncompressed documents lie meanwhile (default: next to the file).

    Returns
    -------
    dict
        Collection -> number of documents.

    Raises
    ------
    DatabaseError
        When the database fails.
    InputError
        When the file cannot be written.
    """
    file = Path(file).absolute()
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with explained(uri), MongoClient(uri, **client_options(uri)) as client:
            database = client[database_name(uri)]
            with tempfile.TemporaryDirectory(dir=scratch or file.parent, prefix=".backup-") as place:
                collections = _dump_all(database, Path(place))
                manifest = {
                    "format": FORMAT,
                    "genarris_fw": __version__,
                    "database": database.name,
                    "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "collections": collections,
                }
                text = Path(place) / _MANIFEST
                text.write_text(json_util.dumps(manifest, indent=1), encoding="utf-8")
                with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
                    partial.chmod(0o600)
                    for name in (_MANIFEST, *(about["file"] for about in collections)):
                        archive.add(Path(place) / name, arcname=name)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return {about["name"]: about["count"] for about in collections}


def _dump_all(database: Database[dict[str, Any]], place: Path) -> list[dict[str, Any]]:
    """Write all collections into the folder and return their entries of the manifest."""
    member = "setName" in database.client.admin.command("hello")
    for attempt in range(_ATTEMPTS):
        # The collections are listed before the moment, which the first read decides, so that all were there.
        listed = _collections(database)
        try:
            with database.client.start_session(snapshot=True) if member else nullcontext() as session:
                return [_dump(database, about, place, session) for about in listed]
        except OperationFailure as error:
            if error.code not in _MOMENT_IS_LOST or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _collections(database: Database[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return name and options of each stored collection, sorted by name."""
    found = database.list_collections(filter={"type": "collection"})
    return sorted(
        ({"name": about["name"], "options": about.get("options", {})} for about in found
         if not about["name"].startswith("system.")),
        key=lambda about: str(about["name"]),
    )  # fmt: skip


def _dump(
    database: Database[dict[str, Any]], about: dict[str, Any], place: Path, session: ClientSession | None
) -> dict[str, Any]:
    """Write one collection's documents into a file of the folder and return its entry of the manifest."""
    collection: Collection[Any] = database.get_collection(about["name"], codec_options=_RAW)
    name = quote(about["name"], safe="") + ".bson"
    digest, count = hashlib.sha256(), 0
    with (place / name).open("wb") as output:
        # what is capped has no past
        for document in collection.find(session=None if about["options"].get("capped") else session):
            output.write(document.raw)
            digest.update(document.raw)
            count += 1
    indexes = [
        {key: value for key, value in index.items() if key not in ("v", "ns")}
        for index in database[about["name"]].list_indexes()
        if index["name"] != "_id_"
    ]
    return {**about, "file": name, "count": count, "sha256": digest.hexdigest(), "indexes": indexes}


def restore(uri: str, file: Path, force: bool = False) -> dict[str, int]:
    """Fill the database at `uri` from an archive of :func:`backup`.

    The archive is checked as a whole before anything is written.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    file : Path
        The archive.
    force : bool, optional
        Replace what the database holds; without it, a database with documents is refused.

    Returns
    -------
    dict
        Collection -> number of documents.

    Raises
    ------
    InputError
        When the file is no archive, is damaged, or the database is not empty.
    DatabaseError
        When the database fails.
    """
    file = Path(file).absolute()
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".restore-") as place:
            collections = _unpack(file, Path(place))
            with explained(uri), MongoClient(uri, **client_options(uri)) as client:
                database = client[database_name(uri)]
                full = _first_filled(database)
                if full and not force:
                    raise InputError(
                        f"{redact(uri)}: the database is not empty ({full} has documents): "
                        "restore into another one, or replace it with --force"
                    )
                for about in _collections(database):
                    database.drop_collection(about["name"])
                for about in collections:
                    _load(database, about, Path(place))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error})") from error
    return {about["name"]: about["count"] for about in collections}


def _first_filled(database: Database[dict[str, Any]]) -> str | None:
    """Return a collection that holds documents, FireWorks' untouched counter aside."""
    untouched = {"next_fw_id": 1, "next_launch_id": 1}
    for about in _collections(database):
        found = database[about["name"]].find_one({}, {"_id": 0})
        if found is not None and not (about["name"] == _COUNTER and found == untouched):
            return str(about["name"])
    return None


def _unpack(file: Path, place: Path) -> list[dict[str, Any]]:
    """Unpack and check the archive; return the manifest's collections."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            manifest = json_util.loads(_member(archive, _MANIFEST).read().decode())
            if manifest.get("format") != FORMAT:
                raise InputError(f"{file}: a backup of another kind ({manifest.get('format')!r})")
            collections: list[dict[str, Any]] = manifest["collections"]
            for number, about in enumerate(collections):
                digest = hashlib.sha256()
                target = place / f"{number}.bson"
                with target.open("wb") as output, _member(archive, about["file"]) as source:
                    while block := source.read(1024**2):
                        output.write(block)
                        digest.update(block)
                if digest.hexdigest() != about["sha256"]:
                    raise InputError(f"{file}: damaged ({about['file']} is not what was written)")
                about["file"] = target.name
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: not a whole backup archive ({' '.join(str(error).split())})") from error
    return collections


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Return the open content of one file of the archive."""
    content = archive.extractfile(name)
    if content is None:
        raise ValueError(f"{name} is no file")
    return content


def _load(database: Database[dict[str, Any]], about: dict[str, Any], place: Path) -> None:
    """Create a collection, its documents and its indexes."""
    database.create_collection(about["name"], **about["options"])
    collection = database.get_collection(about["name"], codec_options=_RAW)
    for batch in _batches(place / about["file"]):
        collection.insert_many(batch)
    for index in about["indexes"]:
        options = {key: value for key, value in index.items() if key != "key"}
        collection.create_index(list(index["key"].items()), **options)
    there = collection.count_documents({})
    if there != about["count"]:
        raise DatabaseError(f"{about['name']}: {there} of {about['count']} documents restored: restore again")


def _batches(file: Path) -> Iterator[list[RawBSONDocument]]:
    """Yield the documents of a file in batches of a few megabytes."""
    batch: list[RawBSONDocument] = []
    size = 0
    with file.open("rb") as source:
        try:
            for document in decode_file_iter(source, _RAW):
                batch.append(document)
                size += len(document.raw)
                if size > _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        except BSONError as error:
            raise InputError(f"{file.name}: damaged documents ({error})") from error
    if batch:
        yield batch
