"""What every command that meets the database shares: finding the server, opening the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.farm.databases import find_server
from genarris_fw.farm.launchpads import explained, prepare
from genarris_fw.farm.launchpads import launchpad as open_launchpad


@dataclass
class Site:
    """An open database: the LaunchPad and the catalogue in it."""

    launchpad: LaunchPad
    catalogue: Catalogue
    uri: str
    keep_open: tuple[int, ...] = ()


@contextmanager
def open_site(folder: Path, uri: str | None = None, hint: str = "") -> Iterator[Site]:
    """Find the database (starting the folder's own where there is no other) and open it.

    Parameters
    ----------
    folder : Path
        The run's folder.
    uri : str, optional
        What the user gave; else the environment, my_launchpad.yaml, the folder's embedded server.
    hint : str, optional
        What to do when the database breaks while it is open, instead of the general advice.

    Raises
    ------
    DatabaseError
        When it cannot be reached, refuses the password or breaks.
    """
    server = find_server(folder, uri)
    with server.use() as found:
        with explained(found):
            launchpad = open_launchpad(found)
            prepare(launchpad)
            catalogue = Catalogue(launchpad.db)
            catalogue.ensure_indexes()
        with explained(found, hint):
            yield Site(launchpad, catalogue, found, getattr(server, "lock_descriptors", ()))
