"""``genarris-fw init``: the launcher files for this site."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from genarris_fw.database.find import find_server
from genarris_fw.database.launchpads import launchpad, prepare
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launch.launcher_files import QUEUES, Destination, launcher_files, write_files


@click.command(name="init")
@click.option("--queue", type=click.Choice(QUEUES), help="The queueing system (default: slurm where there is sbatch).")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The run's folder (default: the current one).",
)
@click.option("--uri", help="MongoDB URI (default: the database found for the folder).")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(queue: str | None, folder: Path, uri: str | None, force: bool) -> None:
    """Write FireWorks' configuration and a job script for the folder, and prepare its database."""
    folder = folder.absolute()
    queue = queue or ("slurm" if shutil.which("sbatch") else "none")
    database = find_server(folder, uri)
    files = launcher_files(Destination.here(folder, database), queue)
    write_files(folder, files, force=force)
    for name in files:
        click.echo(folder / name)
    try:
        with database.use() as address:
            prepare(launchpad(address))
    except DatabaseError as error:
        click.echo(f"warning: the files are written, the database is not prepared: {error}", err=True)
        return
    click.echo(f"database: {database}")
    if database.server is not None:
        click.echo(
            "It serves this machine alone. On a cluster, job.sh brings it along (db start --in-allocation), "
            "or give a MongoDB server's URI: --uri or GENARRIS_FW_URI."
        )
