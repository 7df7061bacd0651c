"""``genarris-fw compare``: the measured crystal beside those of a pool."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import Opened


@click.command(name="compare")
@click.argument("run", required=False)
@click.option(
    "--experiment",
    "measured",
    type=click.Path(path_type=Path),
    default=None,
    help="The measured crystal: a CIF, or another file that is read (default: that of the run).",
)
@click.option("--record", type=int, default=None, help="Which of several crystals in that file, from 1.")
@click.option("--pool", default=None, help="Which pool (default: the one that the last step made).")
@click.option("--molecules", type=int, default=15, show_default=True, help="Molecules of a cluster: 15, 20 or 30.")
@click.option("--nearest", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many are shown.")
@click.option(
    "--overlay",
    "target",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the nearest one laid upon the experiment: .cif, .png, .svg, .pdf; without ending the first three.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@database_options
def command(
    run: str | None,
    measured: Path | None,
    record: int | None,
    pool: str | None,
    molecules: int,
    nearest: int,
    target: Path | None,
    force: bool,
    as_json: bool,
    folder: Path,
    uri: str | None,
) -> None:
    """Look for the measured crystal in a pool of RUN: clusters of molecules, powder patterns, ranks.

    RUN may be left out where the database has one.
    """
    from genarris_fw.comparing.experiment import read_experiment
    from genarris_fw.pools.exporting import last_pool
    from genarris_fw.views.compared import compare, overlay_files, own_experiment, render, write_overlay
    from genarris_fw.views.layout import console

    files = [] if target is None else overlay_files(target)
    if there := [file for file in files if file.exists() and not force]:
        raise InputError(f"{there[0]}: is there already; give --force to overwrite it, or another --overlay")
    if record is not None and measured is None:
        raise InputError("--record says which crystal of a file; give the file too: --experiment FILE")
    given = None if measured is None else read_experiment(measured, record)
    with open_existing(folder, uri, read_only=True) as opened:
        name = run or _only_run(opened)
        catalogue = opened.catalogue
        chosen = pool or last_pool(catalogue, name)
        experiment = given or own_experiment(catalogue, name)
        found = compare(catalogue, name, chosen, experiment, molecules, nearest)
    if files:
        write_overlay(found, experiment, files)
    if as_json:
        about = {"run": name, "pool": chosen, **found.to_dict(), "overlay": [str(file) for file in files]}
        click.echo(json.dumps(about, indent=2))
        return
    console().print(render(found, name, chosen))
    if files:
        console().print(f"overlay of {found.nearest[0].struct_id}: {', '.join(map(str, files))}")


def _only_run(opened: Opened) -> str:
    names = opened.catalogue.runs.names()
    if len(names) != 1:
        raise InputError(f"which run? the database has {', '.join(names) or 'none'}; name one")
    return names[0]
