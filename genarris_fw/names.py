"""What a name may be: of a run, a pool, a structure.

Names become names of files, parts of ids and queries, words of a shell and of a table. What is a name is said here
and nowhere else; names that come from outside are looked at where they come in.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

SCHEME = "smiles:"  # what stands in the place of a path, before the SMILES of a molecule
LONGEST = 100  # bytes in UTF-8; names of files add an ending, ids of documents the run's name
WORDS = f"letters, digits and any of _ . + = @ , -, starting with a letter, digit or _ (at most {LONGEST} bytes)"
_NAME = re.compile(r"\w[\w.+=@,-]*")
_ODD = re.compile(r"[^\w.+=@,-]")


def is_name(text: object) -> bool:
    """Tell whether a text is a name that nothing between here and a file system, a shell or a terminal changes."""
    return (
        isinstance(text, str)
        and _NAME.fullmatch(text) is not None
        and len(text.encode()) <= LONGEST
        and unicodedata.normalize("NFKC", text) == text  # of letters that look the same one is taken
    )


def checked_name(text: object, what: str) -> str:
    """Return a name that comes from outside.

    Parameters
    ----------
    text : object
        The name.
    what : str
        What an error calls it: ``the run``, or a file and what it names.

    Raises
    ------
    InputError
        When it cannot be one.
    """
    if not is_name(text):
        raise InputError(f"{what} cannot be called {shown(text)}: a name is {WORDS}")
    return str(text)


def checked_pool(text: object, what: str = "a pool") -> str:
    """Return the name of a pool that comes from outside: a name, or several with a ``/`` between them.

    Raises
    ------
    InputError
        When it cannot be one.
    """
    if not all(is_name(part) for part in str(text).split("/")) or len(str(text).encode()) > LONGEST:
        raise InputError(f"{what} cannot be called {shown(text)}: a name is {WORDS}")
    return str(text)


def made_safe(text: str, otherwise: str, longest: int = LONGEST) -> str:
    """Return the name nearest to a text: other characters become ``_``, what is too long is cut off.

    Parameters
    ----------
    text : str
        Such as a file's or a folder's name.
    otherwise : str
        The name when nothing is left.
    longest : int, optional
        How many bytes it may have.
    """
    name = _ODD.sub("_", unicodedata.normalize("NFKC", text))
    name = re.sub(r"^\W+", "", name).encode()[:longest].decode(errors="ignore")
    return name or otherwise


def folder_of(pool: str, within: str, option: str) -> PurePosixPath:
    """Return the folder that a pool has by default; it lies in the folder `within`, whatever the pool is called.

    Parameters
    ----------
    pool : str
        Its name; pools of a run's own may have spaces, and those that it imported lie anywhere.
    within : str
        The folder.
    option : str
        With which option another place is named.

    Raises
    ------
    InputError
        For a pool whose name leads out of it or cannot be that of a folder.
    """
    parts = pool.split("/")
    if not all(part.isprintable() and part.strip(" .") and len(part.encode()) <= 255 for part in parts):
        raise InputError(f"pool {shown(pool)} has no folder of its own in {within}/: name one with {option}")
    return PurePosixPath(within, *parts)


def is_smiles(path: object) -> bool:
    """Tell whether what should be a path is ``smiles:`` and the SMILES of a molecule."""
    return str(path).lstrip().lower().startswith(SCHEME)
