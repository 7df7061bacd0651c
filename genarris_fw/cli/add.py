"""``genarris-fw add``: put a run on the LaunchPad, or write its workflow for ``lpad add``."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.run import refuse_unavailable
from genarris_fw.farm.moving import settle
from genarris_fw.farm.opening import open_database
from genarris_fw.farm.workflow import add_run, build_workflow
from genarris_fw.options import load


@click.command(name="add")
@click.argument("ui_conf", type=click.Path(path_type=Path))
@click.option(
    "--yaml",
    "yaml_file",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the workflow here; needs no database.",
)
@click.option(
    "--uri",
    default=None,
    help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, an embedded server.",
)
def command(ui_conf: Path, yaml_file: Path | None, uri: str | None) -> None:
    """Add UI_CONF's workflow to the LaunchPad, or write it with --yaml."""
    configuration = load(ui_conf)
    for notice in configuration.notices:
        click.echo(f"note: {notice}", err=True)
    refuse_unavailable(configuration)
    if yaml_file is not None:
        yaml_file.parent.mkdir(parents=True, exist_ok=True)
        build_workflow(configuration).to_file(str(yaml_file), f_format="yaml")
        click.echo(f"{yaml_file}: workflow of run '{configuration.run_name}'; add it with: lpad add {yaml_file}")
        return
    with open_database(Path(configuration.folder), uri) as opened:
        if moved := settle(opened.launchpad, configuration, opened.own_folder is not None):
            click.echo(moved)
        run = configuration.run_name
        added = add_run(opened.launchpad, configuration)
        begun = opened.catalogue.runs.state(run)
        if begun == "finished":
            click.echo(f"run '{run}' is finished: nothing to do")
            return
        state = "is there already"
        if added:
            again = "added anew, since its workflow was deleted or archived: what is done stays"
            state = again if begun else "added"
        click.echo(f"run '{run}' {state}; carry it out with: rlaunch rapidfire, qlaunch rapidfire")
