"""``genarris-fw delete``: remove a run from the database."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import click
from fireworks import LaunchPad

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.fireworks import workflows
from genarris_fw.farm.holders import living_holders
from genarris_fw.showing import printable


@click.command(name="delete")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also while rockets work on it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
@database_options
def command(run: str, yes: bool, force: bool, as_json: bool, folder: Path, uri: str | None) -> None:
    """Remove RUN from the database: its structures, work items, files in GridFS and workflows.

    Files in the run's folder stay.
    """
    with open_existing(folder, uri) as opened:
        if not run_workflows(opened.launchpad, run):
            opened.catalogue.runs.get(run)
        holders = living_holders(opened.catalogue, run)
        if holders and not force:
            raise InputError(
                f"run '{run}' is being worked on by {len(holders)} rockets ({', '.join(holders)}): "
                "stop them first, or give --force"
            )
        if not yes:
            _confirm(opened.catalogue, run)
        removed = delete_run(opened.launchpad, opened.catalogue, run)
    if as_json:
        click.echo(json.dumps({"run": run} | removed))
    else:
        numbers = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in removed.items() if number)
        click.echo(printable(f"removed run '{run}': {numbers or 'nothing'}; files in its folder are as they were"))


def run_workflows(launchpad: LaunchPad, run: str) -> list[int]:
    """Return one firework id of every workflow of a run: its chain and its side replicas."""
    return [workflow.nodes[0] for workflow in workflows.of_run(launchpad.db, run)]


def delete_run(launchpad: LaunchPad, catalogue: Catalogue, run: str) -> dict[str, int]:
    """Remove a run's workflows, then its documents; return how many of each.

    The workflows go first, so that no rocket begins a run that is half gone.
    """
    there = run_workflows(launchpad, run)
    for fw_id in there:
        with contextlib.redirect_stdout(io.StringIO()):  # FireWorks prints as it deletes
            launchpad.delete_wf(fw_id)
    return {"workflows": len(there)} | catalogue.delete_run(run)


def _confirm(catalogue: Catalogue, run: str) -> None:
    structures = catalogue.structures.count(run)
    try:
        click.confirm(f"Remove run '{run}' with its {structures} structures from the database?", abort=True)
    except click.Abort:
        raise InputError(f"run '{run}' was not removed; confirm, or give --yes") from None
