"""``genarris-fw rockets``: launch a run's rockets in this process; under mpirun or srun, every rank is a replica."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.ranks import rank_and_size
from genarris_fw.farm.recovery import known_runs, recover
from genarris_fw.farm.worker import POLL_SECONDS, serve

RECOVER_EVERY = 5.0


@click.command(name="rockets", short_help="Launch a run's rockets in this process, or in every MPI rank.")
@click.argument("run", required=False)
@database_options
def command(run: str | None, folder: Path, uri: str | None) -> None:
    """Launch the rockets of RUN (or of the only run) until it is over.

    Under mpirun or srun every rank launches rockets, and procedures without num_replicas get one replica a rank.
    """
    rank, size = rank_and_size()
    with open_existing(folder, uri) as site:
        names = known_runs(site.launchpad)
        if run is None and len(names) != 1:
            raise InputError(
                f"name one of the runs: {', '.join(names) or 'there is none yet; genarris-fw add makes one'}"
            )
        name = run or names[0]
        if name not in names:
            raise InputError(f"no run '{name}' on this LaunchPad; there are: {', '.join(names) or 'none'}")
        place = folder.absolute() / ".genarris_fw" / f"rank-{rank}"
        place.mkdir(parents=True, exist_ok=True)
        os.chdir(place)
        recovered = time.monotonic()

        def announce() -> None:
            if size > 1:
                site.catalogue.runs.at_least_workers(name, size)

        def idle() -> bool:
            nonlocal recovered
            if rank == 0 and time.monotonic() - recovered > RECOVER_EVERY:
                recover(site.launchpad, name)
                recovered = time.monotonic()
            time.sleep(POLL_SECONDS)
            return False

        serve(site.launchpad, name, idle, announce)
        record = site.catalogue.runs.find(name) or {}
        if rank == 0:
            click.echo(f"run {name}: {record.get('state', 'unknown')}")
