"""``genarris-fw db roles``: what an administrator tells the server about workers and readers."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options
from genarris_fw.database.find import find_server
from genarris_fw.database.roles import ROLES, role, shell_commands


@click.command(
    name="roles",
    short_help="Print the least that workers and readers must be allowed to do.",
    epilog=example("db roles --database genarris"),
)
@click.option("--database", help="Name of the database (default: that of the folder's).")
@json_option
@database_options
def roles(database: str | None, as_json: bool, folder: Path, uri: str | None) -> None:
    """Print, for the Mongo shell, the least-privilege roles for workers and for readers; changes nothing."""
    name = database or find_server(folder, uri).name
    if as_json:
        print_json([role(kind, name) for kind in ROLES])
    else:
        click.echo(shell_commands(name))
