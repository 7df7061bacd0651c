"""Databases for commands that only look or remove: one that is there, none is made for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from genarris_fw.cli.site import Site, open_site
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.databases import find_server


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--dir`` and ``--uri``, passed as ``folder`` and ``uri``."""
    for option in (
        click.option("--uri", default=None, help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, --dir."),
        click.option(
            "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="The run's folder (default: here)."
        ),
    ):
        command = option(command)
    return command


@contextmanager
def open_existing(folder: Path, uri: str | None) -> Iterator[Site]:
    """Open the database that the user named, or the folder's own, which must be there.

    Raises
    ------
    DatabaseError
        When there is none, or it cannot be reached.
    """
    server = find_server(folder, uri).server
    if server is not None and not server.exists():
        raise DatabaseError(
            f"{folder.absolute()}: no database here; go to the run's folder, or name one with --dir or --uri"
        )
    with open_site(folder, uri) as site:
        yield site
