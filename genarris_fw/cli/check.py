"""``genarris-fw check``: what a ui.conf would do, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.main import EXIT_BAD_INPUT, EXIT_OK


@click.command(name="check", short_help="Show what a ui.conf would do, and what is wrong with it.")
@click.argument("ui_conf", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
@click.option("--uri", default=None, help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, the run's folder.")
def command(ui_conf: Path, as_json: bool, uri: str | None) -> int:
    """Show every option of UI_CONF as resolved and from where, and whether everything it needs is here.

    Nothing is changed. The exit code is 2 when something would stop the run.
    """
    from genarris_fw.farm.databases import find_server
    from genarris_fw.options import OptionsError, load
    from genarris_fw.views.checking import check, render
    from genarris_fw.views.layout import console

    try:
        configuration = load(ui_conf)
    except OptionsError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"file": str(ui_conf), "problems": error.problems}, indent=2))
        return EXIT_BAD_INPUT
    found = check(configuration, find_server(Path(configuration.folder), uri))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return EXIT_BAD_INPUT if found["problems"] else EXIT_OK
    console().print(render(found))
    if found["problems"]:
        raise OptionsError(found["problems"])
    click.echo(f"{ui_conf}: everything that run '{configuration.run_name}' needs is here")
    return EXIT_OK
