"""Files of a run (matrices, tables): in the run's folder, or in GridFS for nodes that do not see it."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from genarris_fw.catalogue.documents import ArtifactDocument, ArtifactRecord
from genarris_fw.files import whole_file

CHUNK = 1 << 20


class Artifacts:
    """Files by run and name, with their checksum."""

    def __init__(self, database: Database[Any]) -> None:
        self.collection: Collection[ArtifactDocument] = database["artifacts"]
        self.bucket = GridFSBucket(database, bucket_name="artifact_files")

    def record(self, run: str, name: str, path: Path, **about: Any) -> None:
        """Record a file that lies in the run's folder.

        Parameters
        ----------
        run, name : str
            The run, and the name by which the file is asked for.
        path : Path
            Where it lies; read once for its checksum.
        **about
            Anything to keep beside it (``ids``, ``shape``, ...).
        """
        self.publish(run, name, cast(ArtifactRecord, in_folder(path, path) | about))

    def upload(self, run: str, name: str, path: Path, **about: Any) -> None:
        """Store a file's content in GridFS, for nodes that do not share the folder."""
        self.publish(run, name, cast(ArtifactRecord, self.in_gridfs(run, name, path, path) | about))

    def in_gridfs(self, run: str, name: str, written: Path, path: Path) -> ArtifactRecord:
        """Store a file's content in GridFS; return its record, which makes it known by `publish`.

        Parameters
        ----------
        run, name : str
            As in `record`.
        written : Path
            Where the file is now.
        path : Path
            Where it would lie.
        """
        content, digest = self._upload(run, f"{run}/{name}", written), checksum(written)
        host = socket.gethostname()
        return {"path": str(path), "storage": "gridfs", "content": content, "sha256": digest, "host": host}

    def _upload(self, run: str, name: str, written: Path) -> ObjectId:
        with written.open("rb") as file:
            return self.bucket.upload_from_stream(name, file, metadata={"run": run})

    def publish(self, run: str, name: str, record: ArtifactRecord, fence: tuple[str, int] | None = None) -> None:
        """Make a record known, in place of an earlier one; again it has no further effect.

        Parameters
        ----------
        run, name : str
            As in `record`.
        record : ArtifactRecord
            Of `in_folder` or `Artifacts.in_gridfs`, with anything to keep beside it.
        fence : (str, int), optional
            What guards the write, and the token: what a newer token has made known stays.
        """
        key: dict[str, Any] = {"run": run, "name": name}
        guard: dict[str, Any] = {}
        fields = key | record
        if fence is not None:
            field = f"fence.{fence[0]}"
            guard = {"$or": [{field: {"$exists": False}}, {field: {"$lte": fence[1]}}]}
            fields |= {"fence": {fence[0]: fence[1]}}
        try:
            previous = self.collection.find_one_and_replace(key | guard, cast(ArtifactDocument, fields), upsert=True)
        except DuplicateKeyError:
            return
        if previous and previous["storage"] == "gridfs" and previous["content"] != record.get("content"):
            self.bucket.delete(previous["content"])

    def find(self, run: str, name: str) -> ArtifactDocument | None:
        """Return the record of a file, or None."""
        return self.collection.find_one({"run": run, "name": name})

    def fetch(self, run: str, name: str, folder: Path) -> Path | None:
        """Return a path where the file can be read on this node; None when it is nowhere or was changed."""
        record = self.find(run, name)
        if record is None:
            return None
        path = Path(record["path"])
        if record["storage"] == "gridfs":
            path = folder / Path(record["path"]).name
            self._download(record["content"], path)
        return path if path.is_file() and checksum(path) == record["sha256"] else None

    def _download(self, content: ObjectId, path: Path) -> None:
        """Write what is in GridFS into a file; none appears where it is gone."""
        with suppress(NoFile), whole_file(path) as partial, partial.open("wb") as file:
            self.bucket.download_to_stream(content, file)

    # Contents without a record: some document other than ours names them by their id.

    def put_content(self, run: str, name: str, written: Path) -> str:
        """Store a file's content in GridFS under a name that only `remove_contents` looks at; return its id."""
        return str(self._upload(run, name, written))

    def get_content(self, content: str, path: Path) -> None:
        """Write the content of an id into a file; no file appears where it is gone."""
        self._download(ObjectId(content), path)

    def remove_content(self, content: str) -> None:
        """Remove the content of an id; again it has no further effect."""
        with suppress(NoFile):
            self.bucket.delete(ObjectId(content))

    def remove_contents(self, run: str, beginning: str) -> None:
        """Remove a run's contents whose names begin so."""
        query = {"filename": {"$regex": f"^{re.escape(beginning)}"}, "metadata.run": run}
        for file in self.bucket.find(query):
            self.bucket.delete(file._id)

    def names(self, run: str, beginning: str) -> list[str]:
        """Return the names of a run's files that begin so."""
        query = {"run": run, "name": {"$regex": f"^{re.escape(beginning)}"}}
        return [record["name"] for record in self.collection.find(query, {"name": 1})]

    def relocate(self, run: str, moved: Callable[[str], str]) -> None:
        """Note that a run's files in folders lie elsewhere now; `moved` returns where, given where they were."""
        changes = [
            UpdateOne({"_id": file["_id"], "path": file["path"]}, {"$set": {"path": path}})
            for file in self.collection.find({"run": run, "storage": "folder"}, {"path": 1})
            if (path := moved(file["path"])) != file["path"]
        ]
        if changes:
            self.collection.bulk_write(changes)

    def remove(self, run: str, name: str) -> None:
        """Remove a file's record, and its content where it is in GridFS."""
        record = self.collection.find_one_and_delete({"run": run, "name": name})
        if record and record["storage"] == "gridfs":
            self.bucket.delete(record["content"])

    def delete(self, run: str) -> int:
        """Remove a run's records and its files in GridFS (not those in the folder)."""
        for file in self.bucket.find({"metadata.run": run}):
            self.bucket.delete(file._id)
        return self.collection.delete_many({"run": run}).deleted_count


def in_folder(written: Path, path: Path) -> ArtifactRecord:
    """Return the record of a file that lies, or will lie, in the run's folder; `written` is where it is now."""
    return {"path": str(path), "storage": "folder", "sha256": checksum(written), "host": socket.gethostname()}


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
