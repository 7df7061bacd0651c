"""``genarris-fw retry``: give failed work another chance."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.errors import InputError
from genarris_fw.farm.repair.retrying import retry_run
from genarris_fw.showing import nearest, printable


@click.command(name="retry", epilog=example("retry urea --procedure crystal_search"))
@run_argument
@click.option("--procedure", default=None, help="Only this step (run_rdf_calc, ...).")
@json_option
@database_options
def command(run: str | None, procedure: str | None, as_json: bool, folder: Path, uri: str | None) -> None:
    """Send failed work items of RUN back to waiting, and its steps from there on back to the rockets."""
    with open_run(run, folder, uri) as (opened, name, _):
        record = opened.catalogue.runs.get(name)
        steps = [entry["name"] for entry in record["options"]["steps"]]
        if procedure is not None and procedure not in steps:
            near = nearest(procedure, steps)
            raise InputError(f"run '{name}' has no step '{procedure}'{near}; its steps: {', '.join(steps)}")
        items, first = retry_run(opened.launchpad, name, procedure)
    if as_json:
        print_json({"run": name, "items": items, "first": first})
    elif first is None:
        click.echo(printable(f"run '{name}' has nothing that failed"))
    else:
        waits = f"{items} failed items of run '{name}' wait again; {first} and the steps after it will run anew"
        click.echo(printable(waits))
        click.echo("carry it on with: genarris-fw run, or rlaunch rapidfire")
