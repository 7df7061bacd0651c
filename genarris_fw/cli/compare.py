"""``genarris-fw compare``: the measured crystal beside those of a pool."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.errors import InputError


@click.command(name="compare", epilog=example("compare urea --experiment urea.cif --overlay nearest"))
@run_argument
@click.option(
    "--experiment",
    "measured",
    type=click.Path(path_type=Path),
    default=None,
    help="The measured crystal: a CIF, or another file that is read (default: that of the run).",
)
@click.option("--record", type=int, default=None, help="Which of several crystals in that file, from 1.")
@click.option(
    "--pool", default=None, shell_complete=pool_names, help="Which pool (default: the one that the last step made)."
)
@click.option("--molecules", type=int, default=15, show_default=True, help="Molecules of a cluster: 15, 20 or 30.")
@click.option("--nearest", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many are shown.")
@click.option(
    "--overlay",
    "target",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the nearest one laid upon the experiment: .cif, .png, .svg, .pdf; without ending the first three.",
)
@force_option
@json_option
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
    """Look for the measured crystal in a pool of RUN: clusters of molecules, powder patterns, ranks."""
    from genarris_fw.comparing.experiment import read_experiment
    from genarris_fw.pools.exporting import last_pool
    from genarris_fw.views.compared import compare, overlay_files, own_experiment, render, write_overlay
    from genarris_fw.views.layout import console
    from genarris_fw.views.waiting import waiting

    files = [] if target is None else overlay_files(target)
    refuse_there(files, force, "--overlay")
    if record is not None and measured is None:
        raise InputError("--record says which crystal of a file; give the file too: --experiment FILE")
    given = None if measured is None else read_experiment(measured, record)
    with open_run(run, folder, uri, read_only=True) as (opened, name, _):
        catalogue = opened.catalogue
        chosen = pool or last_pool(catalogue, name)
        experiment = given or own_experiment(catalogue, name)
        with waiting("comparing") as told:
            of = catalogue.structures.count(name, chosen)
            found = compare(
                *(catalogue, name, chosen, experiment, molecules, nearest),
                watch=lambda done: told("comparing structures", done, of),
            )
    if files:
        write_overlay(found, experiment, files)
    if as_json:
        print_json({"run": name, "pool": chosen, **found.to_dict(), "overlay": [str(file) for file in files]})
        return
    console().print(render(found, name, chosen))
    if files:
        console().print(f"overlay of {found.nearest[0].struct_id}: {', '.join(map(str, files))}")
