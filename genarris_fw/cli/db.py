"""``genarris-fw db``: the embedded database of a folder."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from genarris_fw.catalogue.schema import check_schema
from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.confirming import confirm, yes_option
from genarris_fw.cli.db_roles import roles
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import refuse_absent, refuse_no_folder
from genarris_fw.cli.interrupting import when_interrupted
from genarris_fw.cli.numbers import Number
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.database.backup import backup as write_archive
from genarris_fw.database.find import Database, find_server
from genarris_fw.database.in_job.allocation import LAUNCHPAD, Job, job_script
from genarris_fw.database.in_job.keeper import KeeperSettings
from genarris_fw.database.in_job.start import own_address, start_in_allocation
from genarris_fw.database.launchpads import launchpad, prepare
from genarris_fw.database.redaction import redact, without_password
from genarris_fw.database.restore import of_one_moment
from genarris_fw.database.restore import restore as read_archive
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.files import refuse_odd
from genarris_fw.showing import printable
from genarris_fw.views.waiting import waiting


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``--dir`` and ``--data`` that every command of the group has."""
    function = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the database's files, when they shall not lie in DIR/genarris_db.",
    )(function)
    return click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        help="The run's folder (default: the current one).",
    )(function)


BACKUP_MINUTES = 10.0
uri_option = click.option("--uri", help="Another database than the one found for the folder.")


@click.group()
def command() -> None:
    """The database of a folder: start, stop, look, back up."""


command.add_command(roles)


@command.command(
    short_help="Start the server, or adopt the running one; leave it running.",
    epilog=example("db start", "db start --in-allocation --data /scratch/$USER"),
)
@place_options
@click.option(
    "--in-allocation",
    "in_job",
    is_flag=True,
    help="In a job of a queue: for all nodes of the job, with a password. --data names a folder on the node's own "
    "disk, of which backups are made in DIR/genarris_db; without it the files lie in DIR/genarris_db.",
)
@click.option("--host", help="With --in-allocation: name or address by which the other nodes reach this one.")
@click.option(
    "--backup-every",
    "minutes",
    type=Number(0, 10**6),
    help="With --in-allocation and --data: minutes from one backup to the next (default 10).",
)
@click.option("--no-tls", "plain", is_flag=True, help="With --in-allocation: no encryption.")
@json_option
def start(
    folder: Path,
    data: Path | None,
    in_job: bool,
    host: str | None,
    minutes: float | None,
    plain: bool,
    as_json: bool,
) -> None:
    """Start the embedded server (or adopt the running one) and leave it running."""
    if in_job:
        if minutes is not None and data is None:
            raise InputError("--backup-every needs --data: files in the run's folder need no backups to go on")
        _start_in_allocation(folder, data, host, minutes or BACKUP_MINUTES, plain, as_json)
    elif host or plain or minutes is not None:
        raise InputError("--host, --backup-every and --no-tls go with --in-allocation")
    else:
        _start_here(folder, data, as_json)
    other = find_server(folder)
    if other.server is None:
        click.echo(f"note: commands for this folder use {other} instead", err=True)


def _start_here(folder: Path, data: Path | None, as_json: bool) -> None:
    server = Server(folder, data=data)
    with _plain_warnings(), waiting("starting the database"):
        uri = server.start(keep=True)
        prepare(launchpad(uri))
    if as_json:
        print_json({"uri": redact(uri), "files": str(server.home)})
        return
    click.echo(f"database ready: {redact(uri)}")
    click.echo(f"its files: {server.home}   stop it with: genarris-fw db stop{_place(folder)}")


def _start_in_allocation(
    folder: Path, data: Path | None, host: str | None, minutes: float, plain: bool, as_json: bool
) -> None:
    from genarris_fw.farm.repair.restored import take_up  # a second's imports

    job = Job.here()
    server = Server(folder)
    server.make_home()
    settings = KeeperSettings(
        home=str(server.home),
        job=job.id,
        queue=job.queue,
        address=host or own_address(),
        scratch=str(data.absolute()) if data else None,
        backup_minutes=minutes,
        encrypted=not plain,
        cache_gb=server.cache_gb,
        script=job_script(job),
    )
    found, remarks, now = start_in_allocation(settings)
    for remark in remarks:
        click.echo(f"note: {remark}", err=True)
    pad = launchpad(found.uri)
    prepare(pad)
    # What the last job had under way: its password is not this one's, so none of its rockets is at work here.
    repaired = [printable(line) for line in take_up(pad, of_one_moment=True)] if now else []
    if as_json:
        print_json({"uri": redact(found.uri), "files": str(server.home), "repaired": repaired})
        return
    click.echo(f"database ready: {redact(found.uri)}")
    click.echo(f"for rlaunch: -l {server.home / LAUNCHPAD}   stop it with: genarris-fw db stop{_place(folder)}")
    for line in repaired:
        click.echo(line)


def _place(folder: Path) -> str:
    return "" if folder.absolute() == Path.cwd() else f" --dir {shlex.quote(str(folder))}"


@command.command(epilog=example("db stop"))
@place_options
@click.option("--force", is_flag=True, help="Also when other commands use it.")
@json_option
def stop(folder: Path, data: Path | None, force: bool, as_json: bool) -> None:
    """Stop the embedded server, unless other commands use it."""
    refuse_no_folder(folder)
    server = Server(folder, data=data)
    with waiting("stopping the database"):
        stopped = server.stop(force=force)
    if as_json:
        print_json({"stopped": stopped})
    else:
        click.echo("database stopped" if stopped else "no database is running here")


