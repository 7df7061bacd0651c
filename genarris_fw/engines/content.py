"""Files of programs and models by their content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

LETTERS = 16
_AT_ONCE = 1 << 20


def content_digest(path: str | Path) -> str:
    """Return the first letters of the SHA-256 of a file; an unchanged one is read once in a process.

    Raises
    ------
    OSError
        Where it cannot be read.
    """
    about = Path(path).stat()
    return _digest(str(path), about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=32)
def _digest(path: str, changed: int, size: int) -> str:
    found = hashlib.sha256()
    with Path(path).open("rb") as file:
        while part := file.read(_AT_ONCE):
            found.update(part)
    return found.hexdigest()[:LETTERS]
