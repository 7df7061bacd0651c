"""Files that are prepared under names of their own, until they may be seen."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PREPARED = re.compile(r"\.prepared-([0-9a-f]{8})-(\d+)")


class Prepared:
    """Files that are to appear together: each lies beside its place in a folder ``.prepared-*`` until it is put there.

    Parameters
    ----------
    lease : str
        Whose result they are: the name of the firework's lease.
    token : int
        The token under which they are prepared.
    """

    def __init__(self, lease: str, token: int) -> None:
        self._key, self._token = _digest(lease), token
        self._name = f".prepared-{self._key}-{token}"
        self._places: set[Path] = set()

    def path(self, target: Path) -> Path:
        """Return where to write the file, or the folder of files, that is to appear at `target`."""
        if target.parent not in self._places:
            self._remove_earlier(target.parent)
            (target.parent / self._name).mkdir(parents=True)
            self._places.add(target.parent)
        return target.parent / self._name / target.name

    def _remove_earlier(self, parent: Path) -> None:
        """Remove what this or an earlier holder of the lease had prepared in vain."""
        for folder in _entries(parent):
            found = _PREPARED.fullmatch(folder.name)
            if found and found[1] == self._key and int(found[2]) <= self._token:
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def folders(self) -> list[Path]:
        """The folders in which something was prepared, in the order of their names."""
        return sorted(place / self._name for place in self._places)

    def discard(self) -> None:
        """Remove everything that was prepared."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._places.clear()


def put_in_place(folder: Path) -> None:
    """Let the files of a ``.prepared-*`` folder appear beside it; several may do so at once, and again.

    Every file is renamed: it is there once, and whole. What somebody else has put there already is left alone.
    """
    for prepared in _entries(folder):
        target = folder.parent / prepared.name
        if prepared.is_dir():
            _put_folder(prepared, target)
        else:
            with suppress(FileNotFoundError):
                prepared.replace(target)
    with suppress(OSError):
        folder.rmdir()


def _put_folder(prepared: Path, target: Path) -> None:
    with suppress(OSError):  # there is no folder yet, or an empty one
        prepared.rename(target)
        return
    target.mkdir(exist_ok=True)
    for file in _entries(prepared):
        with suppress(FileNotFoundError):
            file.replace(target / file.name)
    with suppress(OSError):
        prepared.rmdir()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def settle_prepared(parents: Iterable[Path], published: dict[str, int]) -> list[Path]:
    """See to the ``.prepared-*`` folders that rockets have left behind: whole or gone.

    Parameters
    ----------
    parents : iterable of Path
        The folders in which they may lie.
    published : dict of str to int
        The token of the published result, by the name of the lease. Of these the files are put in place; what was
        prepared under a lower token is removed; others are not ours.

    Returns
    -------
    list of Path
        The folders that were seen to.
    """
    tokens = {_digest(lease): token for lease, token in published.items()}
    seen = []
    for parent in set(parents):
        for folder in _entries(parent):
            found = _PREPARED.fullmatch(folder.name)
            if found is None or found[1] not in tokens or int(found[2]) > tokens[found[1]]:
                continue
            if int(found[2]) == tokens[found[1]]:
                put_in_place(folder)
            shutil.rmtree(folder, ignore_errors=True)
            seen.append(folder)
    return seen


def _digest(lease: str) -> str:
    return hashlib.sha256(lease.encode()).hexdigest()[:8]
