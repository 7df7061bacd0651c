"""``genarris-fw recover``: find and repair what lost rockets left behind."""

from __future__ import annotations

import time
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.cli.numbers import Number
from genarris_fw.farm.opening import Opened
from genarris_fw.farm.repair.deleted import workflow_is_gone
from genarris_fw.farm.repair.recovery import GRACE_SECONDS, known_runs, recover, undecided
from genarris_fw.showing import printable

SECONDS_BETWEEN_LOOKS = 1.0


@click.command(name="recover")
@click.argument("run", required=False)
@click.option(
    "--grace",
    type=Number(0, 10**7, least_too=True),
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds a rocket has between checkout and its lease.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait for what cannot be told yet.")
@database_options
def command(run: str | None, grace: float, no_wait: bool, folder: Path, uri: str | None) -> None:
    """Release leases of dead rockets and make their fireworks ready again (RUN, or all runs).

    A firework that was just checked out may belong to a living rocket: the command waits until that can be told.
    """
    with open_existing(folder, uri) as opened:
        # A run is known by its workflow before its first firework has made its document.
        names = known_runs(opened.launchpad)
        if run:
            names = [run] if run in names else [opened.catalogue.runs.get(run)["name"]]
        repaired = [line for name in names for line in _repair(opened, name, grace, 0.0 if no_wait else grace)]
        gone = [name for name in names if workflow_is_gone(opened.catalogue, name)]
        for name in gone:
            click.echo(
                printable(f"{name}: its workflow was deleted or archived: genarris-fw run ui.conf, or add, goes on")
            )
        if not repaired and not gone:
            click.echo("nothing to repair")


def _repair(opened: Opened, run: str, grace: float, patience: float) -> list[str]:
    """Repair a run, and again when the grace of what was just checked out is over; say and return what was done."""
    end = time.monotonic() + patience + SECONDS_BETWEEN_LOOKS
    done: list[str] = []
    while True:
        for line in recover(opened.launchpad, run, grace):
            click.echo(printable(f"{run}: {line}"))
            done.append(line)
        if time.monotonic() > end or not undecided(opened.launchpad, run, grace):
            return done
        time.sleep(SECONDS_BETWEEN_LOOKS)
