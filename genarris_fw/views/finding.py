"""Which run is meant, and where its database is: for the commands and from Python."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from genarris_fw.catalogue.runs import SHOWN_NAMES, refuse_unknown_run
from genarris_fw.database.find import find_server
from genarris_fw.database.server import FOLDER
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.names import is_name

# Where `genarris-fw run` notes that it carries out a run in a folder.
LOCK = ".genarris_fw/{run}.lock"


def whereabouts(run: str | None, folder: Path, uri: str | None) -> tuple[Path, str | None]:
    """Return the folder in which a run is looked for, and its name, None where a folder was given in its place.

    A run is looked for where the user said, or here. Where there is no database here, a folder of the run's name is
    taken, or one below in which the run was carried out, or the only one with a database.
    """
    if run is None or find_server(folder, uri).exists():
        return folder, run
    given = folder / run
    with suppress(OSError, ValueError):
        if (given / FOLDER).is_dir():
            return given, run if is_name(run) and _carried_out(given, run) else None
    if not is_name(run):
        return folder, run
    places = databases_below(folder)
    for place in places:
        if _carried_out(place, run):
            return place, run
    return (places[0] if len(places) == 1 else folder), run


def _carried_out(folder: Path, run: str) -> bool:
    return (folder / LOCK.format(run=run)).exists()


def databases_below(folder: Path) -> list[Path]:
    """Return the folders with an embedded database that lie one or two below a folder."""
    return sorted(home.parent for depth in ("*", "*/*") for home in folder.glob(f"{depth}/{FOLDER}"))


def the_run(opened: Opened, run: str | None) -> str:
    """Return the name of the run that is meant.

    Raises
    ------
    InputError
        Where there is no such run, or none was named and there are none or several.
    """
    if run is not None and opened.catalogue.runs.is_there(run):
        return run
    names = all_runs(opened)
    if run is not None:
        return run if run in names else refuse_unknown_run(run, names)
    if not names:
        raise InputError("no run in this database yet: genarris-fw run makes one, or add, or import")
    if len(names) > 1:
        more = f", and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        raise InputError(f"which run? There are {', '.join(names[:SHOWN_NAMES])}{more}: name one of them")
    return names[0]


def all_runs(opened: Opened) -> list[str]:
    """Return the names of all runs, those included whose first firework has not made their document yet."""
    from genarris_fw.views.status import waiting_runs

    return [*opened.catalogue.runs.names(), *sorted(waiting_runs(opened.catalogue))]
