"""Files that are there already stay as they are, unless ``--force`` is given."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from genarris_fw.errors import InputError

force_option = click.option("--force", is_flag=True, help="Overwrite files that are there.")


def refuse_there(files: Iterable[Path], force: bool, option: str) -> None:
    """Refuse to write files of which one is there, before any is written.

    Parameters
    ----------
    files : iterable of Path
        What would be written.
    force : bool
        They may be overwritten.
    option : str
        The option that names another place.

    Raises
    ------
    InputError
        Naming the first.
    """
    if force:
        return
    there = [file for file in files if os.path.lexists(file)]
    if there:
        more = f", and {len(there) - 1} more," if len(there) > 1 else ""
        raise InputError(
            f"{there[0]}{more} is there already; nothing was written. Give another {option}, or --force to overwrite"
        )