@command.command(
    short_help="Show whether the server runs, and where its files are.", epilog=example("db status --dir my_folder")
)
@place_options
@json_option
def status(folder: Path, data: Path | None, as_json: bool) -> None:
    """Show whether the embedded server runs, since when, and where its files are."""
    refuse_no_folder(folder)
    answer = Server(folder, data=data).status()
    if as_json:
        print_json(answer)
        return
    state = "ready" if answer["ready"] else "starting or not answering" if answer["running"] else "not running"
    rows = {
        "database": state,
        "uri": answer["uri"],
        "since": answer["started"],
        "process": f"{answer['pid']} on {answer['host']}" if answer["pid"] else None,
        "job": answer["job"],
        "version": answer["version"],
        "in use": ("yes" if answer["in_use"] else "no") if answer["running"] else None,
        "connections": answer["connections"],
        "stays": ("until db stop" if answer["keep"] else "while it is used") if answer["running"] else None,
        "files": answer["data"] if answer["job"] else f"{answer['folder']} ({answer['data_bytes'] / 1e6:.0f} MB)",
        "backup": answer["backups"][0] if answer["backups"] else None,
        "log": answer["log"],
    }
    for name, value in rows.items():
        if value is not None:
            click.echo(f"{name:<12} {value}")


@command.command(short_help="Print the URI of the database, and nothing else.", epilog=example("db uri"))
@place_options
@click.option("--show-password", is_flag=True, help="Print a password that the URI holds.")
@json_option
def uri(folder: Path, data: Path | None, show_password: bool, as_json: bool) -> None:
    """Print the URI of the folder's database, and nothing else."""
    refuse_no_folder(folder)
    database = find_server(folder, data=data)
    found = database.uri if show_password else redact(database.uri)
    print_json({"uri": found}) if as_json else click.echo(found)
    if database.server is not None and not database.server.running():
        click.echo("note: it is not running: genarris-fw db start", err=True)


@command.command(
    short_help="Open the Mongo shell on the database.",
    context_settings={"ignore_unknown_options": True},
    epilog=example("db shell", "db shell --eval 'db.structures.countDocuments()'"),
)
@place_options
@uri_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def shell(folder: Path, data: Path | None, uri: str | None, arguments: tuple[str, ...]) -> int:
    """Open the Mongo shell (mongosh) on the database; ARGUMENTS go to it."""
    program = shutil.which("mongosh")
    if program is None:
        raise DatabaseError("mongosh is not on PATH: `npm install -g mongosh`, or see mongodb.com/try/download/shell")
    with _using(folder, data, uri, there=True) as (_, address):
        # A password would be seen in the list of processes: mongosh asks for it instead.
        shown = without_password(address)
        before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the shell's
        try:
            return subprocess.run([program, shown, *arguments], check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)


@command.command(short_help="Write the whole database to a file.", epilog=example("db backup today.tar.gz"))
@place_options
@uri_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@force_option
@json_option
def backup(folder: Path, data: Path | None, uri: str | None, file: Path, force: bool, as_json: bool) -> None:
    """Write the whole database to FILE (a tar.gz of BSON)."""
    refuse_odd(file)
    refuse_there([file], force, "FILE")
    with _using(folder, data, uri, there=True) as (_, address), waiting("reading the database") as told:
        counts = write_archive(address, file, told=told)
    if as_json:
        print_json({"file": str(file), "collections": counts})
        return
    click.echo(f"{sum(counts.values())} documents of {len(counts)} collections written to {file}")


@command.command(
    short_help="Fill the database from a file.", epilog=example("db restore today.tar.gz --dir another_folder")
)
@place_options
@uri_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what the database holds.")
@yes_option
@json_option
def restore(
    folder: Path, data: Path | None, uri: str | None, file: Path, force: bool, yes: bool, as_json: bool
) -> None:
    """Fill the database from FILE; one that holds documents is refused without --force.

    What its runs had under way is made ready to go on: with `genarris-fw run`, or with rockets.
    """
    from genarris_fw.farm.repair.restored import take_up  # a second's imports

    refuse_odd(file)
    with _using(folder, data, uri) as (database, address), when_interrupted(more="--force"):

        def replace() -> None:
            confirm(f"Replace all that {database} holds?", yes, f"{database} is as it was")

        with waiting() as told:
            counts = read_archive(address, file, force, replace, told)
        pad = launchpad(address)
        prepare(pad)
        check_schema(pad.db)  # the archive may be an older package's
        lines = list(take_up(pad, of_one_moment(file)))
    if as_json:
        print_json({"file": str(file), "collections": counts, "repaired": lines})
        return
    click.echo(f"{sum(counts.values())} documents of {len(counts)} collections restored into {database}")
    for line in lines:
        click.echo(line)


@contextmanager
def _using(folder: Path, data: Path | None, uri: str | None, there: bool = False) -> Iterator[tuple[Database, str]]:
    """Give the folder's database, which must be `there` or is made, and its URI; a server runs meanwhile."""
    database = find_server(folder, uri, data)
    if there:
        refuse_absent(database, folder)
    with _plain_warnings(), database.use() as address:
        yield database, address


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show a warning as one line on stderr."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield
