"""What a document can hold: MongoDB's limit of 16 MB, and the types that BSON knows."""

from __future__ import annotations

from bson.errors import InvalidDocument
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

# BSONObjectTooLarge, and the server's words for a document that an update would make too large.
TOO_LARGE = frozenset({10334, 17419, 17420})


def refused_by_size(error: BaseException) -> bool:
    """Tell whether a write was refused for what is in its documents, so that the same write can never succeed."""
    if isinstance(error, BulkWriteError):
        return any(entry.get("code") in TOO_LARGE for entry in error.details.get("writeErrors", []))
    if isinstance(error, OperationFailure):
        return error.code in TOO_LARGE
    return isinstance(error, DocumentTooLarge | InvalidDocument | OverflowError)


def what_is_refused(error: BaseException) -> str:
    """Return one short line about a refused write: pymongo's own text may hold the documents themselves."""
    told = str(error)
    if isinstance(error, BulkWriteError):
        told = next((str(entry["errmsg"]) for entry in error.details["writeErrors"] if entry["code"] in TOO_LARGE), "")
    return (" ".join(told[:2000].split()) or "a document is too large")[:300]
