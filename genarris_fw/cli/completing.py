"""What a shell may complete beside commands and options: runs, pools, formats, procedures.

Asked at every press of the tab key: nothing is started for it, a database that does not answer at once is not waited
for, and whatever goes wrong, there is nothing to complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from genarris_fw.catalogue import Catalogue

ANSWERS_WITHIN = 500  # milliseconds
Completed = list[CompletionItem]
Find = Callable[[click.Context, str], list[str]]


def _completes(find: Find) -> Callable[[click.Context, click.Parameter, str], Completed]:
    """Return what click asks, given what finds all that there is."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Completed:
        try:
            found = find(context, incomplete)
        except Exception:  # nobody who presses Tab wants to read an error: there are no proposals then
            return []
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]

    return complete


def _runs(context: click.Context, incomplete: str) -> list[str]:
    with _catalogue(context) as catalogue:
        if catalogue is not None:
            return catalogue.runs.names()
    folder = context.params.get("folder") or Path()
    return sorted(lock.stem for lock in (folder / ".genarris_fw").glob("*.lock"))


def _pools(context: click.Context, incomplete: str) -> list[str]:
    with _catalogue(context) as catalogue:
        if catalogue is None:
            return []
        run = _named(context) or _only(catalogue.runs.names())
        return sorted(catalogue.runs.overview(run).get("pools") or catalogue.structures.pools(run)) if run else []


def _named(context: click.Context) -> str | None:
    """Return the run that the words so far name; before an option's value click has not looked at arguments."""
    an_argument = any(isinstance(one, click.Argument) and one.name == "run" for one in context.command.params)
    first = context.args[0] if an_argument and context.args else None
    return context.params.get("run") or first


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _formats(context: click.Context, incomplete: str) -> list[str]:
    from genarris_fw.declaring.door import EXPORTS, FORMATS

    before = incomplete.rpartition(",")[0]
    return [f"{before},{name}" if before else name for name in (*FORMATS.names(), *EXPORTS.names())]


def _procedures(context: click.Context, incomplete: str) -> list[str]:
    from genarris_fw.declaring.door import OPTIONS, PROCEDURES

    return [name for name in OPTIONS.names() if name in PROCEDURES.names()]


@contextmanager
def _catalogue(context: click.Context) -> Iterator[Catalogue | None]:
    """Give the catalogue of the database that the words so far mean; None where no server of a folder runs."""
    from pymongo import MongoClient

    from genarris_fw.catalogue import Catalogue
    from genarris_fw.cli.existing import whereabouts
    from genarris_fw.database.find import find_server
    from genarris_fw.database.launchpads import client_options, database_name

    folder, uri = context.params.get("folder") or Path(), context.params.get("uri")
    database = find_server(whereabouts(_named(context), folder, uri)[0], uri)
    if database.server is not None and not database.server.running():
        yield None
        return
    options = client_options(database.uri) | {"serverSelectionTimeoutMS": ANSWERS_WITHIN}
    client: MongoClient[Any] = MongoClient(database.uri, **options)
    with client:
        yield Catalogue(client[database_name(database.uri)])


run_names, pool_names = _completes(_runs), _completes(_pools)
format_names, procedure_names = _completes(_formats), _completes(_procedures)
