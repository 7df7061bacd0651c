"""A run from Python: its state, its pools, its structures."""

from __future__ import annotations

import os
import weakref
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from genarris_fw.crystal import Structure
from genarris_fw.database.find import find_server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.pools.exporting import last_pool, pool_structures
from genarris_fw.views.costs import costs
from genarris_fw.views.status import pool_sizes, status


class Run:
    """A run of an open database, to be looked at.

    Made by `genarris_fw.open`. The database is held open until `close`, the end of a ``with``, or the end of the
    object.

    Attributes
    ----------
    name : str
        The run's name.
    """

    def __init__(self, opened: Opened, name: str, held: ExitStack) -> None:
        self.name = name
        self._site = opened
        self._close = weakref.finalize(self, held.close)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the database."""
        self.close()

    def __repr__(self) -> str:
        """Name the run."""
        return f"Run({self.name!r})"

    def close(self) -> None:
        """Let go of the database; an embedded server that nobody else uses ends."""
        self._close()

    @property
    def state(self) -> str:
        """What ``genarris-fw status`` calls it: ``running``, ``finished``, ``failed``, ..."""
        return str(self.status()["state"])

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self._site.catalogue.runs.get(self.name)["folder"])

    @property
    def pools(self) -> dict[str, int]:
        """Pool -> number of structures."""
        return dict(pool_sizes(self._site.catalogue, self.name))

    @property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """Step -> what it came to."""
        return dict(self._site.catalogue.runs.get(self.name)["summaries"])

    def status(self) -> dict[str, Any]:
        """Return what ``genarris-fw status --json`` prints."""
        return status(self._site.catalogue, self.name)

    def costs(self) -> dict[str, Any]:
        """Return what ``genarris-fw costs --json`` prints."""
        return costs(self._site.catalogue, self.name)

    def structures(self, pool: str | None = None) -> list[Structure]:
        """Return the structures of a pool with their properties, by default of the one that the last step made.

        Raises
        ------
        InputError
            For an unknown pool; the message names those there are.
        """
        chosen = pool or last_pool(self._site.catalogue, self.name)
        return pool_structures(self._site.catalogue, self.name, chosen)


def open_run(folder: str | os.PathLike[str] = ".", run: str | None = None, uri: str | None = None) -> Run:
    """Open a run.

    Parameters
    ----------
    folder : str or path, optional
        The run's folder, whose database is used unless another is named as for the commands.
    run : str, optional
        The run's name; not needed where the database has one run.
    uri : str, optional
        MongoDB URI of the database.

    Returns
    -------
    Run

    Raises
    ------
    DatabaseError
        When there is no database, or it cannot be reached.
    InputError
        For an unknown run, or none named where there are several.
    """
    place = Path(folder)
    server = find_server(place, uri).server
    if server is not None and not server.exists():
        raise DatabaseError(f"{place.absolute()}: no database here; name the run's folder, or a uri")
    held = ExitStack()
    try:
        opened = held.enter_context(open_database(place, uri, read_only=True))
        return Run(opened, _only(opened, run), held)
    except BaseException:
        held.close()
        raise


def _only(opened: Opened, run: str | None) -> str:
    """Return the run that is meant."""
    if run is not None:
        return str(opened.catalogue.runs.get(run)["name"])
    names = opened.catalogue.runs.names()
    if len(names) != 1:
        raise InputError(f"which run? the database has {', '.join(names) or 'none'}: name one with run=")
    return names[0]
