"""``genarris-fw retry``: give failed work another chance."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.repair.retrying import retry_run


@click.command(name="retry")
@click.argument("run")
@click.option("--procedure", default=None, help="Only this step (run_rdf_calc, ...).")
@database_options
def command(run: str, procedure: str | None, folder: Path, uri: str | None) -> None:
    """Send failed work items of RUN back to waiting, and its steps from there on back to the rockets."""
    with open_existing(folder, uri) as opened:
        record = opened.catalogue.runs.get(run)
        steps = [entry["name"] for entry in record["options"]["steps"]]
        if procedure is not None and procedure not in steps:
            raise InputError(f"run '{run}' has no step '{procedure}'; its steps: {', '.join(steps)}")
        items, first = retry_run(opened.launchpad, run, procedure)
        if first is None:
            click.echo(f"run '{run}' has nothing that failed")
            return
        click.echo(f"{items} failed items of run '{run}' wait again; {first} and the steps after it will run anew")
        click.echo("carry it on with: genarris-fw run, or rlaunch rapidfire")
