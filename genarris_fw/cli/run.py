"""``genarris-fw run``: carry out a ui.conf here, or continue where it was interrupted."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console

from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import opening
from genarris_fw.cli.main import EXIT_OK, EXIT_RUN_FAILED, EXIT_SOME_FAILED
from genarris_fw.cli.walltime import walltime_option
from genarris_fw.database.find import find_server
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.engines import installed
from genarris_fw.errors import InputError
from genarris_fw.farm.launch.rockets import Rockets
from genarris_fw.farm.moving import settle
from genarris_fw.farm.opening import Opened
from genarris_fw.farm.repair.deleted import restore_deleted_sides
from genarris_fw.farm.repair.recovery import recover
from genarris_fw.farm.repair.retrying import rerun_fizzled
from genarris_fw.farm.workflow import add_run
from genarris_fw.logs import merge
from genarris_fw.options import Configuration, OptionsError, load
from genarris_fw.patience import patiently
from genarris_fw.showing import printable
from genarris_fw.views.closing import closing, render
from genarris_fw.views.layout import console as standard_output
from genarris_fw.views.progress import Progress
from genarris_fw.views.status import status
from genarris_fw.walltime import in_allocation

CONTINUE = "nothing acknowledged is lost: run the same command again to continue, when the server is there"


@click.command(name="run", epilog=example("run ui.conf", "run my_folder/ui.conf --workers 4"))
@click.argument("ui_conf", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 512), default=None, help="Rockets at a time (default: the cores).")
@click.option(
    "--uri",
    default=None,
    help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, an embedded server.",
)
@walltime_option
@click.option("--quiet", is_flag=True, help="No progress display, only the closing table.")
@json_option
def command(ui_conf: Path, workers: int | None, uri: str | None, walltime: None, quiet: bool, as_json: bool) -> int:
    """Carry out UI_CONF here; called again it continues, and does nothing on a finished run."""
    configuration = load(ui_conf)
    console = standard_output(stderr=as_json)
    for notice in configuration.notices:
        console.print(f"note: {notice}", style="dim", markup=False, highlight=False, soft_wrap=True)
    refuse_unavailable(configuration)
    folder = Path(configuration.folder)
    with sigterm_interrupts(), only_one(folder, configuration.run_name), opening(folder, uri, CONTINUE) as opened:
        try:
            record = carry_out(opened, configuration, workers or os.cpu_count() or 1, quiet, console)
        finally:  # an interrupted run has a log as well
            with suppress(OSError):  # a full disk: the run's own failure says so
                merge(folder)
        found = closing(opened.catalogue, configuration.run_name)
    print_json(found) if as_json else console.print(render(found))
    if (server := find_server(folder, uri).server) is not None and (why := server.stays()):
        console.print(why, style="dim", markup=False, highlight=False, soft_wrap=True)
    if record.get("state") == "failed":
        click.echo(printable(f"genarris-fw: run '{configuration.run_name}' failed: {record.get('failure')}"), err=True)
        return EXIT_RUN_FAILED
    return EXIT_SOME_FAILED if record.get("failed_items") else EXIT_OK


def carry_out(opened: Opened, configuration: Configuration, workers: int, quiet: bool, console: Console) -> RunDocument:
    """Add the run when it is new, mend what was interrupted, launch rockets until it is over."""
    for step in configuration.steps:
        PROCEDURES.load(step.procedure)  # what cannot be imported is said here, not in a worker's log
    if moved := settle(opened.launchpad, configuration, opened.own_folder is not None):
        console.print(moved, markup=False, highlight=False, soft_wrap=True)
    run, folder = configuration.run_name, Path(configuration.folder)
    added = add_run(opened.launchpad, configuration, workers)
    record = opened.catalogue.runs.find(run) or {}
    if record.get("state") == "finished":
        console.print(f"run '{run}' is finished: nothing to do")
        return record
    if added and record:
        console.print(f"run '{run}': its workflow was deleted or archived; it is added anew, and what is done stays")
    if not added or record:
        rerun_fizzled(opened.launchpad, run)
        opened.catalogue.runs.resumed(run)
        # Nobody else launches rockets for this run here, so what lost its rocket is lost for certain.
        for line in recover(opened.launchpad, run, grace_seconds=15):
            console.print(f"recovered: {line}", style="dim", markup=False, highlight=False, soft_wrap=True)
        if not added:
            restore_deleted_sides(opened.launchpad, run)
        console.print(f"continuing run '{run}'")
    opened.catalogue.runs.set(run, workers=workers)
    with (
        Progress(console, quiet=quiet) as progress,
        Rockets(opened.launchpad, run, folder, workers, opened.keep_open) as rockets,
    ):

        def look(record: RunDocument) -> None:
            if record and record.get("workers") != workers:
                opened.catalogue.runs.set(run, workers=workers)
            if record:
                progress.update(status(opened.catalogue, run))

        # A server elsewhere may come back; the folder's own is started again by the next command.
        return rockets.watch(look) if opened.keep_open else patiently(lambda: rockets.watch(look))


def refuse_unavailable(configuration: Configuration) -> None:
    """Refuse a run whose engine is not to be had here, or one of whose steps cannot be carried out.

    Raises
    ------
    InputError
        Naming the engine and the installed ones.
    OptionsError
        With what would stop the steps, a line each.
    """
    missing = configuration.unavailable_engines()
    if missing:
        engines = installed()
        here = ", ".join(name for name, (available, _) in engines.items() if available) or "none"
        reasons = "; ".join(f"{name} cannot be used here ({engines[name][1]})" for name in missing)
        raise InputError(f"{configuration.path}: engine {reasons}; set engine to one of those that can: {here}")
    if problems := configuration.problems_here():
        raise OptionsError(problems)


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C: the folder's own server ends in order too. In an allocation it is a warning."""
    if in_allocation():
        yield
        return
    as_ctrl_c = signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGTERM, as_ctrl_c if callable(as_ctrl_c) else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def only_one(folder: Path, run: str) -> Iterator[None]:
    """Let one command at a time carry out a run in a folder; the kernel frees the lock when it dies.

    Raises
    ------
    InputError
        When another command does so now.
    """
    place = folder / ".genarris_fw"
    try:
        place.mkdir(parents=True, exist_ok=True)
        file = (place / f"{run}.lock").open("a+")
    except OSError as error:
        raise InputError(f"{place}: cannot be written ({error.strerror}); the run's folder must be writable") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip() or "another command"
            raise InputError(
                f"run '{run}' is already being carried out here by {who}; watch it with: genarris-fw status {run}"
            ) from None
        with suppress(OSError):  # a full disk is told of where it matters
            os.truncate(file.fileno(), 0)
            os.write(file.fileno(), f"process {os.getpid()}".encode())
        yield
