"""``genarris-fw init``: the launcher files for this site."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.database.find import Database, find_server
from genarris_fw.database.launchpads import launchpad, prepare
from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launch.launcher_files import QUEUES, Destination, launcher_files, write_files
from genarris_fw.views.waiting import waiting


@click.command(name="init", epilog=example("init --queue slurm", "init --queue pbs --dir my_run"))
@click.option("--queue", type=click.Choice(QUEUES), help="The queueing system (default: slurm where there is sbatch).")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The run's folder (default: the current one).",
)
@click.option("--uri", help="MongoDB URI (default: the database found for the folder).")
@force_option
@json_option
def command(queue: str | None, folder: Path, uri: str | None, force: bool, as_json: bool) -> None:
    """Write FireWorks' configuration and a job script for the folder, and prepare its database."""
    folder = folder.absolute()
    queue = queue or ("slurm" if shutil.which("sbatch") else "none")
    database = find_server(folder, uri)
    files = launcher_files(Destination.here(folder, database), queue)
    refuse_there([folder / name for name in files], force, "--dir")
    write_files(folder, files)
    written = [str(folder / name) for name in files]
    if not as_json:
        click.echo("\n".join(written))
    problem = _prepared(database)
    if problem:
        click.echo(f"warning: the files are written, the database is not prepared: {problem}", err=True)
    if as_json:
        print_json({"files": written, "queue": queue, "database": str(database), "prepared": not problem})
    elif not problem:
        click.echo(f"database: {database}")
        if database.server is not None:
            click.echo(
                "It serves this machine alone. On a cluster, job.sh brings it along (db start --in-allocation), "
                "or give a MongoDB server's URI: --uri or GENARRIS_FW_URI."
            )


def _prepared(database: Database) -> str:
    """Prepare the database for FireWorks; return why that cannot be done, else nothing."""
    try:
        with waiting("waiting for the database"), database.use() as address:
            prepare(launchpad(address))
    except DatabaseError as error:
        return str(error)
    return ""
