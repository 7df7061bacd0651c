"""``genarris-fw costs``: what a run cost."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.views.costs import DEAREST, costs, render
from genarris_fw.views.layout import console


@click.command(name="costs", epilog=example("costs urea --dearest 20"))
@run_argument
@click.option(
    "--dearest",
    type=click.IntRange(0, 10**6),
    default=DEAREST,
    show_default=True,
    help="How many of the dearest structures are named.",
)
@json_option
@database_options
def command(run: str | None, dearest: int, as_json: bool, folder: Path, uri: str | None) -> None:
    """Show what RUN cost: core-seconds and time by stage, then by engine, host and user, and the dearest structures.

    Core time is time by the clock, times the cores that were held meanwhile. Attempts that failed count, too; the
    forecast of "genarris-fw check --keep" stands beside what it became.
    """
    with open_run(run, folder, uri, read_only=True) as (opened, name, _):
        found = costs(opened.catalogue, name, dearest)
    print_json(found) if as_json else console().print(render(found))
