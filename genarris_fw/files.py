"""Files that are either whole or not there, and files that somebody else wrote."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genarris_fw.errors import InputError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@contextmanager
def whole_file(path: Path, mode: int = 0o666, durable: bool = False, meanwhile: Path | None = None) -> Iterator[Path]:
    """Have an empty file beside `path` to be written; it takes the place of `path` when the block ends without error.

    Parameters
    ----------
    path : Path
        Where; its folder is there.
    mode : int, optional
        Permissions, of which the umask takes its part.
    durable : bool, optional
        The content is on the disk before it takes its place: a machine that loses its power leaves the old file or
        the new one.
    meanwhile : Path, optional
        What the file is called until then; else a name of its own that ends in ``.part``.

    Yields
    ------
    Path
        The file to write.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    partial = meanwhile or path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(partial, _NEW_FILE, mode))
    except OSError as error:  # of the file that was asked for, not of the one beside it
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        yield partial
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader never sees half of it.

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
    content = text.encode("utf-8")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(partial, _NEW_FILE, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, _NEW_FILE, 0o666)
    # As `whole_file` does, with fewer calls: a pool is many files.
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_ordinary(path: Path, largest: int) -> bytes:
    """Read a file that a user named, which may be anything.

    Parameters
    ----------
    path : Path
        The file.
    largest : int
        How many bytes it may have.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    InputError
        One line with the path: for what is missing, a folder, a device, a pipe (which is not waited for), too large
        or not to be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            os.close(descriptor)
            what = "a folder; give a file" if stat.S_ISDIR(about.st_mode) else "no ordinary file"
            raise InputError(f"{path}: is {what}")
        with os.fdopen(descriptor, "rb") as file:  # one that says nothing of its size, as in /proc, is read so far
            content = b"" if about.st_size > largest else file.read(largest + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a NUL or a lone surrogate in its name
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!a}: cannot be read (no name of a file)") from None
    size = max(about.st_size, len(content))
    if size > largest:
        raise InputError(f"{path}: {size} bytes are more than such a file may have ({largest})")
    return content


def beginning(path: Path, number: int) -> bytes:
    """Return the first bytes of an ordinary file; none where `read_ordinary` would refuse it."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(number) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except (OSError, ValueError):
        return b""


def refuse_odd(path: Path) -> None:
    """Refuse what is there and is no ordinary file: a folder, a device, a pipe, at which a program would wait.

    Raises
    ------
    InputError
        One line with the path.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no ordinary file")
