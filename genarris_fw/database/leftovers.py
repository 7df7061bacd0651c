"""Folders and files for a while that carry their owner's name, so that what a killed process left can be removed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genarris_fw.owner import is_dead, owner_name

_NAME = re.compile(r"\.genarris_fw-(.+:\d+:\d+:0:[0-9a-f]{8})")


def temporary_path(folder: Path) -> Path:
    """Return a new name in a folder for something that this process is going to remove or rename.

    What others left there when they were killed is removed first.
    """
    remove_leftovers(folder)
    return folder / f".genarris_fw-{owner_name(0)}"


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Have a new folder of mode 0700 in a folder."""
    place = temporary_path(folder)
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what processes of this user left in a folder, where they are certainly gone: they ran on this machine."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            named = _NAME.fullmatch(path.name)
            if named and is_dead(named[1]) and path.lstat().st_uid == os.getuid():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
