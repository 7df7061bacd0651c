"""``genarris-fw recover``: find and repair what lost rockets left behind."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.farm.recovery import GRACE_SECONDS, known_runs, recover


@click.command(name="recover", short_help="Repair what lost rockets left behind.")
@click.argument("run", required=False)
@click.option(
    "--grace",
    type=float,
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds a rocket has between checkout and its lease.",
)
@database_options
def command(run: str | None, grace: float, folder: Path, uri: str | None) -> None:
    """Release leases of dead rockets and make their fireworks ready again (RUN, or all runs)."""
    with open_existing(folder, uri) as site:
        # A run is known by its workflow before its first firework has made its document.
        names = known_runs(site.launchpad)
        if run:
            names = [run] if run in names else [site.catalogue.runs.get(run)["name"]]
        repaired = 0
        for name in names:
            for line in recover(site.launchpad, name, grace):
                repaired += 1
                click.echo(f"{name}: {line}")
        if not repaired:
            click.echo("nothing to repair")
