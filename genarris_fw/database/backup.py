"""A database in one file: an archive of BSON, made without MongoDB's own tools and read by `restore`.

The archive is a ``tar.gz`` of ``manifest.json`` and one ``<collection>.bson`` for each collection, documents
one after the other as ``mongodump`` writes them. The manifest holds the number of documents, the SHA-256 of each
file, options and indexes. It is of one moment: a member of a replica set is read as it was then, whatever is written
meanwhile, and a server by itself only while no rocket works.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from bson import json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from genarris_fw.database.launchpads import client_options, database_name, explained
from genarris_fw.database.leftovers import temporary_folder, temporary_path
from genarris_fw.database.mongod import HISTORY
from genarris_fw.database.redaction import redact
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.files import whole_file
from genarris_fw.telling import Told, untold
from genarris_fw.version import __version__

FORMAT = "genarris_fw backup 1"
MANIFEST = "manifest.json"
# Archives of older versions lack it: a server by itself was read while rockets worked.
ONE_MOMENT = "of_one_moment"
COUNTER = "fw_id_assigner"
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_MOMENT_IS_LOST = (239, 246)  # the server has not kept it, or an index was made meanwhile
_ATTEMPTS = 5
_LONGEST_SECONDS = 3600
_TOLD_EVERY = 1000  # documents
_MEGABYTE = 10**6


def backup(uri: str, file: Path, scratch: Path | None = None, told: Told = untold) -> dict[str, int]:
    """Write the database at `uri` to `file`.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    file : Path
        The archive; it appears when it is complete, and on the disk.
    scratch : Path, optional
        Where the uncompressed documents lie meanwhile (default: next to the file).
    told : callable, optional
        Told how far it is.

    Returns
    -------
    dict
        Collection -> number of documents.

    Raises
    ------
    DatabaseError
        When the database fails, or is no member of a replica set and rockets work on it.
    InputError
        When the file cannot be written.
    """
    file = Path(file).absolute()
    try:
        with explained(uri), MongoClient(uri, **client_options(uri)) as client:
            database = client[database_name(uri)]
            with temporary_folder(scratch or file.parent) as place:
                collections = _dump_all(database, place, redact(uri), told)
                manifest = {
                    "format": FORMAT,
                    "genarris_fw": __version__,
                    "database": database.name,
                    "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    ONE_MOMENT: True,
                    "collections": collections,
                }
                (place / MANIFEST).write_text(json_util.dumps(manifest, indent=1), encoding="utf-8")
                with (
                    whole_file(file, mode=0o600, durable=True, meanwhile=temporary_path(file.parent)) as partial,
                    tarfile.open(partial, "w:gz", compresslevel=6) as archive,
                ):
                    names = (MANIFEST, *(about["file"] for about in collections))
                    megabytes = sum((place / name).stat().st_size for name in names) // _MEGABYTE
                    written = 0
                    for name in names:
                        with (place / name).open("rb") as source:
                            about = archive.gettarinfo(arcname=name, fileobj=source)
                            archive.addfile(about, _Watched(source, written, megabytes, told))
                            written += about.size
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror or error})") from error
    return {about["name"]: about["count"] for about in collections}


class _Watched(io.RawIOBase):
    """A file that tells how much of it was read, of several one after the other."""

    def __init__(self, source: IO[bytes], before: int, megabytes: int, told: Told) -> None:
        super().__init__()
        self._source, self._read, self._megabytes, self._told = source, before, megabytes, told

    def read(self, size: int = -1) -> bytes:
        """Read, and tell."""
        block = self._source.read(size)
        self._read += len(block)
        self._told("compressing, MB", self._read // _MEGABYTE, self._megabytes)
        return block


def _dump_all(database: Database[dict[str, Any]], place: Path, where: str, told: Told) -> list[dict[str, Any]]:
    """Write all collections into the folder and return their entries of the manifest."""
    if "setName" not in database.client.admin.command("hello"):
        return _dump_in_peace(database, place, where, told)
    for attempt in range(_ATTEMPTS):
        # The collections are listed before the moment, which the first read decides, so that all were there.
        listed = collections_of(database)
        try:
            with _history_kept(database.client), database.client.start_session(snapshot=True) as session:
                return [_dump(database, about, place, session, told) for about in listed]
        except OperationFailure as error:
            if error.code not in _MOMENT_IS_LOST or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


@contextmanager
def _history_kept(client: MongoClient[dict[str, Any]]) -> Iterator[None]:
    """Have a server that remembers nothing, as ours do, remember for a while what was before.

    Who is killed here leaves one that is a little slower until it is started again.
    """
    remembered = 1
    with suppress(OperationFailure):  # of somebody else's server, which remembers some minutes
        remembered = client.admin.command({"getParameter": 1, HISTORY: 1})[HISTORY]
    if remembered:
        yield
        return
    client.admin.command({"setParameter": 1, HISTORY: _LONGEST_SECONDS})
    try:
        yield
    finally:
        client.admin.command({"setParameter": 1, HISTORY: 0})


def _dump_in_peace(database: Database[dict[str, Any]], place: Path, where: str, told: Told) -> list[dict[str, Any]]:
    """Write all collections of a server by itself, unless a rocket works on them, at the beginning or meanwhile."""
    before = _traces_of_rockets(database)
    listed = [] if at_work(database) else collections_of(database)
    dumped = [_dump(database, about, place, None, told) for about in listed]
    if at_work(database) or _traces_of_rockets(database) != before:
        raise DatabaseError(
            f"{where}: rockets work on this database, which is no member of a replica set and cannot be read as of one "
            "moment: stop them, or make the server a replica set of one (docs/clusters.md)"
        )
    return dumped


def at_work(database: Database[dict[str, Any]]) -> bool:
    """Tell whether a rocket works on the database: holds the lease of a firework."""
    held = {"state": "open", "owner": {"$exists": True}, "$expr": {"$gt": ["$expires", "$$NOW"]}}
    return database["leases"].find_one(held, {"_id": 1}) is not None


def _traces_of_rockets(database: Database[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what has changed after a rocket was at work: FireWorks' counters and the tokens of leases."""
    tokens = database["leases"].find({}, {"token": 1, "state": 1}, sort=[("_id", 1)])
    return [*database[COUNTER].find(), *tokens]


def collections_of(database: Database[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return name and options of each stored collection, sorted by name."""
    found = database.list_collections(filter={"type": "collection"})
    return sorted(
        ({"name": about["name"], "options": about.get("options", {})} for about in found
         if not about["name"].startswith("system.")),
        key=lambda about: str(about["name"]),
    )  # fmt: skip


def _dump(
    database: Database[dict[str, Any]], about: dict[str, Any], place: Path, session: ClientSession | None, told: Told
) -> dict[str, Any]:
    """Write one collection's documents into a file of the folder and return its entry of the manifest."""
    collection: Collection[Any] = database.get_collection(about["name"], codec_options=RAW)
    name = quote(about["name"], safe="") + ".bson"
    digest, count, of = hashlib.sha256(), 0, collection.estimated_document_count()
    with (place / name).open("wb") as output:
        # what is capped has no past
        for document in collection.find(session=None if about["options"].get("capped") else session):
            output.write(document.raw)
            digest.update(document.raw)
            count += 1
            if not count % _TOLD_EVERY:
                told(f"reading {about['name']}", count, of)
    indexes = [
        {key: value for key, value in index.items() if key not in ("v", "ns")}
        for index in database[about["name"]].list_indexes()
        if index["name"] != "_id_"
    ]
    return {**about, "file": name, "count": count, "sha256": digest.hexdigest(), "indexes": indexes}
