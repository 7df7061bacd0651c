"""Files of a run (matrices, tables): in the run's folder, or in GridFS for nodes that do not see it."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

from gridfs import GridFSBucket, NoFile
from pymongo.database import Database

CHUNK = 1 << 20


class Artifacts:
    """Files by run and name, with their checksum."""

    def __init__(self, database: Database) -> None:
        self.collection = database["artifacts"]
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
        with path.open("rb") as file:
            digest = _digest(file)
        self._store(run, name, {"path": str(path), "storage": "folder", "sha256": digest} | about)

    def upload(self, run: str, name: str, path: Path, **about: Any) -> None:
        """Store a file's content in GridFS, for nodes that do not share the folder."""
        with path.open("rb") as file:
            digest = _digest(file)
            file.seek(0)
            content = self.bucket.upload_from_stream(f"{run}/{name}", file, metadata={"run": run})
        self._store(run, name, {"path": str(path), "storage": "gridfs", "content": content, "sha256": digest} | about)

    def _store(self, run: str, name: str, fields: dict[str, Any]) -> None:
        key = {"run": run, "name": name}
        previous = self.collection.find_one_and_replace(key, key | fields | {"host": socket.gethostname()}, upsert=True)
        if previous and previous["storage"] == "gridfs":
            self.bucket.delete(previous["content"])

    def find(self, run: str, name: str) -> dict[str, Any] | None:
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
            partial = path.with_name(f"{path.name}.{os.getpid()}.part")
            try:
                with partial.open("wb") as file:
                    self.bucket.download_to_stream(record["content"], file)
                partial.replace(path)
            except NoFile:
                return None
            finally:
                partial.unlink(missing_ok=True)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return path if _digest(file) == record["sha256"] else None

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


def _digest(file: Any) -> str:
    checksum = hashlib.sha256()
    while chunk := file.read(CHUNK):
        checksum.update(chunk)
    return checksum.hexdigest()
