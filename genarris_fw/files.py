"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file by way of a temporary one beside it, so that a reader never sees half of it.

    Parameters
    ----------
    path : Path
        Where; missing folders are made.
    text : str
        The whole content.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
