"""``genarris-fw recover``: find and repair what lost rockets left behind."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.site import open_site
from genarris_fw.farm.recovery import GRACE_SECONDS, recover


@click.command(name="recover")
@click.argument("run", required=False)
@click.option(
    "--grace",
    type=float,
    default=GRACE_SECONDS,
    show_default=True,
    help="Seconds a rocket has between checkout and its lease.",
)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="The run's folder.")
@click.option("--uri", default=None, help="MongoDB URI.")
def command(run: str | None, grace: float, folder: Path, uri: str | None) -> None:
    """Release leases of dead rockets and make their fireworks ready again (RUN, or all runs)."""
    with open_site(folder, uri) as site:
        names = [site.catalogue.runs.get(run)["name"]] if run else site.catalogue.runs.names()
        repaired = 0
        for name in names:
            for line in recover(site.launchpad, name, grace):
                repaired += 1
                click.echo(f"{name}: {line}")
        if not repaired:
            click.echo("nothing to repair")
