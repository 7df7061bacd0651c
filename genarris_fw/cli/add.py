"""``genarris-fw add``: put a run on the LaunchPad, or write its workflow for ``lpad add``."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import opening
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.cli.run import refuse_unavailable
from genarris_fw.farm.moving import settle
from genarris_fw.farm.workflow import add_run, build_workflow
from genarris_fw.options import load
from genarris_fw.showing import printable


@click.command(
    name="add", epilog=example("add ui.conf", "add ui.conf --yaml workflow.yaml    # for: lpad add workflow.yaml")
)
@click.argument("ui_conf", type=click.Path(path_type=Path))
@click.option(
    "--yaml",
    "yaml_file",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the workflow here; needs no database.",
)
@force_option
@json_option
@click.option(
    "--uri",
    default=None,
    help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, an embedded server.",
)
def command(ui_conf: Path, yaml_file: Path | None, force: bool, as_json: bool, uri: str | None) -> None:
    """Add UI_CONF's workflow to the LaunchPad, or write it with --yaml."""
    configuration = load(ui_conf)
    for notice in configuration.notices:
        click.echo(f"note: {notice}", err=True)
    refuse_unavailable(configuration)
    run = configuration.run_name
    if yaml_file is not None:
        refuse_there([yaml_file], force, "--yaml")
        yaml_file.parent.mkdir(parents=True, exist_ok=True)
        build_workflow(configuration).to_file(str(yaml_file), f_format="yaml")
        said = f"{yaml_file}: workflow of run '{run}'; add it with: lpad add {yaml_file}"
        print_json({"run": run, "file": str(yaml_file)}) if as_json else click.echo(printable(said))
        return
    with opening(Path(configuration.folder), uri) as opened:
        if moved := settle(opened.launchpad, configuration, opened.own_folder is not None):
            click.echo(moved, err=as_json)
        added = add_run(opened.launchpad, configuration)
        begun = opened.catalogue.runs.state(run)
    if as_json:
        print_json({"run": run, "added": added, "state": begun})
    elif begun == "finished":
        click.echo(f"run '{run}' is finished: nothing to do")
    else:
        state = "is there already"
        if added:
            again = "added anew, since its workflow was deleted or archived: what is done stays"
            state = again if begun else "added"
        click.echo(f"run '{run}' {state}; carry it out with: rlaunch rapidfire, qlaunch rapidfire")
