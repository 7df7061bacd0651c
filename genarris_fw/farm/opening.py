"""What every command that meets the database shares: finding the server, opening the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema, refuse_newer
from genarris_fw.database.certificates import refuse_unreadable
from genarris_fw.database.find import find_server
from genarris_fw.database.launchpads import CLIENT_OPTIONS, as_reader, database_name, explained, prepare
from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.database.redaction import redact

if TYPE_CHECKING:
    from fireworks import LaunchPad


@dataclass
class Opened:
    """An open database: the catalogue, and the LaunchPad that it lies in.

    `own_folder` is the folder whose embedded database it is, which moves with it; None for any other database.
    """

    catalogue: Catalogue
    uri: str
    keep_open: tuple[int, ...] = ()
    own_folder: Path | None = None
    opened: LaunchPad | None = field(default=None, repr=False)

    @property
    def launchpad(self) -> LaunchPad:
        """The LaunchPad; a database that was opened to read makes it when it is asked for (a second's imports)."""
        if self.opened is None:
            self.opened = open_launchpad(self.uri)
        return self.opened


@contextmanager
def open_database(folder: Path, uri: str | None = None, hint: str = "", read_only: bool = False) -> Iterator[Opened]:
    """Find the database (starting the folder's own where there is no other) and open it.

    Parameters
    ----------
    folder : Path
        The run's folder.
    uri : str, optional
        What the user gave; else the environment, my_launchpad.yaml, the folder's embedded server.
    hint : str, optional
        What to do when the database breaks while it is open, instead of the general advice.
    read_only : bool, optional
        Write nothing, neither indexes nor the version of the catalogue, and load no FireWorks.

    Raises
    ------
    DatabaseError
        When it cannot be reached, refuses the password, breaks, or a newer version of this package made it.
    """
    server = find_server(folder, uri)
    with server.use() as found:
        with explained(found):
            opened = _to_read(found) if read_only else _prepared(found)
            opened.keep_open = server.lock_descriptors
            opened.own_folder = Path(folder).absolute() if server.lies_in(folder) else None
            check_schema(opened.catalogue.database, write=False)
        with explained(found, hint):
            yield opened
        if read_only:
            opened.catalogue.database.client.close()


def _prepared(uri: str) -> Opened:
    launchpad = open_launchpad(uri)
    opened = Opened(Catalogue(launchpad.db), uri, opened=launchpad)
    refuse_newer(launchpad.db)  # before anything is written into what a newer package made
    with as_reader():  # who may not write may still export
        prepare(launchpad)
        opened.catalogue.ensure_indexes()
        check_schema(launchpad.db)
    return opened


def _to_read(uri: str) -> Opened:
    refuse_unreadable(uri, redact(uri))
    client: MongoClient[Any] = MongoClient(uri, **CLIENT_OPTIONS)
    return Opened(Catalogue(client[database_name(uri)]), uri)
