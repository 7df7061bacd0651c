"""``genarris-fw costs``: what a run cost."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.views.costs import DEAREST, costs, render
from genarris_fw.views.layout import console


@click.command(name="costs")
@click.argument("run", required=False)
@click.option(
    "--dearest",
    type=click.IntRange(0, 10**6),
    default=DEAREST,
    show_default=True,
    help="How many of the dearest structures are named.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
@database_options
def command(run: str | None, dearest: int, as_json: bool, folder: Path, uri: str | None) -> None:
    """Show what RUN cost: core-seconds and time by stage, then by engine, host and user, and the dearest structures.

    Core time is time by the clock, times the cores that were held meanwhile. Attempts that failed count, too; the
    forecast of "genarris-fw check --keep" stands beside what it became. RUN may be left out where there is one.
    """
    with open_existing(folder, uri, read_only=True) as opened:
        found = costs(opened.catalogue, run or _only_run(opened), dearest)
    click.echo(json.dumps(found, indent=2)) if as_json else console().print(render(found))


def _only_run(opened: Opened) -> str:
    names = opened.catalogue.runs.names()
    if len(names) != 1:
        raise InputError(f"which run? this database has {', '.join(names[:10]) or 'none yet'}: name one")
    return names[0]
