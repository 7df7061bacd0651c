"""``genarris-fw status``: how far a run is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import all_runs, database_options, open_existing, run_argument, the_run, whereabouts
from genarris_fw.database.copies import folder_now
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.views.layout import console
from genarris_fw.views.status import STYLES, has_workflow, pools_of, render, shown_state, status, waiting_runs

SECONDS_BETWEEN_LOOKS = 1.0


@click.command(name="status", epilog=example("status", "status urea --watch"))
@run_argument
@json_option
@click.option("--watch", is_flag=True, help="Look again every second until the run is over; JSON is a line a look.")
@database_options
def command(run: str | None, as_json: bool, watch: bool, folder: Path, uri: str | None) -> None:
    """Show how far RUN is: per procedure what waits, runs, is done, failed or lost, the rate and the time left.

    With several hosts, what each of them gets done; and the replicas that took themselves out of work.
    Without RUN: the only run of the database, or the list of its runs.
    """
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri, read_only=True) as opened:
        name = the_run(opened, run) if run else _only_run(opened)
        if name is None:
            runs = _runs(opened)
            print_json(runs) if as_json else console().print(_table(runs))
        elif watch:
            _watch(opened, name, as_json)
        else:
            found = _status(opened, name)
            print_json(found) if as_json else console().print(render(found))


def _only_run(opened: Opened) -> str | None:
    names = all_runs(opened)
    return names[0] if len(names) == 1 else None


def _status(opened: Opened, run: str) -> dict[str, Any]:
    try:
        return status(opened.catalogue, run) | {"folder": _folder(opened, opened.catalogue.runs.place(run))}
    except InputError:
        if has_workflow(opened.catalogue, run):
            raise InputError(f"run '{run}' waits for its first rocket: genarris-fw run, or rlaunch rapidfire") from None
        raise


def _folder(opened: Opened, record: RunDocument | None) -> str | None:
    if record is None:
        return None
    return folder_now(record, opened.own_folder) if opened.own_folder else record.get("folder")


def _watch(opened: Opened, run: str, as_json: bool) -> None:
    found = _status(opened, run)
    with Live(render(found), auto_refresh=False, console=Console(quiet=True) if as_json else console()) as live:
        while True:
            click.echo(json.dumps(found)) if as_json else live.update(render(found), refresh=True)
            if found["state"] != "running" or found["workflow"] is False:
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
            found = _status(opened, run)


def _runs(opened: Opened) -> list[dict[str, Any]]:
    begun = [
        {
            "run": record["_id"],
            "state": shown_state(record["state"], workflow),
            "created": record["created"].isoformat(timespec="seconds"),
            "folder": _folder(opened, record),
            "pools": pools_of(opened.catalogue, record),
            "workflow": workflow,
        }
        for record in opened.catalogue.runs.listed()
        for workflow in [None if record["state"] == IMPORTED else has_workflow(opened.catalogue, record["_id"])]
    ]
    waiting: list[dict[str, Any]] = [
        {
            "run": run,
            "state": "waiting",
            "created": moment.isoformat(timespec="seconds") if moment else None,
            "folder": None,
            "pools": {},
            "workflow": True,
        }
        for run, moment in waiting_runs(opened.catalogue).items()
    ]
    return waiting + begun


def _table(runs: list[dict[str, Any]]) -> Table | Text:
    if not runs:
        return Text("no run in this database yet")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("run", "state", "created (UTC)"):
        table.add_column(column, no_wrap=True)
    for column in ("pools", "folder"):
        table.add_column(column, overflow="fold")
    for entry in runs:
        pools = ", ".join(f"{name} {number}" for name, number in entry["pools"].items())
        state = Text(entry["state"], STYLES.get(entry["state"], ""))
        if entry["workflow"] is False and entry["state"] == "failed":
            state.append(", no workflow", "yellow")
        created = (entry["created"] or "")[:16].replace("T", " ")
        table.add_row(Text(entry["run"]), state, created, Text(pools), Text(str(entry["folder"] or "")))
    return table
