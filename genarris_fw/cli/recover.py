"""``genarris-fw recover``: find and repair what lost rockets left behind."""

from __future__ import annotations

import time
from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import all_runs, database_options, open_existing, run_argument, the_run, whereabouts
from genarris_fw.cli.numbers import Number
from genarris_fw.farm.opening import Opened
from genarris_fw.farm.repair.deleted import workflow_is_gone
from genarris_fw.farm.repair.recovery import GRACE_SECONDS, recover, undecided
from genarris_fw.showing import printable
from genarris_fw.telling import Told
from genarris_fw.views.waiting import waiting

SECONDS_BETWEEN_LOOKS = 1.0


@click.command(name="recover", epilog=example("recover urea", "recover --no-wait    # all runs, what can be told now"))
@run_argument
@click.option(
    "--grace",
    type=Number(0, 10**7, least_too=True),
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds a rocket has between checkout and its lease.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait for what cannot be told yet.")
@json_option
@database_options
def command(run: str | None, grace: float, no_wait: bool, as_json: bool, folder: Path, uri: str | None) -> None:
    """Release leases of dead rockets and make their fireworks ready again (RUN, or all runs).

    A firework that was just checked out may belong to a living rocket: the command waits until that can be told.
    """
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri) as opened:
        # A run is known by its workflow before its first firework has made its document.
        names = [the_run(opened, run)] if run else all_runs(opened)
        patience = 0.0 if no_wait else grace
        with waiting() as told:
            repaired = {name: _repair(opened, name, grace, patience, not as_json, told) for name in names}
        gone = [name for name in names if workflow_is_gone(opened.catalogue, name)]
    if as_json:
        print_json({"repaired": repaired, "without_workflow": gone})
        return
    for name in gone:
        todo = "genarris-fw run ui.conf, or add, goes on"
        click.echo(printable(f"{name}: its workflow was deleted or archived: {todo}"))
    if not any(repaired.values()) and not gone:
        click.echo("nothing to repair")


def _repair(opened: Opened, run: str, grace: float, patience: float, aloud: bool, told: Told) -> list[str]:
    """Repair a run, and again when the grace of what was just checked out is over; say and return what was done."""
    end = time.monotonic() + patience + SECONDS_BETWEEN_LOOKS
    done: list[str] = []
    while True:
        for line in recover(opened.launchpad, run, grace):
            if aloud:
                click.echo(printable(f"{run}: {line}"))
            done.append(line)
        if time.monotonic() > end or not undecided(opened.launchpad, run, grace):
            return done
        told(f"{run}: waiting until it can be told whether its rockets live", 0, 0)
        time.sleep(SECONDS_BETWEEN_LOOKS)
