"""ASE's database in one SQLite file (``.db``), as PyXtal and HTOCSP write it, too; it is only looked at.

ASE itself makes its tables in whatever database it opens, so a file is opened read-only, and its tables and the version
of their layout are looked at first. Rows are read a few at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from genarris_fw.crystal.file_format import ReadFormat, Span
from genarris_fw.crystal.formats.ase_json import from_row
from genarris_fw.crystal.reading import Reading
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.names import LONGEST, is_name, made_safe

MAGIC = b"SQLite format 3\0"
OLDEST = 5  # the first layout that ASE itself reads
# What names a row, the best first: our own exports, PyXtal's databases of the CSD.
_NAMES = ("struct_id", "csd_code")
_TABLES = {"systems", "information"}
_ALL = 2**62
_SECONDS = 20.0  # to wait for who writes


def row_spans(file: Path, number: int) -> list[Span]:
    """Return the first and the last id of groups of rows.

    Parameters
    ----------
    file : Path
        The database.
    number : int
        How many rows a group has at most.

    Raises
    ------
    InputError
        One line with the path: no SQLite file, no database of ASE, one of a newer ASE, no rows.
    """
    with _opened(file) as connection:
        _check(connection, file)
        ids = [int(row[0]) for row in connection.execute("SELECT id FROM systems ORDER BY id")]
    if not ids:
        raise InputError(f"{file}: a database of ASE without rows")
    groups = [ids[k : k + number] for k in range(0, len(ids), number)]
    return [(group[0], group[-1]) for group in groups]


def read_rows(file: Path, reading: Reading, span: Span | None = None) -> list[Structure]:
    """Read rows of a database.

    Parameters
    ----------
    file : Path
        The database.
    reading : Reading
        Where is noted what was left out.
    span : (int, int), optional
        The first and the last id; all rows by default.

    Returns
    -------
    list of Structure
        Named by ``struct_id`` or ``csd_code``, else after the file and the id of the row. Its keys and values, and the
        energy (eV per cell), are properties.

    Raises
    ------
    InputError
        One line with the path, and with the row where there is one.
    """
    first, last = span or row_spans(file, _ALL)[0]
    stem = made_safe(file.stem, "structure", LONGEST - 10)
    with _reading(file):
        return [_structure(row, file, stem, reading) for row in _rows(file, first, last)]


def _rows(file: Path, first: int, last: int) -> Iterator[Any]:
    from ase.db.sqlite import SQLite3Database  # here, since it is slow to import

    class ReadOnly(SQLite3Database):
        def _connect(self) -> sqlite3.Connection:
            return _connection(file)

    database: Any = ReadOnly(str(file), create_indices=False, use_lock_file=False)
    yield from database.select([("id", ">=", first), ("id", "<=", last)], sort="id")


def _structure(row: Any, file: Path, stem: str, reading: Reading) -> Structure:
    if row.get("momenta") is not None and row.momenta.any():
        reading.note("velocities left out")
    table = {
        "numbers": row.numbers.tolist(),
        "positions": row.positions.tolist(),
        "cell": row.cell.tolist(),
        "pbc": row.pbc.tolist(),
        "key_value_pairs": dict(row.key_value_pairs),
    }
    for name in ("energy", "free_energy"):
        if row.get(name) is not None:
            table[name] = float(row.get(name))
    structure = from_row(table, f"{file}, row {row.id}", reading)
    ours = row.data.get("properties")
    if isinstance(ours, dict) and isinstance(row.data.get("struct_id"), str):  # all of them, as our export writes them
        structure.properties = {"struct_id": row.data["struct_id"], **ours}
    names = (str(structure.properties.get(key, "")) for key in _NAMES)
    structure.struct_id = next(filter(is_name, names), f"{stem}_{row.id}")
    structure.properties.pop("struct_id", None)
    return structure


# ---- the file


def _connection(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=_SECONDS)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with _reading(file), closing(_connection(file)) as connection:
        yield connection


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Say whatever SQLite and ASE raise in one line."""
    try:
        yield
    except InputError:
        raise
    except sqlite3.DatabaseError as error:
        raise InputError(f"{file}: no database that can be read ({error}); expected one of ASE, in SQLite") from None
    except Exception as error:  # ASE raises errors of every class for rows that it cannot decode
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{file}: a row cannot be read as ASE's ({reason})") from None


def _check(connection: sqlite3.Connection, file: Path) -> None:
    """Refuse what is no database of ASE, and one whose layout ASE does not know."""
    from ase.db.sqlite import VERSION

    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables >= _TABLES:
        there = f"it has the tables {', '.join(sorted(tables))[:100]}" if tables else "it has no tables"
        raise InputError(f"{file}: an SQLite database, but not one of ASE ({there}); expected what ase.db writes")
    found = connection.execute("SELECT value FROM information WHERE name = 'version'").fetchone()
    version = int(found[0]) if found and str(found[0]).isdigit() else 0
    if version > VERSION:
        raise InputError(
            f"{file}: written by a newer ASE (version {version} of its database, the installed one knows {VERSION}): "
            "pip install --upgrade ase"
        )
    if version < OLDEST:
        raise InputError(f"{file}: a database of an old ASE (version {version}); python -m ase.db.convert {file.name}")


ASE_DATABASE = ReadFormat(read_file=read_rows, spans=row_spans, magic=MAGIC, endings=(".db",), order=40)
