"""``genarris-fw delete``: remove a run from the database."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import click
from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.confirming import confirm, yes_option
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.errors import InputError
from genarris_fw.farm.fireworks import workflows
from genarris_fw.farm.holders import living_holders
from genarris_fw.showing import printable
from genarris_fw.telling import Told, untold
from genarris_fw.views.waiting import waiting
from genarris_fw.views.wording import counted


@click.command(name="delete", epilog=example("delete urea"))
@run_argument
@yes_option
@click.option("--force", is_flag=True, help="Also while rockets work on it.")
@json_option
@database_options
def command(run: str | None, yes: bool, force: bool, as_json: bool, folder: Path, uri: str | None) -> None:
    """Remove RUN from the database: its structures, work items, engines' results, files in GridFS and workflows.

    Files in the run's folder stay.
    """
    with open_run(run, folder, uri) as (opened, name, _):
        holders = living_holders(opened.catalogue, name)
        if holders and not force:
            raise InputError(
                f"run '{name}' is being worked on by {len(holders)} rockets ({', '.join(holders)}): "
                "stop them first, or give --force"
            )
        structures = counted(opened.catalogue.structures.count(name), "structure")
        question = f"Remove run '{name}' with its {structures} from the database?"
        confirm(printable(question), yes, f"run '{name}' was not removed")
        with waiting("removing") as told:
            removed = delete_run(opened.launchpad, opened.catalogue, name, told)
    if as_json:
        print_json({"run": name} | removed)
    else:
        numbers = ", ".join(f"{number} {what.replace('_', ' ')}" for what, number in removed.items() if number)
        click.echo(printable(f"removed run '{name}': {numbers or 'nothing'}; files in its folder are as they were"))


def run_workflows(launchpad: LaunchPad, run: str) -> list[int]:
    """Return one firework id of every workflow of a run: its chain and its side replicas."""
    return [workflow.nodes[0] for workflow in workflows.of_run(launchpad.db, run)]


def delete_run(launchpad: LaunchPad, catalogue: Catalogue, run: str, told: Told = untold) -> dict[str, int]:
    """Remove a run's workflows, then its documents; return how many of each.

    The workflows go first, so that no rocket begins a run that is half gone.
    """
    there = run_workflows(launchpad, run)
    for number, fw_id in enumerate(there):
        told("removing workflows", number, len(there))
        with contextlib.redirect_stdout(io.StringIO()):  # FireWorks prints as it deletes
            launchpad.delete_wf(fw_id)
    return {"workflows": len(there)} | catalogue.delete_run(run, told)
