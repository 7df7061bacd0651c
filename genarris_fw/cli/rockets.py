"""``genarris-fw rockets``: launch a run's rockets in this process; under mpirun or srun, every rank is a replica.

With ``--mpi`` several ranks make up a replica: they share its work items' calculations by MPI.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_existing, run_argument, the_run, whereabouts
from genarris_fw.cli.main import EXIT_BAD_INPUT, EXIT_OK
from genarris_fw.cli.walltime import walltime_option
from genarris_fw.database.launchpads import patient
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.farm.allow_list import refuse_unknown_steps
from genarris_fw.farm.crews import crew as crews
from genarris_fw.farm.crews.ranks import rank_and_size, ranks_of, replica_of
from genarris_fw.farm.fireworks import documents
from genarris_fw.farm.launch.worker import POLL_SECONDS, serve
from genarris_fw.farm.lifeline import Lifeline
from genarris_fw.farm.opening import Opened
from genarris_fw.farm.repair.deleted import workflow_is_gone
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.showing import printable
from genarris_fw.walltime import listening, of_this_process, warnings

# The first replica repairs what dead rockets leave; the others do the same less often, in case it is dead itself.
RECOVER_EVERY, RECOVER_LEAST = 5.0, 100.0
EXIT_CREW_LOST = 1


@click.command(name="rockets", epilog=example("rockets urea --walltime 03:50:00"))
@run_argument
@click.option("--mpi", is_flag=True, help="Under mpirun: split the ranks into replicas that calculate by MPI.")
@click.option(
    "--replicas",
    type=click.IntRange(1, 10**6),
    default=None,
    help="With --mpi: number of replicas; default: the run's num_replicas where its steps agree, else one a rank.",
)
@walltime_option
@database_options
def command(run: str | None, mpi: bool, replicas: int | None, walltime: None, folder: Path, uri: str | None) -> int:
    """Launch the rockets of RUN (or of the only run) until it is over.

    Under mpirun or srun every rank launches rockets, and procedures without num_replicas get one replica a rank.
    With --mpi the ranks are split into replicas of several ranks: the first rank of each launches rockets, the
    others join in its MPI calculations.
    """
    if mpi:
        return launch_with_mpi(run, replicas, folder, uri)
    if replicas is not None:
        raise InputError("--replicas needs --mpi: without it, every rank is a replica of its own")
    rank, size = rank_and_size()
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri) as opened:
        name = the_run(opened, run)
        launch(opened, name, folder, rank, size)
    return EXIT_OK


def launch(
    opened: Opened, name: str, folder: Path, number: int, of: int, before: Callable[[], object] = lambda: None
) -> None:
    """Launch rockets as one of several replicas until the run is over.

    Parameters
    ----------
    opened : Opened
        The open database.
    name : str
        Name of the run.
    folder : Path
        The run's folder; rockets work in ``.genarris_fw/`` in it.
    number, of : int
        Which replica this is, and of how many.
    before : callable, optional
        Called before every rocket and every look.
    """
    refuse_unknown_steps(opened.launchpad, name)
    refuse_deleted(opened.catalogue, name)
    place = folder.absolute() / ".genarris_fw" / f"rank-{number}"
    place.mkdir(parents=True, exist_ok=True)
    os.chdir(place)
    # What an earlier launch left is repaired as soon as nothing else is ready.
    recovered = float("-inf") if number == 0 else time.monotonic()
    recover_every = min(RECOVER_EVERY * (1 + number), RECOVER_LEAST)

    def announce() -> None:
        before()
        if of > 1:
            opened.catalogue.runs.at_least_workers(name, of)

    def idle() -> bool:
        nonlocal recovered
        if time.monotonic() - recovered > recover_every:
            recover(opened.launchpad, name)
            recovered = time.monotonic()
        time.sleep(POLL_SECONDS)
        return workflow_is_gone(opened.catalogue, name)

    with listening(of_this_process()):
        serve(patient(opened.launchpad), name, idle, announce)
    refuse_deleted(opened.catalogue, name)
    record = opened.catalogue.runs.find(name) or {}
    if number == 0:
        click.echo(printable(f"run {name}: {record.get('state', 'unknown')}"))


def refuse_deleted(catalogue: Catalogue, run: str) -> None:
    """Refuse a run whose workflow was deleted or archived.

    Raises
    ------
    InputError
        Saying how it goes on.
    """
    if workflow_is_gone(catalogue, run):
        raise InputError(
            f"run '{run}': its workflow was deleted or archived on the LaunchPad, what is done is in the database: "
            "genarris-fw add ui.conf adds it anew, and it goes on from there"
        )


# ---- with MPI


def launch_with_mpi(run: str | None, replicas: int | None, folder: Path, uri: str | None) -> int:
    """Split the ranks of this launch into replicas; be a leader, or one of its crew, until the run is over."""
    lifeline = Lifeline() if rank_and_size()[1] > 1 else None
    everybody = crews.world()
    error: GenarrisError | None = None
    decision: dict[str, Any] = {}
    if everybody.rank == 0:
        try:
            folder, run = whereabouts(run, folder, uri)
            with open_existing(folder, uri) as opened:
                decision = decide(opened, run, replicas, everybody.size) | {"folder": str(folder)}
            click.echo(decision["layout"])
        except GenarrisError as problem:
            error = problem
    decision = crews.share(everybody, decision)
    if not decision:
        if error is not None:
            raise error
        return EXIT_BAD_INPUT
    code = EXIT_OK
    try:
        crew = crews.assemble(everybody, decision["replicas"], lifeline)
        if crew.leads:
            number = replica_of(everybody.rank, everybody.size, decision["replicas"])
            code = lead(crew, decision["run"], Path(decision["folder"]), uri, number, decision["replicas"])
        else:
            leave_warnings_to_the_leader()
            crew.follow()
        crew.dismiss()
    except crews.CrewLost as lost:
        click.echo(f"genarris-fw: {lost}", err=True)
        crews.vanish(EXIT_CREW_LOST)
    crews.depart(everybody, code)
    return code


def leave_warnings_to_the_leader() -> None:
    """Ignore the signals by which a queue warns all ranks of the end: the leader brings its crew to an end."""
    for number in warnings():
        signal.signal(number, signal.SIG_IGN)


def lead(crew: crews.Crew, name: str, folder: Path, uri: str | None, number: int, of: int) -> int:
    """Launch rockets as the leader of a crew; what goes wrong with the database is no matter of the other replicas."""
    try:
        with open_existing(folder, uri) as opened, crews.led(crew):
            launch(opened, name, folder, number, of, before=crew.check)
    except crews.CrewLost:
        raise
    except GenarrisError as problem:
        click.echo(f"genarris-fw: replica {number}: {problem}", err=True)
        return EXIT_BAD_INPUT
    return EXIT_OK


def decide(opened: Opened, run: str | None, replicas: int | None, size: int) -> dict[str, Any]:
    """Return the run, the number of replicas, and a line that says so.

    Raises
    ------
    InputError
        When there is no such run, or there are fewer ranks than replicas asked for.
    """
    name = the_run(opened, run)
    if replicas is not None and replicas > size:
        raise InputError(
            f"--replicas {replicas} is more than the {size} ranks of this launch: use mpirun -n {replicas}"
        )
    asked = replicas or replicas_of_steps(opened, name)
    number = min(asked or size, size)
    ranks = ranks_of(number, size)
    each = f"{ranks[0]}" if ranks[0] == ranks[-1] else f"{ranks[-1]} or {ranks[0]}"
    counted = f"{number} replica{'s' if number > 1 else ''}"
    more = f" (num_replicas = {asked}, but there are no more ranks)" if asked and asked > size else ""
    return {"run": name, "replicas": number, "layout": f"run {name}: {counted}, ranks of each: {each}{more}"}


def replicas_of_steps(opened: Opened, name: str) -> int | None:
    """Return the ``num_replicas`` that a user gave, where all steps that have one agree; else None."""
    record: Mapping[str, Any] | None = opened.catalogue.runs.find(name)
    if record is None:  # its first firework carries what will be the run's document
        record = documents.run_record(opened.launchpad.db, name)
    steps = (record.get("options") or {}).get("steps") or []
    given = {
        int(step["options"]["num_replicas"])
        for step in steps
        if step["options"].get("num_replicas")
        and not str(step.get("origins", {}).get("num_replicas", "default")).startswith("default")
    }
    return given.pop() if len(given) == 1 else None
