"""Open a run from Python, by its name or its folder, and list the runs of a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from genarris_fw.database.find import find_server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.showing import could_be_uri, shown
from genarris_fw.views.finding import databases_below, the_run, whereabouts
from genarris_fw.views.python.run import Run

Place = str | os.PathLike[str]


@dataclass(frozen=True)
class KnownRun:
    """A run that a database has.

    Attributes
    ----------
    name : str
    state : str
        ``running``, ``finished``, ``failed`` or ``imported``.
    created : datetime
        When it began (UTC).
    folder : Path
        Its folder.
    pools : dict of str to int
        Pool -> number of structures.
    """

    name: str
    state: str
    created: datetime
    folder: Path
    pools: dict[str, int]


def open_run(run_or_folder: Place = ".", run: str | None = None, uri: str | None = None) -> Run:
    """Open a run, to look at it.

    Parameters
    ----------
    run_or_folder : str or path, optional
        The run's folder, or its name. A folder of this name that has a database comes first; else it is the name of a
        run in the database of the current folder, or of a run that was carried out in a folder below.
    run : str, optional
        The name, where the first is a folder whose database has several runs.
    uri : str, optional
        MongoDB URI of the database. Without it the database is found as the commands find it: ``GENARRIS_FW_URI``,
        ``my_launchpad.yaml``, the folder's own, which is started, and ends when the run is closed.

    Returns
    -------
    Run
        To be closed (`Run.close`, or a ``with``); a run that goes on may be opened, too.

    Raises
    ------
    DatabaseError
        When there is no database, or it cannot be reached.
    InputError
        For an unknown run (the message names the nearest), or none named where there are several.

    Examples
    --------
    ::

        import genarris_fw as gfw

        with gfw.open("urea") as run:
            print(run.state, run.pools)
    """
    folder, name = _whereabouts(run_or_folder, run, uri)
    held = ExitStack()
    try:
        opened = held.enter_context(_opened(folder, uri))
        return Run(opened, _chosen(opened, folder, name, str(run_or_folder)), held)
    except BaseException:
        held.close()
        raise


def runs(place: Place = ".", uri: str | None = None) -> list[KnownRun]:
    """Return the runs of a database, the newest first.

    Parameters
    ----------
    place : str or path, optional
        A folder whose database is looked at, or a MongoDB URI.
    uri : str, optional
        As of `open_run`.

    Returns
    -------
    list of KnownRun

    Raises
    ------
    DatabaseError
        When there is no database, or it cannot be reached.

    Examples
    --------
    ::

        import genarris_fw as gfw

        for run in gfw.runs("urea"):
            print(run.name, run.state, run.folder)
    """
    if could_be_uri(str(place)):
        place, uri = ".", str(place)
    with _opened(Path(place), uri) as opened:
        return [
            KnownRun(
                *(record["_id"], record["state"], record["created"]),
                *(Path(record.get("folder") or ""), dict(record.get("pools") or {})),
            )
            for record in opened.catalogue.runs.listed()
        ]


def _whereabouts(given: Place, run: str | None, uri: str | None) -> tuple[Path, str | None]:
    """Return the folder whose database is used, and the name of the run; None where the folder says which."""
    if could_be_uri(str(given)):
        raise InputError(f"{shown(given)}: a URI is given as uri=, beside the name of the run")
    folder = Path(given)
    if run is not None or not isinstance(given, str) or (folder.is_dir() and find_server(folder, uri).exists()):
        return folder, run
    return whereabouts(given, Path(), uri)


@contextmanager
def _opened(folder: Path, uri: str | None) -> Iterator[Opened]:
    """Open a database that is there.

    Raises
    ------
    DatabaseError
        When it is not, or cannot be reached.
    """
    if not find_server(folder, uri).exists():
        below = " or ".join(f'"{place}"' for place in databases_below(folder)[:3])
        todo = f"name the run's folder: {below}" if below else "name a run, its folder, or a uri"
        raise DatabaseError(f"{folder.absolute()}: no database here; {todo}")
    with open_database(folder, uri, read_only=True) as opened:
        yield opened


def _chosen(opened: Opened, folder: Path, name: str | None, given: str) -> str:
    """Return the name of the run that is meant: where a folder was named, the run that was carried out there."""
    if name is not None:
        return the_run(opened, name)
    known = {record["_id"]: record.get("folder") for record in opened.catalogue.runs.listed()}
    here = [one for one, place in known.items() if place and Path(place).resolve() == folder.resolve()]
    if len(here) == 1:
        return here[0]
    return given if given in known else the_run(opened, None)
